"""Claims that a quantity keeps to a bound, or to its law, in every member."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import norm

from suite.analysis.evidence import NOTHING, Evidence, above, every
from suite.analysis.known import above_known, below_known
from suite.analysis.points import Point, Tables, matched, points, unshared
from suite.catalog.claims import AgreesWith, BoundedBy
from suite.statistics.contrasts import Estimate

THEORY = "theory"


def bounded_by(tables: Tables, claim: BoundedBy) -> Evidence:
    """In every member the quantity lies below the bound, and no more than the margin above.

    The estimate is of the member that comes nearest: the bound less the quantity. Where standard errors are given, the
    bound is only not refuted: it holds while no member seems to exceed it by more, however few draws there are, and the
    estimate is the largest z.
    """
    found = points(tables, claim.quantity, where=claim.where, layer=claim.layer)
    if claim.bound == THEORY and claim.z is None:
        return every([_below_law(point, claim) for point in found if _known(point)])
    if claim.bound == THEORY:
        spare_room = [
            (point, Estimate(point.theory) - point.estimate(claim.statistic)) for point in found if _known(point)
        ]
    else:
        bounds = points(tables, claim.bound, where=claim.where, layer=claim.layer)
        spare_room = [
            (point, bound.estimate(claim.statistic) - point.estimate(claim.statistic))
            for point, bound in matched(found, bounds, *unshared(found, bounds))
        ]
    if claim.z is None:
        return every([above(room, -claim.margin, [point.member]) for point, room in spare_room])
    exceeds = [(point, Estimate(-claim.margin) - room) for point, room in spare_room]
    return _not_further(exceeds, claim.z, one_sided=True)


def _below_law(point: Point, claim: BoundedBy) -> Evidence:
    below = below_known(point, claim.statistic, point.theory + claim.margin)
    room = point.theory - below.estimate
    return replace(below, estimate=room, low=point.theory - below.high, high=point.theory - below.low)


def agrees_with(tables: Tables, claim: AgreesWith) -> Evidence:
    """Every member's quantity is its law's, within a relative error or so many standard errors.

    That a relative error is kept is shown by two one-sided tests a member, and the estimate is the largest one. That
    standard errors are kept is only not refuted: it holds while no member is further off, however few draws there are,
    and the estimate is the largest z.
    """
    found = [point for point in points(tables, claim.quantity, where=claim.where, layer=claim.layer) if _known(point)]
    if not found:
        return NOTHING
    if claim.relative is not None:
        return every([_within(point, claim.relative, claim.statistic) for point in found])
    assert claim.z is not None
    return _not_further([(point, point.estimate(claim.statistic) - Estimate(point.theory)) for point in found], claim.z)


def _within(point: Point, relative: float, statistic: str) -> Evidence:
    law, room, scale = point.theory, relative * abs(point.theory), abs(point.theory) or np.nan
    found = every([above_known(point, statistic, law - room), below_known(point, statistic, law + room)])
    estimate, low, high = ((number - law) / scale for number in (found.estimate, found.low, found.high))
    return replace(found, estimate=estimate, low=low, high=high)


def _not_further(deviations: Sequence[tuple[Point, Estimate]], most: float, one_sided: bool = False) -> Evidence:
    """That no deviation is larger than so many of its standard errors."""
    found = [(point.member, each) for point, each in deviations if np.isfinite(each.value) and np.isfinite(each.error)]
    known = [each for _, each in found]
    if not known:
        return NOTHING
    scores = [each.value / each.error if each.error else float(np.sign(each.value)) * np.inf for each in known]
    scores = [0.0 if np.isnan(score) else score for score in scores]
    largest = max(scores) if one_sided else max(scores, key=abs)
    tails = 1 if one_sided else 2
    refuted = min(1.0, tails * len(scores) * float(norm.sf(largest if one_sided else abs(largest))))
    kept = largest <= most if one_sided else abs(largest) <= most
    draws = min((each.draws for each in known if each.error), default=1)
    against = 1.0 if kept else refuted
    return Evidence(
        largest, np.nan, np.nan, 1.0, against, draws, frozenset(name for name, _ in found), until_refuted=True
    )


def _known(point: Point) -> bool:
    return bool(np.isfinite(point.theory))
