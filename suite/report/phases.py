"""What happens to features in phase 1, and after it: changes of their mean cosine, network by network."""

import numpy as np
import pandas as pd

from suite.report.series import selected, training_axes, with_series
from suite.statistics.paired import paired_means

PHASES = ("feature_cosine", "phase1_steps")
"""Quantities that the table is made of."""

COLUMNS = (
    "series",
    "axis",
    "along",
    "layer",
    "n",
    "start",
    "peak",
    "peak_step",
    "in_phase_1",
    "in_low",
    "in_high",
    "after",
    "after_low",
    "after_high",
)


def phases_table(values: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Change of the mean cosine of features in phase 1 and after it, with intervals over replicates.

    Phase 1 of a network ends at the last recorded step at which its loss had not left chance level; of one that
    never leaves, at the last step, and it counts for no change after. `start` and `peak` are of the mean curve,
    which may peak well before.

    Args:
        values: raw values of the cosine and of the waits.
        summary: says which learning rate was selected.

    Returns:
        A row a member, training setting and layer; empty where features were not looked at.
    """
    if not values["quantity"].isin(PHASES).any():
        return pd.DataFrame(columns=list(COLUMNS))
    keys = ["member", *training_axes(summary), "learning_rate"]
    waits = selected(values, summary, "phase1_steps")[[*keys, "draw", "value"]].rename(columns={"value": "end"})
    cosines = with_series(selected(values, summary, "feature_cosine")).merge(waits, on=[*keys, "draw"])
    cosines["ended"] = cosines["end"].notna()
    cosines["end"] = cosines["end"].fillna(float(cosines["step"].max()))
    found = []
    for (series, axis, along, layer), group in cosines.groupby(["series", "axis", "along", "layer"], sort=False):
        curves = group.pivot_table(index="draw", columns="step", values="value", dropna=False)
        steps = curves.columns.to_numpy(dtype=float)
        ends = group.groupby("draw")["end"].first().reindex(curves.index).to_numpy(dtype=float)
        ended = group.groupby("draw")["ended"].first().reindex(curves.index).to_numpy(dtype=bool)
        last = np.searchsorted(steps, ends, side="right") - 1
        table = curves.to_numpy(dtype=float)
        points = np.stack([table[:, 0], table[np.arange(len(table)), last], table[:, -1]])
        known = np.isfinite(points).all(axis=0)
        points = points[:, known]
        inside = paired_means(points[0], points[1])
        left = ended[known]
        after = paired_means(points[1, left], points[2, left])
        mean = np.nanmean(table, axis=0)
        peak = int(np.nanargmax(mean))
        place = (series, axis, along, layer, points.shape[1], mean[0], mean[peak], int(steps[peak]))
        found.append((*place, *inside[:3], *after[:3]))
    return pd.DataFrame(found, columns=list(COLUMNS))
