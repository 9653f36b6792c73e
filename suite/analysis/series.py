"""Assign the rows of tables to lines of charts: one axis runs along a line, all others name it."""

from collections.abc import Sequence

import pandas as pd

_ALONG = ("depth", "width")
"""Axes that can run along a chart: the one with the most values does, depth if both have equally many."""

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
    "readout_std",
)
"""The axes of families."""

MOST = 8
"""Maximum number of lines in a panel; more lines are spread over several panels."""

_PLACED = ("series", "hue", "cue", "panel", "along", "axis")
"""The columns that `with_series` adds for charts."""

_NO_AXES = {"member", "parameters", "quantity", "layer", "step", "learning_rate", "method", *MEMBER_AXES}
"""Columns that identify a row but are not training settings."""

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
    "lost",
    "runs",
    "layer_width",
    *_PLACED,
}
"""Columns of values and of charts, which are not training settings either."""


def training_axes(table: pd.DataFrame) -> list[str]:
    """Return the columns of the training settings that a study varies, except the learning rate."""
    return [name for name in table.columns if name not in _NO_AXES | _NUMBERS]


def main_axis(table: pd.DataFrame) -> str:
    """Return the axis that runs along the charts of a study."""
    varied = {name: table[name].nunique() for name in _ALONG if name in table.columns}
    return max(varied, key=lambda name: (varied[name], name == "depth"))


def with_series(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the columns that charts are drawn by.

    `series` joins the values of all varied axes except the main one; it is the activation if there are none. `along` is
    the value of the main axis and `axis` its name. `hue` names the lines of a panel, and `panel` names the panels. The
    hue joins the varied axes of members, or those of training if no other varies; if these give more than `MOST` lines,
    it is the one of these axes that has the most values. The panel joins all other varied axes. `cue` is the index of
    the hue among all hues of the study and determines colors, shapes and dashes.

    Pass a whole table before rows are picked, so that a line has the same name and appearance in every chart.
    """
    if "series" in table.columns:
        return table
    axis = main_axis(table)
    # A missing value is a value of a member axis (a width where others have a budget), but not of a training setting.
    varied = [
        name for name in MEMBER_AXES if name != axis and name in table.columns and table[name].nunique(dropna=False) > 1
    ]
    trained = [name for name in training_axes(table) if table[name].nunique() > 1]
    along = table[axis].astype("Float64").astype(float)
    series = _named(joined(table, [*varied, *trained]), table)
    # Colors stand for axes of members if any vary, so that a network looks the same untrained and trained.
    lines = varied or trained
    if joined(table, lines).nunique() > MOST:
        lines = [max(lines, key=lambda name: table[name].nunique())]
    hue = _named(joined(table, lines), table)
    panel = joined(table, [name for name in (*varied, *trained) if name not in lines])
    return table.assign(series=series, hue=hue, cue=pd.factorize(hue)[0], panel=panel, along=along, axis=axis)


def _named(words: "pd.Series[str]", table: pd.DataFrame) -> "pd.Series[str]":
    """Replace empty names by the activation, as for untrained rows if only training settings vary."""
    return words.where(words != "", joined(table, ["activation"]))


def by_member(rows: pd.DataFrame, statistic: str) -> "pd.Series[float]":
    """Return a statistic by member; for a data-dependent member, that of its first task."""
    return rows.drop_duplicates("member").set_index("member")[statistic]


def with_layer_widths(summary: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Return the summary with the width of the layer of each row, missing if the row has no layer."""
    widths = dict(zip(members["member"], members["widths"].str.split(), strict=True))
    layers = zip(summary["member"], summary["layer"], strict=True)
    return summary.assign(
        layer_width=[float("nan") if pd.isna(layer) else float(widths[member][layer]) for member, layer in layers]
    )


def names_of_members(summary: pd.DataFrame) -> dict[str, str]:
    """Return the name of each member in charts: its series and its value on the main axis."""
    rows = once(summary).drop_duplicates("member")
    called = rows["series"] + ", " + rows["axis"] + " " + rows["along"].map("{:g}".format)
    return dict(zip(rows["member"].astype(str), called, strict=True))


def in_words(pairs: Sequence[tuple[str, str]]) -> str:
    """Format axes with their values as text; settings that are switched off are left out."""
    return ", ".join(f"{name} {value}" for name, value in pairs if not _off(name, value))


def once(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per member, untrained quantity and layer, with series that name no training setting.

    A data-dependent member is measured once per task; the rows of the first task stand for all of them. Pass a whole
    table, as to `with_series`.
    """
    first = table.drop_duplicates(["member", "quantity", "layer"])
    return with_series(first.drop(columns=[*training_axes(table), *_PLACED], errors="ignore"))


def joined(table: pd.DataFrame, columns: Sequence[str]) -> "pd.Series[str]":
    """Join columns into one text per row: text as it is, numbers after the name of their column.

    Missing values are left out. So are settings that are switched off, unless all of them are.
    """

    def words(row: tuple[object, ...]) -> str:
        named = [(name, value) for name, value in zip(columns, row, strict=True) if not pd.isna(value)]  # type: ignore[call-overload]
        shown = [pair for pair in named if not _off(*pair)]
        return ", ".join(_written(name, value) for name, value in shown or named)

    if not columns or table.empty:
        return pd.Series([""] * len(table), index=table.index, dtype="str")
    # Tables have many rows and few settings, so that each combination is joined only once.
    groups = table.groupby(list(columns), sort=False, dropna=False, observed=True).ngroup()
    first = ~groups.duplicated()
    rows = zip(*(table.loc[first, column] for column in columns), strict=True)
    texts = dict(zip(groups[first], map(words, rows), strict=True))
    return groups.map(texts).astype("str")


_OFF = {
    "normalization": ("none",),
    "residual": ("no",),
    "momentum": (0, "0.0"),
    "weight_decay": (0, "0.0"),
    "schedule": ("constant",),
    "warmup": (0, "0", "0.0"),
}
"""Values of settings that switch them off."""


def _off(name: str, value: object) -> bool:
    return value in _OFF.get(name, ())


def _written(name: str, value: object) -> str:
    if name == "residual":
        return "residual" if value == "yes" else "no residual"
    if name == "normalization":
        return f"{value} normalization"
    return value if isinstance(value, str) else f"{name} {value:g}"


def pick(summary: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return the rows of one quantity; if it is recorded during training, only those after the last step."""
    rows = summary[summary["quantity"] == quantity]
    return rows[rows["step"] == rows["step"].max()] if rows["step"].notna().any() else rows


def selected(measurements: pd.DataFrame, summary: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return the raw values of one quantity at the learning rates that the summary has.

    They get the chart columns of the summary, if it has any.
    """
    keys = ["member", "learning_rate", *training_axes(summary)]
    placed = [name for name in _PLACED if name in summary.columns]
    chosen = summary.loc[summary["quantity"] == quantity, [*keys, *placed]].drop_duplicates()
    return measurements[measurements["quantity"] == quantity].merge(chosen, on=keys)
