"""Rank correlations of two quantities over members, for many samples at once."""

import numpy as np
from scipy.stats import kendalltau, rankdata

from suite.statistics.intervals import Array

MANY = 128
"""Largest number of members whose pairs are compared for many samples at once, to limit memory."""

_PAIRS_AT_A_TIME = 2**22


def spearman(first: Array, second: Array) -> Array:
    """Compute Spearman's rank correlation row by row; ties share their mean rank.

    Args:
        first: (samples, members), without nan; infinite values are the first or the last in order.
        second: (samples, members), as `first`.

    Returns:
        One rho per sample; nan where either quantity is the same for all members.
    """
    x, y = (rankdata(values, axis=1) for values in (first, second))
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    rho: Array = np.divide((x * y).sum(axis=1), scale, out=np.full(len(x), np.nan), where=scale > 0)
    return rho


def kendall(first: Array, second: Array) -> Array:
    """Compute Kendall's tau-b row by row.

    It is the number of concordant minus discordant pairs of members, divided by the geometric mean of the numbers of
    pairs that are not tied in the first and in the second quantity.

    Args:
        first: (samples, members), without nan; infinite values are the first or the last in order.
        second: (samples, members), as `first`.

    Returns:
        One tau per sample; nan where either quantity is the same for all members.
    """
    samples, members = first.shape
    if members > MANY:
        return np.array([kendalltau(x, y).statistic for x, y in zip(first, second, strict=True)])
    size = max(1, _PAIRS_AT_A_TIME // members**2)
    starts = range(0, samples, size)
    return np.concatenate([_tau(first[start : start + size], second[start : start + size]) for start in starts])


def _tau(first: Array, second: Array) -> Array:
    """Compute tau-b row by row from the signs of all pairs at once."""
    one, other = np.triu_indices(first.shape[1], 1)

    def signs(values: Array) -> Array:
        left, right = values[:, one], values[:, other]
        return (left > right).astype(np.float64) - (left < right)

    x, y = signs(first), signs(second)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    tau: Array = np.divide((x * y).sum(axis=1), scale, out=np.full(len(x), np.nan), where=scale > 0)
    return tau
