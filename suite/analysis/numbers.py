"""Compare the numbers of two runs: which are identical, and which differ beyond chance."""

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
from suite.statistics.multiple_tests import ALPHA, holm

_IDENTICAL = 1e-9
"""Largest relative difference of means that counts as rounding."""

_EXACT = {quantity for measure in MEASURES.values() if not measure.sampled for quantity in measure.quantities}
"""Quantities without random draws, for which no difference is due to chance."""


@dataclass(frozen=True)
class Numbers:
    """The comparison of the numbers of two runs.

    Attributes:
        compared: The number of means and frequencies that both runs have.
        only_first: The number of those that only the first run has.
        only_second: The number of those that only the second run has.
        identical: The number of those that are equal except for rounding.
        beyond_chance: Those that differ beyond chance, corrected for all that are not identical (Holm), with the
            columns `setting`, `mean_first`, `mean_second` and `p`, smallest p-value first.
    """

    compared: int
    only_first: int
    only_second: int
    identical: int
    beyond_chance: pd.DataFrame


def numbers_of(first: pd.DataFrame, second: pd.DataFrame) -> Numbers:
    """Compare the means and frequencies of two summaries, setting by setting."""
    one, other = _means_by_setting(first), _means_by_setting(second)
    both = one.merge(other, on=["setting", "quantity"], suffixes=("_first", "_second"))
    scale = np.maximum(both["mean_first"].abs(), both["mean_second"].abs())
    same = (both["mean_first"] - both["mean_second"]).abs() <= _IDENTICAL * scale
    return Numbers(
        len(both), len(one) - len(both), len(other) - len(both), int(same.sum()), _beyond_chance(both[~same])
    )


def _means_by_setting(summary: pd.DataFrame) -> pd.DataFrame:
    """Return means, n and std by a name of the setting that does not depend on the table's layout."""
    axes = [name for name in ("learning_rate", "layer", "step", *axes_of(summary)) if name in summary.columns]
    named = sorted(name for name in axes if name not in ("depth", "activation", "initialization"))

    def setting(row: Mapping[Any, Any]) -> str:
        others = [f"{name} {_format_value(row[name])}" for name in named if not pd.isna(row[name])]
        return ", ".join(
            [f"{row['quantity']} of {row['activation']}, depth {row['depth']}, {row['initialization']}", *others]
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


def kind_of(rows: pd.DataFrame, quantity: str) -> str:
    """Return the kind of a quantity from the catalog, or infer it from intervals if its plug-in is not loaded.

    Args:
        rows: The rows of the quantity in a summary.
        quantity: Its name.
    """
    if quantity in QUANTITIES:
        return QUANTITIES[quantity].kind
    known = rows[rows["mean"].notna()]
    return "frequency" if len(known) and are_frequencies(known).all() else "value"


def are_frequencies(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return whether each mean is the frequency of an event.

    The catalog contains the kind of each quantity. A quantity of a plug-in that is not loaded is a frequency if its
    interval is Wilson's, which no other kind has.

    Args:
        rows: Rows of a summary.
    """
    kinds = [QUANTITIES[name].kind if name in QUANTITIES else None for name in rows["quantity"]]
    events, is_unknown = (np.array([kind == which for kind in kinds], dtype=bool) for which in ("frequency", None))
    if is_unknown.any():
        mean, n, low, high = (rows[name].to_numpy(float)[is_unknown] for name in ("mean", "n", "ci_low", "ci_high"))
        expected = wilson(np.clip(mean, 0, 1) * n, n)
        events[is_unknown] = np.abs(np.array([low, high]) - expected).max(axis=0) < _IDENTICAL
    return events


def _format_value(value: Any) -> str:
    """Format the value of a setting, alike for columns of integers and of floats."""
    return str(value) if isinstance(value, str) else f"{value:.10g}"


def _beyond_chance(numbers: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers that differ beyond chance, with Holm's correction, smallest p-value first."""
    events = numbers["event_first"].to_numpy(bool) & numbers["event_second"].to_numpy(bool)
    p = np.empty(len(numbers))
    for test, rows in ((p_of_frequencies, events), (p_of_means, ~events)):
        p[rows] = test(_samples(numbers[rows], "first"), _samples(numbers[rows], "second"))
    p = np.where(numbers["quantity"].isin(_EXACT), 0.0, np.nan_to_num(p, nan=1.0))
    found = numbers.assign(p=holm(p))[["setting", "mean_first", "mean_second", "p"]]
    return found[found["p"] <= ALPHA].sort_values("p").reset_index(drop=True)


def _samples(numbers: pd.DataFrame, which: str) -> Sample:
    return Sample(*(numbers[f"{name}_{which}"].to_numpy(float) for name in ("mean", "std", "n")))
