"""Estimates with standard errors, and one-sided tests of their differences and against bounds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import sqrt
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.stats import beta, binom, nct, norm
from scipy.stats import t as student

from suite.statistics.intervals import LEVEL, Array

Statistic = Literal["mean", "median", "frequency"]


@dataclass(frozen=True)
class Estimate:
    """An estimate with its standard error.

    Attributes:
        value: Value of the statistic; nan if there is no draw to compute it from.
        error: Standard error; 0 if the value is exact, infinite if the error is unknown.
        freedom: Degrees of freedom of the standard error; infinite if the error is treated as known.
        draws: Number of draws. For a difference, the smaller number.
        shrinkage: Added to the value for tests and intervals; `error` is the standard error of this sum.
    """

    value: float
    error: float = 0.0
    freedom: float = np.inf
    draws: int = 1
    shrinkage: float = 0.0

    def __sub__(self, other: "Estimate") -> "Estimate":
        """Return the difference of two independent estimates, with Welch's degrees of freedom."""
        total = self.error**2 + other.error**2
        freedom = _freedom([self, other]) if 0 < total < np.inf else np.inf
        sampled = [each.draws for each in (self, other) if each.error]
        shrinkage = self.shrinkage - other.shrinkage
        return Estimate(self.value - other.value, sqrt(total), freedom, min(sampled, default=1), shrinkage)

    def above(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value for the claim that the true value lies above a bound.

        It is the probability of an estimate at least as large if the true value equals the bound. It is 1 if the value
        or its error is not finite.
        """
        gap = self.value + self.shrinkage - bound
        if not (np.isfinite(gap) and np.isfinite(self.error)):
            return 1.0
        if self.error == 0:
            return 0.0 if gap > 0 else 1.0
        return float(student.sf(gap / self.error, self.freedom))

    def below(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value for the claim that the true value lies below a bound.

        It is the probability of an estimate at least as small if the true value equals the bound. It is 1 if the value
        or its error is not finite.
        """
        return Estimate(-self.value, self.error, self.freedom, self.draws, -self.shrinkage).above(-bound)

    def detectable(self, level: float, power: float) -> float:
        """Return the smallest difference from a bound that a one-sided test at a level finds with a given power.

        The draws are taken as normal.
        """
        if not np.isfinite(self.error):
            return np.nan
        if np.isinf(self.freedom):
            return self.error * float(norm.isf(level) + norm.ppf(power))
        critical = float(student.isf(level, self.freedom))

        def excess(shift: float) -> float:
            return float(nct.sf(critical, self.freedom, shift)) - power

        return self.error * float(brentq(excess, 0.0, 2 * critical + 10))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% confidence interval; nan if the standard error is unknown."""
        if not np.isfinite(self.error):
            return np.nan, np.nan
        half = float(student.ppf((1 + LEVEL) / 2, self.freedom)) * self.error if self.error else 0.0
        center = self.value + self.shrinkage
        return center - half, center + half


def estimate(values: Array, statistic: Statistic, lower: bool = False) -> Estimate:
    """Estimate a statistic of independent draws, with its standard error.

    The standard error of a mean is that of Student's t-test. A frequency is shrunk by one event and one non-event
    (Agresti & Caffo), so that tests keep their level near 0 and 1 as well. The standard error of a median follows from
    the order statistics around it (Price & Bonett); infinite values, which stand for censored times to event, are
    longer than all others. The error of a mean or median is infinite for a single draw and for draws that are all
    equal, because values that they do not show may be rare.

    Args:
        values: One value per draw. Values that are nan are left out, and, unless the statistic is the median, those
            that are infinite.
        statistic: The statistic to estimate.
        lower: Whether the median of an even number of draws is the lower of the two middle ones, as that of times to an
            event, and not their mean.

    Source: Agresti & Caffo 2000; Price & Bonett 2001.
    """
    known = values[~np.isnan(values)] if statistic == "median" else values[np.isfinite(values)]
    n = len(known)
    if n == 0:
        return Estimate(np.nan, np.inf, draws=0)
    if statistic == "frequency":
        return estimate_frequency(float(known.mean()), n, n)
    if statistic == "median":
        return _estimate_median(np.sort(known), lower)
    if known.min() == known.max():
        return Estimate(float(known[0]), np.inf, draws=n)
    return Estimate(float(known.mean()), float(known.std(ddof=1)) / sqrt(n), n - 1, n)


def of_summary(mean: float, std: float, draws: int, statistic: Literal["mean", "frequency"]) -> Estimate:
    """Estimate a mean or a frequency from the summary of independent draws, as `estimate` does from the draws.

    Args:
        mean: Mean of the draws; nan if there is none.
        std: Standard deviation of the draws; nan for a single draw.
        draws: Number of draws.
        statistic: The statistic to estimate.
    """
    if not draws or not np.isfinite(mean):
        return Estimate(mean if draws else np.nan, np.inf, draws=draws)
    if statistic == "frequency":
        return estimate_frequency(mean, draws, draws)
    if not std > _ROUNDING * abs(mean):
        return Estimate(mean, np.inf, draws=draws)
    return Estimate(mean, std / sqrt(draws), draws - 1, draws)


_ROUNDING = 1e-12
"""Draws with a relative standard deviation at or below this are equal except for rounding."""


def of_share(events: float, draws: float, bound: float) -> tuple[float, float]:
    """Compute exact one-sided p-values for a frequency that lies above, or below, a known bound.

    Args:
        events: Number of events, which need not be an integer if the number of draws is an effective one.
        draws: Number of draws.
        bound: The bound. A frequency lies between 0 and 1, so that a bound outside of this range gives 0 and 1.

    Returns:
        The p-value for above, and the p-value for below.

    Source: Clopper & Pearson 1934.
    """
    if not 0 <= bound <= 1:
        return (0.0, 1.0) if bound < 0 else (1.0, 0.0)
    above = float(beta.cdf(bound, events, draws - events + 1)) if events else 1.0
    below = float(beta.sf(bound, events + 1, draws - events)) if events < draws else 1.0
    return above, below


@dataclass(frozen=True)
class Replicates:
    """An estimate with the replicates that it is the mean of.

    Attributes:
        estimate: The estimate.
        numbers: The number of each replicate, by which replicates of several estimates are matched.
        values: One value per replicate, whose mean is the estimate; empty if it is not a mean of values.
    """

    estimate: Estimate
    numbers: Array
    values: Array

    def at(self, numbers: Array) -> Array:
        """Return the values of some replicates, in their order."""
        return self.values[np.isin(self.numbers, numbers)]


def mean_of(values: Sequence[Estimate]) -> Estimate:
    """Average estimates that may share draws or data, so that their errors may be correlated.

    The standard error of their mean is at most the mean of the standard errors, which is returned as the error.

    Args:
        values: One or more estimates, one per training of a member.
    """
    numbers = np.array([each.value for each in values])
    with np.errstate(invalid="ignore"):  # the mean of +inf and -inf is nan
        mean = float(numbers.mean()) if numbers.min() < numbers.max() else float(numbers[0])
    return Estimate(
        mean,
        float(np.mean([each.error for each in values])),
        min(each.freedom for each in values),
        min(each.draws for each in values),
        float(np.mean([each.shrinkage for each in values])),
    )


def average(members: Sequence[Sequence[Replicates]], shared: bool) -> Estimate:
    """Estimate the average of a quantity over members, each of which may have been trained in several ways.

    The average is that of these members. Its error is due to their draws alone, not to the choice of the members. If
    replicates share their data over members, they are averaged one by one, and the error follows from the spread of
    these averages. Otherwise members are independent, and their errors add up.

    Args:
        members: For each member, one estimate per training. The average over trainings comes first.
        shared: Whether replicate i of all members has the same data, as in training.
    """
    of_members = [mean_of([each.estimate for each in trainings]) for trainings in members]
    alone = mean_of(of_members)
    if not alone.error or not np.isfinite(alone.value):
        return alone
    if not shared:
        spread = sqrt(sum(each.error**2 for each in of_members)) / len(of_members)
        return replace(alone, error=spread, freedom=_freedom(of_members))
    every = [each for trainings in members for each in trainings]
    common = reduce(np.intersect1d, [each.numbers for each in every])
    if not all(len(each.values) for each in every) or len(common) < 2:
        return alone
    averages = np.mean([np.mean([each.at(common) for each in trainings], axis=0) for trainings in members], axis=0)
    found = estimate(averages, "mean")
    return found if np.isfinite(found.error) else replace(alone, draws=found.draws)


def _freedom(estimates: Sequence[Estimate]) -> float:
    """Return Welch's degrees of freedom of a sum of independent estimates."""
    variances = np.array([each.error**2 for each in estimates])
    shares = float((variances**2 / np.array([each.freedom for each in estimates])).sum())
    return float(variances.sum()) ** 2 / shares if 0 < shares < np.inf else np.inf


def over_members(differences: Array) -> Estimate:
    """Estimate the mean of a family from members that are a sample of it, of which each has one value.

    Each value has a sampling error of its own. The spread over members contains both the variation between members and
    this sampling error, so that the result is about the family.

    Args:
        differences: One per member. If any is not finite, the mean is not finite either, and its error is infinite.
    """
    if not np.isfinite(differences).all():
        with np.errstate(invalid="ignore"):  # the mean of +inf and -inf is nan
            return Estimate(float(differences.mean()), np.inf)
    return estimate(differences, "mean") if len(differences) > 1 else Estimate(float(differences[0]), np.inf)


def estimate_frequency(share: float, trials: float, draws: int) -> Estimate:
    """Return a frequency, shrunk by one event and one non-event for tests and intervals (Agresti & Caffo).

    Args:
        share: The frequency.
        trials: The effective number of independent trials, which need not be an integer.
        draws: The number of draws.
    """
    shrunk = (share * trials + 1) / (trials + 2)
    return Estimate(share, sqrt(shrunk * (1 - shrunk) / (trials + 2)), draws=draws, shrinkage=shrunk - share)


def _estimate_median(ordered: Array, is_lower: bool) -> Estimate:
    """Estimate the median of sorted values, with an error from the c-th smallest and c-th largest.

    The median lies between these two values with a known probability.
    """
    n = len(ordered)
    place = max(1, round((n + 1) / 2 - sqrt(n)))
    coverage = 1 - 2 * float(binom.cdf(place - 1, n, 0.5))
    low, high = ordered[place - 1], ordered[n - place]
    quantile = float(norm.ppf((1 + coverage) / 2))
    with np.errstate(invalid="ignore"):
        error = float((high - low) / (2 * quantile)) if quantile > 0 else np.inf
    if error == 0:  # too many values are equal for order statistics to give the error
        error = np.inf
    lower, upper = ordered[(n - 1) // 2], ordered[n // 2]
    middle = float(lower if is_lower or np.isinf(upper) else (lower + upper) / 2)
    return Estimate(middle, np.inf if np.isnan(error) else error, draws=n)
