"""Figures for a paper: each chart as PNG and SVG, with the layout and size of the printed page."""

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
"""Largest width in millimeters, which is that of the text on a page with two columns."""

_PIXEL = 0.24
"""Millimeters per pixel unless the chart would be too wide: 11-pixel labels are 7.5 points high."""

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
    """Write every chart of a study as STUDY/CHART.svg and .png, at most as wide as a page's text.

    Args:
        results: The results of the study.
        folder: The folder of all figures, in which the study's own folder is created.

    Returns:
        The paths of the files.
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
    """Return a chart's Vega-Lite specification for print: two panels side by side at most, on white."""
    return {**_narrow(chart), "config": {**chart.get("config", {}), **_LOOK}}


def _narrow(chart: Mapping[str, Any]) -> dict[str, Any]:
    """Return a specification with at most two columns of panels."""
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
    """Return an SVG with its size in millimeters, and the scale that gives a PNG the same size.

    Args:
        drawing: The SVG, whose size is in pixels.

    Returns:
        The SVG, and the scale in points per pixel.

    Raises:
        ValueError: If the SVG does not state its size.
    """
    opening = re.match(r'<svg[^>]*? width="([\d.]+)" height="([\d.]+)"', drawing)
    if opening is None:
        raise ValueError("the SVG has no width and height")
    width, height = float(opening[1]), float(opening[2])
    pixel = min(_PIXEL, WIDEST / width)
    resized = opening[0].replace(f'width="{opening[1]}"', f'width="{width * pixel:.2f}mm"')
    resized = resized.replace(f'height="{opening[2]}"', f'height="{height * pixel:.2f}mm"')
    return resized + drawing[opening.end() :], pixel / _INCH * _POINTS
