"""Test claims that compare members with each other: along an axis, in pairs, or by rank."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import atanh, copysign, factorial, sqrt, tanh
from zlib import crc32

import numpy as np
from scipy.stats import t as student

from suite.analysis.evidence import (
    NOTHING,
    Evidence,
    Tested,
    above,
    every,
    in_the_family,
    known_draws,
    of_each,
    on_average,
    refused,
    some,
    two_sided,
)
from suite.analysis.points import (
    Point,
    Tables,
    at,
    both_drawn,
    differing_divergence,
    lines,
    matched,
    points,
    unshared,
)
from suite.catalog.claims import Greater, Monotone, PairClaim, PeaksInside, RankCorrelation, SurvivalShorter
from suite.catalog.predict import FEWEST
from suite.catalog.quantities import is_trained, shares_data
from suite.statistics.contrasts import Estimate, Replicates, estimate
from suite.statistics.frequencies import pooled
from suite.statistics.intervals import LEVEL
from suite.statistics.paired import paired_events, paired_means
from suite.statistics.rank import spearman
from suite.statistics.survival import logrank


def peaks_inside(tables: Tables, claim: PeaksInside) -> Evidence:
    """Test that along every line of points some inner value exceeds both ends.

    A line consists of the points that differ in `along` alone; lines of fewer than three points are left out. Any inner
    value may be the peak, so its p-value is multiplied by the number of inner values (Bonferroni). The p-value against
    the claim is that of an end exceeding all inner values. The estimate is the difference between the peak with the
    strongest evidence and the end that it exceeds with the weaker evidence, on the line with the weakest evidence.
    """
    found = lines(points(tables, claim.quantity, where=claim.where, layer=claim.layer), claim.along)
    return every([_peak(line, claim) for line in found if len(line) > 2])


def _peak(line: Sequence[Point], claim: PeaksInside) -> Evidence:
    members = frozenset(point.member for point in line)
    if note := next(filter(None, (differing_divergence(line[0], point) for point in line)), ""):
        return refused(note, members)
    first, *inside, last = line

    def exceeds(upper: Point, lower: Point) -> Evidence:
        return above(_difference(upper, lower, claim), 0.0, members)

    above_both = [every([exceeds(inner, end) for end in (first, last)]) for inner in inside]
    an_end = some([every([exceeds(end, inner) for inner in inside]) for end in (first, last)])
    return replace(some(above_both), against=an_end.for_it, members=members)


def monotone(tables: Tables, claim: Monotone) -> Evidence:
    """Test that every step along every line goes in the claimed direction, up to the slack.

    A line consists of the points that differ in `along` alone. The estimate is the step with the weakest evidence,
    positive in the claimed direction.
    """
    found = lines(points(tables, claim.quantity, where=claim.where, layer=claim.layer), claim.along)
    return every([_steps(line, claim) for line in found if len(line) > 1])


def _steps(line: Sequence[Point], claim: Monotone) -> Evidence:
    steps = pairwise(line if claim.direction == "rises" else line[::-1])
    return every([_step(lower, upper, claim) for lower, upper in steps])


def _step(lower: Point, upper: Point, claim: Monotone) -> Evidence:
    names = (lower.member, upper.member)
    if note := differing_divergence(lower, upper):
        return refused(note, names)
    return above(_difference(upper, lower, claim), -claim.slack, names)


def greater(tables: Tables, claim: Greater) -> Evidence:
    """Test that one value of an axis has a larger quantity than another, in every pair or on average.

    A pair consists of two members that differ in `axis` alone. Replicates of trained networks share their data, so
    they are compared replicate by replicate, with the tests of the table of comparisons. A pair that was trained in
    several ways enters an average once, with the mean of its differences. The average is that of these pairs, unless it
    is that of the family.
    """
    pairs = [((first.member, second.member), first, second) for first, second in _pairs(tables, claim)]
    notes = {names: note for names, first, second in pairs if (note := differing_divergence(first, second))}
    if claim.of == "every":
        return every(
            [
                refused(notes[names], names)
                if names in notes
                else above(_difference(first, second, claim), claim.margin, names)
                for names, first, second in pairs
            ]
        )
    if notes:
        return refused(next(iter(notes.values())), {name for names, _, _ in pairs for name in names})
    differences = [(names, _replicates(first, second, claim)) for names, first, second in pairs]
    if claim.of == "family":
        return in_the_family(differences, claim.margin)
    if pairs and pairs[0][1].kind == "frequency" and not shares_data(claim.quantity):
        difference = pooled([known_draws(first) for _, first, _ in pairs]) - pooled(
            [known_draws(second) for _, _, second in pairs]
        )
        return above(difference, claim.margin, {name for names, _, _ in pairs for name in names})
    return on_average(differences, claim.margin, shares_data(claim.quantity))


def _difference(first: Point, second: Point, claim: PeaksInside | Monotone | Greater) -> Tested:
    """Return first minus second; replicates of trained quantities are compared one by one."""
    if not is_trained(claim.quantity) or first.kind not in ("value", "frequency"):
        return first.estimate(claim.statistic) - second.estimate(claim.statistic)
    _, one, other = both_drawn(first, second)
    if first.kind == "frequency":
        return paired_events(other, one)
    return estimate(one - other, "median") if claim.statistic == "median" else paired_means(other, one)


def _replicates(first: Point, second: Point, claim: Greater) -> Replicates:
    """Return the difference of two members, with the differences of their replicates if their mean is the estimate."""
    found = _difference(first, second, claim)
    if not is_trained(claim.quantity) or first.kind not in ("value", "frequency") or claim.statistic == "median":
        assert isinstance(found, Estimate)
        return Replicates(found, np.empty(0), np.empty(0))
    numbers, one, other = both_drawn(first, second)
    whole = found if isinstance(found, Estimate) else first.estimate("mean") - second.estimate("mean")
    return Replicates(whole, numbers, one - other)


def survival_shorter(tables: Tables, claim: SurvivalShorter) -> Evidence:
    """Test that in every pair the times of the first member are shorter, by the log-rank test.

    The estimate is the z-score of the pair with the weakest evidence, positive if the times are shorter. It has no
    interval, since it is a test statistic. Times that are censored are longer than all others.
    """
    parts = []
    for first, second in _pairs(tables, claim):
        assert first.values is not None
        assert second.values is not None
        ended = [~np.isnan(values) for values in (first.values, second.values)]
        censoring_time = 1 + max(np.nanmax(values, initial=0) for values in (first.values, second.values))
        times = [np.nan_to_num(values, nan=censoring_time) for values in (first.values, second.values)]
        test = logrank(times[0], ended[0], times[1], ended[1])
        half = test.p / 2
        one_sided = half if test.statistic > 0 else 1 - half
        draws = min(len(first.values), len(second.values))
        parts.append(
            Evidence(
                test.statistic,
                np.nan,
                np.nan,
                two_sided(one_sided, 1 - one_sided),
                one_sided,
                1 - one_sided,
                draws,
                frozenset((first.member, second.member)),
            )
        )
    return every(parts)


def _pairs(tables: Tables, claim: PairClaim) -> list[tuple[Point, Point]]:
    """Return the pairs of points that a claim compares: one at `value`, the matching one at `than`."""
    found = points(tables, claim.quantity, where=claim.where, layer=claim.layer)
    return list(matched(at(found, claim.axis, claim.value), at(found, claim.axis, claim.than), claim.axis))


def rank_correlation(tables: Tables, claim: RankCorrelation) -> Evidence:
    """Test Spearman's rho of two quantities over members.

    The p-value is that of Fisher's transformation with the standard error of Bonett and Wright. It is made
    conservative for few members: rho is moved towards 0 by half of its smallest step, and the quantiles are Student's
    with n - 1 degrees of freedom. Members are the sample, since the claim is about the family that they belong to; the
    error of a member's own values is already part of their order. For n members no p-value is below 1/n!, the
    probability of a single order. The values of a member that was trained in several ways are averaged, so that it
    enters once. An infinite value, such as the median of times most of which are censored, is the first or last in
    order. If `shuffled` is set, the values of `first` are permuted; the permutation follows from the text of the claim
    and the number of members alone.

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
    return against_bound(rho, frozenset(by_member[0]), claim)


