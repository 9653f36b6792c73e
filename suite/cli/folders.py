"""This module loads specs and plug-ins for the commands, and checks folders of results."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from suite.cli.errors import fail
from suite.cli.options import SpecOptions
from suite.plugins.loading import load_installed, load_plugin, loaded_plugins
from suite.results.folder import Results
from suite.runs.run import check_owner
from suite.spec.changes import parse_changes, parse_data
from suite.spec.load import Study, load_studies
from suite.spec.quick import QUICK, quick


def load_plugins(files: list[Path] | None) -> None:
    """Load the plug-ins of installed packages and of these files."""
    load_installed()
    for file in files or ():
        load_plugin(file)


def load_specs(options: SpecOptions) -> list[Study]:
    """Load the plug-ins, then the studies."""
    load_plugins(options.plugins)
    studies = load_studies(options.paths, parse_changes(options.changes or ()), parse_data(options.data or ()))
    return [quick(study) for study in studies] if options.in_part else studies


def check_folder(results: Path) -> None:
    """End the command if the results folder is a file, before anything is computed."""
    if results.exists() and not results.is_dir():
        fail(f"{results}: not a folder; use another one with --results")


def check_tables(studies: Sequence[Study], results: Path) -> None:
    """End the command if a study has no results, or only reference results, which lack raw values."""
    lacking = [study for study in studies if not _was_run(results / study.spec.name)]
    if lacking:
        names = ", ".join(study.spec.name for study in lacking)
        fail(
            f"{results}: no results of {names}; {_hint_other_version(lacking, results)}"
            f"run the spec first: {run_into(results, lacking)}"
        )
    for study in studies:
        found = Results(results / study.spec.name)
        with damage_explained(found):
            references = found.is_reference
        check_owner(study, found.folder, reads_only=True)
        if references:
            fail(
                f"{found.folder}: these are reference results without raw values, which only `compare` reads; "
                f"use --results with the results of a run: {run_into(Path('results'), [study])}"
            )


def _was_run(folder: Path) -> bool:
    return (folder / "run.json").exists()


def _hint_other_version(lacking: Sequence[Study], results: Path) -> str:
    """Return a hint if results exist of the quick or the whole version of studies that lack results.

    The hint says how to select that version. It is empty if there are no such results.
    """
    tenths = [name for study in lacking if _was_run(results / (name := study.spec.name + QUICK))]
    wholes = [
        name
        for study in lacking
        if study.spec.name.endswith(QUICK) and _was_run(results / (name := study.spec.name.removesuffix(QUICK)))
    ]
    for names, how in ((tenths, "add --quick"), (wholes, "remove --quick")):
        if names:
            return f"{how} to use the results of {', '.join(names)}, or "
    return ""


@contextmanager
def damage_explained(found: Results) -> Iterator[None]:
    """Turn errors from reading damaged, missing or outdated tables into a message with their folder."""
    try:
        yield
    except KeyError as error:
        fail(f"{found.folder}: the tables are from another version and lack {error}; run the spec again")
    except (OSError, ValueError) as error:
        fail(f"{found.folder}: the tables are damaged or missing ({error}); run the spec again")


def alike(first: Path, second: Path) -> list[tuple[Path, Path]]:
    """Return pairs of study folders to compare.

    If both folders are those of a study, they are the only pair. Otherwise there is one pair per study that both
    results folders contain. The command ends if there is none.
    """
    for folder in (first, second):
        if not folder.is_dir():
            fail(f"{folder}: no such folder; use a results folder, or the folder of one study in it")
    if (first / "run.json").exists() and (second / "run.json").exists():
        return [(first, second)]
    names = [{file.parent.name for file in folder.glob("*/run.json")} for folder in (first, second)]
    if not (both := sorted(names[0] & names[1])):
        found = "; ".join(
            f"{folder} has {', '.join(sorted(each)) or 'none'}"
            for folder, each in zip((first, second), names, strict=True)
        )
        fail(f"the folders have no study in common ({found}); use the folders of two studies, such as {first / 'NAME'}")
    return [(first / name, second / name) for name in both]


def run_into(results: Path, studies: Sequence[Study]) -> str:
    """Return the command that runs studies into a results folder, with `PATH...` for several files."""
    plugins = [word for each in loaded_plugins() if each.content is not None for word in ("--plugin", each.name)]
    options, files = studies[0].asked[:-1], [study.asked[-1] for study in studies if study.asked]
    words = [*plugins, *options, *(files if len(files) == 1 else ["PATH..."])]
    where = [] if results == Path("results") else ["--results", str(results)]
    return f"python -m suite run {shlex.join([*words, *where])}"
