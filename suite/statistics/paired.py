"""Paired comparisons of two settings on the same replicates, which share their data."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaln, xlogy
from scipy.stats import binom, norm

from suite.catalog.limits import FEWEST_PAIRS
from suite.statistics.contrasts import Estimate, estimate
from suite.statistics.intervals import LEVEL, NORMAL_QUANTILE, Array


def paired_means(first: Array, second: Array) -> Estimate:
    """Estimate the mean difference, second minus first, of values in pairs, for Student's t-test.

    The bootstrap is not used here, because its intervals are too short for a dozen pairs.

    Args:
        first: One finite value per pair.
        second: One finite value per pair.

    Returns:
        The difference. Its error is infinite if there are fewer than `FEWEST_PAIRS` pairs or all differences are equal.
    """
    found = estimate(second - first, "mean")
    return found if len(first) >= FEWEST_PAIRS else Estimate(found.value, np.inf, draws=len(first))


@dataclass(frozen=True)
class PairedEvents:
    """The difference of two frequencies, second minus first, of events in pairs.

    A difference of 0 is tested by McNemar's exact test. Any other is tested by Tango's score, with an exact p-value:
    the largest over the unknown probability of an event in one setting alone. The 95% interval is Tango's score
    interval. It is extended to 0 if McNemar's test does not reject 0, so that they agree about 0.

    Attributes:
        gained: Number of pairs with the event in the second setting alone.
        lost: Number of pairs with the event in the first setting alone.
        draws: Number of pairs.

    Source: McNemar 1947; Tango 1998.
    """

    gained: int
    lost: int
    draws: int

    @property
    def value(self) -> float:
        """The difference of the frequencies; nan without pairs."""
        return (self.gained - self.lost) / self.draws if self.draws else np.nan

    @property
    def error(self) -> float:
        """The standard error with half an event added to each cell of the table; infinite for too few pairs."""
        if self.draws < FEWEST_PAIRS:
            return np.inf
        gained, lost, n = self.gained + 0.5, self.lost + 0.5, self.draws + 2
        return sqrt(gained + lost - (gained - lost) ** 2 / n) / n

    @property
    def freedom(self) -> float:
        """The degrees of freedom of the error, which is treated as known."""
        return np.inf

    def detectable(self, level: float, power: float) -> float:
        """Return nan: the power depends on how often one setting alone has the event, which is unknown."""
        return np.nan

    def above(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value for the claim that the true difference lies above a bound."""
        return _p_above(self.gained, self.lost, self.draws, bound)

    def below(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value for the claim that the true difference lies below a bound."""
        return _p_above(self.lost, self.gained, self.draws, -bound)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% confidence interval; nan for too few pairs."""
        if self.draws < FEWEST_PAIRS:
            return np.nan, np.nan
        low, high = -_upper_end(self.lost, self.gained, self.draws), _upper_end(self.gained, self.lost, self.draws)
        if 2 * min(self.above(), self.below()) > 1 - LEVEL:
            return min(low, 0.0), max(high, 0.0)
        return low, high


def paired_events(first: Array, second: Array) -> PairedEvents:
    """Compare paired events, 0 or 1 per pair."""
    return PairedEvents(int((second > first).sum()), int((second < first).sum()), len(first))


def _p_above(gained: int, lost: int, pairs: int, bound: float) -> float:
    if pairs < FEWEST_PAIRS:
        return 1.0
    if not -1 < bound < 1:
        return 0.0 if bound < -1 else 1.0
    if bound == 0:
        return float(binom.sf(gained - 1, gained + lost, 0.5))
    if pairs > _MOST_ENUMERATED:
        return float(norm.sf(_score(gained, lost, pairs, bound)))
    return _exact_p(_score(gained, lost, pairs, bound), pairs, bound)


_MOST_ENUMERATED = 128
"""Largest number of pairs whose tables are enumerated; for more, the score is taken as normal."""

_PROBABILITIES = 64
"""Number of values of the unknown probability over which an exact p-value is the largest."""


def _exact_p(score: float, pairs: int, bound: float) -> float:
    """Return the largest probability of a score at least as large if the true difference equals the bound.

    The maximum is over the probability of an event in the first setting alone.
    """
    gained, lost = np.array([(one, other) for one in range(pairs + 1) for other in range(pairs + 1 - one)]).T
    extreme = _scores(gained, lost, pairs, bound) >= score - 1e-9
    gained, lost = gained[extreme], lost[extreme]
    # Both probabilities are at least 0, and together at most 1.
    losing = np.linspace(max(0.0, -bound), (1 - bound) / 2, _PROBABILITIES)[:, None]
    winning = np.maximum(losing + bound, 0.0)
    neither = np.maximum(1 - winning - losing, 0.0)
    counts = gammaln(pairs + 1) - gammaln(gained + 1) - gammaln(lost + 1) - gammaln(pairs - gained - lost + 1)
    logarithms = xlogy(gained, winning) + xlogy(lost, losing) + xlogy(pairs - gained - lost, neither)
    return min(1.0, float(np.exp(counts + logarithms).sum(1).max()))


def _score(gained: int, lost: int, pairs: int, difference: float) -> float:
    """Return Tango's score statistic for a true difference, positive if the observed one is larger."""
    return float(_scores(np.array([gained]), np.array([lost]), pairs, difference)[0])


def _scores(gained: NDArray[np.int64], lost: NDArray[np.int64], pairs: int, difference: float) -> Array:
    """Return the score statistics of many tables."""
    linear = (2 * pairs - gained + lost) * difference - gained - lost
    constant = -lost * difference * (1 - difference)
    share = (np.sqrt(np.maximum(linear**2 - 8 * pairs * constant, 0.0)) - linear) / (4 * pairs)
    variance = pairs * (2 * share + difference * (1 - difference))
    excess = gained - lost - pairs * difference
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.where(variance > 0, excess / np.sqrt(variance), np.copysign(np.inf, excess))
    return np.asarray(np.where((variance <= 0) & (excess == 0), 0.0, scores))


def _upper_end(gained: int, lost: int, pairs: int) -> float:
    """Return the difference above the observed one whose score is -1.96, and at most 1."""
    observed, last = (gained - lost) / pairs, 1 - 1e-12

    def excess(difference: float) -> float:
        return _score(gained, lost, pairs, difference) + NORMAL_QUANTILE

    return 1.0 if observed >= last or excess(last) > 0 else float(brentq(excess, observed, last))


def by_number(first_numbers: Array, first: Array, second_numbers: Array, second: Array) -> tuple[Array, Array, Array]:
    """Return the values of the draws that two quantities have in common, in the order of their numbers.

    A draw that failed for one quantity alone is missing only there.

    Args:
        first_numbers: Numbers of the first quantity's draws, each once.
        first: Values of the first quantity.
        second_numbers: Numbers of the second quantity's draws, each once.
        second: Values of the second quantity.

    Returns:
        The numbers of these draws, and the values of the first and of the second quantity.
    """
    numbers, here, there = np.intersect1d(first_numbers, second_numbers, assume_unique=True, return_indices=True)
    return numbers, first[here], second[there]