def against_bound(rho: float, names: frozenset[str], claim: RankCorrelation) -> Evidence:
    """Return the evidence that a correlation over members lies beyond the claim's bound.

    Args:
        rho: Spearman's rho of the members.
        names: The names of the members.
        claim: The claim.
    """
    bound, sign = (claim.at_least, 1) if claim.at_least is not None else (claim.at_most, -1)
    assert bound is not None
    members = len(names)
    inside = copysign(max(abs(rho) - 6 / (members**3 - members), 0.0), rho)
    error = sqrt((1 + inside**2 / 2) / (members - 3))
    score = sign * (atanh(inside) - atanh(min(max(bound, -_NEARLY), _NEARLY))) / error
    half = float(student.isf((1 - LEVEL) / 2, members - 1)) * error
    low, high = min(tanh(atanh(inside) - half), rho), max(tanh(atanh(inside) + half), rho)
    least = 1 / factorial(members)
    for_it, against = (max(least, float(student.sf(tail, members - 1))) for tail in (score, -score))

    def detectable(level: float, power: float) -> float:
        shift = error * float(student.isf(level, members - 1) + student.ppf(power, members - 1))
        return abs(tanh(atanh(bound) + sign * shift) - bound)

    p = two_sided(for_it, against)
    return Evidence(rho, low, high, p, for_it, against, 0, names, "members", detectable=detectable)


_NEARLY = 0.9999
"""The largest bound that is transformed, since Fisher's transformation of 1 is infinite."""
