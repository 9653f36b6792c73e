"""How a study's rows fall into the lines of a chart: depth runs along the axis, all other axes name the line."""

from collections.abc import Sequence

import pandas as pd

MEMBER_AXES = ("activation", "initialization", "inputs", "outputs", "width", "budget")
"""Axes of families, besides depth."""

_NO_AXES = {"member", "parameters", "quantity", "layer", "step", "learning_rate", "depth", *MEMBER_AXES}
_NUMBERS = {
    "n",
    "mean",
    "std",
    "median",
    "q05",
    "q95",
    "ci_low",
    "ci_high",
    "draw",
    "value",
    "state",
    "x1",
    "x2",
    "series",
}


def training_axes(table: pd.DataFrame) -> list[str]:
    """The columns of training settings that a study varies, besides the learning rate."""
    return [name for name in table.columns if name not in _NO_AXES | _NUMBERS]


def with_series(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column `series` that joins all axes it varies but depth; the activation if none.

    Give it a whole table before rows are picked, so that a line has one name in every chart.
    """
    if "series" in table.columns:
        return table
    # A family without an axis (a width beside a budget) differs by that; a row without a training does not.
    varied = [name for name in MEMBER_AXES if name in table.columns and table[name].nunique(dropna=False) > 1]
    varied += [name for name in training_axes(table) if table[name].nunique() > 1]
    return table.assign(series=joined(table, varied or ["activation"]))


def joined(table: pd.DataFrame, columns: Sequence[str]) -> "pd.Series[str]":
    """Columns in words, one text a row: names as they are, numbers behind the name of what they count."""

    def words(row: tuple[object, ...]) -> str:
        named = zip(columns, row, strict=True)
        return ", ".join(_written(name, value) for name, value in named if not pd.isna(value))  # type: ignore[call-overload]

    rows = zip(*(table[column] for column in columns), strict=True) if columns else [()] * len(table)
    return pd.Series([words(row) for row in rows], index=table.index, dtype="str")


def _written(name: str, value: object) -> str:
    return value if isinstance(value, str) else f"{name} {value:g}"


def pick(summary: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """The rows of one quantity; of one that is recorded during training, those after the last step."""
    rows = summary[summary["quantity"] == quantity]
    return rows[rows["step"] == rows["step"].max()] if rows["step"].notna().any() else rows
