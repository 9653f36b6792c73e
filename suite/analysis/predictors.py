"""The tournament's table: one row a prediction, group and predictor."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from suite.analysis.points import Tables
from suite.analysis.predictions import Prediction, Predictor, predictions
from suite.analysis.ranking import NOTHING, Group, Ranking, averaged, draw_by_draw, families, groups, named
from suite.catalog.predict import FEWEST, Predict
from suite.results.schema import ALL_MEMBERS, PREDICTOR_COLUMNS, WITHIN_ACTIVATION
from suite.statistics.two_level import Interval

if TYPE_CHECKING:
    from suite.results.folder import Results


def predictors_table(results: "Results") -> pd.DataFrame:
    """Who tells what will train, from what a run has left; empty where the spec asks no such thing.

    Args:
        results: of a run.

    Returns:
        One row for each outcome, setting of the training, group of members and predictor, the best first.
    """
    asked = results.run["spec"].get("predict")
    if asked is None:
        return pd.DataFrame(columns=list(PREDICTOR_COLUMNS))
    predict = Predict.model_validate(asked)
    tables = Tables(results.summary, results.values_of)
    seconds = _seconds(results.run["cells"])
    rows = [
        row
        for prediction in predictions(predict, tables, results.members)
        for found in _rank_predictors(prediction, seconds)
        for row in sorted(found, key=_order)
    ]
    return pd.DataFrame(rows, columns=list(PREDICTOR_COLUMNS))


Row = dict[str, Any]


def _order(row: Row) -> tuple[bool, float]:
    return bool(np.isnan(row["spearman"])), -row["spearman"]


def _seconds(cells: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """What each measure took for a member, on average; of what is taken for each task, for one."""
    taken = pd.DataFrame(cells, columns=["measure", "member", "draws", "seconds"])
    taken["draws"] = taken["draws"].map(str)
    a_piece = taken.groupby(["measure", "member", "draws"])["seconds"].mean()
    a_measure = a_piece.groupby(["measure", "member"]).sum().groupby("measure").mean()
    return {str(name): float(value) for name, value in a_measure.items()}


def _rank_predictors(prediction: Prediction, seconds: Mapping[str, float]) -> Iterator[list[Row]]:
    """The rows of one group after another."""
    values = {predictor.name: predictor.ordered for predictor in prediction.predictors}
    baselines = [predictor.name for predictor in prediction.predictors if predictor.measure is None]
    drawn = [draw_by_draw(predictor, prediction.result) for predictor in prediction.predictors]
    kin = families(prediction.axes)
    training = ", ".join(named(axis, value) for axis, value in prediction.training.items())
    for name, parts in _compared(prediction).items():
        ranking = Ranking(prediction.result.ordered, values, baselines, parts)
        places = np.concatenate(parts)
        rows: list[Row] = []
        for predictor, own in zip(prediction.predictors, drawn, strict=True):
            one = predictor.name
            best = ranking.best_baseline(one) or ""
            without = ranking.without(one, kin)
            within, having = averaged(own[places])
            rows.append(
                {
                    "outcome": prediction.outcome,
                    "training": training,
                    "group": name,
                    "predictor": one,
                    "kind": "measured" if predictor.measure else "baseline",
                    "statistic": predictor.statistic,
                    "members": ranking.members(one),
                    **_columns("spearman", ranking.spearman(one)),
                    **_columns("kendall", ranking.kendall(one)),
                    "baseline": best,
                    **_columns("advantage", _over(ranking, one, best)),
                    **_columns("over_depth", _over(ranking, one, "-depth")),
                    "without_low": min(without.values(), default=np.nan),
                    "without_high": max(without.values(), default=np.nan),
                    "hinges_on": min(without, key=lambda family: without[family], default=""),
                    **_columns("draw_by_draw", within),
                    "draw_by_draw_members": having,
                    "draws": max(predictor.draws[place].size for place in places),
                    "seconds": seconds[predictor.measure] if predictor.measure else 0.0,
                    "note": _note(predictor, places, ranking.orders(one)),
                }
            )
        yield rows


def _compared(prediction: Prediction) -> dict[str, list[Group]]:
    """Groups by name, and the average over activations where there are several."""
    single = groups(prediction.axes)
    activations = dict.fromkeys(member["activation"] for member in prediction.axes)
    parts = [np.flatnonzero([member["activation"] == name for member in prediction.axes]) for name in activations]
    within = {WITHIN_ACTIVATION: parts} if len(parts) > 1 else {}
    return {ALL_MEMBERS: [single.pop(ALL_MEMBERS)]} | within | {name: [group] for name, group in single.items()}


def _over(ranking: Ranking, predictor: str, baseline: str) -> Interval:
    """What a predictor has over a baseline; nothing over itself, and nothing where there is none."""
    return NOTHING if baseline in ("", predictor) else ranking.advantage(predictor, baseline)


def _columns(name: str, found: Interval) -> dict[str, float]:
    return {name: found.estimate, f"{name}_low": found.low, f"{name}_high": found.high}


def _note(predictor: Predictor, places: Group, orders: tuple[int, int]) -> str:
    """Why a predictor has no place, or of what it is one.

    Args:
        predictor: of all members.
        places: of the members that it is asked of.
        orders: in how many groups it orders members, of how many.
    """
    estimates = predictor.ordered[places, 0]
    lacking, endless = int(np.isnan(estimates).sum()), int(np.isinf(estimates).sum())
    if lacking == len(estimates):
        return "has no value for these networks"
    if len(estimates) - lacking < FEWEST:
        return f"has a value for {len(estimates) - lacking} members only"
    if not orders[0]:
        if orders[1]:
            return "is the same for all members"
        return f"no group of {FEWEST} members or more whose outcomes differ"
    lost = sum(predictor.draws[place].lost for place in places) / sum(predictor.draws[place].size for place in places)
    told = [f"orders the members of {orders[0]} of {orders[1]} activations"] if orders[0] < orders[1] else []
    told += [f"no value for {lacking} of {len(estimates)} members"] if lacking else []
    told += [f"no value in {lost:.1%} of draws"] if lost and not lacking else []
    told += [f"infinite for {endless} of {len(estimates)} members"] if endless else []
    return "; ".join(told)
