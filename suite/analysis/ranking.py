"""Compute how well predictors order members by the outcome, and how much better than baselines."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.analysis.predictions import Drawn
from suite.catalog.predict import FEWEST
from suite.results.schema import ALL_MEMBERS
from suite.statistics.contrasts import estimate
from suite.statistics.intervals import Array
from suite.statistics.paired import by_number
from suite.statistics.rank import kendall, spearman
from suite.statistics.two_level import (
    RESAMPLES,
    CorrelationDifference,
    Interval,
    Resampling,
    of_correlation,
    of_difference,
)

Group = NDArray[np.int64]
"""Indices of members."""

APART = ("depth",)
"""Axes along which the members of a family differ."""


def groups(axes: Sequence[Mapping[str, Any]]) -> dict[str, Group]:
    """Return groups of members by name: all members, and the members that share a value of an axis.

    Groups of fewer than `FEWEST` members are left out. If several groups have the same members, only the first is
    returned.

    Args:
        axes: The axes of each member.
    """
    found = {ALL_MEMBERS: np.arange(len(axes))}
    for axis in dict.fromkeys(name for member in axes for name in member if name not in APART):
        values = [member.get(axis) for member in axes]
        different = list(dict.fromkeys(value for value in values if value is not None))
        if len(different) > 1:
            for value in different:
                group = np.flatnonzero([other == value for other in values])
                known = any(np.array_equal(group, other) for other in found.values())
                if len(group) >= FEWEST and not known:
                    found[named(axis, value)] = group
    return found


def families(axes: Sequence[Mapping[str, Any]]) -> dict[str, Group]:
    """Return the members that differ in depth alone, by the name of their family.

    The name consists of the axes in which families differ.
    """
    varied = {
        axis
        for axis in dict.fromkeys(name for member in axes for name in member if name not in APART)
        if len({member.get(axis) for member in axes}) > 1
    }
    names = [", ".join(named(axis, member[axis]) for axis in member if axis in varied) for member in axes]
    return {name: np.flatnonzero([other == name for other in names]) for name in dict.fromkeys(names)}


def named(axis: str, value: Any) -> str:
    """Format a value of an axis: activations and initializations as they are, others after the axis."""
    return value if isinstance(value, str) and axis in ("activation", "initialization") else f"{axis} {value}"


Correlation = Callable[[Array, Array], Array]
NOTHING = Interval(np.nan, np.nan, np.nan)
"""The result if there is no correlation."""


class Ranking:
    """Rank correlations of predictors with an outcome within groups of members, averaged over the groups.

    All predictors are evaluated on the same resamples of members, so that their differences are paired. A predictor
    that is constant in a group has the correlation 0 there, and nan if it is constant in every group. Members without a
    value of the predictor or the outcome are left out, also for the baselines that the predictor is compared with.

    Args:
        outcome: (members, 1 + COPIES): the outcome, as in `Drawn.ordered`.
        predictors: The predictors by name, as in `Drawn.ordered`.
        baselines: The names of the predictors that are baselines.
        groups: One group, or several within which members are compared.
    """

    def __init__(
        self, outcome: Array, predictors: Mapping[str, Array], baselines: Sequence[str], groups: Sequence[Group]
    ) -> None:
        self._outcome = outcome
        self._predictors = predictors
        self._baselines = baselines
        self._groups = groups
        self._resamplings: dict[tuple[int, int], Resampling] = {}
        self._rhos: dict[tuple[str, bytes], Array] = {}

    def members(self, predictor: str) -> int:
        """Return the number of members that the correlations of a predictor are computed from."""
        return sum(map(len, self._common(predictor)))

    def orders(self, predictor: str) -> tuple[int, int]:
        """Return in how many groups a predictor orders members, and in how many they can be ordered."""
        common = self._common(predictor)
        return sum(self._varies(predictor, group) for group in common), len(common)

    def spearman(self, predictor: str) -> Interval:
        """Return Spearman's rho of a predictor and the outcome, with its 95% interval."""
        return of_correlation(self._rho(predictor, self._common(predictor)))

    def kendall(self, predictor: str) -> Interval:
        """Return Kendall's tau-b of a predictor and the outcome, with its 95% interval."""
        return of_correlation(self._replicates(kendall, predictor, self._common(predictor)))

    def best_baseline(self, predictor: str) -> str | None:
        """Return the baseline with the largest rho over the members that have the predictor, if any."""
        common = self._common(predictor)
        rhos = {name: float(self._rho(name, common)[0]) for name in self._baselines}
        known = {name: rho for name, rho in rhos.items() if np.isfinite(rho)}
        return max(known, key=lambda name: known[name], default=None)

    def advantage(self, predictor: str, rival: str) -> CorrelationDifference:
        """Return the predictor's rho minus the rival's, over the members that have the predictor."""
        common = self._common(predictor)
        return of_difference(self._rho(predictor, common), self._rho(rival, common), sum(map(len, common)))

    def without(self, predictor: str, families: Mapping[str, Group]) -> dict[str, float]:
        """Return the predictor's rho without the members of a family, by the family's name.

        A family is absent if it has no members here or leaves too few.
        """
        values, found = self._predictors[predictor], {}
        common = self._common(predictor)
        for name, family in families.items():
            rest = [group for group in (group[~np.isin(group, family)] for group in common) if len(group) >= FEWEST]
            if rest and sum(map(len, rest)) < sum(map(len, common)):
                rho = [spearman(values[None, group, 0], self._outcome[None, group, 0])[0] for group in rest]
                if np.isfinite(rho).any():
                    found[name] = float(np.nan_to_num(rho).mean())
        return found

    def _common(self, predictor: str) -> list[Group]:
        """Return each group's members with predictor and outcome; groups that cannot be ordered are absent.

        A group can be ordered if it has at least `FEWEST` such members and their outcomes differ.
        """
        known = ~np.isnan(self._predictors[predictor][:, 0]) & ~np.isnan(self._outcome[:, 0])
        groups = [group[known[group]] for group in self._groups]
        return [group for group in groups if len(group) >= FEWEST and _vary(self._outcome[group, 0])]

    def _varies(self, predictor: str, group: Group) -> bool:
        return _vary(self._predictors[predictor][group, 0])

    def _rho(self, predictor: str, groups: Sequence[Group]) -> Array:
        """Return Spearman's rho and its resamples, computed once per predictor and members."""
        key = (predictor, b"".join(group.tobytes() for group in groups))
        if key not in self._rhos:
            self._rhos[key] = self._replicates(spearman, predictor, groups)
        return self._rhos[key]

    def _replicates(self, correlation: Correlation, predictor: str, groups: Sequence[Group]) -> Array:
        """Return a correlation and its resamples, (1 + RESAMPLES,), averaged over the groups."""
        if not any(self._varies(predictor, group) for group in groups):
            return np.full(1 + RESAMPLES, np.nan)
        values, found = self._predictors[predictor], []
        for place, group in enumerate(groups):
            resampling = self._resampling(len(group), place)
            drawn = resampling.predictor(values[group]), resampling.outcome(self._outcome[group])
            found.append(np.nan_to_num(correlation(*drawn)))
        return np.asarray(np.mean(found, axis=0))

    def _resampling(self, members: int, place: int) -> Resampling:
        key = (members, place)
        if key not in self._resamplings:
            self._resamplings[key] = Resampling(members, place)
        return self._resamplings[key]


