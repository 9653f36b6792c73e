"""Crosses at points of charts that have diverged training runs, with tooltips that count these runs."""

import json
from typing import Any

import altair as alt
import pandas as pd

DIVERGED_COLUMNS = ("diverged", "runs")
"""The columns of chart data that `mark_diverged` needs."""

_CROSS = "M-1,-1L1,1M-1,1L1,-1"
_CROSS_SIZE, _CROSS_STEP = 160, 12
_DIVERGED_TEXT = "divergence"


def tell_diverged(rows: pd.DataFrame) -> list[Any]:
    """Return the part of a tooltip that says how many runs diverged; nothing if none of the rows has any."""
    return [alt.Tooltip(f"{_DIVERGED_TEXT}:N")] if rows["diverged"].any() else []


def with_diverged_text(base: Any, rows: pd.DataFrame) -> Any:
    """Return a chart whose data have the text of that tooltip, such as "3 of 8 runs diverged"."""
    if not rows["diverged"].any():
        return base
    text = "datum.diverged + ' of ' + datum.runs + ' runs diverged'"
    return base.transform_calculate(**{_DIVERGED_TEXT: text})


def mark_diverged(base: Any, rows: pd.DataFrame, value: str, tooltip: list[Any], height: int | None) -> list[Any]:
    """Return layers with a cross at each point with diverged runs.

    Where all runs diverged, a quantity of the other runs has no value; the cross is then at the start of its axis, a
    step further for each hue.

    Args:
        base: The chart, without the encoding of the quantity's axis, with the text of `with_diverged_text`.
        rows: The rows of the chart.
        value: The column that is drawn.
        tooltip: The tooltip of a cross.
        height: The height of the chart; None if the quantity's axis is the horizontal one.
    """
    x_or_y = "x" if height is None else "y"
    cross = {"shape": _CROSS, "size": _CROSS_SIZE, "strokeWidth": 1.6, "filled": False, "opacity": 1}
    layers = []
    if ((rows["diverged"] > 0) & rows[value].notna()).any():
        some = base.transform_filter(f"datum.diverged > 0 && isValid(datum['{value}'])").mark_point(**cross)
        layers.append(some.encode(**{x_or_y: f"{value}:Q", "tooltip": tooltip}))
    lost = rows[(rows["diverged"] > 0) & (rows["n"] == 0)]
    for place, hue in enumerate(lost["hue"].unique()):
        every = base.transform_filter(f"datum.diverged > 0 && datum.n == 0 && datum.hue == {json.dumps(str(hue))}")
        shift = (place + 0.5) * _CROSS_STEP
        start = shift if height is None else height - shift
        layers.append(every.mark_point(**cross).encode(**{x_or_y: alt.value(start), "tooltip": tooltip}))
    return layers
