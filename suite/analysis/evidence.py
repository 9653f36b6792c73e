"""Evidence: what tables say for a claim and against it, and how such statements are put together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from suite.statistics.contrasts import Estimate


@dataclass(frozen=True)
class Evidence:
    """How a claim, or a part of one, stands.

    Attributes:
        estimate: of what the claim is about, as its test says.
        low: lower end of its 95% interval; nan where there is none.
        high: upper end.
        for_it: p-value for the claim: how often as much is seen where it is not so.
        against: p-value against it: how often as much is seen where it is so.
        draws: of a member, the fewest.
        members: the names of those that are compared, each once however often it was trained.
        unit: what there would have to be more of to be surer.
        until_refuted: whether the claim holds as long as nothing speaks against it; there is no p-value for it then.
    """

    estimate: float
    low: float
    high: float
    for_it: float
    against: float
    draws: int
    members: frozenset[str]
    unit: Literal["draws", "members"] = "draws"
    until_refuted: bool = False


NOTHING = Evidence(np.nan, np.nan, np.nan, 1.0, 1.0, 0, frozenset())
"""Of a claim whose quantities the tables do not have."""


def above(difference: Estimate, bound: float, members: Iterable[str]) -> Evidence:
    """Of the claim that something lies above a bound."""
    low, high = difference.interval
    return Evidence(
        difference.value,
        low,
        high,
        difference.above(bound),
        difference.below(bound),
        difference.draws,
        frozenset(members),
    )


def every(parts: Sequence[Evidence]) -> Evidence:
    """All parts are so: as sure as the least sure of them; refuted by any one, for which as many had the chance.

    The estimate is that of the part which decides. An intersection-union test needs no correction (Berger 1982);
    against the claim stands Bonferroni's.
    """
    if not parts:
        return NOTHING
    # Of parts that are beyond doubt alike, the one whose interval starts lowest.
    weakest = max(parts, key=lambda part: (part.for_it, -part.against, -np.nan_to_num(part.low)))
    return replace(
        weakest,
        against=min(1.0, len(parts) * min(part.against for part in parts)),
        draws=min(part.draws for part in parts),
        members=_united(parts),
    )


def some(parts: Sequence[Evidence]) -> Evidence:
    """At least one part is so: as `every` with for and against exchanged."""
    if not parts:
        return NOTHING
    best = min(parts, key=lambda part: (part.for_it, -part.against))
    return replace(
        best,
        for_it=min(1.0, len(parts) * best.for_it),
        against=max(part.against for part in parts),
        draws=min(part.draws for part in parts),
        members=_united(parts),
    )


def _united(parts: Sequence[Evidence]) -> frozenset[str]:
    return frozenset[str]().union(*(part.members for part in parts))