def _vary(values: Array) -> bool:
    return bool((values != values[0]).any())


def draw_by_draw(predictor: Drawn, result: Drawn) -> Array:
    """Compute Spearman's rho of predictor and result over the draws of each member.

    Draw i is the same network in both.

    Returns:
        One rho per member; nan if fewer than `FEWEST` draws have both values, or one of the two is constant.
    """
    found = np.full(len(result.draws), np.nan)
    for place, (own, drawn) in enumerate(zip(predictor.draws, result.draws, strict=True)):
        _, x, y = by_number(own.numbers, own.values, drawn.numbers, drawn.values)
        known = ~np.isnan(x) & ~np.isnan(y)
        if known.sum() >= FEWEST:
            rho = spearman(x[None, known], y[None, known])[0]
            found[place] = predictor.sign * result.sign * rho
    return found


def averaged(correlations: Array) -> tuple[Interval, int]:
    """Average the correlations of members, with the part of Student's interval between -1 and 1.

    Args:
        correlations: One correlation per member; nan if it has none.

    Returns:
        The mean with its 95% interval, nan for fewer than `FEWEST` correlations, and the number of correlations.
    """
    known = correlations[np.isfinite(correlations)]
    if len(known) < FEWEST:
        return NOTHING, len(known)
    mean = estimate(known, "mean")
    return Interval(mean.value, *np.clip(mean.interval, -1, 1)), len(known)
