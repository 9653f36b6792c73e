"""Charts of quantities along the main axis, also of those that no designed chart draws."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import altair as alt
import pandas as pd

from suite.analysis.numbers import kind_of
from suite.catalog.charts import CHARTS, charts, declare_measured
from suite.catalog.charts.declaration import ChartDeclaration
from suite.catalog.measures import MEASURES, Measure
from suite.catalog.quantities import QUANTITIES, Quantity
from suite.report.looks import named_scale, scale_of
from suite.report.marks import STATISTICS, Chart, by_axis, by_layer, has, row, rows_of, with_note, without_zero


def draw_panels(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw each of the chart's quantities that the study has along the main axis, one panel each."""
    rows = {quantity: rows_of(summary, quantity) for quantity in chart.drawn if has(summary, quantity)}
    names = {
        chart.drawn[quantity].label: quantity
        for quantity, found in rows.items()
        if found["mean"].any() or not chart.drawn[quantity].only_if_any
    }
    shown, note = without_zero({label: rows[quantity] for label, quantity in names.items()})
    panels = []
    for label, found in shown.items():
        drawn = chart.drawn[names[label]]
        panels.append(by_axis(found, label, named_scale(drawn.scale, found), median=drawn.median))
    return with_note(row(panels), note)


def draw_panel(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart | None:
    """Draw the only quantity of a chart along the main axis."""
    ((quantity, drawn),) = chart.drawn.items()
    return by_axis(rows_of(summary, quantity), drawn.label) if has(summary, quantity) else None


def declare_missing_charts(summary: pd.DataFrame, drawn: Iterable[str]) -> dict[str, ChartDeclaration]:
    """Return declarations of charts for the quantities of a study that the given charts do not draw.

    Args:
        summary: Statistics over draws.
        drawn: Names of the study's charts that are designed for the quantities that they draw.
    """
    shown = {quantity for name in drawn for quantity in CHARTS[name].quantities}
    owners = {quantity: name for name, measure in MEASURES.items() for quantity in measure.quantities}
    names = {chart.of: name for name, chart in charts().items() if chart.of}
    found: dict[str, list[str]] = {}
    for quantity in dict.fromkeys(summary["quantity"].astype(str)):
        if quantity not in shown:
            # The measure of a plug-in that is not loaded here has the name of its quantity, and so has the chart.
            owner = owners.get(quantity)
            found.setdefault(names.get(owner, f"{owner}_more") if owner else quantity, []).append(quantity)
    return {
        name: declare_measured(name, quantities, owners.get(quantities[0], "")) for name, quantities in found.items()
    }


def draw_measured(summary: pd.DataFrame, chart: ChartDeclaration) -> Chart:
    """Draw quantities along the main axis, one panel each.

    Quantities with layers are drawn by layer, for the deepest members.
    """
    rows = {quantity: rows_of(summary, quantity) for quantity in chart.drawn}
    kinds = {quantity: kind_of(found, quantity) for quantity, found in rows.items()}
    panels = [
        _draw_quantity(found, quantity, kinds[quantity])
        for quantity, found in rows.items()
        if found[_statistic(kinds[quantity])].notna().any()
    ]
    if panels:
        return row(panels)
    message = pd.DataFrame({"message": [f"There are no finite values of {', '.join(chart.drawn)}."]})
    return alt.Chart(message).mark_text().encode(text="message:N")


def _statistic(kind: str) -> str:
    """Return the statistic that is drawn; times to an event have no mean."""
    return "median" if kind == "time" else "mean"


def _draw_quantity(rows: pd.DataFrame, quantity: str, kind: str) -> Chart:
    """Draw one quantity, by layer if it has layers, otherwise along the main axis."""
    statistic = _statistic(kind)
    scale = alt.Scale(domain=[0, 1]) if kind == "frequency" else scale_of(rows, statistic)
    if rows["layer"].notna().any():
        for axis in ("depth", "along"):
            rows = rows[rows[axis] == rows.groupby("series")[axis].transform("max")]
        if quantity in QUANTITIES and QUANTITIES[quantity].counts_neurons and "layer_width" in rows:
            return by_layer(_divide_by_width(rows), f"{quantity}, share", alt.Scale(domain=[0, 1]))
        return by_layer(rows, quantity, scale)
    return by_axis(rows, quantity, scale, median=kind == "value", value=statistic, interval=True)


def _divide_by_width(rows: pd.DataFrame) -> pd.DataFrame:
    """Return numbers of neurons as shares of their layer, since widths may alternate between layers."""
    shares = {name: rows[name] / rows["layer_width"] for name in STATISTICS}
    return rows.assign(**shares, count=rows["mean"])


def describe_chart(chart: ChartDeclaration, runs_along: bool = True, ranked: bool = True) -> ChartDeclaration:
    """Return a chart's declaration with title and caption: its own, or those derived from its quantities.

    Args:
        chart: The declaration.
        runs_along: Whether the study varies an axis for charts to run along.
        ranked: Whether the study ranks predictors.
    """
    if chart.caption:
        return chart
    quantities = list(chart.drawn)
    owner = next((entry for entry in MEASURES.values() if set(quantities) & set(entry.quantities)), None)
    facts = {quantity: QUANTITIES.get(quantity, Quantity("")) for quantity in quantities}
    alone = chart.name in MEASURES or chart.name in quantities
    title = f"{'Measured' if alone else 'Also measured'}: {', '.join(quantities)}"
    about = [] if owner is None else [*_describe_quantities(owner, facts)]
    about += [*_describe_directions(owner, facts)] if owner and ranked else []
    replicated = owner is not None and owner.inputs == "training"
    caption = " ".join([*about, *_describe_statistics(facts, "replicates" if replicated else "draws", runs_along)])
    return replace(chart, title=title, caption=caption, theory=_THEORY)


def _describe_quantities(owner: Measure, facts: Mapping[str, Quantity]) -> Iterator[str]:
    """Yield sentences on the meaning of the measure and of its quantities."""
    yield f"{owner.summary[:1].upper()}{owner.summary[1:]} ({owner.source})."
    if [fact.meaning for fact in facts.values()] != [owner.summary]:
        yield "; ".join(f"{quantity}: {fact.meaning}" for quantity, fact in facts.items()) + "."


def _describe_directions(owner: Measure, facts: Mapping[str, Quantity]) -> Iterator[str]:
    """Yield sentences on the direction in which the quantities are assumed to predict training."""
    for sign, size in ((1, "larger"), (-1, "smaller")):
        some = [quantity for quantity, fact in facts.items() if fact.sign == sign]
        if some and owner.inputs != "training":
            yield f"The predictor ranking assumes that networks with {size} {' and '.join(some)} train better."


def _describe_statistics(facts: Mapping[str, Quantity], draws: str, runs_along: bool) -> Iterator[str]:
    """Yield sentences on the statistics and intervals that the chart shows."""
    kinds = {fact.kind for fact in facts.values()}
    layers = any("layer" in fact.index for fact in facts.values())
    if "time" in kinds:
        yield "Median times to the event with 95% intervals; a median is missing if half of the runs never reach it."
    if kinds != {"time"}:
        deepest = ", by layer for the deepest members" if layers else ""
        medians = "; medians are dashed" if "value" in kinds and runs_along and not layers else ""
        yield f"Means over the {draws} with a finite value{deepest}, with 95% intervals{medians}."
        yield f"n is the number of these {draws}; points without any are missing."


_THEORY = "Lines show theoretical values; dotted lines join means without one."
