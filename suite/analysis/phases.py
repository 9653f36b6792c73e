"""What happens to features in phase 1, and after it: their mean cosine's course, and its changes."""

from typing import Any

import numpy as np
import pandas as pd

from suite.analysis.series import selected, with_series
from suite.catalog.charts.facts import PHASES
from suite.results.schema import PHASE_COLUMNS
from suite.statistics.paired import paired_means


def phases_table(values: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Change of the mean cosine of features in phase 1 and after it, with intervals over replicates.

    Of a network that never leaves phase 1 all is in it, and it counts for no change after; one that diverges counts for
    none that it did not live to see. `start` and `peak` are of the mean curve, which may peak well before phase 1 ends;
    `n` networks are what the change in phase 1 is of.

    Args:
        values: raw values of the cosine and of its changes.
        summary: says which learning rate was selected.

    Returns:
        A row a member, training setting and layer; empty where features were not looked at.
    """
    if not values["quantity"].isin([PHASES.early, PHASES.late]).any():
        return pd.DataFrame(columns=list(PHASE_COLUMNS))
    curves, early, late = (_by_place(values, summary, name) for name in PHASES.quantities)
    found = []
    for place, curve in curves.items():
        mean = curve.groupby("step")["value"].mean()
        peak = int(mean.to_numpy(dtype=float).argmax())
        inside, after = (_change(changes[place]) for changes in (early, late))
        known = int(early[place]["value"].notna().sum())
        found.append((*place, known, mean.iloc[0], mean.iloc[peak], int(mean.index[peak]), *inside, *after))
    return pd.DataFrame(found, columns=list(PHASE_COLUMNS))


def _by_place(values: pd.DataFrame, summary: pd.DataFrame, quantity: str) -> dict[tuple[Any, ...], pd.DataFrame]:
    rows = with_series(selected(values, summary, quantity))
    return {tuple(place): group for place, group in rows.groupby([*tuple(PHASE_COLUMNS)[:4]], sort=False)}


def _change(rows: pd.DataFrame) -> tuple[float, float, float]:
    changes = rows["value"].dropna().to_numpy(dtype=float)
    return paired_means(np.zeros_like(changes), changes)[:3]
