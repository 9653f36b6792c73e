"""Figures for a paper: each chart as PNG and SVG, laid out and sized as it is printed."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vl_convert as vlc

from suite.report.charts import draw_charts
from suite.results.files import write_whole

if TYPE_CHECKING:
    from suite.results.folder import Results

WIDEST = 174.0
"""Millimetres: the text of a page with two columns."""

_PIXEL = 0.24
"""Millimetres that a chart's pixel becomes unless that is too wide: labels of 11 pixels are 7.5 points high."""

_PPI = 300
_INCH = 25.4
_POINTS = 72
_COLUMNS = 2
_LOOK = {
    "font": "Helvetica, Arial, Liberation Sans, sans-serif",
    "background": "white",
    "axis": {"gridColor": "#e8ecf0", "labelFontSize": 11, "titleFontSize": 12},
    "legend": {"labelFontSize": 12, "symbolOpacity": 1, "symbolStrokeWidth": 1.6},
    "view": {"stroke": None},
}


def write_figures(results: "Results", folder: Path) -> list[Path]:
    """Writes every chart of a study as STUDY/CHART.svg and .png, at most as wide as a page's text.

    Args:
        results: of the study.
        folder: of all figures; the study's own is made in it.

    Returns:
        The files.
    """
    written = []
    for name, chart in draw_charts(results).items():
        spec = printed(chart.to_dict())
        drawing, scale = sized(vlc.vegalite_to_svg(spec))
        picture = vlc.vegalite_to_png(spec, scale=scale, ppi=_PPI)
        for ending, content in (("svg", drawing.encode()), ("png", picture)):
            file = folder / results.name / f"{name}.{ending}"
            write_whole(file, lambda handle, content=content: handle.write(content))  # type: ignore[misc]
            written.append(file)
    return written


def printed(chart: Mapping[str, Any]) -> dict[str, Any]:
    """A chart's Vega-Lite text as it is printed: two panels side by side, on white."""
    return {**_narrow(chart), "config": {**chart.get("config", {}), **_LOOK}}


def _narrow(chart: Mapping[str, Any]) -> dict[str, Any]:
    narrow = dict(chart)
    for parts in ("hconcat", "vconcat", "concat"):
        if parts in narrow:
            narrow[parts] = [_narrow(part) for part in narrow[parts]]
    if len(narrow.get("hconcat", ())) > _COLUMNS:
        narrow["concat"], narrow["columns"] = narrow.pop("hconcat"), _COLUMNS
    if "columns" in narrow:
        narrow["columns"] = min(narrow["columns"], _COLUMNS)
    return narrow


def sized(drawing: str) -> tuple[str, float]:
    """An SVG whose size is in millimetres, and the scale that gives a PNG, in points, the same."""
    opening = re.match(r'<svg[^>]*? width="([\d.]+)" height="([\d.]+)"', drawing)
    if opening is None:
        raise ValueError("the drawing says no size")
    width, height = float(opening[1]), float(opening[2])
    pixel = min(_PIXEL, WIDEST / width)
    said = opening[0].replace(f'width="{opening[1]}"', f'width="{width * pixel:.2f}mm"')
    said = said.replace(f'height="{opening[2]}"', f'height="{height * pixel:.2f}mm"')
    return said + drawing[opening.end() :], pixel / _INCH * _POINTS
