"""How charts look: one color and one second cue for each series, the same in every chart of a study; and scales."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"]
"""Okabe and Ito's palette, which color-blind readers can tell apart; shapes, or dashes, are the second cue."""

_PLUS = "M-.95,-.22H-.22V-.95H.22V-.22H.95V.22H.22V.95H-.22V.22H-.95Z"
"""As a path: the built-in cross is so fat that it looks like a diamond where it is small."""

SHAPES = ["circle", "square", "triangle-up", _PLUS, "diamond", "triangle-right", "triangle-down", "triangle-left"]
_DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 2, 1, 2], [1, 3], [12, 3, 3, 3]]


def _cues(rows: pd.DataFrame) -> dict[str, int]:
    """The hues that are among these rows, each with its place among all those of the study."""
    shown = rows.drop_duplicates("hue").sort_values("cue", kind="stable")
    return dict(zip(shown["hue"], shown["cue"].astype(int), strict=True))


def color(rows: pd.DataFrame, legend: bool = True) -> alt.Color:
    """One color a hue, the same in every chart of the study; its legend has what is shown."""
    places = _cues(rows)
    # Below the panels, where long names have room.
    columns = 2 if len(places) > 3 else 1
    below = alt.Legend(orient="bottom", direction="vertical", columns=columns, labelLimit=460) if legend else None
    scale = alt.Scale(domain=list(places), range=[COLORS[place % len(COLORS)] for place in places.values()])
    return alt.Color("hue:N", title=None, sort=list(places), scale=scale, legend=below)


def shape(rows: pd.DataFrame, legend: bool = True) -> alt.Shape:
    """The second cue of points: one shape a hue, in the colors' own legend."""
    return alt.Shape(**_like_color(rows, SHAPES, legend))


def dash(rows: pd.DataFrame) -> alt.StrokeDash:
    """The second cue of lines without points: one dash a hue, in the colors' own legend."""
    return alt.StrokeDash(**_like_color(rows, _DASHES))


def _like_color(rows: pd.DataFrame, looks: list[Any], legend: bool = True) -> dict[str, Any]:
    """Where colors come round again, the second cue is the next one, so that no two hues look the same."""
    given = _in_one_legend(color(rows, legend))
    places = [(place + place // len(COLORS)) % len(looks) for place in _cues(rows).values()]
    scale = alt.Scale(domain=given["scale"].domain, range=[looks[place] for place in places])
    return given | {"scale": scale}


def second_cue(colored: alt.Color) -> alt.Shape:
    """What colors of their own tell apart told by shapes, too, in the colors' legend."""
    return alt.Shape(**_in_one_legend(colored))


def _in_one_legend(colored: alt.Color) -> dict[str, Any]:
    """What another channel has to have alike."""
    given: Any = colored.to_dict()
    alike = {name: given[name] for name in ("field", "type", "title", "sort", "legend") if name in given}
    domain = given.get("scale", {}).get("domain")
    return alike | ({"scale": alt.Scale(domain=domain)} if domain else {})


_DECADES = 100.0
"""The ratio of the largest number to the smallest one from which on an axis is logarithmic."""

_TOWERING = 30.0
"""The ratio of the highest peak to that of half of the series from which on a linear axis hides the others."""


def scale_of(rows: pd.DataFrame, statistic: str) -> alt.Scale:
    """Return a logarithmic scale where all that is drawn is positive and lies decades apart."""
    drawn = rows[[statistic, "median", "ci_low", "ci_high"]].to_numpy(dtype=float)
    drawn = drawn[np.isfinite(drawn)]
    decades = drawn.min() > 0 and drawn.max() / drawn.min() >= _DECADES
    return alt.Scale(type="log") if decades else alt.Scale(zero=False)


def unflattened(rows: pd.DataFrame) -> alt.Scale | None:
    """Return a logarithmic scale if one series is much larger than half of them and all are positive, else None."""
    peaks = rows.groupby("series")["mean"].max()
    if not peaks.max() > _TOWERING * peaks.quantile(interpolation="lower"):
        return None
    scale = scale_of(rows, "mean")
    return scale if scale.to_dict().get("type") == "log" else None


def named_scale(name: str, rows: pd.DataFrame) -> alt.Scale | None:
    """Return the scale that the declaration of a chart names, or None for that which Vega-Lite chooses.

    Args:
        name: Of the scale.
        rows: What is drawn.
    """
    if name == "towering":
        return unflattened(rows)
    known: dict[str, dict[str, Any]] = {"log": {"type": "log"}, "share": {"domain": [0, 1]}, "nonzero": {"zero": False}}
    return alt.Scale(**known[name]) if name else None
