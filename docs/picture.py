"""Draw the picture of the README from results/reference: `python docs/picture.py` writes docs/picture.svg."""

from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert as vlc

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "results" / "reference" / "variability_hard" / "summary.csv"
NAMES = {"relu": "ReLU", "abs": "absolute value"}
LABELED = {("relu", 24): "right", ("relu", 2): "left", ("abs", 2): "right", ("abs", 24): "right", ("abs", 8): "right"}
"""The points that are labeled with their depth, and the side of the label: labels of all points would collide."""


def read_points() -> pd.DataFrame:
    """Return V3 before training and test accuracy after it, one row per member."""
    table = pd.read_csv(TABLE)
    before = table[table["quantity"] == "v3"].set_index("member")
    trained = table[table["quantity"] == "test_accuracy"]
    after = trained[trained["step"] == trained["step"].max()].set_index("member")
    points = before[["depth", "activation"]].assign(v3=before["mean"], accuracy=after["mean"])
    points["side"] = [LABELED.get(key, "") for key in zip(points["activation"], points["depth"], strict=True)]
    return points.assign(network=points["activation"].map(NAMES), label="depth " + points["depth"].astype(str))


def draw(points: pd.DataFrame) -> Any:
    """Return the chart."""
    base = alt.Chart(points).encode(
        x=alt.X(
            "v3:Q",
            title="variability V3 before training (log scale)",
            scale=alt.Scale(type="log", domain=[8, 140]),
            axis=alt.Axis(values=[10, 20, 50, 100]),
        ),
        y=alt.Y("accuracy:Q", title="test accuracy after training", scale=alt.Scale(domain=[0.58, 0.92])),
        color=alt.Color(
            "network:N",
            title=None,
            scale=alt.Scale(domain=[*NAMES.values()], range=["#0072b2", "#d55e00"]),
            legend=alt.Legend(orient="top"),
        ),
        shape=alt.Shape(
            "network:N",
            title=None,
            scale=alt.Scale(domain=[*NAMES.values()], range=["circle", "square"]),
            legend=alt.Legend(orient="top"),
        ),
    )
    labels = [
        base.transform_filter(f"datum.side == '{side}'")
        .mark_text(align=align, dx=dx, fontSize=11)  # type: ignore[arg-type]  # a literal
        .encode(text="label:N")
        for side, align, dx in (("right", "left", 9), ("left", "right", -9))
    ]
    return (
        alt.layer(base.mark_point(filled=True, size=70), *labels)
        .properties(width=520, height=280)
        .configure_axis(labelFontSize=11, titleFontSize=12)
    )


if __name__ == "__main__":
    svg = vlc.vegalite_to_svg(draw(read_points()).to_dict())
    (ROOT / "docs" / "picture.svg").write_text(svg + "\n", encoding="utf-8")
