"""95% confidence intervals: Wilson's for frequencies, the percentile bootstrap for means and medians."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.95
NORMAL_QUANTILE = 1.959963984540054
_SEED = 0xB007
_VALUES_A_BATCH = 2**22


class Interval(NamedTuple):
    """Ends of a confidence interval, one pair a column of the data; nan where there is none."""

    low: Array
    high: Array


def wilson(successes: Array, trials: Array) -> Interval:
    """Wilson's score interval of a frequency.

    Args:
        successes: number of events.
        trials: out of how many, 1 or more.

    Source: Wilson 1927; Brown, Cai & DasGupta 2001 recommend it for small samples.
    """
    z = NORMAL_QUANTILE
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # At 0 and n successes one end is exactly 0 or 1, which rounding may miss.
    low = np.where(successes == 0, 0.0, centre - half)
    return Interval(low, np.where(successes == trials, 1.0, centre + half))


def bootstrap_mean(values: Array) -> Interval:
    """Percentile bootstrap of the mean, over rows; all columns share the same resamples.

    Args:
        values: (n, columns), without gaps, n of 2 or more.
    """
    means = [counts @ values / len(values) for counts in _resample_counts(len(values))]
    return _percentiles(np.concatenate(means))


def bootstrap_median(values: Array) -> Interval:
    """Percentile bootstrap of the median, over rows; infinite values stand for waits that never ended.

    Args:
        values: (n, columns), n of 2 or more.
    """
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


def _batches(values: int) -> Iterator[int]:
    """Sizes of batches of resamples that keep memory bounded."""
    size = max(1, min(RESAMPLES, _VALUES_A_BATCH // values))
    return (min(size, RESAMPLES - start) for start in range(0, RESAMPLES, size))


def _resample_rows(n: int, columns: int) -> Iterator[NDArray[np.int64]]:
    generator = np.random.default_rng((_SEED, n))
    return (generator.integers(0, n, (size, n)) for size in _batches(n * columns))


def _resample_counts(n: int) -> Iterator[Array]:
    """How often each of n draws comes into each resample."""
    if n * RESAMPLES <= _VALUES_A_BATCH:
        return iter((_counts(n),))
    generator = np.random.default_rng((_SEED, n))
    return (generator.multinomial(n, np.full(n, 1 / n), size).astype(float) for size in _batches(n))


@lru_cache(maxsize=4)
def _counts(n: int) -> Array:
    """All resamples at once; a study asks for the same few n hundreds of times."""
    generator = np.random.default_rng((_SEED, n))
    return generator.multinomial(n, np.full(n, 1 / n), RESAMPLES).astype(float)
