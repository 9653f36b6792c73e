"""This module applies changes such as `--set family.depth=[2,4]` to a spec before it is validated.

The spec's file stays as it is.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from suite.catalog.measures import TRAINING
from suite.catalog.shown import shortened, shown
from suite.spec.locate import Path as Location
from suite.spec.problems import Problem, printable
from suite.spec.read import MOST_NESTED, parsed_value

Lines = dict[Location, int | str]
"""The place of each key: its line in the file, or the `--set` option that sets it."""

_PART = re.compile(r"[\w-]+", re.ASCII)
_WORD = re.compile(r"[a-z_][\w.-]*", re.ASCII | re.IGNORECASE)
_SLUG_LENGTH = 32
"""The maximum number of characters in a results folder's name that describe the changes."""


@dataclass(frozen=True)
class Change:
    """A value that replaces the one in the file, or the removal of a key.

    Attributes:
        path: The keys, and positions in lists from 0, that lead to the value.
        value: The new value; None if the key is removed.
        out: Whether the key is removed.
        text: What the user wrote, for messages. It does not count when two changes are compared.
    """

    path: Location
    value: Any
    out: bool = False
    text: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """The path as the user writes it, with dots."""
        return ".".join(map(str, self.path))

    @property
    def place(self) -> str:
        """The place that errors in this change name."""
        return f"--set {self.key}"


def parse_changes(texts: Iterable[str]) -> tuple[Change, ...]:
    """Parse the changes that the command line gives.

    Args:
        texts: Changes of the form `KEY=VALUE`. The value is TOML; an empty value removes the key.

    Returns:
        The changes in the order of their keys.

    Raises:
        ValueError: If a text is not a change, or two changes affect the same place: their paths are equal, or one
            path is inside the other.
    """
    changes = [replace(_parse_change(text), text=text) for text in texts]
    for one, other in combinations(changes, 2):
        if one.path[: len(other.path)] == other.path[: len(one.path)]:
            raise ValueError(f"{one.place} and {other.place} set the same key; use only one of them")
    return tuple(sorted(changes, key=lambda change: change.key))


def _parse_change(text: str) -> Change:
    written, sign, value = text.partition("=")
    parts = [part.strip() for part in written.split(".")]
    here = printable(shortened(f"--set {text}"))
    if not sign or len(parts) > MOST_NESTED or not all(map(_PART.fullmatch, parts)):
        raise ValueError(f"{here}: expected KEY=VALUE; write a change such as family.parameters=5000")
    path = tuple(int(part) if part.isascii() and part.isdigit() else part for part in parts)
    value = value.strip()
    if not value:
        return Change(path, None, out=True)
    try:
        return Change(path, parsed_value(value))
    except ValueError as error:
        key = ".".join(parts)
        hint = 'use a number, true, false, "text", a [list] or a { table = 1 }, and quote it for the shell'
        if _WORD.fullmatch(value):
            hint = f"text needs quotes, and the shell needs quotes around them: --set '{key}=\"{value}\"'"
        raise ValueError(f"{here}: the value is not valid TOML ({printable(str(error))}); {hint}") from None


def parse_data(texts: Iterable[str]) -> dict[str, Path]:
    """Return the files that the command line gives in place of those that tasks name, by the name without ending.

    Args:
        texts: Replacements of the form `NAME=FILE`.

    Raises:
        ValueError: If a text is not a replacement, or a name is given twice.
    """
    found: dict[str, Path] = {}
    for text in texts:
        name, sign, file = text.partition("=")
        here = printable(shortened(f"--data {text}"))
        if not sign or not name or not file:
            raise ValueError(f"{here}: expected NAME=FILE; write a replacement such as private=other.csv")
        if name in found:
            raise ValueError(f"{here}: {shown(name)} is given twice; use only one of the files")
        found[name] = Path(file)
    return found


def replace_data(files: Mapping[str, Path], data: Mapping[str, Any], folder: Path) -> list[tuple[str, Change]]:
    """Return the changes that replace the files of a spec's tasks, as `--set` would, each with the name of its file.

    Args:
        files: The files by the names that they replace: names of files in the spec, without ending.
        data: The spec's content.
        folder: The folder of the spec.
    """
    changes = []
    for path, table in file_tasks(data):
        name = Path(table["file"]).stem
        if (file := files.get(name)) is not None:
            value = os.path.relpath(os.path.realpath(file), os.path.realpath(folder))
            key = ".".join(map(str, (*path, "file")))
            change = Change((*path, "file"), value, text=f"{key}={json.dumps(value, ensure_ascii=False)}")
            changes.append((name, change))
    return changes


