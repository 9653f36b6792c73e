"""Compute the evidence for and against a claim: in one member, in every member, and on average."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from suite.analysis.points import Point
from suite.statistics.contrasts import Estimate, Replicates, average, mean_of, of_share, over_members
from suite.statistics.frequencies import Frequency, average_frequency
from suite.statistics.intervals import Array, clopper_pearson
from suite.statistics.paired import PairedEvents
from suite.statistics.two_level import CorrelationDifference

Tested = Estimate | PairedEvents | Frequency | CorrelationDifference
"""An estimate with one-sided tests and a 95% confidence interval."""

Detectable = Callable[[float, float], float]
"""(one-sided level, power) -> the smallest effect that a test finds with that power."""


@dataclass(frozen=True)
class Evidence:
    """The estimate of a claim, or of a part of a claim, with p-values for and against it.

    Attributes:
        estimate: The estimate that the claim's test defines.
        low: Lower end of its 95% confidence interval; nan if there is none.
        high: Upper end of the interval.
        p: Two-sided p-value of the estimate against what is claimed, without any correction; nan if there is none.
        for_it: p-value for the claim: how probable such evidence for it is if the claim is false.
        against: p-value against the claim: how probable such evidence against it is if the claim is true.
        draws: The smallest number of draws of a member.
        members: The names of the compared members. A member that was trained several times counts once.
        unit: The sampling unit, draws or members, of which more are needed for stronger evidence.
        until_refuted: Whether the claim holds until it is refuted. There is no p-value for it then; `for_it` is 1.
        exact: Whether the estimate is computed without any sampling, so that it has no interval and no p-value.
        detectable: The smallest effect that the test finds, if it can be told.
        note: Why the claim cannot be judged, or how many runs are left out; empty otherwise.
    """

    estimate: float
    low: float
    high: float
    p: float
    for_it: float
    against: float
    draws: int
    members: frozenset[str]
    unit: Literal["draws", "members"] = "draws"
    until_refuted: bool = False
    exact: bool = False
    detectable: Detectable | None = None
    note: str = ""


NOTHING = Evidence(np.nan, np.nan, np.nan, np.nan, 1.0, 1.0, 0, frozenset())
"""The evidence on a claim whose quantities are not in the tables."""


def above(found: Tested, bound: float, members: Iterable[str]) -> Evidence:
    """Return the evidence that an estimate lies above a bound.

    An estimate without error is compared with the bound directly.

    Args:
        found: The estimate.
        bound: The bound, which is known exactly.
        members: The names of the members that the estimate is about.
    """
    if found.error == 0 and np.isfinite(found.value):
        holds = found.value > bound
        p_values = (np.nan, 0.0 if holds else 1.0, 1.0 if holds else 0.0)
        return Evidence(found.value, np.nan, np.nan, *p_values, found.draws, frozenset(members), exact=True)
    low, high = found.interval
    for_it, against = found.above(bound), found.below(bound)
    return Evidence(
        found.value,
        low,
        high,
        two_sided(for_it, against),
        for_it,
        against,
        found.draws,
        frozenset(members),
        detectable=found.detectable,
    )


def two_sided(for_it: float, against: float) -> float:
    """Return the two-sided p-value that belongs to two one-sided ones."""
    return min(1.0, 2 * min(for_it, against))


def refused(note: str, members: Iterable[str]) -> Evidence:
    """Return the evidence on a claim that cannot be judged.

    Args:
        note: The reason.
        members: The names of the members that the claim is about.
    """
    return replace(NOTHING, members=frozenset(members), note=note)


def every(parts: Sequence[Evidence]) -> Evidence:
    """Return the evidence that all parts of a claim are true, by an intersection-union test.

    The p-value for the claim is the largest of the parts and needs no correction (Berger 1982). The p-value against
    it is the smallest of the parts, times their number (Bonferroni). The estimate is that of the part with the largest
    p-value for the claim. If a part cannot be judged, neither can the claim.
    """
    if not parts:
        return NOTHING
    if note := _first_note(parts):
        return refused(note, _united(parts))
    # Parts may tie in both p-values, for example at 0; then the one whose interval starts lowest decides.
    weakest = max(parts, key=lambda part: (part.for_it, -part.against, -np.nan_to_num(part.low)))
    return replace(
        weakest,
        against=min(1.0, len(parts) * min(part.against for part in parts)),
        draws=min(part.draws for part in parts),
        members=_united(parts),
        exact=all(part.exact for part in parts),
    )


def some(parts: Sequence[Evidence]) -> Evidence:
    """Return the evidence that at least one part of a claim is true: the dual of `every`.

    The p-value for the claim is the smallest of the parts, times their number (Bonferroni). The p-value against it is
    the largest of the parts. The estimate is that of the part with the smallest p-value for the claim.
    """
    if not parts:
        return NOTHING
    if note := _first_note(parts):
        return refused(note, _united(parts))
    best = min(parts, key=lambda part: (part.for_it, -part.against))
    return replace(
        best,
        for_it=min(1.0, len(parts) * best.for_it),
        against=max(part.against for part in parts),
        draws=min(part.draws for part in parts),
        members=_united(parts),
        exact=all(part.exact for part in parts),
    )


def _first_note(parts: Sequence[Evidence]) -> str:
    return next((part.note for part in parts if part.note), "")


def _united(parts: Sequence[Evidence]) -> frozenset[str]:
    return frozenset[str]().union(*(part.members for part in parts))


def above_known(point: Point, statistic: str, bound: float) -> Evidence:
    """Return the evidence that a member's statistic lies above a bound that is known exactly.

    A frequency is tested by the exact binomial test and has the interval of Clopper and Pearson, which belongs to it.
    An infinite median, such as that of times to an event most of which are censored, is tested by the sign test and has
    no interval.

    Args:
        point: The draws of the member.
        statistic: "mean" or "median", as for `Point.estimate`.
        bound: The bound.
    """
    value = point.estimate(statistic)
    if point.kind == "frequency" and point.values is not None and value.draws:
        known = point.values[np.isfinite(point.values)]
        events, n = int(known.sum()), len(known)
        for_it, against = of_share(events, n, bound)
        evidence = above(value, bound, [point.member])
        low, high = clopper_pearson(events, n)
        p = two_sided(for_it, against)
        return replace(evidence, low=low, high=high, p=p, for_it=for_it, against=against, detectable=None)
    if not np.isinf(value.value):
        return above(value, bound, [point.member])
    draws = known_draws(point)
    beyond, within = (int((draws > bound).sum()), int((draws < bound).sum()))
    for_it, against = (of_share(number, len(draws), 0.5)[0] for number in (beyond, within))
    p = two_sided(for_it, against)
    return Evidence(value.value, np.nan, np.nan, p, for_it, against, len(draws), frozenset([point.member]))


def below_known(point: Point, statistic: str, bound: float) -> Evidence:
    """Return the evidence that a member's statistic lies below an exact bound; see `above_known`."""
    return turned(above_known(point, statistic, bound))


