"""Charts of feature diversity: how alike features are while networks train, and how long phase 1 lasts."""

import altair as alt
import pandas as pd

from suite.analysis.series import selected, with_series
from suite.report.looks import COLORS, color, dash, second_cue
from suite.report.marks import DECADES, HEIGHT, WIDTH, Chart, by_panel, by_step, has, plain, spread
from suite.statistics.survival import kaplan_meier

_COSINES = {
    "feature_cosine": "all pairs",
    "feature_cosine_within": "within a class",
    "feature_cosine_between": "between classes",
    "leading_share": "leading share of the weight change",
}


def feature_diversity(summary: pd.DataFrame) -> Chart | None:
    """Mean cosines of the last recorded layer's features, and the weight change's leading share, over training."""
    if not has(summary, "feature_cosine"):
        return None
    rows = with_series(summary[summary["quantity"].isin(list(_COSINES))])
    last = rows.groupby(["series", "along"])["layer"].transform("max")
    rows = rows[(rows["layer"] == last) & (rows["n"] > 0)]
    data = rows.assign(what=rows["quantity"].astype(str).map(_COSINES))
    if rows["along"].nunique() > 1:
        places = rows["axis"].astype(str) + " " + rows["along"].map("{:g}".format)
        data["series"] = rows["series"] + ", " + places
    colored = alt.Color(
        "what:N", title=None, scale=alt.Scale(domain=list(_COSINES.values()), range=COLORS), legend=_LEGEND
    )
    kept = data[["member", "series", "along", "layer", "what", "step", "mean", "ci_low", "ci_high", "n"]]
    return by_panel(
        by_step(kept, "mean cosine; share", colored, alt.Scale(domain=[-0.1, 1]), second_cue(colored)), kept
    )


_LEGEND = alt.Legend(orient="top", labelLimit=420)


def phase_1(waits: pd.DataFrame, summary: pd.DataFrame) -> Chart | None:
    """The share of networks that are still in phase 1 after so many steps, by Kaplan and Meier.

    Args:
        waits: raw values of `phase1_steps`, empty where training never left phase 1.
        summary: says how long training lasted.
    """
    if not has(waits, "phase1_steps"):
        return None
    waits = selected(waits, summary, "phase1_steps")
    end = float(summary["step"].max())
    waits, curves = with_series(waits), []
    several = waits["along"].nunique() > 1
    for (series, hue, cue, panel, along), group in waits.groupby(
        ["series", "hue", "cue", "panel", "along"], sort=False
    ):
        ended = group["value"].notna().to_numpy()
        curve = kaplan_meier(group["value"].fillna(end).to_numpy(dtype=float), ended)
        steps, shares = [1.0, *curve.steps, end], [1.0, *curve.survival]
        place = f"{group['axis'].iloc[0]} {along:g}" if several else ""
        names = {"hue": hue, "cue": cue, "member": str(group["member"].iloc[0])}
        names |= {"series": _and(str(series), place), "panel": _and(str(panel), place)}
        curves.append(pd.DataFrame({**names, "step": steps, "share": [*shares, shares[-1]]}))
    data = pd.concat(curves, ignore_index=True)
    chart = (
        alt.Chart(plain(data.drop(columns="cue")))
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X("step:Q", title="step", scale=alt.Scale(type="log", domain=[1, end]), axis=DECADES),
            y=alt.Y("share:Q", title="share still in phase 1", scale=alt.Scale(domain=[0, 1])),
            color=color(data),
            strokeDash=dash(data),
            tooltip=["series:N", "step:Q", alt.Tooltip("share:Q", format=".3f")],
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    return spread(data, chart)


def _and(name: str, place: str) -> str:
    return ", ".join(filter(None, (name, place)))
