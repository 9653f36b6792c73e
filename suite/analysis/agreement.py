"""Compare sampled quantities with their theoretical values."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from suite.analysis.series import with_series
from suite.catalog.charts.facts import THEORIES
from suite.results.schema import AGREEMENT_COLUMNS

Z_LIMIT = 4.0
"""The largest absolute z-score that counts as agreement with theory."""

MANY_DRAWS = 100
"""Minimum number of draws for a verdict: with fewer, standard errors of heavy-tailed quantities are too small."""

_ROUNDING = 1e-12
"""A cosine that is closer to 1 than this differs from 1 by rounding only."""


def agreement_table(summary: pd.DataFrame, quantities: Sequence[str]) -> pd.DataFrame:
    """Compare samples with theory: by z-scores where they are defined, by relative differences elsewhere.

    Args:
        summary: Statistics over draws.
        quantities: The quantities to compare, in the order of the rows.

    Returns:
        One row per quantity and series, in the columns of `AGREEMENT_COLUMNS`. `largest_z` is over `tested` values
        and `largest_relative`, a ratio, over `compared` values; both are nan if there are none.
    """
    named = with_series(summary)
    rows = []
    for quantity in quantities:
        limit = quantity in THEORIES and THEORIES[quantity].limit
        found = named[(named["quantity"] == quantity) & named["theory"].notna()]
        for series, group in found.groupby("series", sort=False):
            scores, relative = group["z"].abs().dropna(), _relative(group, limit)
            rows.append(
                (
                    quantity,
                    str(series),
                    _verdict(group, scores, relative, limit),
                    len(group),
                    len(scores),
                    scores.max() if len(scores) else np.nan,
                    len(relative),
                    relative.max() if len(relative) else np.nan,
                    "yes" if limit else "no",
                )
            )
    return pd.DataFrame(rows, columns=list(AGREEMENT_COLUMNS))


def _verdict(group: pd.DataFrame, scores: "pd.Series[float]", relative: "pd.Series[float]", limit: bool) -> str:
    if group["n"].min() < MANY_DRAWS:
        return "too few draws"
    if scores.empty:
        return "finite width" if len(relative) else "undecided"
    verdict = "agrees" if scores.max() <= Z_LIMIT else "finite width" if limit else "departs"
    return verdict + (f" where tested ({len(scores)} of {len(group)})" if len(scores) < len(group) else "")


def _relative(group: pd.DataFrame, limit: bool) -> "pd.Series[float]":
    """Return the absolute relative differences of values without a z-score; for cosines, those of 1 - c."""
    if not limit:
        return group["relative_difference"].abs().dropna()
    untested = group[group["z"].isna() & (1 - group["theory"] > _ROUNDING)]
    return ((untested["theory"] - untested["mean"]) / (1 - untested["theory"])).abs().dropna()
