"""How well a predictor orders members by the outcome, how surely, and by how much better than a baseline."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from suite.catalog.predict import FEWEST
from suite.statistics.contrasts import estimate
from suite.statistics.intervals import Array
from suite.statistics.rank import kendall, spearman
from suite.statistics.two_level import Interval, Resampling, interval
from suite.tournament.contests import Drawn
from suite.tournament.groups import Group

Correlation = Callable[[Array, Array], Array]
NOTHING = Interval(np.nan, np.nan, np.nan)


class Ranking:
    """Groups of members, in each of which members are ordered; what is said is the average over the groups.

    All predictors are looked at on the same resamples of members, so that their differences are paired.

    Args:
        outcome: of the contest's members, from `statistic_and_copies`.
        groups: one, or those within which members are compared; those in which a predictor is the same for all have no
            part in its average.
    """

    def __init__(self, outcome: Array, groups: Sequence[Group]) -> None:
        self._outcome = outcome
        self._groups = groups
        self._resamplings: dict[tuple[int, int], Resampling] = {}

    def members(self, predictor: Array) -> int:
        """How many its correlations are of."""
        return sum(map(len, self._common(predictor)))

    def groups(self, predictor: Array) -> int:
        """In how many of the groups members are ordered by it."""
        return len(self._common(predictor))

    def spearman(self, predictor: Array) -> Interval:
        """Rho with its interval."""
        return interval(self._replicates(spearman, predictor, self._common(predictor)))

    def kendall(self, predictor: Array) -> Interval:
        """Tau-b with its interval."""
        return interval(self._replicates(kendall, predictor, self._common(predictor)))

    def advantage(self, predictor: Array, rival: Array) -> Interval:
        """The predictor's rho less the rival's, on the members that have the predictor."""
        common = self._common(predictor)
        return interval(self._replicates(spearman, predictor, common) - self._replicates(spearman, rival, common))

    def without(self, predictor: Array, families: Mapping[str, Group]) -> dict[str, float]:
        """Rho when a family is left out, by the family's name; nothing of those that leave too few."""
        found = {}
        for name, family in families.items():
            rest = [group[~np.isin(group, family)] for group in self._common(predictor)]
            if sum(map(len, rest)) < self.members(predictor):
                rho = [
                    float(spearman(predictor[None, group, 0], self._outcome[None, group, 0])[0])
                    for group in rest
                    if self._orders(predictor, group)
                ]
                if rho:
                    found[name] = float(np.mean(rho))
        return found

    def _common(self, predictor: Array) -> list[Group]:
        """Of each group the members that have both; no group in which either is the same for all."""
        known = ~np.isnan(predictor[:, 0]) & ~np.isnan(self._outcome[:, 0])
        return [some for group in self._groups if self._orders(predictor, some := group[known[group]])]

    def _orders(self, predictor: Array, group: Group) -> bool:
        enough = len(group) >= FEWEST
        return enough and all(np.ptp(_finite(values[group, 0])) > 0 for values in (predictor, self._outcome))

    def _replicates(self, correlation: Correlation, predictor: Array, groups: Sequence[Group]) -> Array:
        if not groups:
            return np.full(1, np.nan)
        found = []
        for place, group in enumerate(groups):
            resampling = self._resampling(len(group), place)
            found.append(correlation(resampling.predictor(predictor[group]), resampling.outcome(self._outcome[group])))
        return np.asarray(np.mean(found, axis=0))

    def _resampling(self, members: int, place: int) -> Resampling:
        key = (members, place)
        if key not in self._resamplings:
            self._resamplings[key] = Resampling(members, place)
        return self._resamplings[key]


def _finite(values: Array) -> Array:
    """Infinite values as the largest numbers, whose differences are numbers."""
    return np.nan_to_num(values, posinf=_LARGE, neginf=-_LARGE)


_LARGE = 1e300


def draw_by_draw(predictor: Drawn, result: Drawn) -> Array:
    """Within each member, Spearman's rho of the predictor and the result over draws: draw i is one network in both.

    Returns:
        One rho a member; nan where fewer than five draws have both, or either is the same for all.
    """
    found = np.full(len(result.values), np.nan)
    for place, (outcome, drawn) in enumerate(zip(result.values, result.draws, strict=True)):
        _, here, there = np.intersect1d(predictor.draws[place], drawn, assume_unique=True, return_indices=True)
        x, y = predictor.values[place][here], outcome[there]
        known = ~np.isnan(x) & ~np.isnan(y)
        if known.sum() >= FEWEST:
            found[place] = spearman(x[None, known], y[None, known])[0]
    return found


def averaged(correlations: Array) -> tuple[Interval, int]:
    """Mean of one correlation a member with Student's interval over the members, and how many members have one."""
    known = correlations[np.isfinite(correlations)]
    if len(known) < FEWEST:
        return NOTHING, len(known)
    mean = estimate(known, "mean")
    return Interval(mean.value, *mean.interval), len(known)
