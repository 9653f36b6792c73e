"""From TOML files to Specs: every fault of every file is found before anything is computed."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from suite.spec.feasibility import infeasible
from suite.spec.locate import locate
from suite.spec.members import Finding, Member, resolve
from suite.spec.messages import dotted, line_of, path_in, problems_of
from suite.spec.model import Spec, SpecFile
from suite.spec.problems import Problem, SpecError

RESERVED_NAMES = ("asv", "reference")
"""Folders of results/ that belong to others."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)


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
        paths: files or folders, in the order wanted; a file named twice counts once.

    Raises:
        SpecError: one file or more is faulty; it names every fault of all of them.
    """
    problems: list[Problem] = []
    named = (file for path in paths for file in _files(Path(path), problems))
    files = list({file.resolve(): file for file in named}.values())
    problems += _name_problems(files)
    studies = []
    for file in files:
        try:
            studies.append(_load(file))
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return studies


def _files(path: Path, problems: list[Problem]) -> list[Path]:
    try:
        folder, known = path.is_dir(), path.exists()
    except OSError as error:
        problems.append(Problem(str(path), 1, "", f"cannot be looked up ({error.strerror}); check the path"))
        return []
    if folder:
        found = sorted(file for file in path.glob("*.toml") if file.is_file())
        if not found:
            problems.append(
                Problem(str(path), 1, "", "no .toml file in this folder; name a folder of specs, or a file")
            )
        return found
    if not known:
        problems.append(Problem(str(path), 1, "", "no such file or folder; check the path"))
        return []
    return [path]


def _name_problems(files: Sequence[Path]) -> list[Problem]:
    """Names become folders of results/, so they are plain, unreserved and different."""
    problems = []
    by_name: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        by_name[file.stem.lower()].append(file)
        if file.suffix != ".toml":
            problems.append(Problem(str(file), 1, "", "not a .toml file; specs end in .toml"))
        elif file.stem.lower() in RESERVED_NAMES:
            problems.append(Problem(str(file), 1, "", f"the name {file.stem} is reserved in results/; rename the file"))
        elif not _NAME.fullmatch(file.stem):
            cure = "rename the file with letters, digits, '_', '-' and '.', 100 at most"
            problems.append(Problem(str(file), 1, "", f"{file.stem[:40]!r} cannot name a folder of results; {cure}"))
    for same in by_name.values():
        for file in same[1:]:
            message = f"has the same name as {same[0]}, and so the same results folder; rename one of them"
            problems.append(Problem(str(file), 1, "", message))
    return problems


def _load(file: Path) -> Study:
    text = _read(file)
    data = _parse(file, text)
    lines = locate(text)
    try:
        declared = SpecFile.model_validate(data)
    except ValidationError as error:
        raise SpecError(problems_of(error, data, str(file), lines)) from None
    spec = Spec(name=file.stem, **{key: getattr(declared, key) for key in SpecFile.model_fields})
    members, findings = resolve(spec.family)
    findings += infeasible(spec, members)

    def problem(finding: Finding) -> Problem:
        path = path_in(data, finding.location)
        return Problem(str(file), line_of(path, lines), dotted(path), finding.message)

    if fatal := [problem(finding) for finding in findings if finding.fatal]:
        raise SpecError(list(dict.fromkeys(fatal)))
    warnings = tuple(problem(finding) for finding in findings if not finding.fatal)
    return Study(spec, tuple(members), tuple(dict.fromkeys(warnings)))


def _read(file: Path) -> str:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SpecError(
            [Problem(str(file), 1, "", f"cannot be read ({error.strerror}); check its permissions")]
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SpecError([Problem(str(file), line, "", "not UTF-8 text; save the file as UTF-8")]) from None
    if not text.strip():
        cure = "a spec needs title, seed, [family] and a [measure] table"
        raise SpecError([Problem(str(file), 1, "", f"the file is empty; {cure}")])
    return text.replace("\r\n", "\n")


def _parse(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error))
        what = found[1] if found else str(error)
        line = int(found[2]) if found and found[2] else text.rstrip("\n").count("\n") + 1
        raise SpecError([Problem(str(file), line, "", f"not TOML: {what}; mend the line")]) from None
    except (ValueError, RecursionError):  # the interpreter's own limits
        message = "a number of thousands of digits, or tables within tables without end; shorten it"
        raise SpecError([Problem(str(file), 1, "", message)]) from None
