"""The Altair charts of a study, from its tables alone."""

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd

from suite.report.landscapes import landscapes_chart
from suite.report.series import pick, with_series

Chart = Any
"""Any of Altair's charts, single or composed."""

WIDTH, HEIGHT = 300, 220
COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"]
"""Okabe and Ito's palette, which colour-blind readers can tell apart; shapes are the second cue."""


def charts_of(summary: pd.DataFrame, landscapes: pd.DataFrame | None) -> dict[str, Chart]:
    """Every chart that the study's quantities allow, by name, in the order of the report.

    Args:
        summary: statistics over draws.
        landscapes: outputs over the plane, if the study has two inputs.
    """
    summary = with_series(summary)
    makers: dict[str, Callable[[], Chart | None]] = {
        "variability": lambda: variability(summary),
        "collapse": lambda: collapse(summary),
        "collapse_ways": lambda: collapse_ways(summary),
        "slope_variation": lambda: slope_variation(summary),
        "gradients": lambda: gradients(summary),
        "learning_curves": lambda: learning_curves(summary),
        "accuracy": lambda: accuracy(summary),
        "accuracy_against_v3": lambda: accuracy_against_v3(summary),
        "activation_ratio": lambda: activation_ratio(summary),
        "landscapes": lambda: None if landscapes is None else landscapes_chart(landscapes, summary),
    }
    return {name: chart for name, make in makers.items() if (chart := make()) is not None}


def variability(summary: pd.DataFrame) -> Chart | None:
    """V3 against depth: mean with its interval, median dashed; and both over the output's scale."""
    panels = [
        _by_depth(_rows(summary, quantity), title, median=True)
        for quantity, title in (("v3", "V3"), ("v3_over_rms", "V3 / rms"))
        if _has(summary, quantity)
    ]
    if _has(summary, "v3_exact"):
        panels.append(_by_depth(_rows(summary, "v3_exact"), "E|f'''|, exact", median=True))
    return _row(panels)


def collapse(summary: pd.DataFrame) -> Chart | None:
    """How often networks collapse to a constant, by each criterion."""
    kinds = ("relative", "absolute", "exact")
    return _row(
        [
            _by_depth(_rows(summary, f"collapsed_{kind}"), f"C2C frequency, {kind}", scale=alt.Scale(domain=[0, 1]))
            for kind in kinds
            if _has(summary, f"collapsed_{kind}")
        ]
    )


def collapse_ways(summary: pd.DataFrame) -> Chart | None:
    """Which way networks collapsed, as shares of all draws, stacked."""
    ways = {f"collapse_by_{way}": way for way in ("death", "bias", "norm", "angle")}
    rows = with_series(summary[summary["quantity"].isin(list(ways))])
    if rows.empty:
        return None
    data = rows.assign(way=rows["quantity"].astype(str).map(ways))[["series", "depth", "way", "mean", "n"]]
    return (
        alt.Chart(_plain(data))
        .mark_bar(stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("depth:O", title="depth"),
            y=alt.Y("mean:Q", title="share of draws", scale=alt.Scale(domain=[0, 1]), stack="zero"),
            color=alt.Color("way:N", title="collapsed by", scale=alt.Scale(domain=list(ways.values()), range=COLORS)),
            tooltip=["series:N", "depth:O", "way:N", alt.Tooltip("mean:Q", format=".3f"), "n:Q"],
        )
        .properties(width=WIDTH, height=160)
        .facet(facet=alt.Facet("series:N", title=None), columns=3)
    )


def slope_variation(summary: pd.DataFrame) -> Chart | None:
    """V3's resolution-free companion for piecewise-linear networks, and their number of kinks."""
    return _row(
        [
            _by_depth(_rows(summary, quantity), title, median=True)
            for quantity, title in (
                ("slope_variation", "TV(f') per length"),
                ("breakpoints", "kinks per line"),
            )
            if _has(summary, quantity)
        ]
    )


def gradients(summary: pd.DataFrame) -> Chart | None:
    """Gradients of the loss at initialisation, and C2C frequency against them."""
    if not _has(summary, "input_gradient"):
        return None
    rows = _rows(summary, "input_gradient")
    first = with_series(summary[(summary["quantity"] == "parameter_gradient") & (summary["layer"] == 1)])
    log = alt.Scale(type="log")
    panels = [
        _by_depth(_positive(rows, "median"), "input gradient, median", scale=log, value="median"),
        _by_depth(_positive(first, "median"), "first layer's gradient, median", scale=log, value="median"),
    ]
    if _has(summary, "collapsed_relative"):
        frequency = pick(summary, "collapsed_relative").set_index("member")["mean"]
        data = _positive(rows, "median").assign(c2c=lambda table: table["member"].astype(str).map(frequency))
        panels.append(_scatter(data, "median", "input gradient, median", "c2c", "C2C frequency, relative", log))
    return _row(panels)


def learning_curves(summary: pd.DataFrame) -> Chart | None:
    """Mean training loss and validation accuracy on the way, at the selected learning rate."""
    panels = []
    for quantity, title in (("train_loss", "training loss"), ("validation_accuracy", "validation accuracy")):
        rows = with_series(summary[summary["quantity"] == quantity])
        if rows.empty:
            return None
        data = _plain(rows[["series", "depth", "step", "mean", "ci_low", "ci_high", "learning_rate", "n"]])
        base = alt.Chart(data).encode(
            x=alt.X("step:Q", title="step", scale=alt.Scale(type="symlog", constant=1)),
            color=alt.Color("depth:O", scale=alt.Scale(scheme="viridis"), title="depth"),
        )
        # A run that diverges would flatten all other curves: it leaves the picture at the top.
        top = float(2 * rows.loc[rows["step"] == 0, "mean"].max()) if quantity == "train_loss" else 1.0
        line = base.mark_line(point=alt.OverlayMarkDef(size=12), clip=True).encode(
            y=alt.Y("mean:Q", title=title, scale=alt.Scale(domain=[0, top])),
            tooltip=[
                "series:N",
                "depth:O",
                "step:Q",
                alt.Tooltip("mean:Q", format=".4f"),
                "learning_rate:Q",
                "n:Q",
            ],
        )
        band = base.mark_area(opacity=0.15, clip=True).encode(y=alt.Y("ci_low:Q"), y2="ci_high:Q")
        panels.append(
            (band + line)
            .properties(width=WIDTH, height=HEIGHT)
            .facet(facet=alt.Facet("series:N", title=None), columns=3)
        )
    return alt.vconcat(*panels)


