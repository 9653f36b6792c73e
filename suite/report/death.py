"""Charts of ReLU death: dead neurons, trainability as the bound of success, revivals."""

import altair as alt
import pandas as pd

from suite.analysis.series import once, pick, training_axes, with_series
from suite.report.looks import COLORS, color, second_cue, shape
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


def dead_neurons(summary: pd.DataFrame) -> Chart | None:
    """Dead neurons of the first layer and networks born dead along the main axis, and dead neurons by layer."""
    if not has(summary, "dead_fraction"):
        return None
    found = once(summary)
    rows = found[found["quantity"] == "dead_fraction"]
    panels = [by_axis(rows[rows["layer"] == 1], "dead share of the first layer")]
    born = found[found["quantity"] == "born_dead"]
    if len(born):
        panels.append(by_axis(born, "born dead", alt.Scale(domain=[0, 1])))
    deepest = rows[rows["depth"] == rows["depth"].max()]
    deepest = deepest[deepest["along"] == deepest["along"].max()]
    if deepest["layer"].nunique() > 1:
        panels.append(by_layer(deepest, "dead share, the deepest and widest"))
    return row(panels)


def trainability(summary: pd.DataFrame) -> Chart | None:
    """Trainability, its closed form where there is one, and the success rate that it bounds, a panel a series."""
    if not has(summary, "trainability"):
        return None
    names = {"trainability": "trainability", "success": "success rate"}
    found = pd.concat([rows_of(summary, quantity).assign(what=name) for quantity, name in names.items()])
    kept = ["member", "series", "along", "what", "mean", "ci_low", "ci_high", "theory", "n"]
    colored = alt.Color("what:N", title=None, scale=alt.Scale(domain=list(names.values()), range=COLORS))
    base = alt.Chart(plain(found[kept])).encode(x=along(found), color=colored)
    y = alt.Y("mean:Q", title="probability", scale=alt.Scale(domain=[0, 1]))
    points = base.mark_point(filled=True, size=45).encode(
        y=y,
        shape=second_cue(colored),
        tooltip=[
            "series:N",
            "along:Q",
            "what:N",
            *(alt.Tooltip(f"{name}:Q", format=".4f") for name in ("mean", "ci_low", "ci_high", "theory")),
            "n:Q",
        ],
    )
    rule = base.mark_rule().encode(y=alt.Y("ci_low:Q"), y2="ci_high:Q")
    # A layer without a row would have no extent, and Vega complains.
    lines = base.transform_filter("isValid(datum.theory)").mark_line(opacity=0.8).encode(y=alt.Y("theory:Q"))
    laws = [lines] if found["theory"].notna().any() else []
    return by_panel(alt.layer(*laws, rule, points).properties(width=WIDTH, height=HEIGHT), found)


def success_bound(summary: pd.DataFrame) -> Chart | None:
    """Success rate against the trainability that bounds it, a point a member and training, with the bound itself."""
    if not (has(summary, "trainability") and has(summary, "success")):
        return None
    trainable = rows_of(summary, "trainability")
    keys = ["member", *(name for name in training_axes(summary) if name in trainable and trainable[name].notna().any())]
    bounds = trainable[[*keys, "mean"]].rename(columns={"mean": "trainability"})
    rows = rows_of(summary, "success").merge(bounds, on=keys, how="inner")
    if rows.empty:
        return None
    kept = ["member", "series", "hue", "along", "axis", "trainability", "mean", "ci_low", "ci_high", "n"]
    base = alt.Chart(plain(rows[kept])).encode(
        x=alt.X("trainability:Q", title="trainability", scale=alt.Scale(domain=[0, 1])), color=color(rows)
    )
    y = alt.Y("mean:Q", title="success rate", scale=alt.Scale(domain=[0, 1]))
    numbers = [alt.Tooltip(f"{name}:Q", format=".4f") for name in ("trainability", "mean", "ci_low", "ci_high")]
    tooltip = ["series:N", "along:Q", *numbers, "n:Q"]
    points = base.mark_point(filled=True, size=45, opacity=1).encode(y=y, shape=shape(rows), tooltip=tooltip)
    intervals = base.mark_rule(opacity=0.45).encode(y=alt.Y("ci_low:Q"), y2="ci_high:Q")
    ends = alt.Chart(pd.DataFrame({"trainability": [0.0, 1.0], "bound": [0.0, 1.0]}))
    bound = ends.mark_line(color="black", strokeWidth=1.5).encode(x=alt.X("trainability:Q"), y=alt.Y("bound:Q"))
    return alt.layer(bound, intervals, points).properties(width=2 * HEIGHT, height=2 * HEIGHT)


def revival(summary: pd.DataFrame) -> Chart | None:
    """Dead neurons that have come back while networks train: tentatively dead ones, and permanently dead ones."""
    if not has(summary, "revived"):
        return None
    names = {"revived": "tentatively dead before", "revived_permanent": "permanently dead before"}
    rows = with_series(summary[summary["quantity"].isin(list(names))])
    start = pick(summary, "revivable").set_index(["series", "along"])["mean"]
    some = start.groupby("series").max()
    rows = rows[rows["series"].isin(some[some > 0].index)]
    if rows.empty:
        return None
    widest = rows[rows["along"] == rows.groupby("series")["along"].transform("max")]
    data = widest.assign(what=widest["quantity"].astype(str).map(names))
    colored = alt.Color("what:N", title=None, scale=alt.Scale(domain=list(names.values()), range=COLORS))
    kept = data[["member", "series", "along", "what", "step", "mean", "ci_low", "ci_high", "n"]]
    return by_panel(by_step(kept, "active again, neurons a network", colored, second=second_cue(colored)), kept)
