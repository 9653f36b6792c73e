"""Claims that compare two settings of an axis where all others match."""

from dataclasses import replace

import numpy as np
from scipy.stats import norm

from suite.analysis.average import on_average
from suite.analysis.evidence import NOTHING, Evidence, above, every
from suite.analysis.points import Point, Tables, at, both_drawn, matched, points
from suite.catalog.claims import Greater, PairClaim, SurvivalShorter
from suite.catalog.measures import MEASURES
from suite.statistics.contrasts import Estimate, of_pairs
from suite.statistics.survival import logrank

TRAINED = frozenset(name for each in MEASURES.values() if each.inputs == "training" for name in each.quantities)
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
    if claim.quantity in TRAINED and first.kind == "value":
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
