"""How a study's rows fall into the lines of a chart: one axis runs along, all others name the line."""

from collections.abc import Sequence

import pandas as pd

_ALONG = ("depth", "width")
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

_PLACED = ("series", "hue", "cue", "panel", "along", "axis")
"""The columns that charts go by."""

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
    *_PLACED,
}


def training_axes(table: pd.DataFrame) -> list[str]:
    """The columns of training settings that a study varies, besides the learning rate."""
    return [name for name in table.columns if name not in _NO_AXES | _NUMBERS]


def main_axis(table: pd.DataFrame) -> str:
    """The axis that runs along a study's charts."""
    varied = {name: table[name].nunique() for name in _ALONG if name in table.columns}
    return max(varied, key=lambda name: (varied[name], name == "depth"))


def with_series(table: pd.DataFrame) -> pd.DataFrame:
    """The table with what charts go by: `series` joins all axes it varies but the main one, the activation if none.

    `along` is the value of the main axis and `axis` its name. `hue` names the lines of a panel and `panel` the panels:
    members and training settings, or, of too many members, the axis of most values and all others. `cue` is the place
    of the hue among all those of the study: what colors, shapes and dashes go by. Give it a whole table before rows
    are picked, so that a line has one name, and one look, in every chart.
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
    series = _named(joined(table, [*varied, *trained]), table)
    # What a network is has a color before how it is trained has one: untrained and trained it looks the same.
    lines = varied or trained
    if joined(table, lines).nunique() > MOST:
        lines = [max(lines, key=lambda name: table[name].nunique())]
    hue = _named(joined(table, lines), table)
    panel = joined(table, [name for name in (*varied, *trained) if name not in lines])
    return table.assign(series=series, hue=hue, cue=pd.factorize(hue)[0], panel=panel, along=along, axis=axis)


def _named(words: "pd.Series[str]", table: pd.DataFrame) -> "pd.Series[str]":
    """Rows that have nothing of what is varied, as untrained ones where trainings alone are, go by their activation."""
    return words.where(words != "", joined(table, ["activation"]))


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

    The first task's rows stand for all. Give it a whole table, for the reason that `with_series` has.
    """
    first = table.drop_duplicates(["member", "quantity", "layer"])
    return with_series(first.drop(columns=[*training_axes(table), *_PLACED], errors="ignore"))


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
    """The raw values of one quantity at the learning rates that the summary kept, placed as the summary's rows are."""
    keys = ["member", "learning_rate", *training_axes(summary)]
    placed = [name for name in _PLACED if name in summary.columns]
    kept = summary.loc[summary["quantity"] == quantity, [*keys, *placed]].drop_duplicates()
    return measurements[measurements["quantity"] == quantity].merge(kept, on=keys)
