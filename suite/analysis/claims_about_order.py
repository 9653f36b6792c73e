"""The tests of claims that compare members with each other: along an axis, in pairs, and by rank."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import atanh, factorial, sqrt, tanh
from zlib import crc32

import numpy as np
from scipy.stats import norm

from suite.analysis.evidence import NOTHING, Evidence, above, every, of_each, on_average, some
from suite.analysis.points import Point, Tables, at, both_drawn, lines, matched, points, unshared
from suite.catalog.claims import Greater, Monotone, PairClaim, PeaksInside, RankCorrelation, SurvivalShorter
from suite.catalog.measures import MEASURES
from suite.catalog.predict import FEWEST
from suite.statistics.contrasts import Estimate, of_pairs
from suite.statistics.intervals import NORMAL_QUANTILE
from suite.statistics.rank import spearman
from suite.statistics.survival import logrank


def peaks_inside(tables: Tables, claim: PeaksInside) -> Evidence:
    """Along every line some inner value lies above both ends.

    The estimate is of the inner value that is surest to: by how much it exceeds the end that it is less surely above.
    Every inner value has a chance to be the one, which the p-value pays for by Bonferroni's factor; against the claim
    stands that an end lies above all inner values.
    """
    found = lines(points(tables, claim.quantity, where=claim.where, layer=claim.layer), claim.along)
    return every([_peak(line, claim.statistic) for line in found if len(line) > 2])


def _peak(line: Sequence[Point], statistic: str) -> Evidence:
    first, *inside, last = (point.estimate(statistic) for point in line)
    members = frozenset(point.member for point in line)
    above_both = [every([above(inner - end, 0.0, members) for end in (first, last)]) for inner in inside]
    an_end = some([every([above(end - inner, 0.0, members) for inner in inside]) for end in (first, last)])
    return replace(some(above_both), against=an_end.for_it, members=members)


def monotone(tables: Tables, claim: Monotone) -> Evidence:
    """Along every line each step goes the way that is claimed, but for the slack.

    The estimate is of the step that is least sure to.
    """
    found = lines(points(tables, claim.quantity, where=claim.where, layer=claim.layer), claim.along)
    return every([_steps(line, claim) for line in found if len(line) > 1])


def _steps(line: Sequence[Point], claim: Monotone) -> Evidence:
    sign = 1 if claim.direction == "rises" else -1
    course = [(point.estimate(claim.statistic), point.member) for point in line]
    steps = [(before, after) if sign > 0 else (after, before) for before, after in pairwise(course)]
    return every([above(upper - lower, -claim.slack, (low, high)) for (lower, low), (upper, high) in steps])


_TRAINED = frozenset(name for each in MEASURES.values() if each.inputs == "training" for name in each.quantities)
"""Quantities whose draws share their data from member to member."""


def greater(tables: Tables, claim: Greater) -> Evidence:
    """In every matched pair, or on average over the pairs, the first lies above the second by more than the margin.

    Trained replicates share their data, so they are compared pair by pair. On average, pairs of members are what is
    resampled in thought: the spread of their differences has the draws' own in it. A pair that was trained in several
    ways enters once, with the mean of its differences.
    """
    pairs = _pairs(tables, claim)
    if not pairs:
        return NOTHING
    differences = [((first.member, second.member), _difference(first, second, claim)) for first, second in pairs]
    if claim.of == "every":
        found = every([above(difference, claim.margin, names) for names, difference in differences])
    else:
        found = on_average(differences, claim.margin)
    if pairs[0][0].kind != "frequency":
        return found
    # Shares differ by 1 at most, which the normal interval does not know.
    return replace(found, low=float(np.clip(found.low, -1, 1)), high=float(np.clip(found.high, -1, 1)))


def _difference(first: Point, second: Point, claim: Greater) -> Estimate:
    if claim.quantity in _TRAINED and first.kind == "value":
        one, other = both_drawn(first, second)
        return of_pairs(other, one, claim.statistic)
    return first.estimate(claim.statistic) - second.estimate(claim.statistic)


def survival_shorter(tables: Tables, claim: SurvivalShorter) -> Evidence:
    """In every matched pair the waits of the first are the shorter ones, by the log-rank test.

    The estimate is the test's z, positive where they are.
    """
    parts = []
    for first, second in _pairs(tables, claim):
        assert first.values is not None
        assert second.values is not None
        ended = [~np.isnan(values) for values in (first.values, second.values)]
        watched = 1 + max(np.nanmax(values, initial=0) for values in (first.values, second.values))
        times = [np.nan_to_num(values, nan=watched) for values in (first.values, second.values)]
        test = logrank(times[0], ended[0], times[1], ended[1])
        half = test.p / 2
        one_sided = half if test.statistic > 0 else 1 - half
        spread = float(norm.isf(0.025))
        draws = min(len(first.values), len(second.values))
        parts.append(
            Evidence(
                test.statistic,
                test.statistic - spread,
                test.statistic + spread,
                one_sided,
                1 - one_sided,
                draws,
                frozenset((first.member, second.member)),
            )
        )
    return every(parts)


def _pairs(tables: Tables, claim: PairClaim) -> list[tuple[Point, Point]]:
    """The points at the axis's one value, each with the one at the other that matches."""
    found = points(tables, claim.quantity, where=claim.where, layer=claim.layer)
    return list(matched(at(found, claim.axis, claim.value), at(found, claim.axis, claim.than), claim.axis))


