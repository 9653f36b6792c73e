"""The two-level bootstrap, which resamples members and the draws of each member."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from suite.statistics.intervals import LEVEL, MOST_RESAMPLED, NORMAL_QUANTILE, Array

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
    transformed = _transform(np.nan_to_num(replicates))
    half = NORMAL_QUANTILE * transformed[1:].std()
    low, high = np.tanh([transformed[0] - half, transformed[0] + half])
    return Interval(estimate, min(float(low), estimate), max(float(high), estimate))


_LARGEST = 0.9999
"""Largest correlation that is transformed, since Fisher's transformation of 1 is infinite."""


@dataclass(frozen=True)
class CorrelationDifference:
    """The difference of two correlations over the same members, which lies between -2 and 2.

    Half of the difference is transformed as a correlation is (Fisher), so that the interval stays within the range. The
    test and the interval are normal in the transformed half, with the spread over resamples of the members.

    Attributes:
        value: The difference.
        spread: Standard error of the transformed half.
        members: Number of members.
    """

    value: float
    spread: float
    members: int

    @property
    def error(self) -> float:
        """The standard error of the difference if it is near 0; infinite if no resample differs from the others."""
        return 2 * self.spread or np.inf

    @property
    def freedom(self) -> float:
        """The degrees of freedom of the error, one less than the number of members."""
        return self.members - 1

    @property
    def draws(self) -> int:
        """The number of draws, which do not enter as such."""
        return 0

    def detectable(self, level: float, power: float) -> float:
        """Return the smallest difference from 0 that a one-sided test at a level finds with a given power."""
        if not self.spread:
            return np.nan
        shift = self.spread * float(student.isf(level, self.freedom) + student.ppf(power, self.freedom))
        return float(2 * np.tanh(shift))

    def above(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value for the claim that the true difference lies above a bound."""
        if not (self.spread and np.isfinite(self.value)):
            return 1.0
        return float(student.sf((_transform(self.value / 2) - _transform(bound / 2)) / self.spread, self.freedom))

    def below(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value for the claim that the true difference lies below a bound."""
        return replace(self, value=-self.value).above(-bound)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% confidence interval; nan if there is none."""
        if not (self.spread and np.isfinite(self.value)):
            return np.nan, np.nan
        half = float(student.ppf((1 + LEVEL) / 2, self.freedom)) * self.spread
        low, high = (float(2 * np.tanh(_transform(self.value / 2) + side * half)) for side in (-1, 1))
        return min(low, self.value), max(high, self.value)


def of_difference(first: Array, second: Array, members: int) -> CorrelationDifference:
    """Return the difference of two correlations from their replicates.

    Args:
        first: The correlation of the members, and of each of their resamples.
        second: Another correlation of the same members and resamples.
        members: Number of members.
    """
    differences = np.nan_to_num(first) - np.nan_to_num(second)
    return CorrelationDifference(float(first[0] - second[0]), float(_transform(differences[1:] / 2).std()), members)


def _transform(correlation: Array | float) -> Array:
    """Apply Fisher's transformation."""
    return np.asarray(np.arctanh(np.clip(correlation, -_LARGEST, _LARGEST)))
