"""Tests of a curve's shape from estimates at several places: a rise or fall, a peak or dip inside, or no change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit
from scipy.stats import mannwhitneyu

from suite.statistics.contrasts import Estimate, estimate
from suite.statistics.intervals import LEVEL, Array

Places = NDArray[np.intp] | int

FEW = 64
"""With fewer draws than this, and at most half of the other's, the error of a mean is at least that of the other."""


@dataclass(frozen=True)
class Curve:
    """Estimates of one statistic at several places.

    Attributes:
        value: The estimates.
        error: Their standard errors; 0 if a value is exact, infinite if the error is unknown.
        freedom: Degrees of freedom of the errors.
        draws: Numbers of draws.
        shrinkage: Added to the values for tests and intervals, as in `Estimate`.
        shared: Whether the draws at different places may depend on each other.
        largest: The largest size that a difference can have, such as 1 for frequencies.
        tested: One-sided p-values for the claims that the value at place i exceeds that at place j, (places, places),
            if these do not follow from the errors.
    """

    value: Array
    error: Array
    freedom: Array
    draws: Array
    shrinkage: Array
    shared: bool = False
    largest: float = np.inf
    tested: Array | None = None

    @property
    def size(self) -> int:
        """The number of places."""
        return len(self.value)

    def above(self, one: Places, other: Places) -> Array:
        """Return one-sided p-values for the claims that the values at some places exceed those at others."""
        if self.tested is not None:
            return np.asarray(self.tested[one, other])
        gap, error, freedom = self._differences(one, other)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = stdtr(freedom, -gap / error)
        return np.where(error == 0, np.where(gap > 0, 0.0, 1.0), np.where(np.isfinite(error), p, 1.0))

    def interval(self, one: Places, other: Places, level: float = LEVEL) -> tuple[Array, Array]:
        """Return confidence intervals of the differences between places; nan if an error is unknown."""
        gap, error, freedom = self._differences(one, other)
        half = np.where(error > 0, stdtrit(freedom, (1 + level) / 2) * error, 0.0)
        half = np.where(np.isfinite(error), half, np.nan)
        return np.maximum(gap - half, -self.largest), np.minimum(gap + half, self.largest)

    def _differences(self, one: Places, other: Places) -> tuple[Array, Array, Array]:
        """Return differences between places with their standard errors and degrees of freedom.

        If draws may depend on each other, the error of a difference is at most the sum of the two errors, which is
        returned.
        """
        (first, free), (second, freedom) = self._error_beside(one, other), self._error_beside(other, one)
        gap = self.value[one] + self.shrinkage[one] - self.value[other] - self.shrinkage[other]
        if self.shared:
            return gap, first + second, np.minimum(free, freedom)
        return gap, np.hypot(first, second), _welch(first, second, free, freedom)

    def _error_beside(self, one: Places, other: Places) -> tuple[Array, Array]:
        """Return the errors of places and their degrees of freedom, for a comparison with other places.

        Draws that are all equal do not show their error, and a few draws of a skewed quantity show too small a one
        where their mean is small. If one place has no error, or few draws of a mean beside many, the error is taken
        from the other place, for as many draws, unless its own is larger.
        """
        error, freedom = self.error[one], self.freedom[one]
        with np.errstate(divide="ignore", invalid="ignore"):
            taken = self.error[other] * np.sqrt(self.draws[other] / self.draws[one])
        few = (self.draws[one] < FEW) & (2 * self.draws[one] <= self.draws[other]) & np.isfinite(freedom)
        replaced = (np.isinf(error) & (taken > 0)) | (few & np.isfinite(taken) & (taken > error))
        return np.where(replaced, taken, error), np.where(replaced, self.freedom[other], freedom)


