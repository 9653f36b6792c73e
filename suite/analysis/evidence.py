"""Evidence: what tables say for a claim and against it, of a member, of every member, and on average."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from suite.analysis.points import Point
from suite.statistics.contrasts import Estimate, mean_of, of_share, over_members
from suite.statistics.intervals import Array, wilson


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


def above_known(point: Point, statistic: str, bound: float) -> Evidence:
    """Of the claim that a member's number lies above a bound that has no error.

    A frequency is tested by the binomial itself, with Wilson's interval, since its error near 0 and 1 is told by the
    bound and not by the draws; an infinite median, of waits most of which did not end, by the sign test.

    Args:
        point: the member.
        statistic: what claims about it go by.
        bound: which.
    """
    value = point.estimate(statistic)
    if point.kind == "frequency" and point.values is not None and value.draws:
        known = point.values[np.isfinite(point.values)]
        low, high = (float(end) for end in wilson(known.sum(), np.array(len(known))))
        for_it, against = of_share(int(known.sum()), len(known), bound)
        return Evidence(value.value, low, high, for_it, against, len(known), frozenset([point.member]))
    if not np.isinf(value.value):
        return above(value, bound, [point.member])
    draws = known_draws(point)
    beyond, within = (int((draws > bound).sum()), int((draws < bound).sum()))
    for_it, against = (of_share(number, len(draws), 0.5)[0] for number in (beyond, within))
    return Evidence(value.value, np.nan, np.nan, for_it, against, len(draws), frozenset([point.member]))


def below_known(point: Point, statistic: str, bound: float) -> Evidence:
    """Of the claim that it lies below; as `above_known`."""
    return turned(above_known(point, statistic, bound))


def turned(evidence: Evidence) -> Evidence:
    """Of the opposite claim."""
    return replace(evidence, for_it=evidence.against, against=evidence.for_it)


def known_draws(point: Point) -> Array:
    """A member's draws; a wait that did not end is longer than all others."""
    if point.values is None:
        return np.empty(0)
    values = np.where(np.isnan(point.values), np.inf, point.values) if point.kind == "time" else point.values
    known: Array = values[~np.isnan(values)]
    return known


Name = TypeVar("Name", bound=Hashable)


def of_each(found: Iterable[tuple[Name, Estimate]]) -> Mapping[Name, Estimate]:
    """The mean of what is known of each member, or pair of members, over its tasks and optimizers.

    Args:
        found: by the member's name, or a pair's; once a training. What is nan is left out.
    """
    trainings: dict[Name, list[Estimate]] = {}
    for name, value in found:
        if not np.isnan(value.value):
            trainings.setdefault(name, []).append(value)
    return {name: mean_of(values) for name, values in trainings.items()}


def on_average(found: Iterable[tuple[tuple[str, ...], Estimate]], bound: float) -> Evidence:
    """Of the claim that the average over members, or over pairs of them, lies above a bound.

    Members are what is resampled in thought. A single one has no spread: its statement rests on its draws.

    Args:
        found: by the names of the members that it is of; once a training.
        bound: which.
    """
    members = of_each(found)
    if not members:
        return NOTHING
    names = {name for each in members for name in each}
    if len(members) == 1:
        return above(next(iter(members.values())), bound, names)
    mean = over_members(np.array([each.value for each in members.values()]))
    draws = min(each.draws for each in members.values())
    return replace(above(replace(mean, draws=draws), bound, names), unit="members")
