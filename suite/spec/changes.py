"""Changes to a spec that are no edits of its file, `--set family.depth=[2,4]`, made before it is validated."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from suite.catalog.shown import shortened, shown
from suite.spec.locate import Path
from suite.spec.problems import Problem, printable
from suite.spec.read import MOST_NESTED, parsed_value

Lines = dict[Path, int | str]
"""Where keys stand: a line of the file, or the change that they come from."""

_PART = re.compile(r"[\w-]+", re.ASCII)
_WORD = re.compile(r"[a-z_][\w.-]*", re.ASCII | re.IGNORECASE)
_SLUG = 32
"""Characters of a results folder's name that say, for people, what was changed."""


@dataclass(frozen=True)
class Change:
    """A value that is set in place of what the file says, or that is taken out.

    Attributes:
        path: keys, and places in lists from 0, that lead to it.
        value: what is set.
        out: whether the key is taken out instead.
        text: what the user wrote, to be shown again; two that say the same are the same change.
    """

    path: Path
    value: Any
    out: bool = False
    text: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """The path as it is written."""
        return ".".join(map(str, self.path))

    @property
    def place(self) -> str:
        """Where its faults are."""
        return f"--set {self.key}"


def parse_changes(texts: Iterable[str]) -> tuple[Change, ...]:
    """Changes as the command line has them, `KEY=VALUE`; the value is TOML, and none at all takes the key out.

    Returns:
        The changes in the order of their keys.

    Raises:
        ValueError: one is none, or two are of one place.
    """
    changes = [replace(_parsed(text), text=text) for text in texts]
    for one, other in combinations(changes, 2):
        if one.path[: len(other.path)] == other.path[: len(one.path)]:
            raise ValueError(f"{one.place} and {other.place} change one place; give one of them")
    return tuple(sorted(changes, key=lambda change: change.key))


def _parsed(text: str) -> Change:
    written, sign, value = text.partition("=")
    parts = [part.strip() for part in written.split(".")]
    here = printable(shortened(f"--set {text}"))
    if not sign or len(parts) > MOST_NESTED or not all(map(_PART.fullmatch, parts)):
        raise ValueError(f"{here}: not a change of a spec; write KEY=VALUE, such as family.parameters=5000")
    path = tuple(int(part) if part.isascii() and part.isdigit() else part for part in parts)
    value = value.strip()
    if not value:
        return Change(path, None, out=True)
    try:
        return Change(path, parsed_value(value))
    except ValueError as error:
        key = ".".join(parts)
        hint = 'give a number, true or false, a "text", a [list] or a { table = 1 }, in the shell\'s quotes'
        if _WORD.fullmatch(value):
            hint = f"text takes quotes, and these the shell's around them: --set '{key}=\"{value}\"'"
        raise ValueError(f"{here}: the value is not TOML ({printable(str(error))}); {hint}") from None


def make(changes: Sequence[Change], data: dict[str, Any], lines: Lines, file: str) -> list[Problem]:
    """Makes the changes in a file's data, and notes them in its lines.

    Args:
        changes: to make.
        data: the file's content, which is changed.
        lines: where its keys stand; what is set stands at its change.
        file: its path, as reported.

    Returns:
        What cannot be changed.
    """
    return [Problem(file, change.place, "", why) for change in changes if (why := _make(change, data, lines))]


def _make(change: Change, data: dict[str, Any], lines: Lines) -> str:
    """Makes one change; or says why it cannot be made."""
    table: Any = data
    *way, last = change.path
    for place, part in enumerate(way):
        path = change.path[: place + 1]
        if why := _astray(table, part, path):
            return why
        if isinstance(table, dict) and part not in table:
            table[part] = {}
            lines[path] = change.place
        table = table[part]
    if why := _astray(table, last, change.path):
        return why
    if not change.out:
        table[last] = change.value
    elif isinstance(table, list):
        return "items cannot be taken out of a list one by one; set the whole list"
    elif last not in table:
        return "there is nothing of that name to take out; give a value, or leave this out"
    else:
        del table[last]
    for path in [path for path in lines if path[: len(change.path)] == change.path]:
        del lines[path]
    lines[change.path] = change.place
    return ""


def _astray(table: Any, part: str | int, path: Path) -> str:
    """Why a part of a path leads nowhere; nothing where it leads on."""
    name = ".".join(map(str, path[:-1]))
    if isinstance(table, dict):
        return f"{name or 'a spec'} is one table, not a list; leave out the {part}" if isinstance(part, int) else ""
    if not isinstance(table, list):
        return f"{name} is {shown(table)}, and has nothing inside; set the whole of it"
    known = f"{name}.0" if len(table) == 1 else f"{name}.0 to {name}.{len(table) - 1}"
    if isinstance(part, str):
        return f"{name} is a list; say which item is meant, of {known}"
    return "" if part < len(table) else f"there is no {name}.{part}; give one of {known}"


def changes_behind(changes: Sequence[Change], problems: Sequence[Problem], file: str) -> list[Problem]:
    """The hint where claims, or a tournament, are about what has been changed away under them."""
    roots = dict.fromkeys(problem.key.partition(".")[0] for problem in problems)
    about = [root for root in ("claim", "predict") if root in roots and not any(c.path[0] == root for c in changes)]
    if not changes or not about:
        return []
    hint = " ".join(f"--set {root}=" for root in about)
    return [Problem(file, changes[0].place, "", f"what the file says of {' and '.join(about)} may be left out: {hint}")]


def changed_name(name: str, changes: Sequence[Change]) -> str:
    """What a changed study is called, and its results folder: the same for the same changes, and for no others.

    Such as `variability-set-parameters-5000-1c9d3f0a`: a readable part, and digits of a hash of all that was changed.
    """
    if not changes:
        return name
    content = [[list(change.path), change.out, change.value] for change in changes]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:8]
    words = " ".join(f"{change.path[-1]} {'out' if change.out else change.value}" for change in changes)
    slug = re.sub(r"[^a-z0-9.]+", "-", words.lower()).strip("-.")[:_SLUG].strip("-.")
    return "-".join(part for part in (name, "set", slug, digest) if part)


def changed_title(title: str, changes: Sequence[Change]) -> str:
    """A title that says what was changed."""
    if not changes:
        return title
    words = [f"{change.key} taken out" if change.out else f"{change.key} = {shown(change.value)}" for change in changes]
    return f"{title} (set: {', '.join(words)})"
