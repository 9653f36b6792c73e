"""How a study's rows fall into the lines of a chart: one axis runs along, all others name the line."""

from collections.abc import Sequence

import pandas as pd

ALONG = ("depth", "width")
"""Axes that can run along a chart: the one that the study varies most, depth if both alike."""

MEMBER_AXES = (
    "activation",
    "initialization",
    "inputs",
    "outputs",
    "depth",
    "width",
    "budget",
    "normalization",
    "residual",
)
"""Axes of families."""

MOST = 8
"""Lines in a panel, at most; more are spread over panels."""

_NO_AXES = {"member", "parameters", "quantity", "layer", "step", "learning_rate", "method", *MEMBER_AXES}
_NUMBERS = {
    "n",
    "mean",
    "std",
    "median",
    "q05",
    "q95",
    "ci_low",
    "ci_high",
    "theory",
    "z",
    "relative_difference",
    "draw",
    "value",
    "state",
    "x1",
    "x2",
    "series",
    "hue",
    "panel",
    "along",
    "axis",
}


def training_axes(table: pd.DataFrame) -> list[str]:
    """The columns of training settings that a study varies, besides the learning rate."""
    return [name for name in table.columns if name not in _NO_AXES | _NUMBERS]


def main_axis(table: pd.DataFrame) -> str:
    """The axis that runs along a study's charts."""
    varied = {name: table[name].nunique() for name in ALONG if name in table.columns}
    return max(varied, key=lambda name: (varied[name], name == "depth"))


def with_series(table: pd.DataFrame) -> pd.DataFrame:
    """The table with what charts go by: `series` joins all axes it varies but the main one, the activation if none.

    `along` is the value of the main axis and `axis` its name. Where lines are too many for one panel, `hue` names
    the lines and `panel` the panels: members and training settings, or the axis of most values and the others.
    Give it a whole table before rows are picked, so that a line has one name in every chart.
    """
    if "series" in table.columns:
        return table
    axis = main_axis(table)
    # A family without an axis (a width beside a budget) differs by that; a row without a training does not.
    varied = [
        name for name in MEMBER_AXES if name != axis and name in table.columns and table[name].nunique(dropna=False) > 1
    ]
    trained = [name for name in training_axes(table) if table[name].nunique() > 1]
    along = table[axis].astype("Float64").astype(float)
    series, hue = joined(table, [*varied, *trained] or ["activation"]), joined(table, varied or ["activation"])
    split = trained
    if not (varied and trained and hue.nunique() <= MOST):
        largest = max([*varied, *trained] or ["activation"], key=lambda name: table[name].nunique())
        hue, split = joined(table, [largest]), [name for name in (*varied, *trained) if name != largest]
    return table.assign(series=series, hue=hue, panel=joined(table, split), along=along, axis=axis)


def by_member(rows: pd.DataFrame, statistic: str) -> "pd.Series[float]":
    """A statistic by member; of what a data-dependent member has for each task, the first task's."""
    return rows.drop_duplicates("member").set_index("member")[statistic]


def names_of_members(summary: pd.DataFrame) -> dict[str, str]:
    """What each member is called where charts go by member: its series and its place on the main axis."""
    rows = once(summary).drop_duplicates("member")
    called = rows["series"] + ", " + rows["axis"] + " " + rows["along"].map("{:g}".format)
    return dict(zip(rows["member"].astype(str), called, strict=True))


def in_words(pairs: Sequence[tuple[str, str]]) -> str:
    """Axes with their values, but for what is switched off."""
    return ", ".join(f"{name} {value}" for name, value in pairs if not _off(name, value))


def once(table: pd.DataFrame) -> pd.DataFrame:
    """Untrained quantities with series that name no training setting: a data-dependent member is measured once a task.

    The first task's rows stand for all.
    """
    first = table.drop_duplicates(["member", "quantity", "layer"])
    return with_series(
        first.drop(columns=[*training_axes(table), "series", "hue", "panel", "along", "axis"], errors="ignore")
    )


def joined(table: pd.DataFrame, columns: Sequence[str]) -> "pd.Series[str]":
    """Columns in words, one text a row: names as they are, numbers behind the name of what they count.

    What is switched off is left out, unless nothing else is left to say.
    """

    def words(row: tuple[object, ...]) -> str:
        named = [(name, value) for name, value in zip(columns, row, strict=True) if not pd.isna(value)]  # type: ignore[call-overload]
        said = [pair for pair in named if not _off(*pair)]
        return ", ".join(_written(name, value) for name, value in said or named)

    rows = zip(*(table[column] for column in columns), strict=True) if columns else [()] * len(table)
    return pd.Series([words(row) for row in rows], index=table.index, dtype="str")


_OFF = {"normalization": ("none",), "residual": ("no",), "momentum": (0, "0.0"), "weight_decay": (0, "0.0")}


def _off(name: str, value: object) -> bool:
    return value in _OFF.get(name, ())


def _written(name: str, value: object) -> str:
    if name == "residual":
        return "residual" if value == "yes" else "plain"
    if name == "normalization":
        return f"{value} normalization"
    return value if isinstance(value, str) else f"{name} {value:g}"


def pick(summary: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """The rows of one quantity; of one that is recorded during training, those after the last step."""
    rows = summary[summary["quantity"] == quantity]
    return rows[rows["step"] == rows["step"].max()] if rows["step"].notna().any() else rows


def selected(measurements: pd.DataFrame, summary: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """The raw values of one quantity at the learning rates that the summary kept."""
    keys = ["member", "learning_rate", *training_axes(summary)]
    kept = summary.loc[summary["quantity"] == quantity, keys].drop_duplicates()
    return measurements[measurements["quantity"] == quantity].merge(kept, on=keys)
