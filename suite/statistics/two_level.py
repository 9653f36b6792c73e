"""The two-level bootstrap: members are resampled, and of each the draws that its number is a statistic of."""

from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from suite.statistics.intervals import MOST_RESAMPLED, NORMAL_QUANTILE, Array

RESAMPLES = 1000
COPIES = 256
"""Resamples of a member's draws that are kept; every resample of members takes one of them at random."""

_SEED = 0x2BE5

Statistic = Literal["mean", "median"]


class Interval(NamedTuple):
    """An estimate with its 95% interval; nan where there is none."""

    estimate: float
    low: float
    high: float


def statistic_and_copies(draws: Array, statistic: Statistic) -> Array:
    """A statistic of a member's draws, and of resamples of them.

    Quantities that are measured on equally many draws are resampled alike, draw by draw. Of more than `MOST_RESAMPLED`
    draws neither time nor memory grows further: a mean is resampled in so many groups of neighbors, a median as what
    it is, the k-th smallest of n draws whose places are uniform.

    Args:
        draws: in their order; nan is left out. One draw is taken for exact.
        statistic: which; the median is the lower of two middle ones, so that infinite draws leave it a number, and a
            mean of some infinite draws is infinite, or nan where they are so both ways.

    Returns:
        (1 + COPIES): the statistic of the draws first. nan for a member without draws.
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
    """The draws themselves first."""
    resamples = np.random.default_rng((_SEED, n)).integers(0, n, (COPIES, n))
    return np.concatenate([np.arange(n)[None], resamples])


class Resampling:
    """Resamples of members, the same for all quantities that are to be compared on them.

    The first is the members themselves. An outcome and what is to tell it are resampled each by draws of its own.

    Args:
        members: how many.
        stream: of the generator; samples that are to be independent have different ones.
    """

    def __init__(self, members: int, stream: int = 0) -> None:
        generator = np.random.default_rng((_SEED, members, stream))
        shape = (RESAMPLES, members)
        themselves = np.arange(members)[None]
        self._members = np.concatenate([themselves, generator.integers(0, members, shape)])
        none = np.zeros((1, members), dtype=np.int64)
        self._copies = [np.concatenate([none, generator.integers(1, 1 + COPIES, shape)]) for _ in range(2)]

    def predictor(self, copies: Array) -> Array:
        """A predictor of the members, each with its copies, in each resample, (1 + RESAMPLES, members)."""
        return np.asarray(copies[self._members, self._copies[0]])

    def outcome(self, copies: Array) -> Array:
        """Their outcome, likewise."""
        return np.asarray(copies[self._members, self._copies[1]])


def of_correlation(replicates: Array) -> Interval:
    """The first replicate of a correlation, with an interval by the spread of the others.

    The spread is that of Fisher's transformation, around the estimate itself: resampled draws add their noise once more
    to numbers that have it already, which shifts a strong correlation's replicates below it. A resample in which there
    is no order has the correlation 0.
    """
    estimate = float(replicates[0])
    if not np.isfinite(estimate):
        return Interval(estimate, np.nan, np.nan)
    transformed = np.arctanh(np.clip(np.nan_to_num(replicates), -_NEARLY, _NEARLY))
    half = NORMAL_QUANTILE * transformed[1:].std()
    low, high = np.tanh([transformed[0] - half, transformed[0] + half])
    return Interval(estimate, min(float(low), estimate), max(float(high), estimate))


_NEARLY = 0.9999
"""Of a correlation of 1, whose transformation is infinite."""


def of_difference(first: Array, second: Array) -> Interval:
    """The first replicate of two correlations' difference, with a normal interval by the spread of the others."""
    estimate = float(first[0] - second[0])
    half = NORMAL_QUANTILE * float((np.nan_to_num(first) - np.nan_to_num(second))[1:].std())
    return Interval(estimate, estimate - half, estimate + half)
