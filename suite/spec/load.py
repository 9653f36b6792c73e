"""This module loads specs from TOML files, and reports all errors before anything is computed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from suite.catalog.activations import ACTIVATIONS
from suite.catalog.initializations import INITIALIZATIONS
from suite.catalog.measures import MEASURES
from suite.catalog.settings import Choice
from suite.catalog.tasks import TASKS
from suite.spec.changes import (
    Change,
    Lines,
    changed_name,
    changed_title,
    changes_behind,
    make,
    replace_data,
)
from suite.spec.feasibility import check_study
from suite.spec.files import spec_files
from suite.spec.locate import locate
from suite.spec.members import Finding, Member, resolve
from suite.spec.messages import dotted, line_of, path_in, problems_of
from suite.spec.model import Spec, SpecFile
from suite.spec.problems import Problem, SpecError, first_of
from suite.spec.read import TOO_NESTED, read_toml, within_limits
from suite.spec.tasks import complete_spec


@dataclass(frozen=True)
class Study:
    """A spec that can run, with its members and the warnings about it.

    Attributes:
        spec: The spec that the file declares, with the changes of the command line.
        members: All architectures with their initializations, each once.
        warnings: Problems that do not keep the study from running.
        base: The name of the unchanged study if the command line has changed this one, else empty. Equal cells are
            copied from its cache.
        asked: The arguments with which `run` computes the study again: options, then the file as it was named.
    """

    spec: Spec
    members: tuple[Member, ...]
    warnings: tuple[Problem, ...] = ()
    base: str = ""
    asked: tuple[str, ...] = ()


def load_studies(
    paths: Iterable[str | Path], changes: Sequence[Change] = (), data: Mapping[str, Path] | None = None
) -> list[Study]:
    """Read and check spec files. A folder stands for the .toml files in it, without those in subfolders.

    Args:
        paths: Files or folders, in the order wanted. A file that is given twice counts once, but links with different
            names to one file are different studies.
        changes: Changes to apply to each spec before it is checked. A changed study gets a name of its own.
        data: Data files that replace those of tasks, by the name of the file in the spec without its ending. This is a
            change as well.

    Raises:
        SpecError: If any file has an error. It holds all errors of all files, but at most the first 200 of one file.
        ValueError: If a data file replaces none.
    """
    problems: list[Problem] = []
    studies = []
    unused = dict(data or {})
    for file in spec_files(paths, problems):
        try:
            studies.append(_load(file, changes, data or {}, unused))
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    if unused:
        raise ValueError(f"data {', '.join(unused)}: no task has a file of this name; use that of a task's file")
    return studies


def _load(file: Path, changes: Sequence[Change], files: Mapping[str, Path], unused: dict[str, Path]) -> Study:
    """Load one spec; remove the data files that it uses from `unused`."""
    text, data = read_toml(file)
    for name, change in replace_data(files, data, file.parent):
        if any(change.path == other.path for other in changes):
            raise ValueError(f"{change.place} and --data {name}={files[name]} set the same key; use only one of them")
        changes = (*changes, change)
        unused.pop(name, None)
    lines: Lines = {**locate(text)}
    if problems := make(changes, data, lines, str(file)):
        raise SpecError(problems)
    if not within_limits(data):
        raise SpecError([Problem(str(file), changes[0].place, "", TOO_NESTED)])
    try:
        declared = SpecFile.model_validate(data)
    except ValidationError as error:
        raise SpecError(first_of(problems_of(error, data, str(file), lines))) from None

    def problem(finding: Finding) -> Problem:
        path = path_in(data, finding.location)
        return Problem(str(file), line_of(path, lines), dotted(path), finding.message)

    declared, findings = complete_spec(declared, file.parent)
    if findings:
        raise SpecError(first_of([problem(finding) for finding in findings]))
    spec = _name_spec(file.stem, declared, changes)
    members, findings = resolve(spec.family)
    findings += check_study(spec, members, complete=not any(finding.fatal for finding in findings))
    if fatal := [problem(finding) for finding in findings if finding.fatal]:
        raise SpecError([*first_of(fatal), *changes_behind(changes, fatal, str(file))])
    warnings = first_of([problem(finding) for finding in findings if not finding.fatal])
    asked = (*(part for change in changes for part in ("--set", change.text)), str(file))
    return Study(spec, tuple(members), tuple(warnings), base=file.stem if changes else "", asked=asked)


def _name_spec(name: str, declared: SpecFile, changes: Sequence[Change]) -> Spec:
    """Return the spec with its name: that of the file, or one that describes the changes.

    A changed spec has no findings unless a change sets them, since those in the file are about the unchanged study.
    """
    content = {key: getattr(declared, key) for key in SpecFile.model_fields}
    content["title"] = changed_title(declared.title, changes)
    if changes and not any(change.path[0] == "findings" for change in changes):
        content["findings"] = ()
    return Spec(name=changed_name(name, changes), **content)


def check_current(study: Study) -> None:
    """Check that all catalog entries that a study uses are still those with which it was loaded.

    Raises:
        ValueError: If an entry is missing or is from a changed plug-in. The results would otherwise mix numbers of
            two versions.
    """
    for name, known, now in _entries_used(study):
        if known != now:
            raise ValueError(f"the plug-in of {name} has changed since the spec was loaded; load the spec again")


def _entries_used(study: Study) -> Iterator[tuple[str, str, str | None]]:
    """Yield each entry that a study uses, with the digest of its plug-in at loading and now.

    The digest is empty for the suite's own entries; the current one is None if the entry has been removed.
    """
    measure = study.spec.measure
    for name in type(measure).model_fields:
        if (settings := getattr(measure, name)) is not None:
            yield name, settings.origin, MEASURES[name].origin if name in MEASURES else None
    for member in study.members:
        yield _origins(ACTIVATIONS, member.activation)
        yield _origins(INITIALIZATIONS, member.initialization)
    for task in study.spec.training.task if study.spec.training else ():
        yield _origins(TASKS, task)


def _origins(table: Mapping[str, Any], choice: Choice) -> tuple[str, str, str | None]:
    """Return the name of an entry, its plug-in's digest at loading, and the current digest in the catalog."""
    name = getattr(choice, choice.tag)
    return name, choice.origin, table[name].origin if name in table else None
