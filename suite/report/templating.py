"""The pages' templates, and charts as a page embeds them: by columns, in as many digits as can be seen."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import jinja2
from markupsafe import Markup

from suite.formatting import counted

_INCLUDED = ("style.css", "page.js")


def environment() -> jinja2.Environment:
    """What renders the templates; style and script, which hold nothing of a study, are known to all by their names."""
    loader = jinja2.PackageLoader("suite.report")
    found = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    found.filters |= {"counted": counted}
    for name in _INCLUDED:
        source, _, _ = loader.get_source(found, name)
        found.globals[name.replace(".", "_")] = Markup(source)  # our own file
    return found


_DIGITS = 6


def packed(chart: Mapping[str, Any], described: str) -> dict[str, Any]:
    """A chart's Vega-Lite text with its data by columns, which the page's script unpacks.

    Args:
        chart: as Altair gives it.
        described: what a screen reader says of it.
    """
    datasets = {name: _columns(rows) for name, rows in chart.get("datasets", {}).items()}
    return {**chart, "description": described, "datasets": datasets}


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Every column by itself: words once each, and where they stand."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {"rows": len(rows), "columns": {name: _column([row.get(name) for row in rows]) for name in names}}


def _column(values: list[Any]) -> Any:
    words = list(dict.fromkeys(values)) if all(isinstance(value, str) for value in values) else []
    if words:
        codes = {word: code for code, word in enumerate(words)}
        return {"words": words, "at": [codes[value] for value in values]}
    short = [_short(value) for value in values]
    return short[0] if short and not isinstance(short[0], list) and all(each == short[0] for each in short) else short


def _short(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def embedded(value: object) -> str:
    """JSON that may stand inside a script element: no text of a spec can end the element.

    What is no finite number is null, since JSON has no word for it, and a browser would take none of the rest.
    """
    return json.dumps(_finite(value), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
