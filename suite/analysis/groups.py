"""Which members of a contest are laid side by side: all, those alike in an axis, and families."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.catalog.predict import FEWEST
from suite.results.schema import ALL_MEMBERS

Group = NDArray[np.int64]
"""Places of members."""

APART = ("depth",)
"""Axes along which a family's members differ."""


def groups(axes: Sequence[Mapping[str, Any]]) -> dict[str, Group]:
    """All members, and those that have one value of an axis that the others do not share, by name.

    Such groups are large enough for an order; of those that have the same members, the first.

    Args:
        axes: of each member.
    """
    found = {ALL_MEMBERS: np.arange(len(axes))}
    for axis in dict.fromkeys(name for member in axes for name in member if name not in APART):
        values = [member.get(axis) for member in axes]
        different = list(dict.fromkeys(value for value in values if value is not None))
        if len(different) > 1:
            for value in different:
                group = np.flatnonzero([other == value for other in values])
                known = any(np.array_equal(group, other) for other in found.values())
                if len(group) >= FEWEST and not known:
                    found[named(axis, value)] = group
    return found


def families(axes: Sequence[Mapping[str, Any]]) -> dict[str, Group]:
    """Members that differ in depth alone, by what they have in common, as far as families differ in it."""
    varied = {
        axis
        for axis in dict.fromkeys(name for member in axes for name in member if name not in APART)
        if len({member.get(axis) for member in axes}) > 1
    }
    names = [", ".join(named(axis, member[axis]) for axis in member if axis in varied) for member in axes]
    return {name: np.flatnonzero([other == name for other in names]) for name in dict.fromkeys(names)}


def named(axis: str, value: Any) -> str:
    """A value of an axis in words: names as they are, numbers behind the axis."""
    return value if isinstance(value, str) and axis in ("activation", "initialization") else f"{axis} {value}"
