"""Where the catalog's dotted paths find the functions of plug-ins: `suite.plugins.found:measure_NAME`."""

from collections.abc import Callable
from typing import Any

MEASURES: dict[str, Callable[..., Any]] = {}
"""What computes each measure of a plug-in, by its name."""


def __getattr__(path: str) -> Callable[..., Any]:
    """What a dotted path leads to."""
    kind, _, name = path.partition("_")
    if kind == "measure" and name in MEASURES:
        return MEASURES[name]
    raise AttributeError(f"no plug-in has a {path}")
