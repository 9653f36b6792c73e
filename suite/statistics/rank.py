"""Rank correlations over members, many samples at once: does one quantity order networks as another does?"""

import numpy as np
from scipy.stats import kendalltau, rankdata

from suite.statistics.intervals import Array

MANY = 128
"""Members, of whose pairs there are too many to hold those of many samples."""

_PAIRS_AT_A_TIME = 2**22


def spearman(first: Array, second: Array) -> Array:
    """Pearson's correlation of the ranks, row by row; ties share their mean rank.

    Args:
        first: (samples, members), without gaps; infinite values are the first or the last in order.
        second: likewise.

    Returns:
        One rho a sample; nan where either quantity is the same for all members.
    """
    x, y = (rankdata(values, axis=1) for values in (first, second))
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    rho: Array = np.divide((x * y).sum(axis=1), scale, out=np.full(len(x), np.nan), where=scale > 0)
    return rho


def kendall(first: Array, second: Array) -> Array:
    """Kendall's tau-b, row by row: concordant less discordant pairs of members, over those that are not tied.

    Args:
        first: (samples, members), without gaps; infinite values are the first or the last in order.
        second: likewise.

    Returns:
        One tau a sample; nan where either quantity is the same for all members.
    """
    samples, members = first.shape
    if members > MANY:
        return np.array([kendalltau(x, y).statistic for x, y in zip(first, second, strict=True)])
    size = max(1, _PAIRS_AT_A_TIME // members**2)
    starts = range(0, samples, size)
    return np.concatenate([_tau(first[start : start + size], second[start : start + size]) for start in starts])


def _tau(first: Array, second: Array) -> Array:
    one, other = np.triu_indices(first.shape[1], 1)

    def signs(values: Array) -> Array:
        left, right = values[:, one], values[:, other]
        return (left > right).astype(np.float64) - (left < right)

    x, y = signs(first), signs(second)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    tau: Array = np.divide((x * y).sum(axis=1), scale, out=np.full(len(x), np.nan), where=scale > 0)
    return tau
