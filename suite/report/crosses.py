"""Crosses at points of charts that have diverged training runs, with tooltips that count these runs."""

import json
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

_CROSS = "M-1,-1L1,1M-1,1L1,-1"
_CROSS_SIZE, _CROSS_STEP = 160, 12
_DIVERGED_TEXT = "divergence"


def columns_of_diverged(rows: pd.DataFrame) -> list[str]:
    """Return the columns with the numbers of diverged runs and of all runs; nothing if none of the rows has any."""
    return ["lost", "runs"] if "lost" in rows.columns and rows["lost"].any() else []


def tooltip_of_diverged(rows: pd.DataFrame) -> list[Any]:
    """Return the part of a tooltip that says how many runs diverged; nothing if none of the rows has any."""
    return [alt.Tooltip(f"{_DIVERGED_TEXT}:N")] if columns_of_diverged(rows) else []


def with_diverged_text(base: Any, rows: pd.DataFrame) -> Any:
    """Return a chart whose data have the text of that tooltip, such as "3 of 8 runs diverged"."""
    if not columns_of_diverged(rows):
        return base
    text = "datum.lost + ' of ' + datum.runs + ' runs diverged'"
    return base.transform_calculate(**{_DIVERGED_TEXT: text})


def mark_diverged(
    base: Any,
    rows: pd.DataFrame,
    value: str,
    tooltip: list[Any],
    height: int | None,
    domain: Sequence[float] | None = None,
    colored_by: str = "hue",
) -> list[Any]:
    """Return layers with a cross at each point with diverged runs.

    If all runs diverged, a quantity of the other runs has no value; the cross is then at the start of its axis, a step
    further for each color.

    Args:
        base: The chart, without the encoding of the quantity's axis, with the text of `with_diverged_text`.
        rows: The rows of the chart.
        value: The column that is drawn.
        tooltip: The tooltip of a cross.
        height: The height of the chart; None if the quantity's axis is the horizontal one.
        domain: The ends of the quantity's axis, beyond which nothing is drawn; a cross beyond is at the end. Default:
            those of the data.
        colored_by: The column that colors encode.
    """
    if not columns_of_diverged(rows):
        return []
    x_or_y = "x" if height is None else "y"
    cross = {"shape": _CROSS, "size": _CROSS_SIZE, "strokeWidth": 1.6, "filled": False, "opacity": 1}
    layers = []
    if ((rows["lost"] > 0) & rows[value].notna()).any():
        some = base.transform_filter(f"datum.lost > 0 && isValid(datum['{value}'])")
        field = value
        if domain is not None:
            field = f"{value}_inside"
            some = some.transform_calculate(**{field: f"clamp(datum['{value}'], {domain[0]}, {domain[1]})"})
        layers.append(some.mark_point(**cross).encode(**{x_or_y: f"{field}:Q", "tooltip": tooltip}))
    lost = rows[(rows["lost"] > 0) & (rows["lost"] == rows["runs"]) & (rows["n"] == 0)]
    for place, name in enumerate(lost[colored_by].unique()):
        color = json.dumps(name if isinstance(name, str) else float(name))
        every = f"datum.lost == datum.runs && datum.n == 0 && datum['{colored_by}'] == {color}"
        shift = (place + 0.5) * _CROSS_STEP
        start = alt.value(shift if height is None else height - shift)
        layer = base.transform_filter(every).mark_point(**cross)
        layers.append(layer.encode(**{x_or_y: start, "tooltip": tooltip}))
    return layers
