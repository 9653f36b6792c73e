"""Charts of random networks over the domain: variability, collapse, gradients."""

from typing import Any

import altair as alt
import pandas as pd

from suite.analysis.series import by_member, pick, with_series
from suite.report.looks import COLORS
from suite.report.marks import WIDTH, Chart, by_axis, by_panel, has, plain, positive, row, rows_of
from suite.report.scales import unflattened
from suite.report.scatter import scatter


def variability(summary: pd.DataFrame) -> Chart | None:
    """V3 against depth: mean with its interval, median dashed; and both over the output's scale."""
    titles = {"v3": "V3", "v3_over_rms": "V3 / rms", "v3_exact": "E|f'''|, exact"}
    rows = {quantity: rows_of(summary, quantity) for quantity in titles if has(summary, quantity)}
    return row([by_axis(found, titles[quantity], unflattened(found), median=True) for quantity, found in rows.items()])


def collapse(summary: pd.DataFrame) -> Chart | None:
    """How often networks collapse to a constant, by each criterion."""
    kinds = ("relative", "absolute", "exact")
    return row(
        [
            by_axis(rows_of(summary, f"collapsed_{kind}"), f"C2C frequency, {kind}", scale=alt.Scale(domain=[0, 1]))
            for kind in kinds
            if has(summary, f"collapsed_{kind}")
        ]
    )


def collapse_ways(summary: pd.DataFrame) -> Chart | None:
    """Which way networks collapsed, as shares of all draws, stacked."""
    ways = {f"collapse_by_{way}": way for way in ("death", "bias", "norm", "angle")}
    rows = with_series(summary[summary["quantity"].isin(list(ways))])
    if rows.empty:
        return None
    data = rows.assign(way=rows["quantity"].astype(str).map(ways))
    data = data.assign(letter=data["way"].str[0], place=data["way"].map(list(ways.values()).index))
    data = data[["member", "series", "along", "axis", "way", "letter", "place", "mean", "n"]]
    # One order for bars and letters: each of them would stack by an encoding of its own.
    base = alt.Chart(plain(data)).encode(
        x=alt.X("along:O", title=str(data["axis"].iloc[0]), axis=alt.Axis(labelAngle=0)), order=alt.Order("place:Q")
    )
    share: dict[str, Any] = {"title": "share of draws", "scale": alt.Scale(domain=[0, 1]), "stack": "zero"}
    bars = base.mark_bar(stroke="white", strokeWidth=0.5).encode(
        y=alt.Y("mean:Q", **share),
        color=alt.Color("way:N", title="collapsed by", scale=alt.Scale(domain=list(ways.values()), range=COLORS)),
        tooltip=["series:N", "along:O", "way:N", alt.Tooltip("mean:Q", format=".3f"), "n:Q"],
    )
    letters = base.mark_text(fontSize=9, color="white").encode(  # for whom colours do not tell
        y=alt.Y("mean:Q", bandPosition=0.5, **share),
        detail="way:N",
        text=alt.condition("datum.mean > 0.08", "letter:N", alt.value("")),
    )
    panels = alt.layer(bars, letters).properties(width=WIDTH, height=160)
    return by_panel(panels, data)


def slope_variation(summary: pd.DataFrame) -> Chart | None:
    """V3's resolution-free companion for piecewise-linear networks, and their number of kinks."""
    return row(
        [
            by_axis(rows_of(summary, quantity), title, median=True)
            for quantity, title in (
                ("slope_variation", "TV(f') per length"),
                ("breakpoints", "kinks per line"),
            )
            if has(summary, quantity)
        ]
    )


def gradients(summary: pd.DataFrame) -> Chart | None:
    """Gradients of the loss at initialisation, and C2C frequency against them."""
    if not has(summary, "input_gradient"):
        return None
    rows = rows_of(summary, "input_gradient")
    first = with_series(summary[(summary["quantity"] == "parameter_gradient") & (summary["layer"] == 1)])
    log = alt.Scale(type="log")
    panels = [
        by_axis(positive(rows, "median"), "input gradient, median", scale=log, value="median"),
        by_axis(positive(first, "median"), "first layer's gradient, median", scale=log, value="median"),
    ]
    if has(summary, "collapsed_relative"):
        frequency = by_member(pick(summary, "collapsed_relative"), "mean")
        data = positive(rows, "median").assign(c2c=lambda table: table["member"].astype(str).map(frequency))
        panels.append(scatter(data, "median", "input gradient, median", "c2c", "C2C frequency, relative", log))
    return row(panels)


def activation_ratio(summary: pd.DataFrame) -> Chart | None:
    """Activation ratio against depth."""
    if not has(summary, "activation_ratio"):
        return None
    return by_axis(rows_of(summary, "activation_ratio"), "activation ratio")
