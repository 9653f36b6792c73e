"""Charts and tables of the predictor ranking."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import altair as alt
import pandas as pd

from suite.catalog.charts.declaration import ChartDeclaration
from suite.formatting import format_p_value
from suite.report.formatting import PageTable, number, records, signed, span
from suite.report.looks import COLORS
from suite.report.marks import HEIGHT, WIDTH, Chart, columns_of
from suite.results.schema import ALL_MEMBERS as ALL
from suite.results.schema import WITHIN_ACTIVATION as WITHIN

_MAX_LINES = {"measured": 5, "baseline": 3}
"""Largest number of predictors of each kind that are drawn over the training settings."""

_KEYS = ["outcome", "training"]


def tabulate_ranking(table: pd.DataFrame, _quantities: Sequence[str] = ()) -> list[PageTable]:
    """Format one table per outcome and training, with the best predictor first."""
    tables = [
        _tabulate_outcome(str(outcome), str(training), rows) for (outcome, training), rows in _group_outcomes(table)
    ]
    return [replace(found, note=_NOTE if place == 0 else "") for place, found in enumerate(tables)]


def _tabulate_outcome(outcome: str, training: str, rows: pd.DataFrame) -> PageTable:
    """Format the ranking of predictors for one outcome and training."""
    everyone = records(rows[rows["group"] == ALL])
    within = {row["predictor"]: row for row in records(rows[rows["group"] == WITHIN])}
    heads = [
        "predictor",
        "remark",
        "members",
        "rho",
        "tau",
        "gain over best baseline",
        "gain over -depth",
        "rho without a family",
    ]
    if within:
        heads += ["rho within activation", "gain over best baseline"]
    body = []
    for row in everyone:
        shown = [row["predictor"] + (" (baseline)" if row["kind"] == "baseline" else ""), row["note"]]
        shown += [str(row["members"]), *(_format_with_interval(row, name) for name in ("spearman", "kendall"))]
        shown += [
            _format_advantage(row),
            _format_with_interval(row, "over_depth"),
            span(row, "without_low", "without_high"),
        ]
        if within:
            inside = within[row["predictor"]]
            shown += [_format_with_interval(inside, "spearman"), _format_advantage(inside)]
        body.append([*shown, _format_with_interval(row, "draw_by_draw"), number(row["seconds"], "{:.2g}")])
    heads += ["draw by draw", "seconds per member"]
    return PageTable(f"Predictors of {_title(outcome, training)}", "", heads, 2, body)


def _format_advantage(row: dict[str, Any]) -> str:
    if pd.isna(row["advantage"]):
        return "none"
    p = f", {format_p_value(row['p'])} (Holm: {row['p_holm']:.2g})" if pd.notna(row["p_holm"]) else ""
    return f"{row['baseline']}: {_format_with_interval(row, 'advantage')}{p}"


def _format_with_interval(row: dict[str, Any], name: str) -> str:
    ends = "" if pd.isna(row[f"{name}_low"]) else f" ({span(row, f'{name}_low', f'{name}_high')})"
    return signed(row[name]) + ends


_NOTE = (
    "rho is Spearman's and tau Kendall's rank correlation over members with two or more hidden layers; 1 is the "
    "order of the outcome, -1 its reverse. The direction of each predictor was fixed beforehand: a minus before "
    "its name means that smaller values are better. 95% intervals by a two-level bootstrap over members and their "
    "draws. The gain over the best baseline is computed on the same members and resamples; its p-value is also given "
    "after correction for the number of predictors (Holm). 'rho without a family' is the range of rho when members "
    "that differ only in depth are left out, one family at a time. 'draw by draw' is the mean over members of the rank "
    "correlation between a network's own value and its own outcome. No interval is corrected for the number of "
    "predictors."
)


def _title(outcome: str, training: str) -> str:
    return outcome.replace("_", " ") + (f" ({training})" if training else "")


def _group_outcomes(table: pd.DataFrame) -> Any:
    """Group the rows by outcome and training."""
    return table.groupby(_KEYS, sort=False)


def draw_ranking(table: pd.DataFrame, _chart: ChartDeclaration) -> Chart | None:
    """Draw each predictor's rank correlation with its interval, over all members and within activation."""
    shown = table[table["group"].isin([ALL, WITHIN]) & table["spearman"].notna()]
    if shown.empty and not table.empty:
        return (
            alt.Chart(pd.DataFrame({"message": ["No predictor has a rank correlation."]}))
            .mark_text()
            .encode(text="message:N")
        )
    panels = [
        _draw_outcome(_title(str(outcome), str(training)), rows) for (outcome, training), rows in _group_outcomes(shown)
    ]
    return alt.concat(*panels, columns=columns_of(len(panels)), spacing=24) if panels else None


