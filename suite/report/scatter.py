"""Scatter plots with one point per member, labeled with its value of the main axis if space allows."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.report.crosses import columns_of_diverged, mark_diverged, tooltip_of_diverged, with_diverged_text
from suite.report.looks import color, shape
from suite.report.marks import HEIGHT, WIDTH, axis_of, plain, spread

_RIGHT, _LEFT = 9, -9
"""Distance from a point to the start or the end of its label, in pixels."""

_LETTER, _LINE = 5.5, 10
"""Width and height of a label's letters, in pixels."""

_POINT = 4
"""Half of a point's width, in pixels."""

_SAME = 3
"""Points of a series that are no farther apart than this, in pixels, share a label."""


_SMALLEST = 0.8
"""The smallest size at which a panel is drawn, as a share of its size in print; labels have to fit there, too."""


def scatter(data: pd.DataFrame, x: str, x_title: str, y: str, y_title: str, scale: alt.Scale) -> Any:
    """Draw one point per member, labeled with its value of the main axis.

    Args:
        data: Rows with their series.
        x: Column of the horizontal axis.
        x_title: Title of the horizontal axis.
        y: Column of the vertical axis.
        y_title: Title of the vertical axis.
        scale: Scale of the horizontal axis.
    """
    counts = columns_of_diverged(data)
    columns = list(
        dict.fromkeys(["series", "hue", "panel", "along", "member", x, y, *(["n", *counts] if counts else [])])
    )
    log = scale.to_dict().get("type") == "log"
    labeled = data[list(dict.fromkeys(columns))].assign(
        **labels(
            data, _convert_to_pixels(data[x], _SMALLEST * WIDTH, log), _convert_to_pixels(data[y], _SMALLEST * HEIGHT)
        )
    )
    base = alt.Chart(plain(labeled)).encode(
        x=alt.X(f"{x}:Q", title=x_title, scale=scale, axis=axis_of(scale)),
        y=alt.Y(f"{y}:Q", title=y_title, scale=alt.Scale(zero=False)),
        color=color(data),
    )
    base = with_diverged_text(base, data)
    numbers = [alt.Tooltip(f"{x}:Q", format=".4g"), alt.Tooltip(f"{y}:Q", format=".4f")]
    tooltip = ["member:N", "along:Q", *numbers, *tooltip_of_diverged(data)]
    points = base.mark_point(filled=True, size=55, opacity=1).encode(shape=shape(data), tooltip=tooltip)
    right = base.mark_text(dx=_RIGHT, align="left", fontSize=9).encode(text="label_right:N")
    left = base.mark_text(dx=_LEFT, align="right", fontSize=9).encode(text="label_left:N")
    crosses = mark_diverged(base, data, y, tooltip, HEIGHT)
    return spread(data, alt.layer(points, right, left, *crosses).properties(width=WIDTH, height=HEIGHT))


def labels(data: pd.DataFrame, x: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, list[str]]:
    """Return labels to the right or left of points, so that none covers another label or a point.

    Points of a series in one place share a label. A label that fits on neither side is left out; the tooltip has its
    text.

    Args:
        data: Rows with their series, one per point.
        x: Horizontal position of each point, in pixels.
        y: Vertical position of each point, in pixels.

    Returns:
        The columns label_right and label_left, with one text per point, which may be empty.
    """
    right, left = [""] * len(data), [""] * len(data)
    taken: dict[str, list[tuple[float, float, float]]] = {}
    for place, panel in enumerate(data["panel"].astype(str)):
        taken.setdefault(panel, []).append((x[place] - _POINT, x[place] + _POINT, y[place]))
    for places in _group_overlapping(data, x, y):
        first = places[0]
        text = _format_values(sorted(float(data["along"].iloc[place]) for place in places))
        boxes = taken[str(data["panel"].iloc[first])]
        width = _LETTER * len(text)
        for side, start in ((right, x[first] + _RIGHT), (left, x[first] + _LEFT - width)):
            if not any(
                start < end and begin < start + width and abs(y[first] - line) < _LINE for begin, end, line in boxes
            ):
                side[first] = text
                boxes.append((start, start + width, y[first]))
                break
    return {"label_right": right, "label_left": left}


def _group_overlapping(data: pd.DataFrame, x: NDArray[np.float64], y: NDArray[np.float64]) -> list[list[int]]:
    """Return the indices of finite points, where points of a series in one place form a group."""
    found: list[list[int]] = []
    series = [str(name) for name in data["series"]]
    for place in range(len(data)):
        if not (np.isfinite(x[place]) and np.isfinite(y[place])):
            continue
        for some in found:
            near = max(abs(x[place] - x[some[0]]), abs(y[place] - y[some[0]])) <= _SAME
            if near and series[place] == series[some[0]]:
                some.append(place)
                break
        else:
            found.append([place])
    return found


def _format_values(values: list[float]) -> str:
    """Format the values of a label: all if there are one or two, otherwise the first and the last."""
    names = [f"{value:g}" for value in dict.fromkeys(values)]
    return ", ".join(names) if len(names) <= 2 else f"{names[0]} to {names[-1]}"


def _convert_to_pixels(values: "pd.Series[float]", length: float, log: bool = False) -> NDArray[np.float64]:
    """Return the positions of values on an axis from their minimum to their maximum, in pixels."""
    given = values.to_numpy(dtype=np.float64)
    shown = np.asarray(np.log(given) if log else given, dtype=np.float64)
    if not np.isfinite(shown).any():
        return shown
    low, high = np.nanmin(shown), np.nanmax(shown)
    share: NDArray[np.float64] = (shown - low) / (high - low if high > low else 1.0)
    return share * length
