"""Rank correlation over members: does one quantity order networks as another does?"""

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
    known = np.isfinite(first) & np.isfinite(second)
    first, second = first[known], second[known]
    members = len(first)
    if members < MIN_MEMBERS:
        return RankCorrelation(np.nan, np.nan, np.nan, members)
    rows = np.random.default_rng((0x5EA, members)).integers(0, members, (RESAMPLES, members))
    replicates = _spearman(first[rows], second[rows])
    replicates = replicates[np.isfinite(replicates)]
    estimate = float(_spearman(first[None], second[None])[0])
    if not np.isfinite(estimate) or not replicates.size:
        return RankCorrelation(estimate, np.nan, np.nan, members)
    low, high = np.quantile(replicates, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return RankCorrelation(estimate, float(low), float(high), members)


def rank_advantage(first: Array, rival: Array, outcome: Array) -> RankCorrelation:
    """How much better one quantity ranks members by an outcome than a rival does: the difference of their rhos.

    The bootstrap resamples members, and takes both correlations on the same ones.

    Args:
        first: one value a member.
        rival: likewise.
        outcome: likewise; members that lack any of the three are left out.
    """
    known = np.isfinite(first) & np.isfinite(rival) & np.isfinite(outcome)
    first, rival, outcome = first[known], rival[known], outcome[known]
    members = len(outcome)
    if members < MIN_MEMBERS:
        return RankCorrelation(np.nan, np.nan, np.nan, members)
    rows = np.random.default_rng((0x5EA, members)).integers(0, members, (RESAMPLES, members))
    differences = _spearman(first[rows], outcome[rows]) - _spearman(rival[rows], outcome[rows])
    estimate = float((_spearman(first[None], outcome[None]) - _spearman(rival[None], outcome[None]))[0])
    differences = differences[np.isfinite(differences)]
    if not np.isfinite(estimate) or not differences.size:
        return RankCorrelation(estimate, np.nan, np.nan, members)
    low, high = np.quantile(differences, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return RankCorrelation(estimate, float(low), float(high), members)


def _spearman(first: Array, second: Array) -> Array:
    """Pearson's correlation of the ranks, row by row; ties share their mean rank."""
    from scipy.stats import rankdata  # noqa: PLC0415  # slow to load, and only reports need it

    x, y = (rankdata(values, axis=1) for values in (first, second))
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    rho: Array = np.divide((x * y).sum(axis=1), scale, out=np.full(len(x), np.nan), where=scale > 0)
    return rho
