"""This module defines problems, which are errors and warnings about specs, and the hints in them."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from suite.catalog.activations import ACTIVATIONS
from suite.catalog.initializations import INITIALIZATIONS
from suite.catalog.measures import MEASURES


@dataclass(frozen=True)
class Problem:
    """One error or warning about one spec file.

    Attributes:
        file: The path as the user gave it.
        line: The line, from 1. For a value that the command line sets it is the option, such as `--set family.depth`.
            It is empty if there is no file at the path.
        key: The key inside the file, such as `family.depth`; empty if the problem is with the whole file.
        message: What is wrong, and a hint.
    """

    file: str
    line: int | str
    key: str
    message: str

    def __str__(self) -> str:
        """Return one line, in which characters that are not printable are escaped, such as \\x1b."""
        place = f"{self.file}:{self.line}" if isinstance(self.line, int) else f"{self.file} {self.line}".rstrip()
        text = ": ".join(part for part in (place, self.key, self.message) if part)
        return printable(text)


def printable(text: str) -> str:
    """Return a text in which all characters that are not printable are escaped."""
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


class SpecError(Exception):
    """An error for specs that cannot run. Nothing has been computed when it is raised.

    Attributes:
        problems: The problems of all files.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


MAX_REPORTED = 200
"""The maximum number of problems that are reported for one file; more are most likely repetitions of one error."""


def first_of(problems: Sequence[Problem]) -> list[Problem]:
    """Return the distinct problems of one file, but at most `MAX_REPORTED` and a note that there are more."""
    once = list(dict.fromkeys(problems))
    if len(once) <= MAX_REPORTED:
        return once
    after = once[MAX_REPORTED]
    return [*once[:MAX_REPORTED], Problem(after.file, after.line, "", "more problems follow; fix these first")]


_OTHER_KEYS = {
    "batch_size": "batch",
    "epochs": "steps",
    "hidden_dim": "width",
    "hidden_size": "width",
    "in_features": "inputs",
    "layers": "depth",
    "lr": "learning_rate",
    "max_norm": "clip",
    "n_layers": "depth",
    "negative_slope": "slope",
    "num_layers": "depth",
    "out_features": "outputs",
    "units": "width",
}
"""The keys of a spec, by the names that other libraries use for them."""


@cache
def _other_names() -> dict[str, str]:
    """Return the names of keys and entries, by the names that other libraries and papers use for them."""
    tables: list[Mapping[str, Any]] = [ACTIVATIONS, INITIALIZATIONS, MEASURES]
    entries = {other: name for table in tables for name, entry in table.items() for other in entry.other_names}
    return _OTHER_KEYS | entries


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the hint for an unknown name: the closest known name or, if none is close, all known names."""
    names = sorted(known)
    near = near_to(name, names)
    return f"did you mean {near}?" if near else f"use one of {', '.join(names)}" if names else "remove it"


def near_to(name: str, known: Iterable[str]) -> str:
    """Return the known name that an unknown name probably means; empty if there is none."""
    names = set(known)
    if (meant := _other_names().get(name.lower().replace("-", "_"), "")) in names:
        return meant
    lower = {known_name.lower(): known_name for known_name in sorted(names)}
    likely = difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.6)
    return next((lower[found] for found in likely if _may_be_meant(found, name.lower())), "")


def or_plugged_in(hint: str) -> str:
    """Return a hint for an unknown name with the addition that the name may need a plug-in."""
    by_plug_in = "ntries of a plug-in need --plugin FILE"
    return f"{hint} E{by_plug_in}" if hint.endswith("?") else f"{hint}; e{by_plug_in}"


def _may_be_meant(found: str, name: str) -> bool:
    """Return whether two similar names are similar by more than chance.

    A similarity ratio alone does not decide: it is 0.67 for 'alfa' and 'alpha', but also for 'shrink' and 'sin'.
    """
    return abs(len(found) - len(name)) <= 1 or difflib.SequenceMatcher(None, found, name).ratio() >= _SURELY


_SURELY = 0.7
"""The similarity ratio from which names of any lengths count as similar."""
