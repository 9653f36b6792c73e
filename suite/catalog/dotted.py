"""Dotted paths: how the tables name functions without loading the modules that they are in."""

from importlib import import_module
from typing import Any


def load(path: str) -> Any:
    """What a path of the form module:name leads to; its module is loaded now."""
    module, name = path.split(":")
    return getattr(import_module(module), name)
