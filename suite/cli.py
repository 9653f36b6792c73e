"""The commands; the only place that turns errors into exit codes."""

import json
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from suite.spec.problems import SpecError

if TYPE_CHECKING:
    from suite.runs.results import Results
    from suite.spec.load import Study

app = typer.Typer(
    help="Benchmarks of what makes multi-layer perceptrons trainable: specs in, tables and charts out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

LACKING = 1
FAULTY = 2
UNEXPECTED = 3
INTERRUPTED = 130


class Device(StrEnum):
    """Where networks are computed."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


Specs = Annotated[
    list[Path],
    typer.Argument(metavar="PATH...", help="Spec files, or folders: their .toml files, not their subfolders."),
]
ResultsFolder = Annotated[Path, typer.Option("--results", metavar="DIR", help="Where results are kept.")]
MustHold = Annotated[
    bool, typer.Option("--claims-must-hold", help="Exit code 3 where a claim's verdict is not the expected one.")
]
Quick = Annotated[
    bool, typer.Option("--quick", help="A tenth of the draws, steps and replicates, under a name that says so.")
]


@app.command()
def run(
    paths: Specs,
    results: ResultsFolder = Path("results"),
    device: Annotated[Device, typer.Option(help="Where to compute; auto takes a GPU if there is one.")] = Device.auto,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes; if not said, one a core where it pays, or one a GPU."),
    ] = None,
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="Compile the passes of narrow networks; pays from some 100,000 draws a member."),
    ] = False,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Compute one of N parts alone; `merge` makes the tables."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Have a Dask cluster compute, such as tcp://host:8786; takes the extra `dask`."
        ),
    ] = None,
    shared: Annotated[
        bool,
        typer.Option(
            "--shared", help="The cluster's workers write to DIR themselves, which all of them have at one path."
        ),
    ] = False,
    must_hold: MustHold = False,
    in_part: Quick = False,
) -> None:
    """Compute what is missing of the studies, then write their tables and reports where these are not up to date."""
    with _errors_as_exit_codes(), _terminated_as_interrupted():
        # Each command loads what it needs: --help is instant.
        from suite.claims.tell import kept_rows, lines_of, surprising  # noqa: PLC0415
        from suite.progress import Progress  # noqa: PLC0415
        from suite.runs.resources import Resources  # noqa: PLC0415
        from suite.runs.run import complete, run_shard  # noqa: PLC0415
        from suite.runs.shards import parse_shard  # noqa: PLC0415

        resources = Resources(device.value, workers, compiled, scheduler, shared)
        part = parse_shard(shard) if shard is not None else None
        studies = _loaded(paths, in_part)
        _check_folder(results)
        failed = surprises = 0
        for study in studies:
            _warn(study.warnings)
            with Progress(study) as progress:
                how = (resources, progress.announce)
                found = run_shard(study, results, part, *how) if part else complete(study, results, *how)
            failed += len(found.failures)
            _tell_failures(found)
            if part:
                typer.echo(f"{study.spec.name}: part {part.part} of {part.of} is in {found.folder / 'cells'}")
            elif found.has_tables:
                _warn_of_imprecise(found.imprecise())
                verdicts = kept_rows(found.folder)
                surprises += surprising(verdicts)
                for line in lines_of(study.spec.name, verdicts):
                    typer.echo(line)
                typer.echo(f"{study.spec.name}: {found.report}")
        if failed:
            raise typer.Exit(LACKING)
        if must_hold and surprises:
            raise typer.Exit(UNEXPECTED)


@app.command()
def plan(
    paths: Specs,
    results: ResultsFolder = Path("results"),
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processes to plan for; as `run` would have if not said.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same for programs to read.")] = False,
) -> None:
    """Say what a run would compute and why, and about what time, memory and disk it takes. Stores nothing."""
    with _errors_as_exit_codes(), _terminated_as_interrupted():
        from suite.runs.plan import plan_of, tell  # noqa: PLC0415
        from suite.spec.load import load_studies  # noqa: PLC0415

        _check_folder(results)
        plans = [plan_of(study, results, workers) for study in load_studies(paths)]
        if as_json:
            typer.echo(json.dumps([found.as_json() for found in plans], indent=2))
        else:
            for line in tell(plans):
                typer.echo(line)


@app.command()
def merge(paths: Specs, results: ResultsFolder = Path("results")) -> None:
    """Make the tables and reports of studies that were run in parts, or say what is missing. Computes nothing."""
    with _errors_as_exit_codes(), _terminated_as_interrupted():
        from collections import Counter  # noqa: PLC0415

        from suite.runs.resources import Resources  # noqa: PLC0415
        from suite.runs.run import complete, survey  # noqa: PLC0415
        from suite.spec.load import load_studies  # noqa: PLC0415

        _check_folder(results)
        incomplete = False
        for study in load_studies(paths):
            cells, kept = survey(study, results)
            missing = Counter(cell.name for cell in cells if cell.key not in kept)
            if missing:
                incomplete = True
                counts = ", ".join(f"{number} of {name}" for name, number in missing.items())
                folder = results / study.spec.name / "cells"
                typer.echo(
                    f"{study.spec.name}: {missing.total()} cells are missing from {folder}: "
                    f"{counts}; copy them there, or compute them: {_run_into(results)}",
                    err=True,
                )
            else:
                typer.echo(f"{study.spec.name}: {complete(study, results, Resources('cpu', workers=1)).report}")
        if incomplete:
            raise typer.Exit(LACKING)


@app.command("claims")
def judge_claims(
    paths: Specs,
    results: ResultsFolder = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="The same for programs to read.")] = False,
    must_hold: MustHold = False,
    in_part: Quick = False,
) -> None:
    """Judge the specs' claims by what the results folder holds, without computing."""
    with _errors_as_exit_codes():
        from suite.claims.judge import judge_results  # noqa: PLC0415
        from suite.claims.tell import as_json as in_json  # noqa: PLC0415
        from suite.claims.tell import lines_of, rows_of, surprising  # noqa: PLC0415
        from suite.runs.results import Results  # noqa: PLC0415

        studies = _loaded(paths, in_part)
        _check_tables(studies, results)
        rows: list[dict[str, Any]] = []
        surprises = 0
        for study in studies:
            found = Results(results / study.spec.name)
            with _damage_explained(found):
                verdicts = rows_of(judge_results(study.spec.claim, found), study.spec.source)
            surprises += surprising(verdicts)
            rows += in_json(study.spec.name, verdicts)
            for line in () if as_json else lines_of(study.spec.name, verdicts):
                typer.echo(line)
        if as_json:
            typer.echo(json.dumps(rows, indent=2))
        if must_hold and surprises:
            raise typer.Exit(UNEXPECTED)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A results folder, or one study's in it.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another.")],
    as_json: Annotated[bool, typer.Option("--json", help="The same for programs to read.")] = False,
) -> None:
    """Compare two runs: spec, environment, numbers beyond chance, and verdicts; exit code 1 where a verdict changed."""
    with _errors_as_exit_codes():
        from suite.claims.compare import compare as compared  # noqa: PLC0415
        from suite.claims.compare import lines_of  # noqa: PLC0415
        from suite.runs.results import Results  # noqa: PLC0415

        found = []
        for one, other in _alike(first, second):
            results = Results(one), Results(other)
            with _damage_explained(results[0]), _damage_explained(results[1]):
                found.append(compared(*results))
        for line in () if as_json else (line for each in found for line in lines_of(each)):
            typer.echo(line)
        if as_json:
            typer.echo(json.dumps([each.as_json() for each in found], indent=2))
        if any(each.verdicts for each in found):
            raise typer.Exit(LACKING)


