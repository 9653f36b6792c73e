"""Tables made up of draws whose truth is known."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from suite.analysis.points import Tables
from suite.catalog.quantities import QUANTITIES
from suite.statistics.summary import STATISTICS, summarize

Row = tuple[dict[str, Any], str, np.ndarray, float]
"""A member's axes, a quantity, its draws, and what theory says."""


def member(quantity: str, draws: Iterable[float], theory: float = np.nan, **axes: Any) -> Row:
    """All draws of one quantity of one member."""
    return axes, quantity, np.asarray(list(draws), dtype=float), theory


def tables_of(rows: Sequence[Row]) -> Tables:
    """What a run would have written, as far as claims look at it."""
    summaries, values = [], []
    for axes, quantity, draws, theory in rows:
        name = repr(sorted(axes.items()))
        known = {"member": name, **axes, "quantity": quantity, "layer": pd.NA, "step": pd.NA, "learning_rate": np.nan}
        found = summarize(draws[:, None], QUANTITIES[quantity].kind)
        summaries.append({**known, **{key: found[key][0] for key in STATISTICS}, "theory": theory})
        numbers = range(len(draws)) if len(draws) > 1 else [np.nan]  # one number is the architecture's own
        values += [{**known, "draw": draw, "value": value} for draw, value in zip(numbers, draws, strict=True)]
    raw = pd.DataFrame(values)
    return Tables(
        pd.DataFrame(summaries),
        lambda quantities: raw[raw["quantity"].isin(quantities)],
        _members(pd.DataFrame(summaries)),
    )


def _members(summary: pd.DataFrame) -> pd.DataFrame:
    """One row per member, with widths of 8 and 100 parameters."""
    found = summary.drop_duplicates("member").assign(parameters=100)
    depths = found["depth"] if "depth" in found else pd.Series(1, index=found.index)
    widths = [" ".join(["2", *["8"] * int(depth), "1"]) for depth in depths]
    axes = [name for name in ("depth", "activation") if name in found]
    return found[["member", *axes, "parameters"]].assign(widths=widths)
