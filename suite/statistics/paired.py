"""Paired comparisons: two settings on the same replicates, which share their data."""

from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy.stats import binom
from scipy.stats import t as student

from suite.statistics.intervals import LEVEL, Array, wilson


class Paired(NamedTuple):
    """A paired difference, second less first.

    Attributes:
        difference: of the means.
        low: lower end of its 95% interval.
        high: upper end.
        p: two-sided, uncorrected.
    """

    difference: float
    low: float
    high: float
    p: float


def paired_means(first: Array, second: Array) -> Paired:
    """Student's t on the differences; the bootstrap's intervals are too short for a dozen of pairs.

    Args:
        first: one value a pair, finite.
        second: likewise. Fewer than two pairs have no interval; equal differences throughout no test.
    """
    differences = second - first
    n = len(differences)
    mean = float(differences.mean()) if n else np.nan
    if n < 2 or not (error := float(differences.std(ddof=1)) / sqrt(n)) > 0:
        return Paired(mean, np.nan, np.nan, 1.0 if mean == 0 else np.nan)
    half = float(student.ppf((1 + LEVEL) / 2, n - 1)) * error
    return Paired(mean, mean - half, mean + half, float(2 * student.sf(abs(mean) / error, n - 1)))


def paired_events(first: Array, second: Array) -> Paired:
    """McNemar's exact test, with Newcombe's interval from the two Wilson intervals.

    The interval takes the two frequencies for independent, which for pairs that go together is on the safe side.

    Args:
        first: 0 or 1 a pair, one pair or more.
        second: likewise.

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
    """The values of draws that two quantities both have: draws that failed leave gaps in one alone.

    Args:
        first_numbers: of the first's draws, each once.
        first: its values.
        second_numbers: likewise of the second.
        second: its values.
    """
    _, here, there = np.intersect1d(first_numbers, second_numbers, assume_unique=True, return_indices=True)
    return first[here], second[there]
