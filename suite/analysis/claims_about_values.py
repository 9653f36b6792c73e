"""Test claims that compare members with a number, a bound or a theoretical value."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import t as student

from suite.analysis.evidence import (
    NOTHING,
    Evidence,
    above,
    above_known,
    below_known,
    every,
    in_the_family,
    known_draws,
    on_average,
    turned,
)
from suite.analysis.points import Point, Tables, matched, points, unshared
from suite.catalog.claims import THEORY, AgreesWith, BoundedBy, Level
from suite.catalog.quantities import shares_data
from suite.statistics.contrasts import Estimate, Replicates


def level(tables: Tables, claim: Level) -> Evidence:
    """Test that a quantity lies above, or below, a number: in every member, on average, or in every draw.

    In every member: the estimate is that of the member with the weakest evidence. The median of times is infinite if
    most of them are censored; it is then tested by the sign test over the draws.

    On average: over these members, with the error of their draws, or over the family that they are a sample of. A
    member that was trained in several ways enters once, with the mean over these. An average that includes an infinite
    median is infinite, and the claim is undecided.

    In every draw: the claim holds until a draw lies beyond the number, however few draws there are. The estimate is the
    smallest draw for a lower bound, and the largest for an upper bound. A censored time lies above every number. A draw
    that is nan is ignored.
    """
    found = points(tables, claim.quantity, where=claim.where, layer=claim.layer)
    if claim.of == "draw":
        return _in_every_draw(found, claim)
    bound = claim.at_least if claim.at_least is not None else claim.at_most
    assert bound is not None
    known = [(point, each) for point in found if not np.isnan((each := point.estimate(claim.statistic)).value)]
    return replace(_level(known, claim, bound), note=_count_diverged(found))


def _count_diverged(found: Sequence[Point]) -> str:
    """Return how many runs diverged, which are left out; empty if none did."""
    lost = sum(point.diverged for point in found if point.kind == "value")
    runs = sum(0 if point.values is None else len(point.values) for point in found)
    return f"{lost:,} of {runs:,} runs diverged and are left out" if lost else ""


def _level(known: Sequence[tuple[Point, Estimate]], claim: Level, bound: float) -> Evidence:
    members = [((point.member,), _replicates(point, each, claim)) for point, each in known]
    if claim.of == "family":
        return _as_claimed(in_the_family(members, bound), claim)
    if claim.of == "average" and len(members) > 1:
        events = known[0][0].kind == "frequency"
        return _as_claimed(on_average(members, bound, shares_data(claim.quantity), events), claim)
    return every([_as_claimed(above_known(point, claim.statistic, bound), claim) for point, _ in known])


def _replicates(point: Point, found: Estimate, claim: Level) -> Replicates:
    """Return the estimate of a member, with its replicates if their mean is the estimate."""
    is_median = claim.statistic == "median" and point.kind == "value"
    if point.values is None or point.draws is None or point.kind == "time" or is_median:
        return Replicates(found, np.empty(0), np.empty(0))
    known = np.isfinite(point.values)
    return Replicates(found, point.draws[known], point.values[known])


def _as_claimed(lies_above: Evidence, claim: Level) -> Evidence:
    return lies_above if claim.at_least is not None else turned(lies_above)


def _in_every_draw(found: Sequence[Point], claim: Level) -> Evidence:
    """Return the evidence that no draw lies beyond the number; a single draw that does refutes the claim."""
    known = [(point.member, values) for point in found if len(values := known_draws(point))]
    if not known:
        return NOTHING
    together = np.concatenate([values for _, values in known])
    lowest, highest = float(together.min()), float(together.max())
    holds = (claim.at_least is None or lowest >= claim.at_least) and (claim.at_most is None or highest <= claim.at_most)
    furthest = highest if claim.at_least is None else lowest
    fewest = min(len(values) for _, values in known)
    names = frozenset(name for name, _ in known)
    return Evidence(furthest, np.nan, np.nan, np.nan, 1.0, float(holds), fewest, names, until_refuted=True)


def bounded_by(tables: Tables, claim: BoundedBy) -> Evidence:
    """Test that in every member a quantity exceeds its bound by no more than the margin.

    The estimate is the bound minus the quantity, for the member with the weakest evidence. If `z` is given, the claim
    holds until it is refuted, however few draws there are: a member has to exceed bound and margin by more than `z`
    standard errors, significantly after correction. The estimate is then the largest z-score.
    """
    found = points(tables, claim.quantity, where=claim.where, layer=claim.layer)
    if claim.bound == THEORY and claim.z is None:
        return every([_below_theory(point, claim) for point in found if _has_theory(point)])
    if claim.bound == THEORY:
        distances = [
            (point, Estimate(point.theory) - point.estimate(claim.statistic)) for point in found if _has_theory(point)
        ]
    else:
        bounds = points(tables, claim.bound, where=claim.where, layer=claim.layer)
        distances = [
            (point, bound.estimate(claim.statistic) - point.estimate(claim.statistic))
            for point, bound in matched(found, bounds, *unshared(found, bounds))
        ]
    if claim.z is None:
        return every([above(distance, -claim.margin, [point.member]) for point, distance in distances])
    exceeds = [(point, Estimate(-claim.margin) - distance) for point, distance in distances]
    return _within_errors(exceeds, claim.z, one_sided=True)


def _below_theory(point: Point, claim: BoundedBy) -> Evidence:
    below = below_known(point, claim.statistic, point.theory + claim.margin)
    distance = point.theory - below.estimate
    return replace(below, estimate=distance, low=point.theory - below.high, high=point.theory - below.low)


def agrees_with(tables: Tables, claim: AgreesWith) -> Evidence:
    """Test that in every member a quantity agrees with its theoretical value.

    A relative error is tested by two one-sided tests per member. The estimate is the relative deviation of the member
    with the weakest evidence, with its sign. If `z` is given, the claim holds until it is refuted, however few draws
    there are: a deviation has to exceed `z` standard errors, significantly after correction. The estimate is then the
    z-score that is largest in magnitude.
    """
    candidates = points(tables, claim.quantity, where=claim.where, layer=claim.layer)
    found = [point for point in candidates if _has_theory(point)]
    if not found:
        return NOTHING
    if claim.relative is not None:
        return every([_within(point, claim.relative, claim.statistic) for point in found])
    assert claim.z is not None
    deviations = [(point, point.estimate(claim.statistic) - Estimate(point.theory)) for point in found]
    return _within_errors(deviations, claim.z)


def _within(point: Point, relative: float, statistic: str) -> Evidence:
    """Return the evidence that the relative error is within a tolerance, by two one-sided tests."""
    theory, tolerance, scale = point.theory, relative * abs(point.theory), abs(point.theory) or np.nan
    lower, upper = theory - tolerance, theory + tolerance
    found = every([above_known(point, statistic, lower), below_known(point, statistic, upper)])
    estimate, low, high = ((number - theory) / scale for number in (found.estimate, found.low, found.high))
    return replace(found, estimate=estimate, low=low, high=high, detectable=None)


def _within_errors(deviations: Sequence[tuple[Point, Estimate]], limit: float, one_sided: bool = False) -> Evidence:
    """Return the evidence that no deviation, divided by its standard error, exceeds a limit.

    The estimate is the largest z-score. The claim holds until it is refuted: the p-value against it is 1 if no z-score
    exceeds the limit, otherwise that of the largest z-score, times the number of deviations (Bonferroni). An exact
    deviation other than 0 has an infinite z-score.
    """
    found = [(point.member, each) for point, each in deviations if np.isfinite(each.value) and np.isfinite(each.error)]
    known = [each for _, each in found]
    if not known:
        return NOTHING
    scores = [each.value / each.error if each.error else float(np.sign(each.value)) * np.inf for each in known]
    scores = [0.0 if np.isnan(score) else score for score in scores]
    largest = max(scores) if one_sided else max(scores, key=abs)
    tails = 1 if one_sided else 2
    size = largest if one_sided else abs(largest)
    freedom = known[scores.index(largest)].freedom
    refuted = min(1.0, tails * len(scores) * float(student.sf(size, freedom)))
    holds = largest <= limit if one_sided else abs(largest) <= limit
    draws = min((each.draws for each in known if each.error), default=1)
    against = 1.0 if holds else refuted
    names = frozenset(name for name, _ in found)
    return Evidence(largest, np.nan, np.nan, np.nan, 1.0, against, draws, names, until_refuted=True)


def _has_theory(point: Point) -> bool:
    return bool(np.isfinite(point.theory))
