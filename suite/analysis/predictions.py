"""Predictions: an outcome of training by member, with everything known before training that may predict it."""

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
    """What is kept of a member's draws.

    Attributes:
        numbers: of the draws that may have an outcome; none of what has no draws.
        values: of these.
        size: how many there are in all.
        lost: how many of all have no value.
    """

    numbers: Array
    values: Array
    size: int
    lost: int


@dataclass(frozen=True)
class Drawn:
    """A quantity of members.

    Attributes:
        name: how tables call it; with a minus where less of the quantity is better.
        sign: -1 where less of it is better.
        statistic: in words, of a member's draws.
        ordered: (members, 1 + copies), that statistic of each member's draws and of resamples of them, the larger the
            better; nan of members that have none.
        draws: of each member, the draws that may be compared one by one.
    """

    name: str
    sign: int
    statistic: str
    ordered: Array
    draws: Sequence[Draws]


@dataclass(frozen=True)
class Predictor(Drawn):
    """What may tell the outcome.

    Attributes:
        measure: that it is a quantity of; none of a baseline, which the architecture alone gives.
    """

    measure: str | None


@dataclass(frozen=True)
class Prediction:
    """One outcome under one setting of the training, with its predictors.

    Attributes:
        outcome: The name of the outcome.
        training: The setting by axis.
        axes: The axes of each member with two or more hidden layers.
        result: The outcome of each member.
        predictors: The predictors, baselines first.
    """

    outcome: Outcome
    training: dict[str, Any]
    axes: Sequence[Mapping[str, Any]]
    result: Drawn
    predictors: Sequence[Predictor]


def predictions(predict: Predict, tables: Tables, members: pd.DataFrame) -> Iterator[Prediction]:
    """Yield one prediction for each outcome and setting of the training.

    The direction of each quantity is declared in the catalog, before any data are seen: a predictor that orders members
    the wrong way round has a negative correlation.

    Args:
        predict: What the spec asks for.
        tables: The tables of its run.
        members: One row per member: axes, widths and parameter counts.
    """
    facts = members.set_index("member")
    found = {
        outcome: [
            point
            for point in points(tables, outcome, where=predict.where)
            if point.values is not None and point.axes["depth"] >= SHALLOWEST
        ]
        for outcome in predict.outcome
    }
    trained = max((int(np.nanmax(_numbers(point))) + 1 for each in found.values() for point in each), default=0)
    # Each quantity is reduced to what is needed before the next is read.
    measured = [_measured(name, tables, predict, trained) for name in _asked(predict, tables)]
    for outcome, entered in found.items():
        for training, some in _by_training(entered, facts):
            names = [point.member for point in some]
            axes = [{key: value for key, value in point.axes.items() if key not in training} for point in some]
            known = [each.of(names, training) for each in measured]
            yield Prediction(outcome, training, axes, _result(outcome, some), [*_baselines(facts.loc[names]), *known])


def _asked(predict: Predict, tables: Tables) -> list[str]:
    there = set(tables.summary["quantity"].unique())
    every = [name for name in candidates(MEASURES) if name in there]
    return [name for name in every if name in predict.predictors] if predict.predictors else every


def _by_training(found: Sequence[Point], facts: pd.DataFrame) -> Iterator[tuple[dict[str, Any], list[Point]]]:
    """Points by the setting of the training, which is what is no axis of members."""
    groups: dict[tuple[tuple[str, Any], ...], list[Point]] = {}
    for point in found:
        groups.setdefault(point.but(*facts.columns), []).append(point)
    for setting, entered in groups.items():
        yield dict(setting), entered


def _result(outcome: Outcome, entered: Sequence[Point]) -> Drawn:
    """Of what falls as training succeeds, runs that were lost or never got there are the largest."""
    sign = QUANTITIES[outcome].sign
    values = [np.empty(0) if point.values is None else point.values for point in entered]
    statistic: Statistic = "mean"
    if sign < 0:
        statistic, values = "median", [np.where(np.isnan(some), np.inf, some) for some in values]
    ordered = np.array([sign * statistic_and_copies(some, statistic) for some in values])
    draws = [Draws(_numbers(point), some, len(some), 0) for point, some in zip(entered, values, strict=True)]
    return Drawn(outcome if sign > 0 else f"-{outcome}", sign, statistic, ordered, draws)


def _numbers(point: Point) -> Array:
    return np.empty(0) if point.draws is None else point.draws


@dataclass(frozen=True)
class _Measured:
    """A quantity of all members, under each setting of the training that it looks at."""

    name: str
    sign: int
    statistic: str
    measure: str
    found: Sequence[tuple[str, Mapping[str, Any], Array, Draws]]

    def of(self, members: Sequence[str], training: Mapping[str, Any]) -> Predictor:
        """Of some members; of what looks at the task, under the training's own."""
        own = {
            member: (ordered, draws)
            for member, axes, ordered, draws in self.found
            if all(axes.get(axis, value) == value for axis, value in training.items())
        }
        nothing = np.full(1 + COPIES, np.nan), Draws(np.empty(0), np.empty(0), 0, 0)
        ordered, draws = zip(*(own.get(member, nothing) for member in members), strict=True)
        return Predictor(self.name, self.sign, self.statistic, np.array(ordered), draws, self.measure)


def _measured(name: str, tables: Tables, predict: Predict, trained: int) -> _Measured:
    """A quantity, of whose draws those are kept one by one that are trained.

    A ratio of means has no draws to resample: its members' numbers are taken for exact.
    """
    quantity = QUANTITIES[name]
    statistic: Statistic = "mean" if quantity.kind == "frequency" else predict.statistic
    found = []
    for point in points(tables, name, where=predict.where):
        values = np.array([point.stated.value]) if point.values is None else point.values
        numbers = _numbers(point)
        ordered = quantity.sign * statistic_and_copies(values, statistic)
        kept = numbers < trained
        some = values[kept] if len(kept) == len(values) else np.empty(0)
        draws = Draws(numbers[kept], some, len(values), int(np.isnan(values).sum()))
        found.append((point.member, point.axes, ordered, draws))
    measure = next(key for key, measure in MEASURES.items() if name in measure.quantities)
    shown = "ratio of means" if quantity.kind == "ratio" else statistic
    return _Measured(name if quantity.sign > 0 else f"-{name}", quantity.sign, shown, measure, found)


def _baselines(facts: pd.DataFrame) -> Iterator[Predictor]:
    """What every honest study compares with: all that an architecture's counts can tell.

    Outcomes often peak at an inner depth, which no count does: nearness to the middle of the study's depths, on a
    logarithmic scale, is what whatever peaks there has to beat. The parameters of one budget differ by rounding alone.
    """
    depth, parameters = facts["depth"].to_numpy(float), facts["parameters"].to_numpy(float)
    # members.csv has inputs and outputs at the ends.
    units = facts["widths"].map(lambda widths: sum(map(int, widths.split()[1:-1]))).to_numpy(float)
    middle = (np.log(depth.min()) + np.log(depth.max())) / 2
    columns = (depth, -np.abs(np.log(depth) - middle), units / depth, parameters, units / parameters)
    counts = dict(zip(BASELINES, columns, strict=True))
    if parameters.max() < _ONE_BUDGET * parameters.min():
        del counts["parameters"]
    nothing = [Draws(np.empty(0), np.empty(0), 1, 0)] * len(facts)
    for name, column in counts.items():
        sign = -1 if name[0] == "-" else 1
        yield Predictor(name, sign, "exact", sign * np.tile(column[:, None], 1 + COPIES), nothing, None)


_ONE_BUDGET = 1.05
