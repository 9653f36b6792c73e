"""Average frequencies of several members, whose events may depend on each other through shared data."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import beta

from suite.statistics.contrasts import Estimate, Replicates
from suite.statistics.intervals import Array, clopper_pearson


@dataclass(frozen=True)
class Frequency:
    """A frequency from an effective number of independent trials, which need not be an integer.

    Tests and interval are those of Clopper and Pearson, for any number of trials as for clustered events.

    Attributes:
        value: The frequency.
        trials: The effective number of trials.
        draws: The number of draws of each member.

    Source: Korn & Graubard 1998.
    """

    value: float
    trials: float
    draws: int

    @property
    def error(self) -> float:
        """The standard error with one event and one non-event more."""
        shrunk = (self.value * self.trials + 1) / (self.trials + 2)
        return sqrt(shrunk * (1 - shrunk) / (self.trials + 2))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% confidence interval."""
        return clopper_pearson(self.value * self.trials, self.trials)

    def detectable(self, level: float, power: float) -> float:
        """Return nan: the effective number of trials would be another one."""
        return np.nan

    def above(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value for the claim that the true frequency lies above a bound."""
        events = self.value * self.trials
        if not 0 <= bound <= 1:
            return 0.0 if bound < 0 else 1.0
        return float(beta.cdf(bound, events, self.trials - events + 1)) if events else 1.0

    def below(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value for the claim that the true frequency lies below a bound."""
        events = self.value * self.trials
        if not 0 <= bound <= 1:
            return 0.0 if bound > 1 else 1.0
        return float(beta.sf(bound, events + 1, self.trials - events)) if events < self.trials else 1.0


def average_frequency(members: Sequence[Sequence[Replicates]], shared: bool) -> Frequency:
    """Average the frequencies of members.

    The events of independent members are pooled, which is conservative if their frequencies differ. If replicates share
    their data, the events of all members may happen together, and the replicates of one member are the trials. This is
    conservative if they do not, but an error from the spread of the averages over replicates would be too small, since
    the rare replicates in which most members fail may be missing.

    Args:
        members: For each member, the events of each of its trainings, 0 or 1 per replicate.
        shared: Whether replicate i of all members has the same data.
    """
    every = [each for trainings in members for each in trainings]
    fewest = min(len(each.values) for each in every)
    value = float(np.mean([np.mean([each.values.mean() for each in trainings]) for trainings in members]))
    if shared:
        return Frequency(value, float(fewest), fewest)
    return Frequency(value, len(every) ** 2 / sum(1 / len(each.values) for each in every), fewest)


def pooled(members: Sequence[Array]) -> Estimate:
    """Estimate the average frequency of independent members, for differences (Agresti & Caffo).

    Args:
        members: For each member, 0 or 1 per draw.
    """
    trials = len(members) ** 2 / sum(1 / len(draws) for draws in members)
    value = float(np.mean([draws.mean() for draws in members]))
    shrunk = (value * trials + 1) / (trials + 2)
    error = sqrt(shrunk * (1 - shrunk) / (trials + 2))
    return Estimate(value, error, draws=min(map(len, members)), shrinkage=shrunk - value)