def file_tasks(data: Mapping[str, Any]) -> Iterator[tuple[Location, dict[str, Any]]]:
    """Yield the tasks of a spec that name a file, which need not be valid otherwise, with their places."""
    measures = data.get("measure")
    training = measures.get(TRAINING) if isinstance(measures, dict) else None
    task = training.get("task") if isinstance(training, dict) else None
    here: Location = ("measure", TRAINING, "task")
    several = [((*here, place), each) for place, each in enumerate(task)] if isinstance(task, list) else [(here, task)]
    for path, table in several:
        if isinstance(table, dict) and isinstance(table.get("file"), str):
            yield path, table


def make(changes: Sequence[Change], data: dict[str, Any], lines: Lines, file: str) -> list[Problem]:
    """Apply changes to a file's data in place, and record them as the places of the keys that they set.

    Args:
        changes: The changes to apply.
        data: The file's content, which is modified.
        lines: The place of each key, which is modified.
        file: The file's path, as problems report it.

    Returns:
        One problem per change that cannot be applied.
    """
    return [Problem(file, change.place, "", why) for change in changes if (why := _apply_change(change, data, lines))]


def _apply_change(change: Change, data: dict[str, Any], lines: Lines) -> str:
    """Apply one change; return why it cannot be applied, or an empty string."""
    table: Any = data
    *way, last = change.path
    for place, part in enumerate(way):
        path = change.path[: place + 1]
        if why := _check_part(table, part, path):
            return why
        if isinstance(table, dict) and part not in table:
            table[part] = {}
            lines[path] = change.place
        table = table[part]
    if why := _check_part(table, last, change.path):
        return why
    if not change.out:
        table[last] = change.value
    elif isinstance(table, list):
        return "items of a list cannot be removed one by one; set the whole list"
    elif last not in table:
        return "there is no such key to remove; set a value, or remove this option"
    else:
        del table[last]
    for path in [path for path in lines if path[: len(change.path)] == change.path]:
        del lines[path]
    lines[change.path] = change.place
    return ""


def _check_part(table: Any, part: str | int, path: Location) -> str:
    """Return why a path cannot go on with this part inside `table`, or an empty string."""
    name = ".".join(map(str, path[:-1]))
    if isinstance(table, dict):
        return f"{name or 'a spec'} is a table, not a list; remove the index {part}" if isinstance(part, int) else ""
    if not isinstance(table, list):
        return f"{name} is {shown(table)}, not a table or a list; set {name} itself"
    hint = f"use {name}.0" if len(table) == 1 else f"use one of {name}.0 to {name}.{len(table) - 1}"
    if not table:
        hint = f"set {name} itself"
    if isinstance(part, str):
        return f"{name} is a list; {hint}"
    return "" if part < len(table) else f"there is no {name}.{part}; {hint}"


def changes_behind(changes: Sequence[Change], problems: Sequence[Problem], file: str) -> list[Problem]:
    """Return a hint to leave out claims, or the predictor ranking, that do not suit a changed study.

    The hint names the tables `claim` and `predict` that have problems and that no change sets.

    Args:
        changes: The changes that were applied.
        problems: The problems of the changed spec.
        file: The file's path, as reported.

    Returns:
        One problem with the hint, or none.
    """
    roots = dict.fromkeys(problem.key.partition(".")[0] for problem in problems)
    about = [root for root in ("claim", "predict") if root in roots and not any(c.path[0] == root for c in changes)]
    if not changes or not about:
        return []
    hint = " ".join(f"--set {root}=" for root in about)
    return [Problem(file, changes[0].place, "", f"to remove {' and '.join(about)} from the changed study, add {hint}")]


def changed_name(name: str, changes: Sequence[Change]) -> str:
    """Return the name of a changed study and of its results folder, which depends on the changes alone.

    An example is `variability-set-parameters-5000-1c9d3f0a`. The name has a readable part and 8 digits of a hash of
    all changes, so that different changes get different folders.
    """
    if not changes:
        return name
    content = [[list(change.path), change.out, change.value] for change in changes]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:8]
    words = " ".join(f"{change.path[-1]} {_short(change)}" for change in changes)
    slug = re.sub(r"[^a-z0-9.]+", "-", words.lower()).strip("-.")[:_SLUG_LENGTH].strip("-.")
    return "-".join(part for part in (name, "set", slug, digest) if part)


def _short(change: Change) -> Any:
    """Return the value of a change for a name: of a file, only its name without ending."""
    return "out" if change.out else Path(str(change.value)).stem if change.path[-1] == "file" else change.value


def changed_title(title: str, changes: Sequence[Change]) -> str:
    """Return the title of a changed study, which states the changes."""
    if not changes:
        return title
    words = [f"{change.key} removed" if change.out else f"{change.key} = {shown(change.value)}" for change in changes]
    return f"{title} (set: {', '.join(words)})"
