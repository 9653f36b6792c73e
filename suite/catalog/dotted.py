"""Dotted paths, by which declarations name functions without importing their modules."""

from importlib import import_module
from typing import Any


def load(path: str) -> Any:
    """Import the module of a path of the form module:name and return the object of that name."""
    module, name = path.split(":")
    return getattr(import_module(module), name)
