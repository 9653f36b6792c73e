"""Colors, second cues (shapes, dashes) and scales of charts.

A series has the same color and second cue in every chart of a study.
"""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"]
"""The palette of Okabe and Ito for color-blind readers; shapes or dashes are a second cue."""

_PLUS = "M-.95,-.22H-.22V-.95H.22V-.22H.95V.22H.22V.95H-.22V.22H-.95Z"
"""A plus sign as an SVG path: at small sizes the built-in cross looks like a diamond."""

SHAPES = ["circle", "square", "triangle-up", _PLUS, "diamond", "triangle-right", "triangle-down", "triangle-left"]
_DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 2, 1, 2], [1, 3], [12, 3, 3, 3]]


def _cues(rows: pd.DataFrame) -> dict[str, int]:
    """Return the hues of these rows, each with its place among all hues of the study."""
    shown = rows.drop_duplicates("hue").sort_values("cue", kind="stable")
    return dict(zip(shown["hue"], shown["cue"].astype(int), strict=True))


def color(rows: pd.DataFrame, legend: bool = True) -> alt.Color:
    """Return an encoding with one color per hue, the same in every chart; the legend has the hues shown."""
    places = _cues(rows)
    # Below the panels there is space for long names.
    columns = 2 if len(places) > 3 else 1
    below = alt.Legend(orient="bottom", direction="vertical", columns=columns, labelLimit=460) if legend else None
    scale = alt.Scale(domain=list(places), range=[COLORS[place % len(COLORS)] for place in places.values()])
    return alt.Color("hue:N", title=None, sort=list(places), scale=scale, legend=below)


def shape(rows: pd.DataFrame, legend: bool = True) -> alt.Shape:
    """Return an encoding with one shape per hue, the second cue of points, in the legend of the colors."""
    return alt.Shape(**_like_color(rows, SHAPES, legend))


def dash(rows: pd.DataFrame) -> alt.StrokeDash:
    """Return an encoding with one dash per hue, the second cue of lines without points."""
    return alt.StrokeDash(**_like_color(rows, _DASHES))


def _like_color(rows: pd.DataFrame, looks: list[Any], legend: bool = True) -> dict[str, Any]:
    """Return the parts of an encoding that gives each hue a second cue, in the legend of the colors.

    Where colors repeat, the second cue is shifted by one, so that no two hues look the same.
    """
    given = _in_one_legend(color(rows, legend))
    places = [(place + place // len(COLORS)) % len(looks) for place in _cues(rows).values()]
    scale = alt.Scale(domain=given["scale"].domain, range=[looks[place] for place in places])
    return given | {"scale": scale}


def second_cue(colored: alt.Color) -> alt.Shape:
    """Return an encoding by shape of the field that a chart's own colors encode, in their legend."""
    return alt.Shape(**_in_one_legend(colored))


def _in_one_legend(colored: alt.Color) -> dict[str, Any]:
    """Return the parts that an encoding needs in common with the color, to share its legend."""
    given: Any = colored.to_dict()
    alike = {name: given[name] for name in ("field", "type", "title", "sort", "legend") if name in given}
    domain = given.get("scale", {}).get("domain")
    return alike | ({"scale": alt.Scale(domain=domain)} if domain else {})


_DECADES = 100.0
"""An axis is logarithmic if the largest number is at least this many times the smallest."""

_MUCH_LARGER = 30.0
"""A series is much larger than the rest if its peak exceeds the median peak by this factor."""


def scale_of(rows: pd.DataFrame, statistic: str) -> alt.Scale:
    """Return a logarithmic scale if all numbers are positive and span decades, else a linear one."""
    drawn = rows[[statistic, "median", "ci_low", "ci_high"]].to_numpy(dtype=float)
    drawn = drawn[np.isfinite(drawn)]
    decades = drawn.min() > 0 and drawn.max() / drawn.min() >= _DECADES
    return alt.Scale(type="log") if decades else alt.Scale(zero=False)


def scale_if_one_is_larger(rows: pd.DataFrame) -> alt.Scale | None:
    """Return a logarithmic scale if one series is much larger than half of them, else None.

    The result is also None if not all numbers are positive.
    """
    peaks = rows.groupby("series")["mean"].max()
    if not peaks.max() > _MUCH_LARGER * peaks.quantile(interpolation="lower"):
        return None
    scale = scale_of(rows, "mean")
    return scale if scale.to_dict().get("type") == "log" else None


def named_scale(name: str, rows: pd.DataFrame) -> alt.Scale | None:
    """Return the scale that the declaration of a chart names, or None for the default of Vega-Lite.

    Args:
        name: The name of the scale; empty for the default.
        rows: The rows that are drawn.
    """
    if name == "towering":
        return scale_if_one_is_larger(rows)
    known: dict[str, dict[str, Any]] = {"log": {"type": "log"}, "share": {"domain": [0, 1]}, "nonzero": {"zero": False}}
    return alt.Scale(**known[name]) if name else None