@app.command()
def check(paths: Specs) -> None:
    """Check specs without computing anything."""
    with _errors_as_exit_codes():
        from suite.catalog.measures import precisely  # noqa: PLC0415
        from suite.spec.load import load_studies  # noqa: PLC0415

        for study in load_studies(paths):
            _warn(study.warnings)
            number = len(study.members)
            measures = ", ".join(name + precisely(name, settings) for name, settings in study.spec.measures.items())
            typer.echo(f"{study.spec.name}: {number} member{'' if number == 1 else 's'}; {measures}")


@app.command("list")
def list_entries() -> None:
    """List what a spec can name: measures, activations, initialisations, tasks, domains, optimisers."""
    from suite.catalog.activations import ACTIVATIONS  # noqa: PLC0415
    from suite.catalog.domain import DOMAINS  # noqa: PLC0415
    from suite.catalog.initializations import INITIALIZATIONS  # noqa: PLC0415
    from suite.catalog.measures import MEASURES  # noqa: PLC0415
    from suite.catalog.optimizers import OPTIMIZERS  # noqa: PLC0415
    from suite.catalog.tasks import TASKS  # noqa: PLC0415

    tables = {
        "measures": {
            name: measure.summary + (f"; precision is of {measure.headline}" if measure.headline else "")
            for name, measure in MEASURES.items()
        },
        "activations": {name: entry.formula for name, entry in ACTIVATIONS.items()},
        "initialisations": {name: entry.formula for name, entry in INITIALIZATIONS.items()},
        "tasks": {name: entry.formula for name, entry in TASKS.items()},
        "domains": {name: entry.formula for name, entry in DOMAINS.items()},
        "optimisers": {name: entry.formula for name, entry in OPTIMIZERS.items()},
    }
    for title, lines in tables.items():
        typer.echo(title)
        for name, line in lines.items():
            typer.echo(f"  {name:<19} {line}")


@app.command()
def report(paths: Specs, results: ResultsFolder = Path("results")) -> None:
    """Draw the reports again from the tables that a run has left, without computing."""
    with _errors_as_exit_codes():
        from suite.report.page import write_report  # noqa: PLC0415
        from suite.runs.results import Results  # noqa: PLC0415
        from suite.spec.load import load_studies  # noqa: PLC0415

        studies = load_studies(paths)
        _check_tables(studies, results)
        for study in studies:
            found = Results(results / study.spec.name)
            with _damage_explained(found):
                if found.run["spec"] != study.spec.as_run():
                    typer.echo(
                        f"{study.spec.name}: the spec has changed since these tables; run it again (warning)", err=True
                    )
                page = write_report(found)
            typer.echo(f"{study.spec.name}: {page}")


