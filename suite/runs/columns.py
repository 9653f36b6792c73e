"""Build the columns that identify a row: member, axes, quantity, draw, layer, step, training settings."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from suite.cells.blocks import Array, Block

_Column = Callable[[Sequence[Any], Sequence[int]], Any]
"""Builds a column: (one value per block, the number of rows of each block) -> the column."""

_INDICES = ("layer", "step")
_METHODS = ("exact", "as declared", "enclosed or sampled", "sampled", "training points")


class Layout:
    """The identifying columns of a table, with the same types in all parts that are written separately.

    Args:
        blocks: All blocks of the table, from which the types and categories of its columns follow.
        axes: The axes of the members.
        training: The training settings that the tables show.
    """

    def __init__(self, blocks: Sequence[Block], axes: Sequence[str], training: Sequence[str]) -> None:
        self._member = _labels([block.member.name for block in blocks])
        self._axes = {axis: _column([block.member.axes.get(axis) for block in blocks]) for axis in axes}
        self._quantity = _labels([block.quantity for block in blocks])
        self._training = {name: _column([block.training.get(name) for block in blocks]) for name in training}
        used = {name for block in blocks for name in block.methods}
        self._methods = [name for name in _METHODS if name in used]

    def columns(self, blocks: Sequence[Block], draws: Sequence[range] | None = None) -> dict[str, Any]:
        """Return the columns by name, in order.

        Args:
            blocks: The blocks of the rows, one after the other.
            draws: The draws of each block that have rows. Default: one row for all draws of a block.
        """
        repeats = [1] * len(blocks) if draws is None else [len(given) for given in draws]
        sizes = [block.columns * times for block, times in zip(blocks, repeats, strict=True)]
        pairs = list(zip(blocks, repeats, strict=True))
        columns: dict[str, Any] = {"member": self._member([block.member.name for block in blocks], sizes)}
        for axis, column in self._axes.items():
            columns[axis] = column([block.member.axes.get(axis) for block in blocks], sizes)
        columns["parameters"] = np.repeat([block.member.parameters for block in blocks], sizes)
        columns["quantity"] = self._quantity([block.quantity for block in blocks], sizes)
        if draws is not None:
            columns["draw"] = _whole([_draw_numbers(block, given) for block, given in zip(blocks, draws, strict=True)])
        columns |= {name: _whole([_along(block, name, times) for block, times in pairs]) for name in _INDICES}
        for name, column in self._training.items():
            columns[name] = column([block.training.get(name) for block in blocks], sizes)
        columns["method"] = self._method(pairs)
        return columns

    def _method(self, pairs: Sequence[tuple[Block, int]]) -> Any:
        """Return the column `method`, which shows how each value was decided."""
        codes = {name: code for code, name in enumerate(self._methods)}
        tiled = [np.tile([codes.get(name or "", -1) for name in block.methods], times) for block, times in pairs]
        return pd.Categorical.from_codes(np.concatenate(tiled).astype(np.int8), _names(self._methods))


def _column(values: Sequence[Any]) -> _Column:
    """Return the builder of a column: categories for text, otherwise numbers, which may be missing."""
    if any(isinstance(value, str) for value in values):
        return _labels(values)
    has_floats = any(isinstance(value, float) for value in values)

    def build(given: Sequence[Any], sizes: Sequence[int]) -> Any:
        numbers = np.array([np.nan if value is None else float(value) for value in given])
        return np.repeat(numbers, sizes) if has_floats else _whole([np.repeat(numbers, sizes)])

    return build


def _labels(names: Sequence[str | None]) -> _Column:
    """Return the builder of a column of categories, which may be missing."""
    categories = list(dict.fromkeys(name for name in names if name is not None))
    codes = {name: code for code, name in enumerate(categories)}

    def build(given: Sequence[str | None], sizes: Sequence[int]) -> Any:
        found = np.array([codes.get(name or "", -1) for name in given], dtype=np.int64)
        return pd.Categorical.from_codes(np.repeat(found, sizes), _names(categories))

    return build


def _names(categories: list[str]) -> "pd.Index[Any]":
    return pd.Index(categories, dtype="str")


def _whole(parts: Sequence[Array]) -> Any:
    """Return an array of integers, in which nan is missing."""
    numbers = np.concatenate(parts)
    missing = np.isnan(numbers)
    return pd.arrays.IntegerArray(np.where(missing, 0, numbers).astype(np.int64), missing)


def _draw_numbers(block: Block, draws: range) -> Array:
    """Return the draw of each row of a block; nan for a quantity without draws."""
    numbers = np.array(draws, dtype=np.float64) if block.drawn else np.full(len(draws), np.nan)
    return np.repeat(numbers, block.columns)


def _along(block: Block, index: str, repeats: int) -> Array:
    """Return the layers or steps of a block's columns, repeated; nan for a quantity without them."""
    if index not in block.places:
        return np.full(block.columns * repeats, np.nan)
    return np.tile(block.places[index].astype(np.float64), repeats)
