"""95% confidence intervals of frequencies, and percentile bootstrap intervals of means and medians."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainccinv, betaincinv  # a run that has nothing to do loads no scipy.stats

Array = NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.95
NORMAL_QUANTILE = 1.959963984540054
_SEED = 0xB007
_VALUES_A_BATCH = 2**22

MOST_RESAMPLED = 1024
"""Largest number of rows that are resampled one by one; more rows are put into this many groups."""


class Interval(NamedTuple):
    """Ends of a confidence interval, one pair per column of the data; nan where there is none."""

    low: Array
    high: Array


def wilson(successes: Array, trials: Array) -> Interval:
    """Compute Wilson's score interval of a frequency.

    Args:
        successes: Number of events.
        trials: Number of trials, 1 or more.

    Source: Wilson 1927; Brown, Cai & DasGupta 2001 recommend it for small samples.
    """
    z = NORMAL_QUANTILE
    share = successes / trials
    center = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # With 0 or n successes one end is exactly 0 or 1, which rounding may miss.
    low = np.where(successes == 0, 0.0, center - half)
    return Interval(low, np.where(successes == trials, 1.0, center + half))


def clopper_pearson(successes: float, trials: float) -> tuple[float, float]:
    """Compute the exact interval of a frequency, whose coverage is at least 95% for every frequency.

    Args:
        successes: Number of events.
        trials: Number of trials, 1 or more.

    Source: Clopper & Pearson 1934.
    """
    tail = (1 - LEVEL) / 2
    low = float(betaincinv(successes, trials - successes + 1, tail)) if successes else 0.0
    return low, float(betainccinv(successes + 1, trials - successes, tail)) if successes < trials else 1.0


def bootstrap_mean(values: Array) -> Interval:
    """Compute the percentile bootstrap interval of the mean over rows.

    All columns share the same resamples. More than `MOST_RESAMPLED` rows are put into that many groups of neighboring
    rows, whose sizes differ by one at most, and the groups are resampled. Since rows are independent, the mean has the
    same spread, and the resampling takes no more time or memory however many rows there are.

    Args:
        values: (n, columns), without nan, independent from row to row, n of 2 or more.
    """
    n = len(values)
    if n <= MOST_RESAMPLED:
        return _percentiles(_count_occurrences(n) @ values / n)
    starts = np.arange(MOST_RESAMPLED) * n // MOST_RESAMPLED
    sums, sizes = np.add.reduceat(values, starts, axis=0), np.diff(starts, append=n).astype(float)
    counts = _count_occurrences(MOST_RESAMPLED)
    return _percentiles(counts @ sums / (counts @ sizes)[:, None])


def bootstrap_median(values: Array) -> Interval:
    """Compute the percentile bootstrap interval of the median over rows.

    Infinite values stand for censored times to event. If there are more than `MOST_RESAMPLED` rows, the medians of
    resamples are drawn from their distribution: the median is the k-th smallest of n uniform ranks among the sorted
    rows, where k = ceil(n / 2), and the k-th smallest of n uniform numbers is Beta(k, n - k + 1).

    Args:
        values: (n, columns), n of 2 or more.
    """
    n = len(values)
    if n > MOST_RESAMPLED:
        middle = -(-n // 2)
        generator = np.random.default_rng((_SEED, n))
        places = np.ceil(n * generator.beta(middle, n - middle + 1, RESAMPLES)).astype(np.int64) - 1
        low, high = np.quantile(np.sort(places), _TAILS, method="inverted_cdf")
        ends = np.sort(values, axis=0)[[low, high]]
        return Interval(ends[0], ends[1])
    medians = [
        np.quantile(values[rows], 0.5, axis=1, method="inverted_cdf")
        for rows in _resample_rows(len(values), values.shape[1])
    ]
    low, high = np.quantile(np.concatenate(medians), _TAILS, axis=0, method="inverted_cdf")
    return Interval(low, high)


_TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


def _percentiles(replicates: Array) -> Interval:
    low, high = np.quantile(replicates, _TAILS, axis=0)
    return Interval(low, high)


def _batch_sizes(values: int) -> Iterator[int]:
    """Return the sizes of batches of resamples, which bound the memory, by the values per resample."""
    size = max(1, min(RESAMPLES, _VALUES_A_BATCH // values))
    return (min(size, RESAMPLES - start) for start in range(0, RESAMPLES, size))


def _resample_rows(n: int, columns: int) -> Iterator[NDArray[np.int64]]:
    generator = np.random.default_rng((_SEED, n))
    return (generator.integers(0, n, (size, n)) for size in _batch_sizes(n * columns))


@lru_cache(maxsize=4)
def _count_occurrences(n: int) -> Array:
    """Return how often each of n draws occurs in each resample, (RESAMPLES, n).

    The result is cached, because a study needs the same few n hundreds of times.
    """
    generator = np.random.default_rng((_SEED, n))
    counts = np.empty((RESAMPLES, n))
    for rows in np.array_split(np.arange(RESAMPLES), 20):  # in parts, to limit the peak memory
        counts[rows] = generator.multinomial(n, np.full(n, 1 / n), len(rows))
    return counts
