"""This module finds spec files and checks their names, which become names of results folders."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from suite.catalog.shown import shown
from suite.spec.problems import Problem

RESERVED_NAMES = ("asv", "reference", "readme.md")
"""Names that studies cannot have, because results/ has other folders and files of these names."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,98}[a-z0-9_-])?", re.ASCII | re.IGNORECASE)
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.ASCII | re.IGNORECASE)
"""Names that Windows reserves for devices, with any extension."""


def spec_files(paths: Iterable[str | Path], problems: list[Problem]) -> list[Path]:
    """Return the spec files that paths stand for.

    A folder stands for the .toml files in it. A file that is given twice is returned once, unless links give it
    different names.

    Args:
        paths: Files or folders, in the order wanted.
        problems: A list to which problems with paths and names are appended.
    """
    named = (file for path in paths for file in _files(Path(path), problems))
    files = list({(file.resolve(), file.stem): file for file in named}.values())
    problems += _name_problems(files)
    return files


def _files(path: Path, problems: list[Problem]) -> list[Path]:
    try:
        folder, known = path.is_dir(), path.exists()
    except OSError as error:
        problems.append(Problem(str(path), "", "", f"cannot be accessed ({error.strerror}); check the path"))
        return []
    if folder:
        found = sorted(file for file in path.glob("*.toml") if file.is_file())
        if not found:
            problems.append(
                Problem(str(path), "", "", "the folder contains no .toml files; use a folder of specs, or a spec file")
            )
        return found
    if not known:
        problems.append(Problem(str(path), "", "", f"no such file or folder; {_nearest_spec(path)}"))
        return []
    if not path.is_file():  # reading from a pipe may never end
        problems.append(Problem(str(path), "", "", "not a regular file or a folder; save the spec as a file"))
        return []
    return [path]


def _nearest_spec(path: Path) -> str:
    """Return the hint for a missing path: a spec of a similar name in its folder or in `specs`."""
    try:
        there = [file for folder in (_SPECS, path.parent) for file in sorted(folder.glob("*.toml"))]
        near = {file.stem: file for file in there if file.is_file()}
    except OSError:  # the user may lack the permission to list the folder
        near = {}
    close = get_close_matches(path.stem, near, n=1)
    return f"did you mean {near[close[0]]}?" if close else "check the path"


_SPECS = Path("specs")


def explain_invalid_name(name: str, hint: str = "rename the file") -> str | None:
    """Return why a name is not valid for a study, with a hint; None if it is valid.

    Args:
        name: The name of a study.
        hint: How the user can choose another name.
    """
    if name.lower() in RESERVED_NAMES:
        return f"the name {name} is reserved in results/; {hint}"
    if _DEVICE.fullmatch(name):
        return f"the name {name} is a device name on Windows; {hint}"
    if not _NAME.fullmatch(name):
        letters = "letters, digits, '_', '-' and '.' (not first or last)"
        return f"{shown(name)} is not a valid study name; {hint} (1 to 100 characters: {letters})"
    return None


def _name_problems(files: Sequence[Path]) -> list[Problem]:
    """Return problems with the names of files, which become folders of results/.

    A name must be valid, must not be reserved, and must differ from all others when case is ignored.
    """
    problems = []
    by_name: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        by_name[file.stem.lower()].append(file)
        if file.suffix != ".toml":
            problems.append(Problem(str(file), 1, "", "expected a .toml file; rename the file"))
        elif reason := explain_invalid_name(file.stem):
            problems.append(Problem(str(file), 1, "", reason))
    for same in by_name.values():
        for file in same[1:]:
            message = f"has the same name as {same[0]}, and so the same results folder; rename one of them"
            problems.append(Problem(str(file), 1, "", message))
    return problems


_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "shipped", _PACKAGE.parent / "specs")
"""The folder of the shipped specs in an installation, and that in the repository."""


def shipped_specs() -> dict[str, Path]:
    """Return the shipped spec files by study name, including those in subfolders.

    The result is empty if the suite was installed without them.
    """
    folder = next((folder for folder in _FOLDERS if folder.is_dir()), None)
    return {file.stem: file for file in sorted(folder.rglob("*.toml"))} if folder else {}
