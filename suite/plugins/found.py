"""Where the catalog's dotted paths find the functions of plug-ins: `suite.plugins.found:measure_NAME`, or task_NAME."""

from collections.abc import Callable
from typing import Any

MEASURES: dict[str, Callable[..., Any]] = {}
"""What computes each measure of a plug-in, by its name."""

TASKS: dict[str, Callable[..., Any]] = {}
"""What labels the points of each task of a plug-in, likewise."""


def __getattr__(path: str) -> Callable[..., Any]:
    """What a dotted path leads to."""
    kind, _, name = path.partition("_")
    table = {"measure": MEASURES, "task": TASKS}.get(kind, {})
    if name in table:
        return table[name]
    raise AttributeError(f"no plug-in has a {path}")
