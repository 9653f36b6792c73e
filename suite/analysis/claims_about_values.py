"""The tests of claims that compare members with a number, a bound or a theoretical value."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import norm

from suite.analysis.evidence import (
    NOTHING,
    Evidence,
    above,
    above_known,
    below_known,
    every,
    known_draws,
    on_average,
    turned,
)
from suite.analysis.points import Point, Tables, matched, points, unshared
from suite.catalog.claims import AgreesWith, BoundedBy, Level
from suite.statistics.contrasts import Estimate


def level(tables: Tables, claim: Level) -> Evidence:
    """In every member, or on average over members, the quantity lies on the claimed side of the number.

    The estimate is of the member that is least surely there. A median is infinite where most waits did not end, which
    refutes that it is small as surely as so many draws beyond the number are no coin tosses. On average, members are
    what is resampled in thought, each of which enters once, with the mean over the ways that it was trained in; an
    average with an infinite median in it is infinite, and undecided. Of single draws the claim is only not refuted: it
    holds while none lies beyond the number, however few they are, and the estimate is the one that lies furthest. A
    wait that did not end lies above every number; a draw that is no number, such as the loss of a run that diverged,
    says nothing.
    """
    found = points(tables, claim.quantity, where=claim.where, layer=claim.layer)
    if claim.of == "draw":
        return _without_exception(found, claim)
    bound = claim.at_least if claim.at_least is not None else claim.at_most
    assert bound is not None
    known = [(point, each) for point in found if not np.isnan((each := point.estimate(claim.statistic)).value)]
    if claim.of == "average" and len(known) > 1:
        return _as_claimed(on_average((((point.member,), each) for point, each in known), bound), claim)
    return every([_as_claimed(above_known(point, claim.statistic, bound), claim) for point, _ in known])


def _as_claimed(lies_above: Evidence, claim: Level) -> Evidence:
    return lies_above if claim.at_least is not None else turned(lies_above)


def _without_exception(found: Sequence[Point], claim: Level) -> Evidence:
    """That no draw lies beyond the number, which one that does refutes beyond doubt."""
    known = [(point.member, values) for point in found if len(values := known_draws(point))]
    if not known:
        return NOTHING
    together = np.concatenate([values for _, values in known])
    lowest, highest = float(together.min()), float(together.max())
    kept = (claim.at_least is None or lowest >= claim.at_least) and (claim.at_most is None or highest <= claim.at_most)
    furthest = highest if claim.at_least is None else lowest
    fewest = min(len(values) for _, values in known)
    names = frozenset(name for name, _ in known)
    return Evidence(furthest, np.nan, np.nan, 1.0, float(kept), fewest, names, until_refuted=True)


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
