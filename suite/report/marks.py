"""Building blocks of charts: a quantity along an axis, by layer or by step, with interval and theory."""

from typing import Any

import altair as alt
import pandas as pd

from suite.analysis.divergence import with_diverged
from suite.analysis.series import pick, with_series
from suite.report.crosses import columns_of_diverged, mark_diverged, tooltip_of_diverged, with_diverged_text
from suite.report.looks import color, shape

Chart = Any
"""Any of Altair's charts, single or composed."""

WIDTH, HEIGHT = 300, 220
_MAX_TICKS = 16
"""Largest number of values of an axis that all have a tick."""

_NUMBER = "datum.value != 0 && abs(datum.value) < 0.001 ? format(datum.value, '~e') : format(datum.value, '.6~g')"
_ROUND = "indexof([1, 2, 5], round(datum.value / pow(10, floor(log(datum.value) / LN10 + 1e-6)))) >= 0"
_AXIS = alt.Axis(labelExpr=_NUMBER, tickCount=6, labelOverlap=True)
_LOG_AXIS = alt.Axis(
    labelExpr=f"{_ROUND} ? ({_NUMBER}) : ''",
    gridOpacity={"condition": {"test": _ROUND, "value": 1}, "value": 0},
    tickCount=6,
    labelOverlap="greedy",
    labelSeparation=4,
)
DECADES = alt.Axis(
    values=[0, *(base * 10**power for power in range(9) for base in (1, 3))], labelOverlap="greedy", labelSeparation=4
)
"""An axis of steps, which span powers of ten and start at 0 or 1."""

STATISTICS = ("mean", "median", "q05", "q95", "ci_low", "ci_high", "theory")
"""The columns of a summary in the unit of its quantity."""


def axis_of(scale: alt.Scale | None) -> alt.Axis:
    """Return the axis of a quantity; a logarithmic one labels only 1, 2 and 5 of each power of ten."""
    return _LOG_AXIS if scale is not None and scale.to_dict().get("type") == "log" else _AXIS


def has(summary: pd.DataFrame, quantity: str) -> bool:
    """Return whether the study has a quantity."""
    return bool((summary["quantity"] == quantity).any())