def _welch(first: Array, second: Array, free: Array, freedom: Array) -> Array:
    """Return Welch's degrees of freedom; infinite where an error is 0 or unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (first**2 + second**2) ** 2 / (first**4 / free + second**4 / freedom)
    return np.where(np.isfinite(found), found, np.inf)


def curve_of(estimates: Sequence[Estimate], *, shared: bool = False, largest: float = np.inf) -> Curve:
    """Return the curve of some estimates, in order."""
    value, error, freedom, draws, shrinkage = (
        np.array([getattr(each, name) for each in estimates], dtype=float)
        for name in ("value", "error", "freedom", "draws", "shrinkage")
    )
    return Curve(value, error, freedom, draws, shrinkage, shared=shared, largest=largest)


def curve_of_times(times: Sequence[Array]) -> Curve:
    """Return the curve of the medians of times to an event, which are compared by the Mann-Whitney test.

    Args:
        times: The times of each place, one per draw; those of censored draws are infinite.
    """
    places = range(len(times))
    tested = np.ones((len(times), len(times)))
    for one, other in product(places, places):
        if one != other and np.ptp(_finite(np.concatenate([times[one], times[other]]))) > 0:
            test = mannwhitneyu(times[other], times[one], alternative="less", method="asymptotic")
            tested[one, other] = float(test.pvalue)
    return replace(curve_of([estimate(each, "median") for each in times]), tested=tested)


def _finite(times: Array) -> Array:
    """Replace infinite times by a number that is larger than all others."""
    known = times[np.isfinite(times)]
    return np.where(np.isfinite(times), times, 1 + known.max(initial=0.0))


def p_of_ends(curve: Curve) -> float:
    """Return the two-sided p-value for a difference between the last place and the first."""
    last = curve.size - 1
    return min(1.0, 2 * float(min(curve.above(last, 0), curve.above(0, last))))


def is_rise(curve: Curve) -> bool:
    """Return whether the last place exceeds the first, by the one-sided test with the smaller p-value.

    The values do not tell where times to an event are compared, whose medians may be equal or infinite.
    """
    last = curve.size - 1
    return bool(curve.above(last, 0) < curve.above(0, last))


def p_of_peak(curve: Curve, sign: int = 1) -> float:
    """Return the p-value for the claim that some inner place exceeds both ends, or lies below both.

    For each inner place it is the larger p-value of the two comparisons (Berger 1982). Any inner place may be the peak,
    so the smallest of these is multiplied by the number of inner places (Bonferroni).

    Args:
        curve: The curve. Without an inner place the p-value is 1.
        sign: 1 for a peak, -1 for a dip.
    """
    p = _p_of_inner(curve, sign)
    return min(1.0, p.size * float(p.min())) if p.size else 1.0


def _p_of_inner(curve: Curve, sign: int) -> Array:
    """Return the p-value of each inner place for the claim that it exceeds both ends, or lies below both."""
    inner = np.arange(1, curve.size - 1)
    ends = [curve.above(inner, end) if sign > 0 else curve.above(end, inner) for end in (0, curve.size - 1)]
    return np.asarray(np.max(ends, axis=0))


def p_of_difference(curve: Curve) -> float:
    """Return the p-value for the claim that some two places differ, corrected for all pairs (Bonferroni)."""
    one, other = np.nonzero(~np.eye(curve.size, dtype=bool))
    return min(1.0, one.size * float(curve.above(one, other).min())) if one.size else 1.0


def largest_difference(curve: Curve) -> tuple[int, int]:
    """Return the places of the largest difference that is established, the smaller value first.

    All differences are corrected together (Bonferroni). If none is established, it is the largest of all. Among equal
    differences, such as those of two infinite medians, it is the one with the smallest p-value.
    """
    one, other = np.nonzero(~np.eye(curve.size, dtype=bool))
    p = curve.above(one, other)
    established = one.size * p <= 1 - LEVEL
    with np.errstate(invalid="ignore"):
        gap = np.nan_to_num(curve.value[one] - curve.value[other], nan=0.0)
    place = _first_of(np.where(established | ~established.any(), gap, -np.inf), p)
    return int(other[place]), int(one[place])


def is_flat(curve: Curve, margin: float, level: float = LEVEL) -> bool:
    """Return whether no two places differ by more than a margin, by the intervals of all differences.

    The probability that a curve is called flat although two places differ by more is at most half of the complement of
    the level, since the interval of this difference has to miss it (Berger & Hsu 1996). A curve with an unknown error
    is not flat.

    Args:
        curve: The curve.
        margin: The largest difference within a flat curve.
        level: The level of the intervals.
    """
    if np.isinf(curve.error).any():
        return False
    one, other = np.triu_indices(curve.size, 1)
    low, high = curve.interval(one, other, level)
    return bool((np.maximum(-low, high) <= margin).all())


def places_of_extreme(curve: Curve, sign: int = 1) -> tuple[int, int]:
    """Return the first and last place of a 95% confidence set for the place of the largest, or smallest, value.

    The set consists of the places that no other place is shown to exceed, corrected for the number of the others.
    """
    one, other = np.meshgrid(np.arange(curve.size), np.arange(curve.size), indexing="ij")
    p = curve.above(one, other) if sign > 0 else curve.above(other, one)
    np.fill_diagonal(p, 1.0)
    (kept,) = np.nonzero(p.min(axis=0) > (1 - LEVEL) / max(1, curve.size - 1))
    return (int(kept[0]), int(kept[-1])) if kept.size else (_extreme(curve, sign),) * 2


def _extreme(curve: Curve, sign: int) -> int:
    return int(np.argmax(sign * curve.value))


def _first_of(sizes: Array, p: Array) -> int:
    """Return the place of the largest size; among equal ones, that of the smallest p-value."""
    return int(np.lexsort((p, -sizes))[0])


def size_of_peak(curve: Curve, sign: int = 1) -> tuple[int, float, float, float]:
    """Return the place of a peak, or dip, and its distance from the nearer end.

    It is the place of the largest, or smallest, inner value among those that are established to exceed, or lie below,
    both ends; if there is none, the place with the strongest evidence. The distance has a 95% confidence interval. Both
    are corrected for the choice of the place (Bonferroni), so that the interval at an established place excludes 0.

    Args:
        curve: The curve, with three or more places.
        sign: 1 for a peak, -1 for a dip.

    Returns:
        The place, the distance (negative for a dip), and the ends of its interval.
    """
    p = _p_of_inner(curve, sign)
    established = p.size * p <= max((1 - LEVEL) / 2, p.size * p.min())
    place = 1 + _first_of(np.where(established, sign * curve.value[1:-1], -np.inf), p)
    end = max((0, curve.size - 1), key=lambda each: sign * curve.value[each])
    if not np.isfinite(curve.value[[place, end]]).all():
        return place, np.nan, np.nan, np.nan
    low, high = curve.interval(place, end, 1 - (1 - LEVEL) / (curve.size - 2))
    return place, float(curve.value[place] - curve.value[end]), float(low), float(high)