def rank_correlation(tables: Tables, claim: RankCorrelation) -> Evidence:
    """Spearman's rho over members, by Fisher's transformation with Bonett's and Wright's error.

    What a member's numbers are uncertain by is in their order already; the statement is about the family that members
    are from, so that members are the sample. Perfect order of few members is no surer than the one order in n! that it
    is, which the transformation, infinite there, does not know. Numbers of a member that was trained in several ways
    are averaged over these, so that it enters once. Shuffled values are dealt out in an order that follows
    from the claim's own words and the number of members alone.

    A wait that mostly did not end, and whatever else is infinite, is the last in order, or the first.

    Source: Bonett & Wright 2000.
    """
    first, second = (points(tables, name, where=claim.where, layer=claim.layer) for name in (claim.first, claim.second))
    pairs = sorted(matched(second, first, *unshared(first, second)), key=lambda pair: repr(pair[0].but()))
    numbers = [(other.member, [each.estimate(claim.statistic) for each in (one, other)]) for other, one in pairs]
    known = [(name, both) for name, both in numbers if not any(np.isnan(each.value) for each in both)]
    by_member = [of_each((name, both[side]) for name, both in known) for side in (0, 1)]
    x, y = (np.array([each.value for each in values.values()]) for values in by_member)
    if claim.shuffled:
        x = np.random.default_rng(crc32(claim.says.encode())).permutation(x)
    if len(x) < FEWEST or not np.isfinite(rho := float(spearman(x[None], y[None])[0])):
        return NOTHING
    return _against_bound(rho, frozenset(by_member[0]), claim)


def _against_bound(rho: float, names: frozenset[str], claim: RankCorrelation) -> Evidence:
    bound, sign = (claim.at_least, 1) if claim.at_least is not None else (claim.at_most, -1)
    assert bound is not None
    members = len(names)
    inside = min(max(rho, -_NEARLY), _NEARLY)
    error = sqrt((1 + inside**2 / 2) / (members - 3))
    z = sign * (atanh(inside) - atanh(min(max(bound, -_NEARLY), _NEARLY))) / error
    low, high = (tanh(atanh(inside) + side * NORMAL_QUANTILE * error) for side in (-1, 1))
    least = 1 / factorial(members)
    for_it, against = (max(least, float(tail)) for tail in (norm.sf(z), norm.cdf(z)))
    return Evidence(rho, low, high, for_it, against, 0, names, "members")


_NEARLY = 0.9999
"""Of a correlation of 1, whose transformation is infinite."""