def rows_of(summary: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return a quantity's rows with their series; after the last step if it is recorded in training.

    They have the numbers of diverged runs and of all runs, for `mark_diverged`.
    """
    return with_diverged(with_series(pick(summary, quantity)), summary)


def positive(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows that a logarithmic axis can show."""
    return rows[rows[column] > 0]


def row(panels: list[Any]) -> Chart | None:
    """Join panels side by side, or one below the other if any is faceted; return None without panels.

    Panels with the same series share a legend. Otherwise each panel has its own scales, also beside panels without a
    legend, because Vega warns of a legend that is both shown and hidden.
    """
    if not panels:
        return None
    several = any(isinstance(panel, alt.FacetChart) for panel in panels)
    joined = alt.vconcat(*panels, spacing=24) if several else alt.hconcat(*panels, spacing=24)
    layers = [(panel.spec if isinstance(panel, alt.FacetChart) else panel).layer for panel in panels]
    # Reading the encoding itself is much faster than converting whole panels to dictionaries.
    colors = [layer[0].encoding.color.to_dict() for layer in layers]
    legends = [(color.get("sort"), color["legend"] is None) for color in colors]
    shared = all(legend == legends[0] for legend in legends)
    return joined if shared else joined.resolve_scale(color="independent", shape="independent")


def without_zero(rows: dict[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], str]:
    """Leave out panels in which every mean is 0, unless all panels are like that; return the rest and a note on them.

    Args:
        rows: The rows of each panel by its title.
    """
    shown = {title: found for title, found in rows.items() if not (found["mean"] == 0).all()} or rows
    absent = [title for title in rows if title not in shown]
    return shown, f"Not drawn, since every value is 0: {'; '.join(absent)}." if absent else ""


def with_note(chart: Any, note: str) -> Any:
    """Return a chart with a note that the page shows above it."""
    return chart.properties(usermeta={"note": note}) if note else chart


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with column types that Vega reads: text, and numbers where missing ones are null."""
    changed = table.copy()
    for name in changed.columns:
        if isinstance(changed[name].dtype, pd.CategoricalDtype):
            changed[name] = changed[name].astype(str)
        elif changed[name].dtype == "Int64":
            changed[name] = changed[name].astype(float)
    return changed


def columns_of(number: int) -> int:
    """Return the number of panels side by side.

    It is two or three, whichever leaves fewer empty places in the last row, and three if there are very many panels.
    """
    if number <= _MAX_COLUMNS or number > _MANY_PANELS:
        return min(number, _MAX_COLUMNS)
    return min((_MAX_COLUMNS, _MAX_COLUMNS - 1), key=lambda columns: -number % columns)


_MAX_COLUMNS, _MANY_PANELS = 3, 12


def ticks(values: "pd.Series[float]") -> alt.Axis:
    """Return an axis with ticks at the study's own values, or at round integers if these are too many."""
    own = sorted({float(value) for value in values.dropna()})
    if len(own) > _MAX_TICKS:
        return alt.Axis(labelExpr=_NUMBER, tickCount=7, tickMinStep=1, labelOverlap=True)
    return alt.Axis(labelExpr=_NUMBER, values=own, labelOverlap="greedy", labelSeparation=2)


def along(rows: pd.DataFrame) -> alt.X:
    """Return the study's main axis, from its smallest value to its largest, on a logarithmic scale."""
    scale = alt.Scale(type="log", base=2, nice=False, padding=8)
    return alt.X("along:Q", title=str(rows["axis"].iloc[0]), scale=scale, axis=ticks(rows["along"]))


def by_panel(chart: Any, rows: pd.DataFrame, field: str = "series") -> Any:
    """Split a chart into panels by series or by another column, in the order of the table."""
    names = list(dict.fromkeys(rows[field]))
    header = alt.Header(labelLimit=WIDTH + 20, labelFontSize=11, labelExpr="split(datum.label, ', ')")
    facet = alt.Facet(f"{field}:N", title=None, sort=names, header=header)
    panels = chart.facet(facet=facet, columns=columns_of(len(names)))
    # A shared axis would be drawn in the empty places of the last row, far from the first row.
    return panels.resolve_axis(x="independent") if len(names) > _MAX_COLUMNS else panels


def spread(rows: pd.DataFrame, chart: Any) -> Any:
    """Split a chart into panels if hues do not distinguish all series.

    Args:
        rows: The rows of the chart, with their series.
        chart: The chart with all rows in one panel.
    """
    return chart if rows["panel"].nunique() < 2 and not rows["panel"].iloc[0] else by_panel(chart, rows, "panel")


def _tooltip(rows: pd.DataFrame, *names: str) -> list[Any]:
    """Return the tooltip of a point: its series, the given columns, n, and the statistics that exist."""
    numbers = [alt.Tooltip(f"{name}:Q", format=".4g") for name in STATISTICS if rows[name].notna().any()]
    return ["series:N", *(f"{name}:Q" for name in names), "n:Q", *numbers, *tooltip_of_diverged(rows)]


def by_axis(
    rows: pd.DataFrame,
    title: str,
    scale: alt.Scale | None = None,
    median: bool = False,
    value: str = "mean",
    interval: bool | None = None,
) -> Any:
    """Draw a quantity along the study's main axis, one line per series, with 95% intervals.

    Theory is a line beside the points. If the study does not vary the main axis, the series are drawn one below the
    other.

    Args:
        rows: Rows of one quantity, with their series.
        title: Title of the quantity's axis.
        scale: Scale of that axis.
        median: Whether medians are drawn as well, as dashed lines.
        value: The statistic that is drawn.
        interval: Whether the summary's interval belongs to that statistic. Default: whether it is the mean.
    """
    closed = rows["ci_low"].notna() & rows["ci_high"].notna()
    interval = (value == "mean" if interval is None else interval) and bool(closed.any())
    if rows["along"].nunique() < 2:
        return _by_series(rows, title, scale, value, interval)
    shown = ["member", "series", "hue", "panel", "along", *STATISTICS, "n", *columns_of_diverged(rows), "parameters"]
    y = alt.Y(f"{value}:Q", title=title, scale=scale if scale is not None else alt.Undefined, axis=axis_of(scale))

    base = with_diverged_text(alt.Chart(plain(rows[shown])).encode(x=along(rows), color=color(rows)), rows)
    layers = [*_draw_lines(base, rows, y, value)]
    tooltip = _tooltip(rows, "along", "parameters")
    points = base.mark_point(filled=True, size=45, opacity=1)
    layers.append(points.encode(y=y, shape=shape(rows), tooltip=tooltip))
    if interval:
        layers.append(_draw_intervals(base, value).encode(y=alt.Y("ci_low:Q"), y2="ci_high:Q"))
    if median:
        layers.append(base.mark_line(strokeDash=[4, 3], opacity=0.8).encode(y=alt.Y("median:Q")))
    layers += mark_diverged(base, rows, value, tooltip, HEIGHT)
    return spread(rows, alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def _by_series(rows: pd.DataFrame, title: str, scale: alt.Scale | None, value: str, interval: bool) -> Any:
    """Draw a quantity by series: a point each with its interval, and a tick for theory."""
    shown = ["member", "series", "hue", "along", *STATISTICS, "n", *columns_of_diverged(rows), "parameters"]
    names = alt.Y("series:N", title=None, sort=None, axis=alt.Axis(labelLimit=420))
    base = with_diverged_text(alt.Chart(plain(rows[shown])).encode(y=names, color=color(rows, legend=False)), rows)
    x = alt.X(
        f"{value}:Q", title=title, scale=scale if scale is not None else alt.Scale(zero=False), axis=axis_of(scale)
    )
    second = shape(rows, legend=False)
    points = base.mark_point(filled=True, size=55, opacity=1)
    tooltip = _tooltip(rows, "parameters")
    layers = [points.encode(x=x, shape=second, tooltip=tooltip)]
    if interval:
        layers.append(_draw_intervals(base, value).encode(x=alt.X("ci_low:Q"), x2="ci_high:Q"))
    if _has_theory(rows, value):
        layers.append(base.mark_tick(thickness=2, color="black").encode(x=alt.X("theory:Q")))
    layers += mark_diverged(base, rows, value, tooltip, None)
    return alt.layer(*layers).properties(width=WIDTH, height=alt.Step(20))


def by_layer(rows: pd.DataFrame, title: str, scale: alt.Scale | None = None) -> Any:
    """Draw means of a quantity by layer, one color per series, with 95% intervals and theory as a line.

    Args:
        rows: Rows of one quantity, with their series; shares may have a column with the mean count.
        title: Title of the quantity's axis.
        scale: Scale of that axis.
    """
    counts = [name for name in rows.columns if name == "count"]
    shown = ["member", "series", "hue", "panel", "layer", *STATISTICS, *counts, "n", *columns_of_diverged(rows)]
    data = plain(rows[shown])
    y = alt.Y("mean:Q", title=title, scale=scale if scale is not None else alt.Undefined, axis=axis_of(scale))

    x = alt.X("layer:Q", title="layer", axis=ticks(data["layer"]), scale=alt.Scale(nice=False, padding=8, zero=False))
    base = with_diverged_text(alt.Chart(data).encode(x=x, color=color(rows)), rows)
    layers = [*_draw_lines(base, rows, y, "mean")]
    points = base.mark_point(filled=True, size=28, opacity=1)
    tooltip = _tooltip(rows, "layer", *counts)
    layers.append(points.encode(y=y, shape=shape(rows), tooltip=tooltip))
    layers += mark_diverged(base, rows, "mean", tooltip, HEIGHT)
    if rows["ci_low"].notna().any():
        layers.append(base.mark_rule().encode(y=alt.Y("ci_low:Q"), y2="ci_high:Q"))
    return spread(rows, alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def _draw_intervals(base: Any, value: str) -> Any:
    """Return the marks of intervals, without those of medians that have no upper end."""
    bounded = base.transform_filter("isValid(datum.ci_high)") if value == "median" else base
    return bounded.mark_rule()


def _has_theory(rows: pd.DataFrame, value: str) -> bool:
    """Return whether theory is drawn, which it is for means that have a theoretical value."""
    return value == "mean" and bool(rows["theory"].notna().any())


def _draw_lines(base: Any, rows: pd.DataFrame, y: alt.Y, value: str) -> list[Any]:
    """Return the lines: theory beside sampled points, or a line through the points if there is no theory.

    Where only some points have a theoretical value, a faint dashed line joins the others.
    """
    if not _has_theory(rows, value):
        return [base.mark_line().encode(y=y)]
    theory = y.copy()
    theory.shorthand = "theory:Q"
    known = base.transform_filter("isValid(datum.theory)").mark_line().encode(y=theory)
    unknown = base.transform_filter("!isValid(datum.theory)").mark_line(strokeDash=[2, 3], opacity=0.6).encode(y=y)
    return [known, unknown] if rows["theory"].isna().any() else [known]


def by_step(
    rows: pd.DataFrame, title: str, colored: alt.Color, scale: alt.Scale | None = None, second: alt.Shape | None = None
) -> Any:
    """Draw means of a quantity by training step, with 95% bands; the chart can be split into panels.

    Args:
        rows: Rows with their series.
        title: Title of the quantity's axis.
        colored: Encoding by color.
        scale: Scale of the quantity's axis.
        second: Encoding by shape of the same field as the colors. None if colors encode a number by lightness.
    """
    data = plain(rows)
    base = alt.Chart(data).encode(
        x=alt.X("step:Q", title="step", scale=alt.Scale(type="symlog", constant=1), axis=DECADES), color=colored
    )
    base = with_diverged_text(base, rows)
    y = alt.Y("mean:Q", title=title, scale=scale if scale is not None else alt.Undefined, axis=axis_of(scale))
    names = [name for name in ("series", "along", "layer", "quantity") if name in data.columns]
    tooltip = [*names, "step:Q", alt.Tooltip("mean:Q", format=".4f"), "n:Q", *tooltip_of_diverged(rows)]
    line = base.mark_line(clip=True).encode(y=y)
    shaped = {} if second is None else {"shape": second}
    points = base.mark_point(filled=True, size=16, opacity=1, clip=True).encode(y=y, tooltip=tooltip, **shaped)
    # A logarithmic axis starts at the smallest mean, below which an interval may extend, also to 0.
    low = f"max(datum.ci_low, {scale.domain[0]})" if axis_of(scale) is _LOG_AXIS else "datum.ci_low"  # type: ignore[union-attr]
    band = base.transform_calculate(low=low).mark_area(opacity=0.15, clip=True)
    band = band.encode(y=alt.Y("low:Q", title=title), y2="ci_high:Q")
    ends = rows[rows["step"] == rows["step"].max()]
    last = base.transform_filter(f"datum.step == {rows['step'].max()}")
    domain = None if scale is None else scale.to_dict().get("domain")
    by_color: Any = colored.to_dict()
    crosses = mark_diverged(last, ends, "mean", tooltip, HEIGHT, domain, by_color["field"])
    return alt.layer(band, line, points, *crosses).properties(width=WIDTH, height=HEIGHT)
