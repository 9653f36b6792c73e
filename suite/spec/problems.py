"""What is wrong with a spec, where, and what to do about it."""

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
    """One fault of one spec file.

    Attributes:
        file: the path as the user gave it.
        line: from 1; of what the command line has set, that it has: `--set family.depth`; nothing of a path
            at which there is no file.
        key: the place inside the file, such as `family.depth`; empty where the whole file is meant.
        message: what is wrong; what to do.
    """

    file: str
    line: int | str
    key: str
    message: str

    def __str__(self) -> str:
        """One line, in which whatever a terminal might obey or turn around is written out, as \\x1b is."""
        place = f"{self.file}:{self.line}" if isinstance(self.line, int) else f"{self.file} {self.line}".rstrip()
        text = ": ".join(part for part in (place, self.key, self.message) if part)
        return printable(text)


def printable(text: str) -> str:
    """A text in which whatever a terminal might obey is written out."""
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


class SpecError(Exception):
    """One spec or more cannot be run; nothing was computed.

    Attributes:
        problems: all faults of all files.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


MOST_TOLD = 200
"""Problems of one file that are told; who has more of them has made one fault many times."""


def first_of(problems: Sequence[Problem]) -> list[Problem]:
    """The problems of one file, each once; of a great many, the first, and that there are more."""
    once = list(dict.fromkeys(problems))
    if len(once) <= MOST_TOLD:
        return once
    after = once[MOST_TOLD]
    return [*once[:MOST_TOLD], Problem(after.file, after.line, "", "and more from here on; fix these first")]


_OTHER_KEYS = {
    "batch_size": "batch",
    "epochs": "steps",
    "hidden_dim": "width",
    "hidden_size": "width",
    "in_features": "inputs",
    "layers": "depth",
    "lr": "learning_rate",
    "n_layers": "depth",
    "negative_slope": "slope",
    "num_layers": "depth",
    "out_features": "outputs",
    "units": "width",
}
"""What other libraries call the keys of a spec."""


@cache
def _other_names() -> dict[str, str]:
    """Return the names of keys and entries by what other libraries and papers call them."""
    tables: list[Mapping[str, Any]] = [ACTIVATIONS, INITIALIZATIONS, MEASURES]
    entries = {other: name for table in tables for name, entry in table.items() for other in entry.other_names}
    return _OTHER_KEYS | entries


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the hint for an unknown name: the closest known one, or all of them."""
    names = sorted(known)
    near = near_to(name, names)
    return f"did you mean {near}?" if near else f"known here: {', '.join(names)}"


def near_to(name: str, known: Iterable[str]) -> str:
    """Return the known name that an unknown one probably stands for; empty if there is none."""
    names = set(known)
    if (meant := _other_names().get(name.lower().replace("-", "_"), "")) in names:
        return meant
    lower = {known_name.lower(): known_name for known_name in sorted(names)}
    likely = difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.6)
    return next((lower[found] for found in likely if _may_be_meant(found, name.lower())), "")


def or_plugged_in(hint: str) -> str:
    """The hint for an unknown name, which may be a plug-in's as well."""
    by_plug_in = "hat a plug-in adds needs --plugin FILE"
    return f"{hint} W{by_plug_in}" if hint.endswith("?") else f"{hint}; w{by_plug_in}"


def _may_be_meant(found: str, name: str) -> bool:
    """Whether it is more than by chance that two are alike: 'alfa' is as like alpha as 'shrink' is like sin, 0.67."""
    return abs(len(found) - len(name)) <= 1 or difflib.SequenceMatcher(None, found, name).ratio() >= _SURELY


_SURELY = 0.7
