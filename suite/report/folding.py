"""Decide which charts are folded on the page, and say in one line what is in them."""

from collections.abc import Iterator, Mapping
from typing import Any

from suite.catalog.charts.declaration import ChartDeclaration

_MOST_PANELS = 30
"""Largest number of panels of a chart that is not folded."""

_STATISTICS = ("mean", "median")


def describe_folded(declared: ChartDeclaration, chart: Mapping[str, Any]) -> str:
    """Return one line on a chart that is folded, or an empty string if the chart is shown.

    A chart is folded if all of its values are equal, if it has very many panels, or if it draws the quantities of a
    measure that its designed charts leave out.

    Args:
        declared: The declaration of the chart.
        chart: The Vega-Lite specification from Altair, with its data.
    """
    values = [value for rows in chart.get("datasets", {}).values() for row in rows for value in _values(row)]
    if len(values) > 1 and min(values) == max(values):
        return f"all {len(values):,} values are {values[0]:g}"
    panels = count_panels(chart)
    if panels > _MOST_PANELS:
        return f"{panels} panels: {'; '.join(dict.fromkeys(_titles(chart)))}"
    if declared.of and declared.name != declared.of and values:
        return f"{len(values):,} values from {min(values):.3g} to {max(values):.3g}"
    return ""


def _values(row: Mapping[str, Any]) -> Iterator[float]:
    """Yield the mean of a row or, if it has none, the median."""
    found = (row.get(name) for name in _STATISTICS)
    yield from [float(value) for value in found if isinstance(value, int | float)][:1]


def count_panels(chart: Mapping[str, Any]) -> int:
    """Count the panels of a Vega-Lite specification; a strip of pictures is one."""
    parts = _parts(chart)
    if "facet" not in chart:
        return sum(map(count_panels, parts)) if parts else 1
    pictures = any(layer["mark"]["type"] == "image" for layer in chart["spec"].get("layer", []))
    return 1 if pictures else len(chart["facet"]["sort"])


def _parts(chart: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the charts that a chart is composed of, without layers."""
    parts = [part for key in ("hconcat", "vconcat", "concat") for part in chart.get(key, [])]
    return [*parts, chart["spec"]] if "spec" in chart else parts


def _titles(chart: Mapping[str, Any]) -> Iterator[str]:
    """Yield the titles of the vertical axes."""
    if title := chart.get("encoding", {}).get("y", {}).get("title"):
        yield title
    for part in (*_parts(chart), *chart.get("layer", [])):
        yield from _titles(part)
