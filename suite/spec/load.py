"""From TOML files to Specs: every fault of every file is found before anything is computed."""

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
from suite.spec.changes import Change, Lines, changed_name, changed_title, changes_behind, make
from suite.spec.feasibility import check_study
from suite.spec.files import spec_files
from suite.spec.locate import locate
from suite.spec.members import Finding, Member, resolve
from suite.spec.messages import dotted, line_of, path_in, problems_of
from suite.spec.model import Spec, SpecFile
from suite.spec.problems import Problem, SpecError, first_of
from suite.spec.read import TOO_NESTED, read_toml, within_limits


@dataclass(frozen=True)
class Study:
    """A spec that can run: with its members worked out, and what its author should know.

    Attributes:
        spec: as the file has it.
        members: all architectures, each once.
        warnings: problems that do not keep it from running.
        base: of a study that the command line has changed, the name of the unchanged one, whose finished work serves
            as far as it is the same; else empty.
        asked: what `run` is to be given for it again: the file as it was named, and what was changed.
    """

    spec: Spec
    members: tuple[Member, ...]
    warnings: tuple[Problem, ...] = ()
    base: str = ""
    asked: tuple[str, ...] = ()


def load_studies(paths: Iterable[str | Path], changes: Sequence[Change] = ()) -> list[Study]:
    """Read and check spec files; folders stand for the .toml files in them, not in their subfolders.

    Args:
        paths: files or folders, in the order wanted; a file named twice counts once, one that links name twice is two
            studies.
        changes: to make in each of them before it is checked; they become studies of another name.

    Raises:
        SpecError: one file or more is faulty; it names every fault of all of them (of a file with hundreds, the
            first).
    """
    problems: list[Problem] = []
    studies = []
    for file in spec_files(paths, problems):
        try:
            studies.append(_load(file, changes))
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return studies


def _load(file: Path, changes: Sequence[Change]) -> Study:
    text, data = read_toml(file)
    lines: Lines = {**locate(text)}
    if problems := make(changes, data, lines, str(file)):
        raise SpecError(problems)
    if not within_limits(data):
        raise SpecError([Problem(str(file), changes[0].place, "", TOO_NESTED)])
    try:
        declared = SpecFile.model_validate(data)
    except ValidationError as error:
        raise SpecError(first_of(problems_of(error, data, str(file), lines))) from None
    spec = _named(file.stem, declared, changes)
    members, findings = resolve(spec.family)
    findings += check_study(spec, members)

    def problem(finding: Finding) -> Problem:
        path = path_in(data, finding.location)
        return Problem(str(file), line_of(path, lines), dotted(path), finding.message)

    if fatal := [problem(finding) for finding in findings if finding.fatal]:
        raise SpecError([*first_of(fatal), *changes_behind(changes, fatal, str(file))])
    warnings = first_of([problem(finding) for finding in findings if not finding.fatal])
    asked = (*(part for change in changes for part in ("--set", change.text)), str(file))
    return Study(spec, tuple(members), tuple(warnings), base=file.stem if changes else "", asked=asked)


def _named(name: str, declared: SpecFile, changes: Sequence[Change]) -> Spec:
    """The spec under its file's name, or under one that says what was changed, without the findings of the whole."""
    content = {key: getattr(declared, key) for key in SpecFile.model_fields}
    content["title"] = changed_title(declared.title, changes)
    if changes and not any(change.path[0] == "findings" for change in changes):
        content["findings"] = ()
    return Spec(name=changed_name(name, changes), **content)


def check_current(study: Study) -> None:
    """Whether whatever a study has chosen is still there, and of the same plug-in.

    Raises:
        ValueError: something is not; half of its numbers could be of the one, half of the other.
    """
    for name, known, now in _chosen(study):
        if known != now:
            raise ValueError(f"the plug-in of {name} has changed since the spec was loaded; load it again")


def _chosen(study: Study) -> Iterator[tuple[str, str, str | None]]:
    """Names of what the study has chosen, the plug-ins' digests from then, and those of now, None of what has gone."""
    measure = study.spec.measure
    for name in type(measure).model_fields:
        if (settings := getattr(measure, name)) is not None:
            yield name, settings.origin, MEASURES[name].origin if name in MEASURES else None
    for member in study.members:
        yield _of(ACTIVATIONS, member.activation)
        yield _of(INITIALIZATIONS, member.initialization)
    for task in study.spec.training.task if study.spec.training else ():
        yield _of(TASKS, task)


def _of(table: Mapping[str, Any], choice: Choice) -> tuple[str, str, str | None]:
    name = getattr(choice, choice.tag)
    return name, choice.origin, table[name].origin if name in table else None
