"""Render the templates of pages, and pack charts for them: by columns, with six significant digits."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from math import isfinite
from typing import Any

import jinja2
import vl_convert as vlc
from markupsafe import Markup

from suite.formatting import format_count

_INCLUDED = ("style.css", "layout.js", "page.js")


def environment() -> jinja2.Environment:
    """Return the environment that renders the templates.

    Style and scripts, which do not depend on the study, are available to all templates as `style_css`, `layout_js` and
    `page_js`.
    """
    loader = jinja2.PackageLoader("suite.report")
    found = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    found.filters |= {"counted": format_count}
    for name in _INCLUDED:
        source, _, _ = loader.get_source(found, name)
        found.globals[name.replace(".", "_")] = Markup(source)  # safe, since it is a file of this package
    return found


@cache
def libraries() -> str:
    """Return the JavaScript of Vega, Vega-Lite and Vega-Embed; bundling it takes a second, so that it is cached."""
    return vlc.javascript_bundle()  # type: ignore[call-arg]  # the stub requires what the documentation calls optional


_DIGITS = 6


def packed(chart: Mapping[str, Any], described: str) -> dict[str, Any]:
    """Return a chart's Vega-Lite specification with its data by columns, which the page's script unpacks.

    Args:
        chart: The specification from Altair.
        described: Description for screen readers.
    """
    datasets = {name: _pack_columns(rows) for name, rows in chart.get("datasets", {}).items()}
    return {**chart, "description": described, "datasets": datasets}


def _pack_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return rows as columns."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {"rows": len(rows), "columns": {name: _pack_column([row.get(name) for row in rows]) for name in names}}


def _pack_column(values: list[Any]) -> Any:
    """Return a column in short: text as codes of distinct words, and equal numbers as a single one."""
    words = list(dict.fromkeys(values)) if all(isinstance(value, str) for value in values) else []
    if words:
        codes = {word: code for code, word in enumerate(words)}
        return {"words": words, "at": [codes[value] for value in values]}
    short = [_round(value) for value in values]
    return short[0] if short and not isinstance(short[0], list) and all(each == short[0] for each in short) else short


def _round(value: Any) -> Any:
    """Round a float to six significant digits, as an integer if it is whole."""
    if not isinstance(value, float):
        return value
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def embedded(value: object) -> str:
    """Return a value as JSON that is safe in a script element, which no text of a spec can end.

    Numbers that are not finite become null, because JSON has no representation for them, and a browser would reject the
    whole document.
    """
    return json.dumps(_replace_nonfinite(value), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _replace_nonfinite(value: Any) -> Any:
    """Replace numbers that are not finite by None."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _replace_nonfinite(each) for key, each in value.items()}
    return [_replace_nonfinite(each) for each in value] if isinstance(value, list | tuple) else value
