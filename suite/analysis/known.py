"""A member's number against one that is known exactly, such as a level that a claim names, or a law."""

from dataclasses import replace

import numpy as np

from suite.analysis.evidence import Evidence, above
from suite.analysis.points import Point
from suite.statistics.contrasts import of_share
from suite.statistics.intervals import Array, wilson


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