def main() -> None:
    """The command line's entry point."""
    app(prog_name="python -m suite")


_LESS = "ask for smaller networks or fewer points, or free memory"


@contextmanager
def _errors_as_exit_codes() -> Iterator[None]:
    try:
        yield
    except SpecError as error:
        _fail(str(error))
    except BrokenPipeError:
        raise  # nobody reads on, which typer ends quietly; no fault of the results
    except ConnectionError as error:
        _fail(f"error: {error}")
    except OSError as error:
        what = (
            f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error.strerror or str(error)
        )
        _fail(f"error: {what}; check that the results folder is whole and can be written")
    except ValueError as error:
        _fail(f"error: {error}")
    except MemoryError as error:
        _fail(f"error: out of memory; what is finished is kept: {error or _LESS}")
    except KeyboardInterrupt:
        typer.echo("interrupted; what is finished is kept, and the same command goes on from there", err=True)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM, by which clusters and `kill` end a run, and SIGHUP of a closed terminal are taken as Ctrl-C is, once."""
    ends = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    found = {end: signal.getsignal(end) for end in ends}
    before = {end: handler for end, handler in found.items() if handler is not signal.SIG_IGN}  # as under nohup

    def interrupt(*_: object) -> None:
        for end in before:  # the run is ending already
            signal.signal(end, signal.SIG_IGN)
        raise KeyboardInterrupt

    for end in before:
        signal.signal(end, interrupt)
    try:
        yield
    finally:
        for end, handler in before.items():
            if signal.getsignal(end) is interrupt:
                signal.signal(end, handler)


def _run_into(results: Path) -> str:
    """The command that fills a results folder."""
    return "python -m suite run PATH" + ("" if results == Path("results") else f" --results {results}")


def _alike(first: Path, second: Path) -> list[tuple[Path, Path]]:
    """The folders of studies that two results folders both have, or these folders themselves."""
    if (first / "run.json").exists() and (second / "run.json").exists():
        return [(first, second)]
    names = [{file.parent.name for file in folder.glob("*/run.json")} for folder in (first, second)]
    if not (both := sorted(names[0] & names[1])):
        _fail(f"{first} and {second} have no study in common; name two results folders, or one study's in each")
    return [(first / name, second / name) for name in both]


def _loaded(paths: list[Path], in_part: bool) -> "list[Study]":
    """The studies, or a tenth of each."""
    from suite.spec.load import load_studies  # noqa: PLC0415

    studies = load_studies(paths)
    if not in_part:
        return studies
    from suite.spec.quick import quick  # noqa: PLC0415

    return [quick(study) for study in studies]


def _check_tables(studies: "Sequence[Study]", results: Path) -> None:
    """What was never run has no tables to look at."""
    lacking = [study.spec.name for study in studies if not (results / study.spec.name / "run.json").exists()]
    if lacking:
        _fail(f"{results}: no results of {', '.join(lacking)}; run the spec first: {_run_into(results)}")


@contextmanager
def _damage_explained(found: "Results") -> Iterator[None]:
    """Tables that cannot be read are told by their folder."""
    try:
        yield
    except KeyError as error:
        _fail(f"{found.folder}: tables of another version, without {error}; run the spec again")
    except (OSError, ValueError) as error:
        _fail(f"{found.folder}: tables that are damaged or missing ({error}); run the spec again")


def _fail(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(FAULTY)


def _warn(warnings: Iterable[object]) -> None:
    for warning in warnings:
        typer.echo(f"{warning} (warning)", err=True)


def _warn_of_imprecise(lines: list[str]) -> None:
    _warn(lines[:_SHOWN])
    if len(lines) > _SHOWN:
        typer.echo(f"and {len(lines) - _SHOWN} more like these; precision.csv has every one (warning)", err=True)


_SHOWN = 8
"""Lines of what did not become as precise as asked; a study may have hundreds of members."""


def _tell_failures(found: "Results") -> None:
    """A line each cell that failed, and where to read on."""
    for failure in found.failures[:_SHOWN]:
        typer.echo(
            f"{found.name}: {failure['measure']} of {failure['member']}, draws {failure['first']} to "
            f"{failure['last']}: failed: {failure['reason']}",
            err=True,
        )
    if found.failures:
        number = len(found.failures)
        cells = "1 cell" if number == 1 else f"{number} cells"
        more = f" ({number - _SHOWN} more than shown)" if number > _SHOWN else ""
        typer.echo(
            f"{found.name}: {cells} failed{more}, the rest is done; {found.failure_log} has the tracebacks, "
            "and the same command tries again",
            err=True,
        )


def _check_folder(results: Path) -> None:
    """A results folder that cannot be written is told before hours of computing, not after."""
    if results.exists() and not results.is_dir():
        _fail(f"{results}: not a folder; name another with --results")
