"""Charts of ReLU death: dead neurons, trainability as the bound of success, and revivals."""

import altair as alt
import pandas as pd

from suite.analysis.divergence import with_diverged
from suite.analysis.series import once, pick, training_axes, with_series
from suite.catalog.charts.declaration import ChartDeclaration
from suite.report.crosses import columns_of_diverged, mark_diverged, tooltip_of_diverged, with_diverged_text
from suite.report.looks import COLORS, color, named_scale, second_cue, shape
from suite.report.marks import (
    HEIGHT,
    WIDTH,
    Chart,
    along,
    by_axis,
    by_layer,
    by_panel,
    by_step,
    has,
    plain,
    row,
    rows_of,
)


def draw_dead_neurons(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw the dead share of the first layer, networks born dead, and the dead share by layer."""
    fraction, born_dead = chart.drawn
    if not has(summary, fraction):
        return None
    found = once(summary)
    rows = found[found["quantity"] == fraction]
    panels = [by_axis(rows[rows["layer"] == 1], chart.drawn[fraction].label)]
    born = found[found["quantity"] == born_dead]
    if len(born):
        drawn = chart.drawn[born_dead]
        panels.append(by_axis(born, drawn.label, named_scale(drawn.scale, born)))
    deepest = rows[rows["depth"] == rows["depth"].max()]
    deepest = deepest[deepest["along"] == deepest["along"].max()]
    if deepest["layer"].nunique() > 1:
        panels.append(by_layer(deepest, "dead share, deepest and widest networks"))
    return row(panels)


def draw_trainability(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw a bound of success and the success rate along the main axis, one panel per series.

    The theoretical value of the bound is drawn as a line, if there is one.
    """
    (bound,) = chart.drawn
    if not has(summary, bound):
        return None
    names = {quantity: drawn.label for quantity, drawn in [*chart.drawn.items(), *chart.beside.items()]}
    found = pd.concat([rows_of(summary, quantity).assign(quantity=name) for quantity, name in names.items()])
    shown = ["member", "series", "along", "quantity", "mean", "ci_low", "ci_high", "theory", "n"]
    colored = alt.Color("quantity:N", title=None, scale=alt.Scale(domain=list(names.values()), range=COLORS))
    base = alt.Chart(plain(found[shown])).encode(x=along(found), color=colored)
    y = alt.Y("mean:Q", title="probability", scale=alt.Scale(domain=[0, 1]))
    points = base.mark_point(filled=True, size=45).encode(
        y=y,
        shape=second_cue(colored),
        tooltip=[
            "series:N",
            "along:Q",
            "quantity:N",
            *(alt.Tooltip(f"{name}:Q", format=".4f") for name in ("mean", "ci_low", "ci_high", "theory")),
            "n:Q",
        ],
    )
    rule = base.mark_rule().encode(y=alt.Y("ci_low:Q"), y2="ci_high:Q")
    # Vega warns of a chart layer without rows, because it has no extent.
    lines = base.transform_filter("isValid(datum.theory)").mark_line(opacity=0.8).encode(y=alt.Y("theory:Q"))
    theory = [lines] if found["theory"].notna().any() else []
    return by_panel(alt.layer(*theory, rule, points).properties(width=WIDTH, height=HEIGHT), found)


def draw_success_bound(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw the success rate against the quantity that bounds it, with the bound as a line.

    There is one point per member and training.
    """
    bound, success = chart.drawn
    if not (has(summary, bound) and has(summary, success)):
        return None
    bounding = rows_of(summary, bound)
    keys = ["member", *(name for name in training_axes(summary) if name in bounding and bounding[name].notna().any())]
    bounds = bounding[[*keys, "mean"]].rename(columns={"mean": bound})
    rows = rows_of(summary, success).merge(bounds, on=keys, how="inner")
    if rows.empty:
        return None
    shown = ["member", "series", "hue", "along", "axis", bound, "mean", "ci_low", "ci_high", "n"]
    shown += columns_of_diverged(rows)
    base = alt.Chart(plain(rows[shown])).encode(
        x=alt.X(f"{bound}:Q", title=chart.drawn[bound].label, scale=alt.Scale(domain=[0, 1])), color=color(rows)
    )
    base = with_diverged_text(base, rows)
    y = alt.Y("mean:Q", title=chart.drawn[success].label, scale=alt.Scale(domain=[0, 1]))
    numbers = [alt.Tooltip(f"{name}:Q", format=".4f") for name in (bound, "mean", "ci_low", "ci_high")]
    tooltip = ["series:N", "along:Q", *numbers, "n:Q", *tooltip_of_diverged(rows)]
    points = base.mark_point(filled=True, size=45, opacity=1).encode(y=y, shape=shape(rows), tooltip=tooltip)
    intervals = base.mark_rule(opacity=0.45).encode(y=alt.Y("ci_low:Q"), y2="ci_high:Q")
    ends = alt.Chart(pd.DataFrame({bound: [0.0, 1.0], "bound": [0.0, 1.0]}))
    line = ends.mark_line(color="black", strokeWidth=1.5).encode(x=alt.X(f"{bound}:Q"), y=alt.Y("bound:Q"))
    crosses = mark_diverged(base, rows, "mean", tooltip, 2 * HEIGHT)
    return alt.layer(line, intervals, points, *crosses).properties(width=2 * HEIGHT, height=2 * HEIGHT)


def draw_revival(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw how many tentatively dead and permanently dead neurons become active during training.

    Each series with tentatively dead neurons is drawn at the largest value of the main axis.
    """
    names = {quantity: drawn.label for quantity, drawn in chart.drawn.items()}
    (revivable,) = chart.beside
    if not has(summary, next(iter(names))):
        return None
    rows = with_series(summary[summary["quantity"].isin(list(names))])
    start = pick(summary, revivable).set_index(["series", "along"])["mean"]
    some = start.groupby("series").max()
    rows = rows[rows["series"].isin(some[some > 0].index)]
    if rows.empty:
        return None
    widest = rows[rows["along"] == rows.groupby("series")["along"].transform("max")]
    data = widest.assign(quantity=widest["quantity"].astype(str).map(names))
    colored = alt.Color("quantity:N", title=None, scale=alt.Scale(domain=list(names.values()), range=COLORS))
    columns = ["member", "series", "hue", "along", "quantity", "step", "mean", "ci_low", "ci_high", "n"]
    data = with_diverged(data, summary)
    shown = data[[*columns, *columns_of_diverged(data)]]
    return by_panel(by_step(shown, "revived neurons per network", colored, second=second_cue(colored)), shown)
