"""Charts of training: learning curves, features, time in phase 1, and outcome against a predictor."""

import altair as alt
import pandas as pd

from suite.analysis.divergence import with_diverged
from suite.analysis.series import by_member, pick, selected, with_series
from suite.catalog.charts.declaration import ChartDeclaration
from suite.report.crosses import columns_of_diverged
from suite.report.looks import COLORS, color, dash, named_scale, second_cue, shape
from suite.report.marks import (
    DECADES,
    HEIGHT,
    WIDTH,
    Chart,
    by_panel,
    by_step,
    has,
    plain,
    positive,
    row,
    rows_of,
    spread,
)
from suite.report.scatter import scatter
from suite.statistics.survival import kaplan_meier

_CURVE = ("mean", "ci_low", "ci_high", "n")
"""The columns of a curve at each step."""


def draw_learning_curves(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw the mean training loss and validation score during training, at the selected learning rate."""
    panels = []
    for quantity, drawn in chart.drawn.items():
        rows = with_diverged(with_series(summary[summary["quantity"] == quantity]), summary)
        if rows.empty:
            continue
        several = rows["along"].nunique() > 1
        axis = alt.Color("along:O", scale=alt.Scale(scheme="viridis"), title=str(rows["axis"].iloc[0]))
        # The axis ends below diverging runs, which would flatten all other curves.
        start = rows.loc[rows["step"] == 0, "mean"]
        known = start[start < 10 * start.median()]  # none if all runs of all members diverged
        top = 1.0 if drawn.scale == "share" or known.empty else float(2 * known.max())
        shown = rows[["member", "series", "hue", "panel", "along", "step", *_CURVE, *columns_of_diverged(rows)]]
        colored, second = (axis, None) if several else (color(rows), shape(rows))
        curves = by_step(shown, drawn.label, colored, _scale_of_curves(rows["mean"], top), second)
        panels.append(by_panel(curves, shown) if several else spread(shown, curves))
    if not panels:
        return None
    return alt.vconcat(*panels) if several else row(panels)


_DECADES = 30.0
"""Curves have a logarithmic axis if they fall by this factor, since a linear one would show them as flat."""


def _scale_of_curves(means: "pd.Series[float]", top: float) -> alt.Scale:
    """Return the scale of learning curves: from 0, or logarithmic if they span decades."""
    lowest = float(means.min())
    if 0 < lowest < top / _DECADES:
        return alt.Scale(type="log", domain=[lowest, top], nice=False, clamp=True)
    return alt.Scale(domain=[0, top])


def draw_outcome_against_predictor(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw an outcome of training against a quantity of the untrained networks, one point per member."""
    outcome, predictor = chart.drawn
    if not (has(summary, outcome) and has(summary, predictor)):
        return None
    data = rows_of(summary, outcome)
    drawn = chart.drawn[predictor]
    panels = []
    for statistic in ("mean", "median"):
        values = by_member(pick(summary, predictor), statistic)
        rows = data.assign(**{predictor: data["member"].astype(str).map(values)})
        scale = named_scale(drawn.scale, rows) or alt.Scale(zero=False)
        label = f"{drawn.label}, {statistic}"
        panels.append(scatter(positive(rows, predictor), predictor, label, "mean", chart.drawn[outcome].label, scale))
    return row(panels)


_LEGEND = alt.Legend(orient="top", labelLimit=420)


def draw_last_layer(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw shares and mean cosines in the last recorded layer by step."""
    names = {quantity: drawn.label for quantity, drawn in chart.drawn.items()}
    if not has(summary, next(iter(names))):
        return None
    rows = with_diverged(with_series(summary[summary["quantity"].isin(list(names))]), summary)
    last = rows.groupby(["series", "along"])["layer"].transform("max")
    rows = rows[(rows["layer"] == last) & ((rows["n"] > 0) | (rows["lost"] > 0))]
    data = rows.assign(quantity=rows["quantity"].astype(str).map(names))
    if rows["along"].nunique() > 1:
        places = rows["axis"].astype(str) + " " + rows["along"].map("{:g}".format)
        data["series"] = rows["series"] + ", " + places
    colored = alt.Color(
        "quantity:N", title=None, scale=alt.Scale(domain=list(names.values()), range=COLORS), legend=_LEGEND
    )
    shown = data[["member", "series", "hue", "along", "layer", "quantity", "step", *_CURVE, *columns_of_diverged(rows)]]
    shares = all(drawn.scale == "share" for drawn in chart.drawn.values())
    title, lowest = ("share", 0) if shares else ("mean cosine or share", -0.1)
    return by_panel(by_step(shown, title, colored, alt.Scale(domain=[lowest, 1]), second_cue(colored)), shown)


def draw_phase_1(values: pd.DataFrame, summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw the share of networks that are still in phase 1 at each step, as a Kaplan-Meier curve.

    Args:
        values: Raw times at which phase 1 ended; missing if it did not end during training.
        summary: Statistics over draws, whose last step is the length of training.
        chart: The declaration of this chart.
    """
    ((quantity, drawn),) = chart.drawn.items()
    if not has(values, quantity):
        return None
    values = selected(values, summary, quantity)
    end = float(summary["step"].max())
    values, curves = with_series(values), []
    several = values["along"].nunique() > 1
    for (series, hue, cue, panel, along), group in values.groupby(
        ["series", "hue", "cue", "panel", "along"], sort=False
    ):
        ended = group["value"].notna().to_numpy()
        curve = kaplan_meier(group["value"].fillna(end).to_numpy(dtype=float), ended)
        steps, shares = [1.0, *curve.steps, end], [1.0, *curve.survival]
        place = f"{group['axis'].iloc[0]} {along:g}" if several else ""
        names = {"hue": hue, "cue": cue, "member": str(group["member"].iloc[0])}
        names |= {"series": _join(str(series), place), "panel": _join(str(panel), place)}
        curves.append(pd.DataFrame({**names, "step": steps, "share": [*shares, shares[-1]]}))
    data = pd.concat(curves, ignore_index=True)
    lines = (
        alt.Chart(plain(data.drop(columns="cue")))
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X("step:Q", title="step", scale=alt.Scale(type="log", domain=[1, end]), axis=DECADES),
            y=alt.Y("share:Q", title=drawn.label, scale=alt.Scale(domain=[0, 1])),
            color=color(data),
            strokeDash=dash(data),
            tooltip=["series:N", "step:Q", alt.Tooltip("share:Q", format=".3f")],
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    return spread(data, lines)


def _join(name: str, place: str) -> str:
    """Join a name and a place by a comma, if both are there."""
    return ", ".join(filter(None, (name, place)))
