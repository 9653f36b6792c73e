"""Paired comparisons of two settings on the same replicates, which share their data."""

from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy.stats import binom
from scipy.stats import t as student

from suite.statistics.intervals import LEVEL, Array, wilson


class Paired(NamedTuple):
    """A paired difference, second minus first.

    Attributes:
        difference: Difference of the means.
        low: Lower end of its 95% confidence interval.
        high: Upper end of the interval.
        p: Two-sided p-value, not corrected for the number of tests.
    """

    difference: float
    low: float
    high: float
    p: float


def paired_means(first: Array, second: Array) -> Paired:
    """Compare paired values by Student's t-test on their differences.

    The bootstrap is not used here, because its intervals are too short for a dozen pairs.

    Args:
        first: One finite value per pair.
        second: One finite value per pair.

    Returns:
        The difference. With fewer than two pairs, or if all differences are equal, the interval is nan, and p is 1 if
        the mean difference is 0, otherwise nan.
    """
    differences = second - first
    n = len(differences)
    mean = float(differences.mean()) if n else np.nan
    if n < 2 or not (error := float(differences.std(ddof=1)) / sqrt(n)) > 0:
        return Paired(mean, np.nan, np.nan, 1.0 if mean == 0 else np.nan)
    half = float(student.ppf((1 + LEVEL) / 2, n - 1)) * error
    return Paired(mean, mean - half, mean + half, float(2 * student.sf(abs(mean) / error, n - 1)))


def paired_events(first: Array, second: Array) -> Paired:
    """Compare paired events by McNemar's exact test, with Newcombe's interval.

    The interval is computed from the two Wilson intervals. It treats the two frequencies as independent, which is
    conservative if the events of a pair are positively correlated.

    Args:
        first: 0 or 1 per pair, one pair or more.
        second: 0 or 1 per pair.

    Source: McNemar 1947; Newcombe 1998.
    """
    shares = np.array([first.mean(), second.mean()])
    low, high = wilson(np.array([first.sum(), second.sum()]), np.full(2, float(len(first))))
    difference = float(shares[1] - shares[0])
    down = sqrt((shares[1] - low[1]) ** 2 + (high[0] - shares[0]) ** 2)
    up = sqrt((high[1] - shares[1]) ** 2 + (shares[0] - low[0]) ** 2)
    gained, lost = int((second > first).sum()), int((second < first).sum())
    p = min(1.0, 2 * float(binom.cdf(min(gained, lost), gained + lost, 0.5))) if gained + lost else 1.0
    return Paired(difference, difference - down, difference + up, p)


def by_number(first_numbers: Array, first: Array, second_numbers: Array, second: Array) -> tuple[Array, Array]:
    """Return the values of the draws that two quantities have in common, in the order of their numbers.

    A draw that failed for one quantity alone is missing only there.

    Args:
        first_numbers: Numbers of the first quantity's draws, each once.
        first: Values of the first quantity.
        second_numbers: Numbers of the second quantity's draws, each once.
        second: Values of the second quantity.

    Returns:
        The values of the first and of the second quantity, paired by draw.
    """
    _, here, there = np.intersect1d(first_numbers, second_numbers, assume_unique=True, return_indices=True)
    return first[here], second[there]
