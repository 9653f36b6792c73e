"""The numbers of two runs side by side: which both have, which are the same, and which differ beyond chance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.analysis.points import axes_of
from suite.catalog.measures import MEASURES
from suite.catalog.quantities import QUANTITIES
from suite.statistics.agreement import Sample, p_of_frequencies, p_of_means
from suite.statistics.intervals import wilson
from suite.statistics.multiple_tests import holm

LEVEL = 0.05
"""Of all numbers of a study together."""

_IDENTICAL = 1e-9
"""Means that are nearer to each other than this, relatively, are the same but for rounding."""

_EXACT = {
    quantity
    for measure in MEASURES.values()
    if measure.inputs != "training" and not {"draws", "replicates"} & set(measure.settings.model_fields)
    for quantity in measure.quantities
}
"""Quantities that nothing is drawn for: no difference is chance."""


@dataclass(frozen=True)
class Numbers:
    """Of two runs.

    Attributes:
        compared: how many both have.
        only_first: how many only the first has.
        only_second: how many only the second has.
        identical: how many are the same but for rounding.
        beyond_chance: the others whose difference exceeds chance, corrected for all of them, the surest first.
    """

    compared: int
    only_first: int
    only_second: int
    identical: int
    beyond_chance: pd.DataFrame


def numbers_of(first: pd.DataFrame, second: pd.DataFrame) -> Numbers:
    """Two summaries' means and frequencies, setting by setting."""
    one, other = _named(first), _named(second)
    both = one.merge(other, on=["setting", "quantity"], suffixes=("_first", "_second"))
    scale = np.maximum(both["mean_first"].abs(), both["mean_second"].abs())
    same = (both["mean_first"] - both["mean_second"]).abs() <= _IDENTICAL * scale
    return Numbers(
        len(both), len(one) - len(both), len(other) - len(both), int(same.sum()), _beyond_chance(both[~same])
    )


def _named(summary: pd.DataFrame) -> pd.DataFrame:
    """Means with their errors, by a name of their setting that does not depend on how tables are laid out."""
    axes = [name for name in ("learning_rate", "layer", "step", *axes_of(summary)) if name in summary.columns]
    named = sorted(name for name in axes if name not in ("depth", "activation", "initialization"))

    def setting(row: Mapping[Any, Any]) -> str:
        told = [f"{name} {_told(row[name])}" for name in named if not pd.isna(row[name])]
        return ", ".join(
            [f"{row['quantity']} of {row['activation']}, depth {row['depth']}, {row['initialization']}", *told]
        )

    rows = summary.dropna(subset=["mean"])
    return pd.DataFrame(
        {
            "setting": [setting(row) for row in rows.to_dict("records")],
            "quantity": rows["quantity"].astype(str).to_numpy(),
            **{name: rows[name].to_numpy(float) for name in ("n", "mean", "std")},
            "event": are_frequencies(rows),
        }
    ).drop_duplicates("setting")


def are_frequencies(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether means are those of events: as the catalog says; of a plug-in that is not here, by the interval.

    It is Wilson's, which no other quantity has.

    Args:
        rows: of a summary.
    """
    kinds = [QUANTITIES[name].kind if name in QUANTITIES else None for name in rows["quantity"]]
    events, strange = (np.array([kind == which for kind in kinds], dtype=bool) for which in ("frequency", None))
    if strange.any():
        mean, n, low, high = (rows[name].to_numpy(float)[strange] for name in ("mean", "n", "ci_low", "ci_high"))
        expected = wilson(np.clip(mean, 0, 1) * n, n)
        events[strange] = np.abs(np.array([low, high]) - expected).max(axis=0) < _IDENTICAL
    return events


def _told(value: Any) -> str:
    """A setting, whether its column is of whole numbers or not."""
    return str(value) if isinstance(value, str) else f"{value:.10g}"


def _beyond_chance(numbers: pd.DataFrame) -> pd.DataFrame:
    events = numbers["event_first"].to_numpy(bool) & numbers["event_second"].to_numpy(bool)
    p = np.empty(len(numbers))
    for test, rows in ((p_of_frequencies, events), (p_of_means, ~events)):
        p[rows] = test(_samples(numbers[rows], "first"), _samples(numbers[rows], "second"))
    p = np.where(numbers["quantity"].isin(_EXACT), 0.0, np.nan_to_num(p, nan=1.0))
    found = numbers.assign(p=holm(p))[["setting", "mean_first", "mean_second", "p"]]
    return found[found["p"] <= LEVEL].sort_values("p").reset_index(drop=True)


def _samples(numbers: pd.DataFrame, which: str) -> Sample:
    return Sample(*(numbers[f"{name}_{which}"].to_numpy(float) for name in ("mean", "std", "n")))
