"""Average frequencies of several members, whose events may depend on each other through shared data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suite.statistics.contrasts import Estimate, Replicates, estimate_frequency, of_share
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
        return estimate_frequency(self.value, self.trials, self.draws).error

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% confidence interval."""
        return clopper_pearson(self.value * self.trials, self.trials)

    def detectable(self, level: float, power: float) -> float:
        """Return nan: the effective number of trials would be another one."""
        return np.nan

    def above(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value for the claim that the true frequency lies above a bound."""
        return of_share(self.value * self.trials, self.trials, bound)[0]

    def below(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value for the claim that the true frequency lies below a bound."""
        return of_share(self.value * self.trials, self.trials, bound)[1]


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
    return Frequency(value, _count_trials([len(each.values) for each in every]), fewest)


def pooled(members: Sequence[Array]) -> Estimate:
    """Estimate the average frequency of independent members, for differences (Agresti & Caffo).

    Args:
        members: For each member, 0 or 1 per draw.
    """
    sizes = [len(draws) for draws in members]
    value = float(np.mean([draws.mean() for draws in members]))
    return estimate_frequency(value, _count_trials(sizes), min(sizes))


def _count_trials(sizes: Sequence[int]) -> float:
    """Return the number of trials whose frequency has the variance of an average over members of these sizes."""
    return len(sizes) ** 2 / sum(1 / size for size in sizes)
