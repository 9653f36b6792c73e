"""Tests of whether two samples have the same mean or frequency, from their summaries alone."""

from typing import NamedTuple

import numpy as np
from scipy.stats import hypergeom
from scipy.stats import t as student

from suite.statistics.intervals import Array


class Sample(NamedTuple):
    """Summaries of many samples, one element per sample.

    Attributes:
        mean: Mean of the draws; for events, their frequency.
        std: Standard deviation of the draws, with n - 1 in the denominator. It is not used for a single draw.
        n: Number of draws.
    """

    mean: Array
    std: Array
    n: Array


def p_of_means(first: Sample, second: Sample) -> Array:
    """Compute two-sided p-values of Student's t-test with a pooled variance, one per element.

    Under the null hypothesis both samples have the same distribution, and therefore the same variance. Welch's test,
    which estimates each variance separately, rejects far too often if one sample is small: a few draws of a skewed
    quantity or of rare events may hardly vary, and their mean then appears to be known exactly.

    Returns:
        p-values; nan if both samples are single draws, or if neither sample varies and the means are equal.
    """
    freedom = first.n + second.n - 2
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = sum(np.where(one.n > 1, (one.n - 1) * one.std**2, 0.0) for one in (first, second))
        error = np.sqrt(squares / freedom * (1 / first.n + 1 / second.n))
        p = 2 * student.sf(np.abs(first.mean - second.mean) / error, freedom)
    return np.where(freedom > 0, p, np.nan)


def p_of_frequencies(first: Sample, second: Sample) -> Array:
    """Compute two-sided p-values of Fisher's exact test, one per element.

    The two-sided p-value is twice the smaller tail, and at most 1. `std` is not used.
    """
    events, others = (np.rint(one.mean * one.n) for one in (first, second))
    distribution = hypergeom(first.n + second.n, events + others, first.n)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(distribution.cdf(events), distribution.sf(events - 1))))