def _draw_outcome(title: str, rows: pd.DataFrame) -> Any:
    """Draw the ranking of predictors for one outcome and training."""
    order = list(dict.fromkeys(rows.sort_values("group", key=lambda group: group != ALL, kind="stable")["predictor"]))
    columns = ["predictor", "kind", "group", "members", "spearman", "spearman_low", "spearman_high", "kendall"]
    names = alt.Y("predictor:N", title=None, sort=order, axis=alt.Axis(labelLimit=200))
    colors = alt.Scale(domain=[ALL, WITHIN], range=[COLORS[0], COLORS[1]])
    base = alt.Chart(rows[[*columns, "seconds"]]).encode(
        y=names,
        yOffset=alt.YOffset("group:N", sort=[ALL, WITHIN]),
        color=alt.Color("group:N", title="members", scale=colors, legend=alt.Legend(orient="top")),
    )
    rho = alt.X("spearman:Q", title="Spearman's rho", scale=alt.Scale(domain=[-1, 1]))
    shape = alt.Shape(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=["measured", "baseline"], range=["circle", "diamond"]),
        legend=alt.Legend(orient="top"),
    )
    numbers = [alt.Tooltip(f"{name}:Q", format=".3g") for name in (*columns[4:], "seconds")]
    points = base.mark_point(filled=True, size=42).encode(
        x=rho, shape=shape, tooltip=["predictor:N", "group:N", "members:Q", *numbers]
    )
    intervals = base.mark_rule().encode(x=alt.X("spearman_low:Q"), x2="spearman_high:Q")
    nothing = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color="#999999").encode(x="at:Q")
    return alt.layer(nothing, intervals, points).properties(width=WIDTH - 40, height=alt.Step(9), title=title)


def draw_ranking_by_training(table: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw the rank correlations of the best predictors and baselines by training setting."""
    predictor, baseline = chart.beside
    everyone = table[(table["group"] == ALL) & table["spearman"].notna()]
    if everyone["training"].nunique() < 2:
        return None
    drawn = [*_choose_best(everyone, "measured", predictor), *_choose_best(everyone, "baseline", baseline)]
    by_outcome = everyone[everyone["predictor"].isin(drawn)].groupby("outcome", sort=False)
    return alt.concat(*(_draw_by_training(str(outcome), rows, drawn) for outcome, rows in by_outcome), columns=2)


def _choose_best(rows: pd.DataFrame, kind: str, always: str) -> list[str]:
    """Return the predictors of a kind with the highest mean, including the one that is always drawn."""
    rho = rows[rows["kind"] == kind].groupby("predictor")["spearman"].mean().sort_values(ascending=False)
    best = list(rho.index[: _MAX_LINES[kind]])
    return best if always in best or always not in rho.index else [*best[:-1], always]


def _draw_by_training(outcome: str, rows: pd.DataFrame, drawn: list[str]) -> Any:
    """Draw the rank correlations with one outcome by training setting."""
    columns = ["predictor", "kind", "training", "spearman", "spearman_low", "spearman_high"]
    colors = alt.Scale(domain=drawn, range=COLORS)
    base = alt.Chart(rows[columns]).encode(
        x=alt.X("training:N", title=None, sort=list(dict.fromkeys(rows["training"])), axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("predictor:N", sort=drawn),
        color=alt.Color("predictor:N", title=None, scale=colors, sort=drawn),
    )
    y = alt.Y("spearman:Q", title="Spearman's rho", scale=alt.Scale(domain=[-1, 1]))
    shape = alt.Shape(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=["measured", "baseline"], range=["circle", "diamond"]),
    )
    points = base.mark_point(filled=True, size=50).encode(y=y, shape=shape, tooltip=columns)
    intervals = base.mark_rule().encode(y=alt.Y("spearman_low:Q"), y2="spearman_high:Q")
    title = _title(outcome, "")
    return alt.layer(intervals, points).properties(width=2 * WIDTH, height=HEIGHT, title=title)
