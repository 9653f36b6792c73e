"""The chart of what no chart is made for: scores, a plug-in's measure, and whatever else a measure gives."""

from collections.abc import Iterable, Sequence

import altair as alt
import pandas as pd

from suite.analysis.numbers import are_frequencies
from suite.catalog.charts import CHARTS, charts
from suite.catalog.measures import MEASURES
from suite.catalog.quantities import QUANTITIES
from suite.report.marks import Chart, by_axis, by_layer, row, rows_of
from suite.report.scales import scale_of


def undrawn(summary: pd.DataFrame, drawn: Iterable[str]) -> dict[str, list[str]]:
    """The quantities that a study has and these charts do not show, by the chart that is to show them.

    Args:
        summary: statistics over draws.
        drawn: names of the study's charts that are made for what they show.
    """
    shown = {quantity for name in drawn for quantity in CHARTS[name].quantities}
    owners = {quantity: name for name, measure in MEASURES.items() for quantity in measure.quantities}
    names = {chart.of: name for name, chart in charts().items() if chart.of}
    found: dict[str, list[str]] = {}
    for quantity in dict.fromkeys(summary["quantity"].astype(str)):
        if quantity not in shown:
            # A plug-in that is not taken up here gave its measure's name to the quantity, and to the chart.
            owner = owners.get(quantity)
            found.setdefault(names.get(owner, f"{owner}_more") if owner else quantity, []).append(quantity)
    return found


def measured(summary: pd.DataFrame, quantities: Sequence[str]) -> Chart:
    """Quantities along the study's main axis, a panel each; what has layers, through those of the deepest members."""
    rows = {quantity: rows_of(summary, quantity) for quantity in quantities}
    kinds = {quantity: _kind(found, quantity) for quantity, found in rows.items()}
    panels = [
        _panel(found, quantity, kinds[quantity])
        for quantity, found in rows.items()
        if found[_statistic(kinds[quantity])].notna().any()
    ]
    if panels:
        return row(panels)
    said = pd.DataFrame({"said": [f"There are no finite numbers of {', '.join(quantities)}."]})
    return alt.Chart(said).mark_text().encode(text="said:N")


def _statistic(kind: str) -> str:
    """Waits have no mean."""
    return "median" if kind == "time" else "mean"


def _kind(rows: pd.DataFrame, quantity: str) -> str:
    """As the catalog says; of a plug-in that is not taken up here, by its intervals."""
    if quantity in QUANTITIES:
        return QUANTITIES[quantity].kind
    known = rows[rows["mean"].notna()]
    return "frequency" if len(known) and are_frequencies(known).all() else "value"


def _panel(rows: pd.DataFrame, quantity: str, kind: str) -> Chart:
    statistic = _statistic(kind)
    scale = alt.Scale(domain=[0, 1]) if kind == "frequency" else scale_of(rows, statistic)
    if rows["layer"].notna().any():
        for axis in ("depth", "along"):
            rows = rows[rows[axis] == rows.groupby("series")[axis].transform("max")]
        return by_layer(rows, quantity, scale)
    return by_axis(rows, quantity, scale, median=kind == "value", value=statistic, interval=True)
