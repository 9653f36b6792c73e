"""Contrasts: how surely one mean, frequency or median lies above another, or above a number."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from scipy.stats import binom, norm
from scipy.stats import t as student

from suite.statistics.intervals import LEVEL, Array

Statistic = Literal["mean", "median", "frequency"]


@dataclass(frozen=True)
class Estimate:
    """A number known within an error.

    Attributes:
        value: of the statistic; nan where nothing is known of it.
        error: its standard error; 0 where it is exact, infinite where it cannot be told.
        freedom: degrees of freedom of that error; infinite where it is taken for known.
        draws: how many it is of.
        shrinkage: what is added to the value for tests and intervals, whose error is that of the sum.
    """

    value: float
    error: float = 0.0
    freedom: float = np.inf
    draws: int = 1
    shrinkage: float = 0.0

    def __sub__(self, other: "Estimate") -> "Estimate":
        """The difference of two independent ones, with Welch's degrees of freedom."""
        variances = np.array([self.error**2, other.error**2])
        total = float(variances.sum())
        freedom = np.inf
        if 0 < total < np.inf:
            shares = float((variances**2 / np.array([self.freedom, other.freedom])).sum())
            freedom = total**2 / shares if shares > 0 else np.inf
        sampled = [each.draws for each in (self, other) if each.error]
        shrinkage = self.shrinkage - other.shrinkage
        return Estimate(self.value - other.value, sqrt(total), freedom, min(sampled, default=1), shrinkage)

    def above(self, bound: float = 0.0) -> float:
        """One-sided p-value of its lying above a bound: how often as much is seen where it does not."""
        gap = self.value + self.shrinkage - bound
        if not (np.isfinite(gap) and np.isfinite(self.error)):
            return 1.0
        if self.error == 0:
            return 0.0 if gap > 0 else 1.0
        return float(student.sf(gap / self.error, self.freedom))

    def below(self, bound: float = 0.0) -> float:
        """One-sided p-value of its lying below a bound."""
        return Estimate(-self.value, self.error, self.freedom, self.draws, -self.shrinkage).above(-bound)

    @property
    def interval(self) -> tuple[float, float]:
        """At 95%; nan where the error cannot be told."""
        if not np.isfinite(self.error):
            return np.nan, np.nan
        half = float(student.ppf((1 + LEVEL) / 2, self.freedom)) * self.error if self.error else 0.0
        center = self.value + self.shrinkage
        return center - half, center + half


def estimate(values: Array, statistic: Statistic) -> Estimate:
    """A statistic of independent draws, with its error.

    A mean has Student's error. A frequency is shrunk by one event and one non-event, as Agresti and Caffo do, which
    keeps tests at their level also near 0 and 1. A median's error is from the order statistics around it (Price &
    Bonett); infinite values, waits that did not end, are longer than all others. Of a single draw, and of draws that
    are all alike, the error cannot be told: what they have not shown may be rare.

    Args:
        values: one a draw; what is nan is left out.
        statistic: which.

    Source: Agresti & Caffo 2000; Price & Bonett 2001.
    """
    known = values[~np.isnan(values)] if statistic == "median" else values[np.isfinite(values)]
    n = len(known)
    if n == 0:
        return Estimate(np.nan, np.inf, draws=0)
    if statistic == "frequency":
        shrunk = (known.sum() + 1) / (n + 2)
        share = float(known.mean())
        return Estimate(share, sqrt(shrunk * (1 - shrunk) / (n + 2)), draws=n, shrinkage=shrunk - share)
    if statistic == "median":
        return _median(np.sort(known))
    if known.min() == known.max():
        return Estimate(float(known[0]), np.inf, draws=n)
    return Estimate(float(known.mean()), float(known.std(ddof=1)) / sqrt(n), n - 1, n)


def of_share(events: int, draws: int, bound: float) -> tuple[float, float]:
    """Exact one-sided p-values of a frequency's lying above a known number, and of its lying below.

    Args:
        events: how many there were.
        draws: out of how many.
        bound: the number; a frequency lies between 0 and 1.

    Source: Clopper & Pearson 1934.
    """
    if not 0 <= bound <= 1:
        return (0.0, 1.0) if bound < 0 else (1.0, 0.0)
    return float(binom.sf(events - 1, draws, bound)), float(binom.cdf(events, draws, bound))


def of_pairs(first: Array, second: Array, statistic: Statistic) -> Estimate:
    """Second less first of draws that come in pairs, which share their data.

    Args:
        first: one value a pair.
        second: likewise; pairs that lack a finite value are left out.
        statistic: of the differences; of a frequency, their mean.
    """
    differences = second - first
    return estimate(differences[np.isfinite(differences)], "median" if statistic == "median" else "mean")


def mean_of(values: Sequence[Estimate]) -> Estimate:
    """The mean of what may have draws or data in common, and so err alike: its error is no more than their mean one.

    Args:
        values: one or more; of one training of a member each.
    """
    numbers = np.array([each.value for each in values])
    with np.errstate(invalid="ignore"):  # of infinite ones of both signs there is no mean
        mean = float(numbers.mean()) if numbers.min() < numbers.max() else float(numbers[0])
    return Estimate(
        mean,
        float(np.mean([each.error for each in values])),
        min(each.freedom for each in values),
        min(each.draws for each in values),
        float(np.mean([each.shrinkage for each in values])),
    )


def over_members(differences: Array) -> Estimate:
    """The mean of one difference a member, each of which is known within an error of its own.

    The spread over members has both in it, theirs and the draws', so that the statement is about the family that the
    members are from.

    Args:
        differences: one a member; with infinite ones the mean is infinite, and its error cannot be told.
    """
    if not np.isfinite(differences).all():
        with np.errstate(invalid="ignore"):  # of infinite ones of both signs there is no mean
            return Estimate(float(differences.mean()), np.inf)
    return estimate(differences, "mean") if len(differences) > 1 else Estimate(float(differences[0]), np.inf)


def _median(ordered: Array) -> Estimate:
    """Of sorted values: by the c-th smallest and largest, between which the median lies with known chance."""
    n = len(ordered)
    place = max(1, round((n + 1) / 2 - sqrt(n)))
    covered = 1 - 2 * float(binom.cdf(place - 1, n, 0.5))
    low, high = ordered[place - 1], ordered[n - place]
    quantile = float(norm.ppf((1 + covered) / 2))
    with np.errstate(invalid="ignore"):
        error = float((high - low) / (2 * quantile)) if quantile > 0 else np.inf
    if error == 0:  # so many are alike that their order says nothing of its error
        error = np.inf
    middle = float(np.quantile(ordered, 0.5, method="inverted_cdf"))
    return Estimate(middle, np.inf if np.isnan(error) else error, draws=n)
