"""Sequential sampling: a rule for the number of draws whose 95% interval keeps close to 95% coverage.

A rule that stops as soon as an interval looks tight enough stops too early whenever the spread happens to look small,
and its interval then covers less than 95%. Fixed-width intervals after stopping have their nominal coverage in the
limit of small widths (Chow & Robbins 1965). Three rules keep the coverage close to it at the widths that are used in
practice:

- The interval is computed few times, since the number of draws grows geometrically.
- A mean requires more draws the more skewed they are, up to `SETTLED`, because the mean and the spread of a skewed
  sample are small together.
- The interval has to be a little tighter than requested.
"""

from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np
from numpy.typing import NDArray

from suite.statistics.intervals import NORMAL_QUANTILE, Array, wilson
from suite.statistics.summary import Kind

SPARE = 1.05
"""Draws are added until the interval is tighter than requested by this factor.

The half-width of the summary's bootstrap interval varies by about 2%; with this margin it also meets the request.
"""

_SKEWED = 100.0
"""A mean requires this number times the squared skewness of the draws, or `SETTLED` if that is less."""

SETTLED = 1024.0
"""Largest number of draws that skewness requires; it reveals little of a heavy tail not yet sampled."""

_DOUBTFUL = 25.0
"""A mean's interval is doubtful with fewer draws than this number times their squared skewness.

It may then miss the mean more than 6 times in 100.

Source: Cochran 1977, Sampling Techniques, section 2.15.
"""

_ROUNDING = 1e-12
"""Draws with a relative spread at or below this are treated as constant."""


@dataclass(frozen=True)
class Tightness:
    """Half-widths of the 95% confidence intervals of some draws, one value per column.

    Attributes:
        half_width: For a frequency, the half-width of Wilson's interval. Otherwise the half-width of the mean's
            interval, relative to the absolute mean; infinite if it is unknown, as for a mean of 0 or a single draw, and
            nan if no draw is finite.
        skewness: Skewness of the draws; 0 for a frequency, whose interval allows for it; infinite if all draws are
            equal, since different values may not have been drawn yet.
        finite: Number of finite draws, from which the interval is computed.
        draws: Number of all draws.
    """

    half_width: Array
    skewness: Array
    finite: Array
    draws: int

    def needed(self, precision: float, spare: float = SPARE) -> Array:
        """Estimate the number of draws that a precision requires, as far as the present draws show.

        Args:
            precision: The half-width that is requested.
            spare: The interval has to be tighter than requested by this factor.

        Returns:
            The total number of draws, one per column; nan where no draw is finite.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            tight = self.finite * (self.half_width * spare / precision) ** 2
            unskewed = np.minimum(_SKEWED * self.skewness**2, SETTLED)
            return np.maximum(tight, unskewed) * (self.draws / self.finite)

    def reached(self, precision: float) -> NDArray[np.bool_]:
        """Return for each column whether the present draws are enough for a precision, without a margin."""
        return self.needed(precision, spare=1.0) <= self.draws

    @property
    def doubtful(self) -> NDArray[np.bool_]:
        """Whether there are so few draws for their skewness that the mean's interval may be too narrow."""
        return self.finite < _DOUBTFUL * self.skewness**2


def tightness(values: Array, kind: Kind) -> Tightness:
    """Measure how tight the intervals are that `summarize` reports of each column's mean or frequency.

    The half-width of a mean's interval is taken as 1.96 standard errors, which the bootstrap's percentiles approach, at
    a fraction of the cost.

    Args:
        values: (draws, columns). Values that are not finite are left out.
        kind: Kind of the quantity, as in the catalog; not "time", of which the median is reported.
    """
    finite = np.isfinite(values)
    n = finite.sum(axis=0).astype(np.float64)
    filled = np.where(finite, values, 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if kind == "frequency":
            low, high = wilson(filled.sum(axis=0), n)
            return Tightness((high - low) / 2, np.zeros_like(n), n, len(values))
        mean = filled.sum(axis=0) / n
        deviations = np.where(finite, values - mean, 0.0)
        std = np.sqrt((deviations**2).sum(axis=0) / (n - 1))
        constant = (n > 1) & (std <= _ROUNDING * np.abs(mean))
        half = np.where(constant & (mean != 0), 0.0, NORMAL_QUANTILE * std / np.sqrt(n) / np.abs(mean))
        skewness = ((deviations / std) ** 3).sum(axis=0) / n
    half = np.where(n == 0, np.nan, np.where(np.isnan(half), np.inf, half))
    skewness = np.nan_to_num(skewness, nan=0.0, posinf=0.0, neginf=0.0)
    return Tightness(half, np.where(constant, np.inf, skewness), n, len(values))


def next_look(draws: int, needed: float, block: int, most: int) -> int:
    """Return the number of draws at which the interval is computed next.

    It is the number that is expected to be needed, in whole blocks, but at least one block more than at present, and at
    most twice the present number.

    Args:
        draws: Present number of draws.
        needed: Number that is expected to be needed, more than the present one; may be infinite.
        block: Number of draws in a block; draws come in whole blocks.
        most: Maximum number of draws.
    """
    foreseen = block * ceil(needed / block) if isfinite(needed) else most
    return min(max(foreseen, draws + block), 2 * draws, most)


def lacking(found: Tightness, precision: float) -> float | None:
    """Return the expected total number of draws needed, or None if the present draws are enough.

    All columns have to be as tight as requested, except for those without a finite draw, which are ignored.
    """
    needed = found.needed(precision)
    most = float(needed[~np.isnan(needed)].max(initial=0.0))
    return most if most > found.draws else None
