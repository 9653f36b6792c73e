"""Claims that two quantities order members alike."""

from math import atanh, factorial, sqrt, tanh
from zlib import crc32

import numpy as np
from scipy.stats import norm

from suite.analysis.average import of_each
from suite.analysis.evidence import NOTHING, Evidence
from suite.analysis.points import Tables, matched, points, unshared
from suite.catalog.claims import RankCorrelation
from suite.catalog.predict import FEWEST
from suite.statistics.intervals import NORMAL_QUANTILE
from suite.statistics.rank import spearman


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
