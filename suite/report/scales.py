"""When the axis of a quantity is logarithmic."""

import altair as alt
import numpy as np
import pandas as pd

_DECADES = 100.0
"""How far apart the largest and the smallest number lie, as a ratio, from which on an axis is logarithmic."""

_TOWERING = 30.0
"""How many times as high as half of the series one has its peak, if a linear axis leaves little of them to see."""


def scale_of(rows: pd.DataFrame, statistic: str) -> alt.Scale:
    """A logarithmic scale where all that is drawn is positive and lies decades apart."""
    drawn = rows[[statistic, "median", "ci_low", "ci_high"]].to_numpy(dtype=float)
    drawn = drawn[np.isfinite(drawn)]
    decades = drawn.min() > 0 and drawn.max() / drawn.min() >= _DECADES
    return alt.Scale(type="log") if decades else alt.Scale(zero=False)


def unflattened(rows: pd.DataFrame) -> alt.Scale | None:
    """A logarithmic scale where one series towers over half of them or more, and all is positive; else none."""
    peaks = rows.groupby("series")["mean"].max()
    if not peaks.max() > _TOWERING * peaks.quantile(interpolation="lower"):
        return None
    scale = scale_of(rows, "mean")
    return scale if scale.to_dict().get("type") == "log" else None
