"""Charts of signals on their way through random networks: correlation and Jacobian, layer by layer, with their laws."""

import altair as alt
import pandas as pd

from suite.analysis.series import by_member, pick, with_series
from suite.report.marks import Chart, by_axis, by_layer, has, row
from suite.report.scatter import scatter


def correlation(summary: pd.DataFrame) -> Chart | None:
    """Cosine of two inputs' pre-activations through the deepest members, in the last layer of all, and C2C by it."""
    if not has(summary, "correlation"):
        return None
    rows = with_series(summary[summary["quantity"] == "correlation"])
    panels = [by_layer(_deepest(rows), "cosine of pre-activations")]
    if rows["depth"].nunique() > 1:
        last = rows[rows["layer"] == rows["depth"]]
        panels.append(by_axis(last, "cosine in the last hidden layer"))
        if has(summary, "collapsed_relative"):
            frequency = by_member(pick(summary, "collapsed_relative"), "mean")
            data = last.assign(c2c=last["member"].astype(str).map(frequency))
            title = "cosine in the last hidden layer"
            panels.append(scatter(data, "mean", title, "c2c", "C2C frequency, relative", alt.Scale(zero=False)))
    return row(panels)


def jacobian(summary: pd.DataFrame) -> Chart | None:
    """Mean and spread of the Jacobian's squared singular values through the deepest members, and the largest."""
    log = alt.Scale(type="log")
    titles = {
        "jacobian_mean": ("m1, mean squared singular value", log),
        "jacobian_ratio": ("m2 / m1^2", log),
        "jacobian_max": ("largest singular value", log),
    }
    return row(
        [
            by_layer(_deepest(with_series(summary[summary["quantity"] == quantity])), title, scale)
            for quantity, (title, scale) in titles.items()
            if has(summary, quantity)
        ]
    )


def _deepest(rows: pd.DataFrame) -> pd.DataFrame:
    """The deepest member of each series: shallower ones run through the same layers."""
    return rows[rows["depth"] == rows.groupby("series")["depth"].transform("max")]
