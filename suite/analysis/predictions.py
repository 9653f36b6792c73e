"""Collect an outcome of training by member, with the quantities that may predict it before training."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from suite.analysis.points import Point, Tables, points
from suite.catalog.measures import MEASURES
from suite.catalog.predict import BASELINES, SHALLOWEST, Outcome, Predict, candidates
from suite.catalog.quantities import QUANTITIES
from suite.statistics.intervals import Array
from suite.statistics.two_level import COPIES, Statistic, statistic_and_copies


@dataclass(frozen=True)
class Draws:
    """The values of one member's draws.

    Attributes:
        numbers: The numbers of the draws that may have an outcome; empty for a quantity without draws.
        values: The values of these draws.
        size: The number of all draws.
        lost: The number of all draws without a value.
    """

    numbers: Array
    values: Array
    size: int
    lost: int


@dataclass(frozen=True)
class Drawn:
    """A quantity of several members, with the statistic that orders them.

    Attributes:
        name: The name in tables; it begins with a minus sign if smaller values of the quantity are better.
        sign: -1 if smaller values are better, otherwise 1.
        statistic: The name of the statistic of a member's draws.
        ordered: (members, 1 + COPIES): the statistic of each member's draws and of resamples of them, times `sign`, so
            that larger is better; nan for members without a value.
        draws: For each member, the draws that can be compared one by one.
    """

    name: str
    sign: int
    statistic: str
    ordered: Array
    draws: Sequence[Draws]


@dataclass(frozen=True)
class Predictor(Drawn):
    """A quantity that may predict the outcome.

    Attributes:
        measure: The measure of the quantity; None for a baseline, which follows from the architecture alone.
    """

    measure: str | None


@dataclass(frozen=True)
class Prediction:
    """One outcome under one setting of the training, with its predictors.

    Attributes:
        outcome: The name of the outcome.
        training: The training setting: values by axis.
        members: The names of the members with two or more hidden layers.
        axes: The axes of each of these members.
        result: The outcome of each member.
        predictors: The predictors, baselines first.
    """

    outcome: Outcome
    training: dict[str, Any]
    members: Sequence[str]
    axes: Sequence[Mapping[str, Any]]
    result: Drawn
    predictors: Sequence[Predictor]


def predictions(predict: Predict, tables: Tables) -> Iterator[Prediction]:
    """Yield one prediction for each outcome and setting of the training.

    The direction of each quantity is declared in the catalog, independently of any data: a predictor that orders
    members the wrong way round has a negative correlation.

    Args:
        predict: What the spec asks for.
        tables: The tables of its run.
    """
    facts = tables.members.set_index("member")
    found = {
        outcome: [
            point
            for point in points(tables, outcome, where=predict.where)
            if point.values is not None and point.axes["depth"] >= SHALLOWEST
        ]
        for outcome in predict.outcome
    }
    trained = max((int(np.nanmax(_numbers(point))) + 1 for each in found.values() for point in each), default=0)
    # Each quantity is reduced before the next one is read, which limits the memory.
    measured = [_quantity_of_members(name, tables, predict, trained) for name in _predictor_names(predict, tables)]
    for outcome, entered in found.items():
        for training, some in _by_training(entered, facts):
            names = [point.member for point in some]
            axes = [{key: value for key, value in point.axes.items() if key not in training} for point in some]
            known = [each.for_members(names, training) for each in measured]
            predictors = [*_baselines(facts.loc[names]), *known]
            yield Prediction(outcome, training, names, axes, _result(outcome, some), predictors)


def _predictor_names(predict: Predict, tables: Tables) -> list[str]:
    """Return the predictors that the spec asks for (by default all candidates) and the tables contain."""
    there = set(tables.summary["quantity"].unique())
    every = [name for name in candidates(MEASURES) if name in there]
    return [name for name in every if name in predict.predictors] if predict.predictors else every


def _by_training(found: Sequence[Point], facts: pd.DataFrame) -> Iterator[tuple[dict[str, Any], list[Point]]]:
    """Yield the points of each training setting, which consists of the axes that are not axes of members."""
    groups: dict[tuple[tuple[str, Any], ...], list[Point]] = {}
    for point in found:
        groups.setdefault(point.but(*facts.columns), []).append(point)
    for setting, entered in groups.items():
        yield dict(setting), entered


def _result(outcome: Outcome, entered: Sequence[Point]) -> Drawn:
    """Return the outcome of each member.

    If smaller values are better, or if any run has no value because it diverged, the statistic is the median, and a run
    that diverged or never reached the event has the worst value, which is infinite. Otherwise it is the mean.
    """
    sign = QUANTITIES[outcome].sign
    values = [np.empty(0) if point.values is None else point.values for point in entered]
    statistic: Statistic = "mean"
    if sign < 0 or any(np.isnan(some).any() for some in values):
        statistic, values = "median", [np.where(np.isnan(some), -sign * np.inf, some) for some in values]
    ordered = np.array([sign * statistic_and_copies(some, statistic) for some in values])
    draws = [Draws(_numbers(point), some, len(some), 0) for point, some in zip(entered, values, strict=True)]
    return Drawn(outcome if sign > 0 else f"-{outcome}", sign, statistic, ordered, draws)


def _numbers(point: Point) -> Array:
    return np.empty(0) if point.draws is None else point.draws


@dataclass(frozen=True)
class _QuantityOfMembers:
    """A predictor of all members, under each training setting that it depends on.

    Attributes:
        found: Name and axes of each point, with the statistic and its resamples, and the draws.
    """

    name: str
    sign: int
    statistic: str
    measure: str
    found: Sequence[tuple[str, Mapping[str, Any], Array, Draws]]

    def for_members(self, members: Sequence[str], training: Mapping[str, Any]) -> Predictor:
        """Return the predictor of some members; if it depends on the task, for that training setting."""
        own = {
            member: (ordered, draws)
            for member, axes, ordered, draws in self.found
            if all(axes.get(axis, value) == value for axis, value in training.items())
        }
        no_draws = np.full(1 + COPIES, np.nan), Draws(np.empty(0), np.empty(0), 0, 0)
        ordered, draws = zip(*(own.get(member, no_draws) for member in members), strict=True)
        return Predictor(self.name, self.sign, self.statistic, np.array(ordered), draws, self.measure)


def _quantity_of_members(name: str, tables: Tables, predict: Predict, trained: int) -> _QuantityOfMembers:
    """Return a quantity of all members, with the values of the draws that are also trained.

    A ratio of means has no draws to resample, so its values are treated as exact.

    Args:
        name: The name of the quantity.
        tables: The tables of a run.
        predict: What the spec asks for.
        trained: The number of draws that are trained: draws 0 to `trained` - 1.
    """
    quantity = QUANTITIES[name]
    statistic: Statistic = "mean" if quantity.kind == "frequency" else predict.statistic
    found = []
    for point in points(tables, name, where=predict.where):
        values = np.array([point.stated.value]) if point.values is None else point.values
        numbers = _numbers(point)
        ordered = quantity.sign * statistic_and_copies(values, statistic)
        is_trained = numbers < trained
        some = values[is_trained] if len(is_trained) == len(values) else np.empty(0)
        draws = Draws(numbers[is_trained], some, len(values), int(np.isnan(values).sum()))
        found.append((point.member, point.axes, ordered, draws))
    measure = next(key for key, measure in MEASURES.items() if name in measure.quantities)
    shown = "ratio of means" if quantity.kind == "ratio" else statistic
    return _QuantityOfMembers(name if quantity.sign > 0 else f"-{name}", quantity.sign, shown, measure, found)


def _baselines(facts: pd.DataFrame) -> Iterator[Predictor]:
    """Yield the baselines: predictors that follow from the counts of an architecture alone.

    Outcomes often peak at an intermediate depth, as no count does. `middle_depth`, the nearness to the middle of the
    study's depths on a logarithmic scale, is the baseline for such outcomes. `parameters` is left out if all members
    have one budget, since their numbers of parameters then differ by rounding only.
    """
    depth, parameters = facts["depth"].to_numpy(float), facts["parameters"].to_numpy(float)
    # The widths in members.csv start with the inputs and end with the outputs.
    units = facts["widths"].map(lambda widths: sum(map(int, widths.split()[1:-1]))).to_numpy(float)
    middle = (np.log(depth.min()) + np.log(depth.max())) / 2
    columns = (depth, -np.abs(np.log(depth) - middle), units / depth, parameters, units / parameters)
    counts = dict(zip(BASELINES, columns, strict=True))
    if parameters.max() < _ONE_BUDGET * parameters.min():
        del counts["parameters"]
    no_draws = [Draws(np.empty(0), np.empty(0), 1, 0)] * len(facts)
    for name, column in counts.items():
        sign = -1 if name[0] == "-" else 1
        yield Predictor(name, sign, "exact", sign * np.tile(column[:, None], 1 + COPIES), no_draws, None)


_ONE_BUDGET = 1.05
"""Members whose largest and smallest numbers of parameters have a ratio below this have one budget."""
