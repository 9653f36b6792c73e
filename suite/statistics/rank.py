"""Rank correlation over members: does one quantity order networks as another does?"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from suite.statistics.intervals import LEVEL, RESAMPLES, Array

MIN_MEMBERS = 4
"""Fewer have no interval to speak of."""


class RankCorrelation(NamedTuple):
    """Spearman's rho over members, with a 95% interval.

    Attributes:
        estimate: rho; nan where a quantity is the same for all members.
        low: lower end of the interval.
        high: upper end.
        members: how many.
    """

    estimate: float
    low: float
    high: float
    members: int


def rank_correlation(first: Array, second: Array) -> RankCorrelation:
    """Spearman's rho of two quantities over members; the bootstrap resamples members, which the claim is about.

    Args:
        first: one value a member.
        second: likewise; members without either value are left out.
    """
    return _over_members(spearman, first, second)


def rank_advantage(first: Array, rival: Array, outcome: Array) -> RankCorrelation:
    """How much better one quantity ranks members by an outcome than a rival does: the difference of their rhos.

    The bootstrap resamples members, and takes both correlations on the same ones.

    Args:
        first: one value a member.
        rival: likewise.
        outcome: likewise; members that lack any of the three are left out.
    """

    def advantage(first: Array, rival: Array, outcome: Array) -> Array:
        return spearman(first, outcome) - spearman(rival, outcome)

    return _over_members(advantage, first, rival, outcome)


def _over_members(statistic: Callable[..., Array], *quantities: Array) -> RankCorrelation:
    """A statistic of quantities over the members that have them all, with its bootstrap over members.

    Args:
        statistic: of (samples, members) arrays, one number a sample.
        quantities: one value a member each.
    """
    known = np.isfinite(quantities).all(axis=0)
    chosen = [quantity[known] for quantity in quantities]
    members = int(known.sum())
    if members < MIN_MEMBERS:
        return RankCorrelation(np.nan, np.nan, np.nan, members)
    rows = np.random.default_rng((0x5EA, members)).integers(0, members, (RESAMPLES, members))
    replicates = statistic(*(quantity[rows] for quantity in chosen))
    replicates = replicates[np.isfinite(replicates)]
    estimate = float(statistic(*(quantity[None] for quantity in chosen))[0])
    if not np.isfinite(estimate) or not replicates.size:
        return RankCorrelation(estimate, np.nan, np.nan, members)
    low, high = np.quantile(replicates, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return RankCorrelation(estimate, float(low), float(high), members)


def spearman(first: Array, second: Array) -> Array:
    """Pearson's correlation of the ranks, row by row; ties share their mean rank."""
    from scipy.stats import rankdata  # noqa: PLC0415  # slow to load, and only reports need it

    x, y = (rankdata(values, axis=1) for values in (first, second))
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    rho: Array = np.divide((x * y).sum(axis=1), scale, out=np.full(len(x), np.nan), where=scale > 0)
    return rho
