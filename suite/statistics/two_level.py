"""The two-level bootstrap, which resamples members and the draws of each member."""

from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from suite.statistics.intervals import MOST_RESAMPLED, NORMAL_QUANTILE, Array

RESAMPLES = 1000
COPIES = 256
"""Number of stored resamples of a member's draws; each resample of members picks one at random."""

_SEED = 0x2BE5

Statistic = Literal["mean", "median"]


class Interval(NamedTuple):
    """An estimate with its 95% confidence interval; nan where there is none."""

    estimate: float
    low: float
    high: float


def statistic_and_copies(draws: Array, statistic: Statistic) -> Array:
    """Compute a statistic of a member's draws, and of resamples of these draws.

    Quantities with the same number of draws use the same resamples, draw by draw. With more than `MOST_RESAMPLED`
    draws, time and memory do not grow further: for a mean, `MOST_RESAMPLED` groups of neighboring draws are resampled;
    a median is drawn from its distribution, as the k-th smallest of n draws whose ranks are uniform.

    Args:
        draws: Values in the order of the draws; nan is left out. A single draw is treated as exact.
        statistic: "mean" or "median". The median is the lower of the two middle values, so that it is never an average
            with an infinite draw. A mean with infinite draws is infinite, or nan if there are some of both signs.

    Returns:
        (1 + COPIES): the statistic of the draws first, then those of the resamples. All are nan for a member without
        draws.
    """
    known = draws[~np.isnan(draws)]
    n = len(known)
    if not n:
        return np.full(1 + COPIES, np.nan)
    middle = (n - 1) // 2
    with np.errstate(invalid="ignore"):
        if n > MOST_RESAMPLED and statistic == "median":
            places = np.random.default_rng((_SEED, n)).beta(middle + 1, n - middle, COPIES)
            places = np.concatenate([[middle], np.ceil(n * places).astype(np.int64) - 1])
            return np.asarray(np.sort(known)[places])
        if n > MOST_RESAMPLED:
            groups = np.array([group.mean() for group in np.array_split(known, MOST_RESAMPLED)])
            copies = groups[_resamples_of_draws(MOST_RESAMPLED)].mean(axis=1)
            return np.concatenate([[known.mean()], copies[1:]])
        chosen = known[_resamples_of_draws(n)]
        return np.asarray(
            np.partition(chosen, middle, axis=1)[:, middle] if statistic == "median" else chosen.mean(axis=1)
        )


@lru_cache(maxsize=8)
def _resamples_of_draws(n: int) -> NDArray[np.int64]:
    """Return the indices of resamples of n draws, (1 + COPIES, n); the first row is the draws themselves."""
    resamples = np.random.default_rng((_SEED, n)).integers(0, n, (COPIES, n))
    return np.concatenate([np.arange(n)[None], resamples])


class Resampling:
    """Resamples of members, shared by all quantities that are compared on them.

    The first resample is the members themselves. The draws of a predictor and those of an outcome are resampled
    independently of each other.

    Args:
        members: Number of members.
        stream: Stream of the random generator. Samples that have to be independent need different streams.
    """

    def __init__(self, members: int, stream: int = 0) -> None:
        generator = np.random.default_rng((_SEED, members, stream))
        shape = (RESAMPLES, members)
        themselves = np.arange(members)[None]
        self._members = np.concatenate([themselves, generator.integers(0, members, shape)])
        none = np.zeros((1, members), dtype=np.int64)
        self._copies = [np.concatenate([none, generator.integers(1, 1 + COPIES, shape)]) for _ in range(2)]

    def predictor(self, copies: Array) -> Array:
        """Return a predictor of the members in each resample, (1 + RESAMPLES, members).

        Args:
            copies: (members, 1 + COPIES), from `statistic_and_copies` for each member.
        """
        return np.asarray(copies[self._members, self._copies[0]])

    def outcome(self, copies: Array) -> Array:
        """Return an outcome of the members in each resample, (1 + RESAMPLES, members).

        Args:
            copies: (members, 1 + COPIES), from `statistic_and_copies` for each member.
        """
        return np.asarray(copies[self._members, self._copies[1]])


def of_correlation(replicates: Array) -> Interval:
    """Return the first replicate of a correlation, with an interval from the spread of the others.

    The interval is that of Fisher's transformation, around the estimate itself. The replicates are not its center,
    because resampled draws add noise to numbers that are noisy already, which shifts the replicates of a strong
    correlation below it. A replicate that is nan, since all members of the resample are tied, counts as a correlation
    of 0.
    """
    estimate = float(replicates[0])
    if not np.isfinite(estimate):
        return Interval(estimate, np.nan, np.nan)
    transformed = np.arctanh(np.clip(np.nan_to_num(replicates), -_LARGEST, _LARGEST))
    half = NORMAL_QUANTILE * transformed[1:].std()
    low, high = np.tanh([transformed[0] - half, transformed[0] + half])
    return Interval(estimate, min(float(low), estimate), max(float(high), estimate))


_LARGEST = 0.9999
"""Largest correlation that is transformed, since Fisher's transformation of 1 is infinite."""


def of_difference(first: Array, second: Array) -> Interval:
    """Return the difference of the first replicates of two correlations, with a normal interval.

    The width of the interval follows from the spread of the difference over the other replicates.
    """
    estimate = float(first[0] - second[0])
    half = NORMAL_QUANTILE * float((np.nan_to_num(first) - np.nan_to_num(second))[1:].std())
    return Interval(estimate, estimate - half, estimate + half)
