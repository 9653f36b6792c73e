"""The tournament's table: one row a contest, group and predictor."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from suite.catalog.predict import FEWEST, Predict
from suite.claims.points import Tables
from suite.statistics.intervals import Array
from suite.statistics.two_level import Interval, statistic_and_copies
from suite.tournament.contests import Contest, Predictor, contests
from suite.tournament.groups import ALL, Group, families, groups, named
from suite.tournament.ranking import NOTHING, Ranking, averaged, draw_by_draw

if TYPE_CHECKING:
    from suite.runs.results import Results

WITHIN = "within activation"

COLUMNS = (
    "outcome",
    "training",
    "group",
    "predictor",
    "kind",
    "statistic",
    "members",
    "spearman",
    "spearman_low",
    "spearman_high",
    "kendall",
    "kendall_low",
    "kendall_high",
    "baseline",
    "advantage",
    "advantage_low",
    "advantage_high",
    "without_low",
    "without_high",
    "hinges_on",
    "draw_by_draw",
    "draw_by_draw_low",
    "draw_by_draw_high",
    "draw_by_draw_members",
    "seconds",
    "note",
)


def tournament_table(results: "Results") -> pd.DataFrame:
    """Who tells what will train, from what a run has left; empty where the spec asks no such thing.

    Args:
        results: of a run.

    Returns:
        One row for each outcome, setting of the training, group of members and predictor, the best first.
    """
    asked = results.run["spec"].get("predict")
    if asked is None:
        return pd.DataFrame(columns=list(COLUMNS))
    predict = Predict.model_validate(asked)
    tables = Tables(results.summary, cache(results.values_of))
    seconds = _seconds(results.run["cells"])
    rows = [
        row
        for contest in contests(predict, tables, results.members)
        for found in _standings(contest, seconds)
        for row in sorted(found, key=_order)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


Row = dict[str, Any]


def _order(row: Row) -> tuple[bool, float]:
    return bool(np.isnan(row["spearman"])), -row["spearman"]


def _seconds(cells: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """What each measure took on average over the members that it was taken of."""
    taken = pd.DataFrame(cells, columns=["measure", "member", "seconds"])
    each: pd.Series[float] = taken.groupby(["measure", "member"])["seconds"].sum()
    return {str(name): float(value) for name, value in each.groupby("measure").mean().items()}


def _standings(contest: Contest, seconds: Mapping[str, float]) -> Iterator[list[Row]]:
    """The rows of one group after another."""
    outcome = statistic_and_copies(contest.result.values, contest.result.statistic)
    copies = [statistic_and_copies(predictor.values, predictor.statistic) for predictor in contest.predictors]
    drawn = [draw_by_draw(predictor, contest.result) for predictor in contest.predictors]
    kin = families(contest.axes)
    training = ", ".join(named(axis, value) for axis, value in contest.training.items())
    for name, parts in _compared(contest).items():
        ranking = Ranking(outcome, parts)
        rhos = [ranking.spearman(values) for values in copies]
        best = _best_baseline(contest.predictors, rhos)
        rows: list[Row] = []
        for predictor, values, rho, own in zip(contest.predictors, copies, rhos, drawn, strict=True):
            rival = None if best is None or predictor is contest.predictors[best] else copies[best]
            without = ranking.without(values, kin)
            within, having = averaged(own[np.concatenate(parts)])
            rows.append(
                {
                    "outcome": contest.outcome,
                    "training": training,
                    "group": name,
                    "predictor": predictor.name,
                    "kind": "baseline" if predictor.measure is None else "measured",
                    "statistic": predictor.statistic if predictor.measure else "exact",
                    "members": ranking.members(values),
                    **_columns("spearman", rho),
                    **_columns("kendall", ranking.kendall(values)),
                    "baseline": "" if best is None else contest.predictors[best].name,
                    **_columns("advantage", NOTHING if rival is None else ranking.advantage(values, rival)),
                    "without_low": min(without.values(), default=np.nan),
                    "without_high": max(without.values(), default=np.nan),
                    "hinges_on": min(without, key=lambda family: without[family], default=""),
                    **_columns("draw_by_draw", within),
                    "draw_by_draw_members": having,
                    "seconds": seconds[predictor.measure] if predictor.measure else 0.0,
                    "note": _note(values, parts, ranking.groups(values)),
                }
            )
        yield rows


def _compared(contest: Contest) -> dict[str, list[Group]]:
    """Groups by name, and the average over activations where there are several."""
    single = groups(contest.axes)
    activations = dict.fromkeys(member["activation"] for member in contest.axes)
    within = {WITHIN: [single[name] for name in activations]} if len(activations) > 1 else {}
    return {ALL: [single.pop(ALL)]} | within | {name: [group] for name, group in single.items()}


def _best_baseline(predictors: Sequence[Predictor], rhos: Sequence[Interval]) -> int | None:
    places = [
        place
        for place, predictor in enumerate(predictors)
        if predictor.measure is None and np.isfinite(rhos[place].estimate)
    ]
    return max(places, key=lambda place: rhos[place].estimate, default=None)


def _columns(name: str, found: Interval) -> dict[str, float]:
    return {name: found.estimate, f"{name}_low": found.low, f"{name}_high": found.high}


def _note(values: Array, parts: Sequence[Group], ordered: int) -> str:
    """Why a predictor has no place, or of how few members it is one.

    Args:
        values: of all members.
        parts: the groups that it is asked of.
        ordered: in how many of them it orders members.
    """
    estimates = values[np.concatenate(parts), 0]
    lacking, endless = int(np.isnan(estimates).sum()), int(np.isinf(estimates).sum())
    if lacking == len(estimates):
        return "has no value for these networks"
    if len(estimates) - lacking < FEWEST:
        return f"has a value for {len(estimates) - lacking} members only"
    if not ordered:
        return "is the same for all members" if len(parts) == 1 else "orders the members of no activation"
    told = [f"orders the members of {ordered} of {len(parts)} activations"] if ordered < len(parts) else []
    told += [f"no value for {lacking} of {len(estimates)} members"] if lacking else []
    told += [f"infinite for {endless} of {len(estimates)} members"] if endless else []
    return "; ".join(told)
