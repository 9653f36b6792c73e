"""Charts of training: learning curves, what they end at, and what variability says of that."""

import altair as alt
import pandas as pd

from suite.analysis.series import by_member, pick, with_series
from suite.report.looks import color, shape
from suite.report.marks import Chart, by_axis, by_panel, by_step, has, positive, row, rows_of, spread
from suite.report.scatter import scatter


def learning_curves(summary: pd.DataFrame) -> Chart | None:
    """Mean training loss and validation score on the way, at the selected learning rate."""
    panels = []
    titles = {
        "train_loss": "training loss",
        "validation_accuracy": "validation accuracy",
        "validation_error": "validation error",
    }
    for quantity, title in titles.items():
        rows = with_series(summary[summary["quantity"] == quantity])
        if rows.empty:
            continue
        several = rows["along"].nunique() > 1
        axis = alt.Color("along:O", scale=alt.Scale(scheme="viridis"), title=str(rows["axis"].iloc[0]))
        # A run that diverges would flatten all other curves: it leaves the picture at the top.
        start = rows.loc[rows["step"] == 0, "mean"]
        top = 1.0 if quantity == "validation_accuracy" else float(2 * start[start < 10 * start.median()].max())
        kept = rows[["member", "series", "hue", "panel", "along", "step", "mean", "ci_low", "ci_high", "n"]]
        colored, second = (axis, None) if several else (color(rows), shape(rows))
        curves = by_step(kept, title, colored, alt.Scale(domain=[0, top]), second)
        panels.append(by_panel(curves, kept) if several else spread(kept, curves))
    if not panels:
        return None
    return alt.vconcat(*panels) if several else row(panels)


def accuracy(summary: pd.DataFrame) -> Chart | None:
    """Test accuracy or error after training, and how often it counts as success."""
    return row(
        [
            by_axis(rows_of(summary, quantity), title, scale=scale)
            for quantity, title, scale in (
                ("test_accuracy", "test accuracy", alt.Scale(zero=False)),
                ("test_error", "test error", alt.Scale(type="log")),
                ("success", "success rate", alt.Scale(domain=[0, 1])),
            )
            if has(summary, quantity)
        ]
    )


def accuracy_against_v3(summary: pd.DataFrame) -> Chart | None:
    """Trained accuracy against variability at initialisation, a point a member."""
    if not (has(summary, "test_accuracy") and has(summary, "v3")):
        return None
    data = rows_of(summary, "test_accuracy")
    panels = []
    for statistic in ("mean", "median"):
        values = by_member(pick(summary, "v3"), statistic)
        rows = data.assign(v3=data["member"].astype(str).map(values))
        panels.append(
            scatter(
                positive(rows, "v3"),
                "v3",
                f"V3, {statistic}",
                "mean",
                "test accuracy",
                alt.Scale(type="log"),
            )
        )
    return row(panels)