def accuracy(summary: pd.DataFrame) -> Chart | None:
    """Test accuracy after training, and how often it counts as success."""
    return _row(
        [
            _by_depth(_rows(summary, quantity), title, scale=scale)
            for quantity, title, scale in (
                ("test_accuracy", "test accuracy", alt.Scale(zero=False)),
                ("success", "success rate", alt.Scale(domain=[0, 1])),
            )
            if _has(summary, quantity)
        ]
    )


def accuracy_against_v3(summary: pd.DataFrame) -> Chart | None:
    """Trained accuracy against variability at initialisation, a point a member."""
    if not (_has(summary, "test_accuracy") and _has(summary, "v3")):
        return None
    data = _rows(summary, "test_accuracy")
    panels = []
    for statistic in ("mean", "median"):
        values = pick(summary, "v3").set_index("member")[statistic]
        rows = data.assign(v3=data["member"].astype(str).map(values))
        panels.append(
            _scatter(
                _positive(rows, "v3"),
                "v3",
                f"V3, {statistic}",
                "mean",
                "test accuracy",
                alt.Scale(type="log"),
            )
        )
    return _row(panels)


def activation_ratio(summary: pd.DataFrame) -> Chart | None:
    """Activation ratio against depth."""
    if not _has(summary, "activation_ratio"):
        return None
    return _by_depth(_rows(summary, "activation_ratio"), "activation ratio")


def _has(summary: pd.DataFrame, quantity: str) -> bool:
    return bool((summary["quantity"] == quantity).any())


def _rows(summary: pd.DataFrame, quantity: str) -> pd.DataFrame:
    return with_series(pick(summary, quantity))


def _positive(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """What a logarithmic axis can show."""
    return rows[rows[column] > 0]


def _row(panels: list[Any]) -> Chart | None:
    return alt.hconcat(*panels, spacing=24) if panels else None


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Columns as Vega reads them: text, and numbers with gaps as null."""
    plain = table.copy()
    for name in plain.columns:
        if isinstance(plain[name].dtype, pd.CategoricalDtype):
            plain[name] = plain[name].astype(str)
        elif plain[name].dtype == "Int64":
            plain[name] = plain[name].astype(float)
    return plain


_COLOR = alt.Color("series:N", title=None, scale=alt.Scale(range=COLORS))
_SHAPE = alt.Shape("series:N", title=None, legend=None)
_AXIS = alt.Axis(format="~g", tickCount=6, labelOverlap=True)


def _by_depth(
    rows: pd.DataFrame, title: str, scale: alt.Scale | None = None, median: bool = False, value: str = "mean"
) -> Any:
    """A quantity against depth, a line a series: means with their 95% intervals, medians dashed."""
    columns = ["series", "depth", "mean", "median", "q05", "q95", "ci_low", "ci_high", "n", "parameters"]
    base = alt.Chart(_plain(rows[columns])).encode(
        x=alt.X("depth:Q", title="depth", scale=alt.Scale(type="log", base=2), axis=alt.Axis(tickCount=7)),
        color=_COLOR,
    )
    y = alt.Y(f"{value}:Q", title=title, scale=scale if scale is not None else alt.Undefined, axis=_AXIS)
    line = base.mark_line().encode(y=y)
    points = base.mark_point(filled=True, size=45).encode(
        y=y,
        shape=_SHAPE,
        tooltip=["series:N", "depth:Q", "parameters:Q", "n:Q"]
        + [alt.Tooltip(f"{name}:Q", format=".4g") for name in ("mean", "ci_low", "ci_high", "median", "q05", "q95")],
    )
    layers = [line, points]
    if value == "mean" and rows["ci_low"].notna().any():
        layers.append(base.mark_rule().encode(y=alt.Y("ci_low:Q"), y2="ci_high:Q"))
    if median:
        layers.append(base.mark_line(strokeDash=[4, 3], opacity=0.8).encode(y=alt.Y("median:Q")))
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)


def _scatter(data: pd.DataFrame, x: str, x_title: str, y: str, y_title: str, scale: alt.Scale) -> Any:
    """A point a member, labelled with its depth."""
    columns = list(dict.fromkeys(["series", "depth", "member", x, y]))
    base = alt.Chart(_plain(data[columns])).encode(
        x=alt.X(f"{x}:Q", title=x_title, scale=scale, axis=_AXIS),
        y=alt.Y(f"{y}:Q", title=y_title, scale=alt.Scale(zero=False)),
        color=_COLOR,
    )
    points = base.mark_point(filled=True, size=55).encode(
        shape=_SHAPE,
        tooltip=[
            "member:N",
            "depth:Q",
            alt.Tooltip(f"{x}:Q", format=".4g"),
            alt.Tooltip(f"{y}:Q", format=".4f"),
        ],
    )
    labels = base.mark_text(dx=9, align="left", fontSize=9).encode(text="depth:Q")
    return alt.layer(points, labels).properties(width=WIDTH, height=HEIGHT)
