"""Contests: an outcome of training by member, and everything known before training that may tell it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from suite.catalog.measures import MEASURES
from suite.catalog.predict import SHALLOWEST, Outcome, Predict
from suite.catalog.quantities import QUANTITIES
from suite.claims.points import Point, Tables, points
from suite.statistics.intervals import Array
from suite.statistics.two_level import Statistic


@dataclass(frozen=True)
class Drawn:
    """A quantity of members.

    Attributes:
        name: how tables call it; with a minus where less of the quantity is better.
        sign: -1 where less of it is better.
        statistic: of a member's draws, which members are ordered by.
        values: one array a member, one number a draw; empty where a member has none.
        draws: the draws' numbers, likewise; nan where there are none.
    """

    name: str
    sign: int
    statistic: Statistic
    values: Sequence[Array]
    draws: Sequence[Array]


@dataclass(frozen=True)
class Predictor(Drawn):
    """What may tell the outcome.

    Attributes:
        measure: that it is a quantity of; none of a baseline, which the architecture alone gives.
    """

    measure: str | None


@dataclass(frozen=True)
class Contest:
    """One outcome under one setting of the training.

    Attributes:
        outcome: its name in the catalog.
        training: the setting, by axis.
        members: their names, of two hidden layers or more.
        axes: of each member.
        result: what training came to.
        predictors: baselines first.
    """

    outcome: Outcome
    training: dict[str, Any]
    members: Sequence[str]
    axes: Sequence[Mapping[str, Any]]
    result: Drawn
    predictors: Sequence[Predictor]


def contests(predict: Predict, tables: Tables, members: pd.DataFrame) -> Iterator[Contest]:
    """One contest for each outcome and setting of the training.

    Which way a quantity is taken to point is stated in the catalog, before anything is looked at: a predictor that
    orders members the wrong way round has a negative correlation.

    Args:
        predict: what the spec asks.
        tables: of its run.
        members: one row a member: axes, widths and exact parameter counts.
    """
    facts = members.set_index("member")
    known = {name: points(tables, name, where=predict.where) for name in _asked(predict, tables)}
    for outcome in predict.outcome:
        found = [
            point
            for point in points(tables, outcome, where=predict.where)
            if point.values is not None and point.axes["depth"] >= SHALLOWEST
        ]
        for training, entered in _by_training(found, facts):
            names = [point.member for point in entered]
            axes = [{key: value for key, value in point.axes.items() if key not in training} for point in entered]
            measured = [_measured(name, known[name], names, training, predict.statistic) for name in known]
            baselines = list(_baselines(facts.loc[names]))
            yield Contest(outcome, training, names, axes, _result(outcome, entered), [*baselines, *measured])


def _asked(predict: Predict, tables: Tables) -> list[str]:
    there = set(tables.summary["quantity"].unique())
    every = [
        name
        for measure in MEASURES.values()
        if measure.sees != "training"
        for name in measure.quantities
        if name in there and QUANTITIES[name].sign and name != "activation_ratio"  # a baseline, known of every member
    ]
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
    values = [point.values for point in entered if point.values is not None]
    draws = [point.draws for point in entered if point.draws is not None]
    if QUANTITIES[outcome].sign > 0:
        return Drawn(outcome, 1, "mean", values, draws)
    return Drawn(f"-{outcome}", -1, "median", [np.where(np.isnan(some), np.inf, some) for some in values], draws)


def _measured(
    name: str, found: Sequence[Point], members: Sequence[str], training: Mapping[str, Any], statistic: Statistic
) -> Predictor:
    """A quantity; of one that looks at the task, under the training's own."""
    sign = QUANTITIES[name].sign
    own = {
        point.member: point
        for point in found
        if all(point.axes.get(axis, value) == value for axis, value in training.items())
    }
    values, draws = [], []
    for member in members:
        point = own.get(member)
        if point is None:
            values.append(np.empty(0))
            draws.append(np.empty(0))
        elif point.values is None or point.draws is None:  # a ratio of means, which no draw has
            values.append(np.array([point.stated.value]))
            draws.append(np.array([np.nan]))
        else:
            values.append(point.values)
            draws.append(point.draws)
    measure = next(key for key, measure in MEASURES.items() if name in measure.quantities)
    shown: Statistic = "mean" if QUANTITIES[name].kind == "frequency" else statistic
    return Predictor(name if sign > 0 else f"-{name}", sign, shown, values, draws, measure)


def _baselines(facts: pd.DataFrame) -> Iterator[Predictor]:
    """What every honest study compares with: all that an architecture's counts can tell.

    Outcomes often peak at an inner depth, which no count does: nearness to the middle of the study's depths, on a
    logarithmic scale, is what whatever peaks there has to beat. The parameters of one budget differ by rounding alone.
    """
    depth, parameters = facts["depth"].to_numpy(float), facts["parameters"].to_numpy(float)
    units = facts["widths"].map(lambda widths: sum(map(int, str(widths).split()))).to_numpy(float)
    middle = (np.log(depth.min()) + np.log(depth.max())) / 2
    counts = {
        "-depth": depth,
        "middle_depth": -np.abs(np.log(depth) - middle),
        "width": units / depth,
        "parameters": parameters,
        "activation_ratio": units / parameters,
    }
    if parameters.max() < _ONE_BUDGET * parameters.min():
        del counts["parameters"]
    for name, column in counts.items():
        values = [np.array([value]) for value in column]
        yield Predictor(name, -1 if name[0] == "-" else 1, "mean", values, [np.array([np.nan])] * len(values), None)


_ONE_BUDGET = 1.05
