"""From TOML files to Specs: every fault of every file is found before anything is computed."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from suite.spec.feasibility import infeasible
from suite.spec.files import spec_files
from suite.spec.locate import locate
from suite.spec.members import Finding, Member, resolve
from suite.spec.messages import dotted, line_of, path_in, problems_of
from suite.spec.model import Spec, SpecFile
from suite.spec.problems import Problem, SpecError, first_of
from suite.spec.read import read_toml


@dataclass(frozen=True)
class Study:
    """A spec that can run: with its members worked out, and what its author should know.

    Attributes:
        spec: as the file has it.
        members: all architectures, each once.
        warnings: problems that do not keep it from running.
    """

    spec: Spec
    members: tuple[Member, ...]
    warnings: tuple[Problem, ...] = ()


def load_studies(paths: Iterable[str | Path]) -> list[Study]:
    """Read and check spec files; folders stand for the .toml files in them, not in their subfolders.

    Args:
        paths: files or folders, in the order wanted; a file named twice counts once, one that links name twice is two
            studies.

    Raises:
        SpecError: one file or more is faulty; it names every fault of all of them (of a file with hundreds, the
            first).
    """
    problems: list[Problem] = []
    studies = []
    for file in spec_files(paths, problems):
        try:
            studies.append(_load(file))
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return studies


def _load(file: Path) -> Study:
    text, data = read_toml(file)
    lines = locate(text)
    try:
        declared = SpecFile.model_validate(data)
    except ValidationError as error:
        raise SpecError(first_of(problems_of(error, data, str(file), lines))) from None
    spec = Spec(name=file.stem, **{key: getattr(declared, key) for key in SpecFile.model_fields})
    members, findings = resolve(spec.family)
    findings += infeasible(spec, members)

    def problem(finding: Finding) -> Problem:
        path = path_in(data, finding.location)
        return Problem(str(file), line_of(path, lines), dotted(path), finding.message)

    if fatal := [problem(finding) for finding in findings if finding.fatal]:
        raise SpecError(first_of(fatal))
    warnings = first_of([problem(finding) for finding in findings if not finding.fatal])
    return Study(spec, tuple(members), tuple(warnings))