def turned(evidence: Evidence) -> Evidence:
    """Return the evidence on the opposite claim: the two p-values are exchanged."""
    return replace(evidence, for_it=evidence.against, against=evidence.for_it)


def known_draws(point: Point) -> Array:
    """Return a member's draws without nan; a censored time to an event is infinite."""
    if point.values is None:
        return np.empty(0)
    values = np.where(np.isnan(point.values), np.inf, point.values) if point.kind == "time" else point.values
    known: Array = values[~np.isnan(values)]
    return known


Name = TypeVar("Name", bound=Hashable)


def of_each(found: Iterable[tuple[Name, Estimate]]) -> Mapping[Name, Estimate]:
    """Average the estimates of each member, or of each pair of members, over its tasks and optimizers.

    Args:
        found: The name of a member or pair with its estimate, once per training setting. Estimates that are nan are
            left out.

    Returns:
        One estimate per name.
    """
    trainings: dict[Name, list[Estimate]] = {}
    for name, value in found:
        if not np.isnan(value.value):
            trainings.setdefault(name, []).append(value)
    return {name: mean_of(values) for name, values in trainings.items()}


def on_average(
    found: Iterable[tuple[tuple[str, ...], Replicates]], bound: float, shared: bool, events: bool = False
) -> Evidence:
    """Return the evidence that the average over these members, or pairs of members, lies above a bound.

    Args:
        found: The names of one or two members with their estimate, once per training setting.
        bound: The bound.
        shared: Whether replicates share their data over members, as in training.
        events: Whether the average is one of frequencies.
    """
    members: dict[tuple[str, ...], list[Replicates]] = {}
    for names, each in found:
        if not np.isnan(each.estimate.value):
            members.setdefault(names, []).append(each)
    if not members:
        return NOTHING
    averaged = average_frequency if events else average
    return above(averaged(list(members.values()), shared), bound, {name for each in members for name in each})


def in_the_family(found: Iterable[tuple[tuple[str, ...], Replicates]], bound: float) -> Evidence:
    """Return the evidence that the average over the family, of which the members are a sample, lies above a bound.

    Members, or pairs of members, are the sampling units, so the error follows from the spread between them.

    Args:
        found: The names of one or two members with their estimate, once per training setting.
        bound: The bound.
    """
    members = of_each((names, each.estimate) for names, each in found)
    if not members:
        return NOTHING
    mean = over_members(np.array([each.value for each in members.values()]))
    draws = min(each.draws for each in members.values())
    evidence = above(replace(mean, draws=draws), bound, {name for each in members for name in each})
    return replace(evidence, unit="members")
