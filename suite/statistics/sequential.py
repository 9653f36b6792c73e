"""When draws are enough: a stopping rule whose 95% interval, stated after stopping, still covers about 95 in 100.

A rule that stops as soon as an interval looks tight enough stops too early whenever the spread happens to look small,
and so covers less than it states. Fixed-width intervals after stopping cover as stated in the limit of small widths
(Chow & Robbins 1965); what is here keeps them close to that at the widths that people ask for. Looks are few, since
draws grow geometrically; a mean waits for the more draws the more skewed they are, up to `SETTLED`, because a skewed
sample's mean and spread are small together; and the interval has to be a little tighter than asked.
"""

from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np
from numpy.typing import NDArray

from suite.statistics.intervals import NORMAL_QUANTILE, Array, wilson
from suite.statistics.summary import Kind

SPARE = 1.05
"""Draws are added until the interval is tighter than asked by this factor.

The summary's bootstrap leaves half an interval uncertain by about 2%: with this to spare it is as tight as asked, too.
"""

_SKEWED = 100.0
"""A mean takes this many draws times their squared skewness, or `SETTLED`."""

SETTLED = 1024.0
"""Draws from which on the mean is looked at whatever the skewness, which says little of a heavy tail not yet seen."""

_DOUBTFUL = 25.0
"""An interval of a mean of fewer draws than this times their squared skewness may be wrong more than 6 times in 100.

Source: Cochran 1977, Sampling Techniques, section 2.15.
"""

_ROUNDING = 1e-12
"""A relative spread below this is a constant's."""


@dataclass(frozen=True)
class Tightness:
    """How tight the 95% intervals of some draws are, one number a column.

    Attributes:
        half_width: of a frequency, half of Wilson's interval; of all else, half of the mean's, relative to the mean's
            size. Infinite where it cannot be told, as of a mean of 0 or of a single draw; nan where no draw is finite.
        skewness: of the draws; 0 of a frequency, whose interval allows for it; infinite where all draws are alike,
            since whatever is unlike them has not been drawn yet.
        finite: how many draws the interval is of.
        draws: how many there are.
    """

    half_width: Array
    skewness: Array
    finite: Array
    draws: int

    def needed(self, precision: float, spare: float = SPARE) -> Array:
        """Draws that would do, as far as those at hand can tell; nan where no draw is finite."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            tight = self.finite * (self.half_width * spare / precision) ** 2
            unskewed = np.minimum(_SKEWED * self.skewness**2, SETTLED)
            return np.maximum(tight, unskewed) * (self.draws / self.finite)

    def reached(self, precision: float) -> NDArray[np.bool_]:
        """Where the interval is as tight as asked."""
        return self.needed(precision, spare=1.0) <= self.draws

    @property
    def doubtful(self) -> NDArray[np.bool_]:
        """Where so few draws carry the mean that its interval may be too narrow."""
        return self.finite < _DOUBTFUL * self.skewness**2


def tightness(values: Array, kind: Kind) -> Tightness:
    """How tight the intervals are that `summarize` states of each column's mean or frequency.

    The mean's is taken as 1.96 standard errors, which the bootstrap's percentiles tend to, at a fraction of the cost.

    Args:
        values: (draws, columns); what is not finite is left out.
        kind: as in the catalog of quantities; not a waiting time, whose median is stated.
    """
    finite = np.isfinite(values)
    n = finite.sum(axis=0).astype(np.float64)
    kept = np.where(finite, values, 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if kind == "frequency":
            low, high = wilson(kept.sum(axis=0), n)
            return Tightness((high - low) / 2, np.zeros_like(n), n, len(values))
        mean = kept.sum(axis=0) / n
        away = np.where(finite, values - mean, 0.0)
        std = np.sqrt((away**2).sum(axis=0) / (n - 1))
        constant = (n > 1) & (std <= _ROUNDING * np.abs(mean))
        half = np.where(constant & (mean != 0), 0.0, NORMAL_QUANTILE * std / np.sqrt(n) / np.abs(mean))
        skewness = ((away / std) ** 3).sum(axis=0) / n
    half = np.where(n == 0, np.nan, np.where(np.isnan(half), np.inf, half))
    skewness = np.nan_to_num(skewness, nan=0.0, posinf=0.0, neginf=0.0)
    return Tightness(half, np.where(constant, np.inf, skewness), n, len(values))


def next_look(draws: int, needed: float, block: int, most: int) -> int:
    """How many draws to look at next: as many as are foreseen to be needed, at most twice as many as there are.

    Args:
        draws: at hand.
        needed: foreseen, more than these; may be infinite.
        block: draws come in whole blocks of so many.
        most: no more than these are drawn.
    """
    foreseen = block * ceil(needed / block) if isfinite(needed) else most
    return min(max(foreseen, draws + block), 2 * draws, most)


def lacking(found: Tightness, precision: float) -> float | None:
    """Draws that are foreseen to be needed in all, or None where those at hand are enough.

    All columns have to be as tight as asked but those without a finite draw, which are not waited for.
    """
    needed = found.needed(precision)
    most = float(needed[~np.isnan(needed)].max(initial=0.0))
    return most if most > found.draws else None
