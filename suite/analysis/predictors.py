"""Compute the predictor ranking: one row per prediction, group of members and predictor."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from suite.analysis.evidence import two_sided
from suite.analysis.points import Tables
from suite.analysis.predictions import Drawn, Prediction, Predictor, predictions
from suite.analysis.ranking import NOTHING, Group, Ranking, averaged, draw_by_draw, families, groups, named
from suite.catalog.predict import FEWEST, Predict
from suite.results.schema import ALL_MEMBERS, PREDICTOR_COLUMNS, WITHIN_ACTIVATION
from suite.statistics.multiple_tests import holm
from suite.statistics.two_level import CorrelationDifference, Interval

if TYPE_CHECKING:
    from suite.results.folder import Results


def predictors_table(results: "Results") -> pd.DataFrame:
    """Return the predictor ranking of a run; empty if the spec does not ask for one.

    Args:
        results: The results of a run.

    Returns:
        One row per outcome, training setting, group of members and predictor. The predictors of a group are sorted by
        Spearman's rho, largest first.
    """
    asked = results.run["spec"].get("predict")
    if asked is None:
        return pd.DataFrame(columns=list(PREDICTOR_COLUMNS))
    predict = Predict.model_validate(asked)
    tables = Tables(results.summary, results.values_of, results.members)
    seconds = _seconds(results.run["cells"])
    rows = [
        row
        for prediction in predictions(predict, tables)
        for found in _rank_predictors(prediction, seconds)
        for row in sorted(found, key=_order)
    ]
    return pd.DataFrame(rows, columns=list(PREDICTOR_COLUMNS))


Row = dict[str, Any]


def _order(row: Row) -> tuple[bool, float]:
    """Return the sort key of a row: largest rho first, rows without one last."""
    return bool(np.isnan(row["spearman"])), -row["spearman"]


def _seconds(cells: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean computing time of each measure per member, in seconds.

    The time of a measure that is computed once per task is that of one task.
    """
    times = pd.DataFrame(cells, columns=["measure", "member", "draws", "seconds"])
    times["draws"] = times["draws"].map(str)
    per_cell = times.groupby(["measure", "member", "draws"])["seconds"].mean()
    per_measure = per_cell.groupby(["measure", "member"]).sum().groupby("measure").mean()
    return {str(name): float(value) for name, value in per_measure.items()}


def _rank_predictors(prediction: Prediction, seconds: Mapping[str, float]) -> Iterator[list[Row]]:
    """Yield the rows of each group of members."""
    values = {predictor.name: predictor.ordered for predictor in prediction.predictors}
    baselines = [predictor.name for predictor in prediction.predictors if predictor.measure is None]
    drawn = [draw_by_draw(predictor, prediction.result) for predictor in prediction.predictors]
    all_families = families(prediction.axes)
    about_outcome = _note_on_outcome(prediction.result)
    training = ", ".join(named(axis, value) for axis, value in prediction.training.items())
    for name, parts in _groups_to_rank(prediction).items():
        ranking = Ranking(prediction.result.ordered, values, baselines, parts)
        places = np.concatenate(parts)
        rows: list[Row] = []
        for predictor, own in zip(prediction.predictors, drawn, strict=True):
            one = predictor.name
            best = ranking.best_baseline(one) or ""
            gain = _advantage(ranking, one, best)
            without = ranking.without(one, all_families)
            within, members_with_rho = averaged(own[places])
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
                    **_columns("advantage", _interval(gain)),
                    "p": _p_value(gain) if predictor.measure else np.nan,
                    "p_holm": np.nan,
                    **_columns("over_depth", _interval(_advantage(ranking, one, "-depth"))),
                    "without_low": min(without.values(), default=np.nan),
                    "without_high": max(without.values(), default=np.nan),
                    "hinges_on": min(without, key=lambda family: without[family], default=""),
                    **_columns("draw_by_draw", within),
                    "draw_by_draw_members": members_with_rho,
                    "draws": max(predictor.draws[place].size for place in places),
                    "seconds": seconds[predictor.measure] if predictor.measure else 0.0,
                    "note": "; ".join(filter(None, (_note(predictor, places, ranking.orders(one)), about_outcome))),
                }
            )
        _adjust(rows)
        yield rows


def _groups_to_rank(prediction: Prediction) -> dict[str, list[Group]]:
    """Return the groups of members by name, each as a list of groups to average over.

    All members come first, then the average over activations if there are several, then the other groups.
    """
    single = groups(prediction.axes)
    activations = dict.fromkeys(member["activation"] for member in prediction.axes)
    parts = [np.flatnonzero([member["activation"] == name for member in prediction.axes]) for name in activations]
    within = {WITHIN_ACTIVATION: parts} if len(parts) > 1 else {}
    return {ALL_MEMBERS: [single.pop(ALL_MEMBERS)]} | within | {name: [group] for name, group in single.items()}


def _advantage(ranking: Ranking, predictor: str, baseline: str) -> CorrelationDifference | None:
    """Return a predictor's advantage over a baseline, or None if there is none or it is the predictor."""
    return None if baseline in ("", predictor) else ranking.advantage(predictor, baseline)


def _p_value(gain: CorrelationDifference | None) -> float:
    """Return the two-sided p-value of a gain, or nan if there is none."""
    return np.nan if gain is None or not np.isfinite(gain.value) else two_sided(gain.above(), gain.below())


def _interval(found: CorrelationDifference | None) -> Interval:
    return NOTHING if found is None else Interval(found.value, *found.interval)


def _adjust(rows: Sequence[Row]) -> None:
    """Set the p-values of the measured predictors of one group, corrected for their number (Holm)."""
    tested = [row for row in rows if np.isfinite(row["p"])]
    for row, p in zip(tested, holm(np.array([row["p"] for row in tested])), strict=True):
        row["p_holm"] = float(p)


def _columns(name: str, found: Interval) -> dict[str, float]:
    return {name: found.estimate, f"{name}_low": found.low, f"{name}_high": found.high}


def _note_on_outcome(result: Drawn) -> str:
    """Return why members are ordered by medians of an outcome that is usually averaged; empty if they are not."""
    lost = sum(int(np.isinf(draws.values).sum()) for draws in result.draws)
    if result.sign < 0 or result.statistic == "mean":
        return ""
    return (
        f"outcome: median, {lost} of {sum(draws.size for draws in result.draws)} runs diverged and count as the worst"
    )


def _note(predictor: Predictor, places: Group, orders: tuple[int, int]) -> str:
    """Return why a predictor has no correlation, or what limits the data behind it.

    Args:
        predictor: The predictor of all members.
        places: The indices of the members that are compared.
        orders: The number of groups whose members it orders, and the number of groups that can be ordered.
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
    remarks = [f"orders the members of {orders[0]} of {orders[1]} activations"] if orders[0] < orders[1] else []
    remarks += [f"no value for {lacking} of {len(estimates)} members"] if lacking else []
    remarks += [f"no value in {lost:.1%} of draws"] if lost and not lacking else []
    remarks += [f"infinite for {endless} of {len(estimates)} members"] if endless else []
    return "; ".join(remarks)
