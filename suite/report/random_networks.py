"""Charts of random networks: collapse, gradients, and signals through the layers."""

from typing import Any

import altair as alt
import pandas as pd

from suite.analysis.series import by_member, pick, with_series
from suite.catalog.charts.declaration import ChartDeclaration
from suite.report.looks import COLORS, named_scale
from suite.report.marks import (
    WIDTH,
    Chart,
    by_axis,
    by_layer,
    by_panel,
    has,
    plain,
    positive,
    row,
    rows_of,
    with_note,
    without_zero,
)
from suite.report.scatter import scatter


def draw_collapse_ways(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw the ways in which networks collapsed, as stacked shares of all draws."""
    ways = {quantity: drawn.label for quantity, drawn in chart.drawn.items()}
    rows = with_series(summary[summary["quantity"].isin(list(ways))])
    if rows.empty:
        return None
    groups, note = without_zero({str(series): found for series, found in rows.groupby("series", sort=False)})
    rows = pd.concat(groups.values())
    data = rows.assign(cause=rows["quantity"].astype(str).map(ways))
    data = data.assign(letter=data["cause"].str[0], place=data["cause"].map(list(ways.values()).index))
    data = data[["member", "series", "along", "axis", "cause", "letter", "place", "mean", "n"]]
    # Without a common order, bars and letters would be stacked by different encodings.
    base = alt.Chart(plain(data)).encode(
        x=alt.X("along:O", title=str(data["axis"].iloc[0]), axis=alt.Axis(labelAngle=0)), order=alt.Order("place:Q")
    )
    share: dict[str, Any] = {"title": "share of draws", "scale": alt.Scale(domain=[0, 1]), "stack": "zero"}
    bars = base.mark_bar(stroke="white", strokeWidth=0.5).encode(
        y=alt.Y("mean:Q", **share),
        color=alt.Color(
            "cause:N", title="cause of collapse", scale=alt.Scale(domain=list(ways.values()), range=COLORS)
        ),
        tooltip=["series:N", "along:O", "cause:N", alt.Tooltip("mean:Q", format=".3f"), "n:Q"],
    )
    letters = base.mark_text(fontSize=9, color="white").encode(  # for readers who cannot distinguish the colors
        y=alt.Y("mean:Q", bandPosition=0.5, **share),
        detail="cause:N",
        text=alt.condition("datum.mean > 0.08", "letter:N", alt.value("")),
    )
    panels = alt.layer(bars, letters).properties(width=WIDTH, height=160)
    return with_note(by_panel(panels, data), note)


def draw_gradients(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw the gradients of the loss at initialization, and the frequency of collapse against them."""
    by_input, by_parameters = chart.drawn
    (collapsed,) = chart.beside
    if not has(summary, by_input):
        return None
    rows = rows_of(summary, by_input)
    first = with_series(summary[(summary["quantity"] == by_parameters) & (summary["layer"] == 1)])
    panels = [
        by_axis(
            positive(found, "median"),
            chart.drawn[quantity].label,
            scale=named_scale(chart.drawn[quantity].scale, found),
            value="median",
        )
        for quantity, found in ((by_input, rows), (by_parameters, first))
    ]
    if has(summary, collapsed):
        frequency = by_member(pick(summary, collapsed), "mean")
        data = positive(rows, "median").assign(c2c=lambda table: table["member"].astype(str).map(frequency))
        label, scale = chart.drawn[by_input].label, alt.Scale(type="log")
        panels.append(scatter(data, "median", label, "c2c", chart.beside[collapsed].label, scale))
    return row(panels)


def draw_correlation(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw the cosine of two inputs' preactivations, and the frequency of C2C against it.

    The panels show the deepest members by layer, the last layer along the main axis, and C2C against the last layer.
    """
    ((quantity, drawn),) = chart.drawn.items()
    (collapsed,) = chart.beside
    if not has(summary, quantity):
        return None
    rows = with_series(summary[summary["quantity"] == quantity])
    panels = [by_layer(_deepest(rows), drawn.label)]
    if rows["depth"].nunique() > 1:
        last = rows[rows["layer"] == rows["depth"]]
        panels.append(by_axis(last, "cosine in the last hidden layer"))
        if has(summary, collapsed):
            frequency = by_member(pick(summary, collapsed), "mean")
            data = last.assign(c2c=last["member"].astype(str).map(frequency))
            title = "cosine in the last hidden layer"
            label = chart.beside[collapsed].label
            panels.append(scatter(data, "mean", title, "c2c", label, alt.Scale(zero=False)))
    return row(panels)


def draw_jacobian(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw statistics of the Jacobian's singular values by layer, for the deepest members."""
    rows = {
        quantity: _deepest(with_series(summary[summary["quantity"] == quantity]))
        for quantity in chart.drawn
        if has(summary, quantity)
    }
    return row(
        [
            by_layer(found, chart.drawn[quantity].label, named_scale(chart.drawn[quantity].scale, found))
            for quantity, found in rows.items()
        ]
    )


def _deepest(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the deepest members of each series; shallower ones have the same first layers."""
    return rows[rows["depth"] == rows.groupby("series")["depth"].transform("max")]
