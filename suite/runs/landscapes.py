"""The landscapes' table: what networks of two inputs look like over the plane, at random and as they learn."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.catalog.domain import INTERVALS
from suite.catalog.measures import LANDSCAPES
from suite.catalog.schedule import pictured_steps
from suite.catalog.training import training_settings
from suite.cells.cache import Read, Shapes
from suite.cells.cell import Cell

LEARNED_DRAWS = 1
"""Trained networks of each member, task and learning rate that the table keeps."""


def landscapes_table(
    cells: Sequence[Cell], shapes: Mapping[str, Shapes], read: Read, axes: Sequence[str], training: Sequence[str]
) -> pd.DataFrame | None:
    """Outputs on the grid, one a row: of a few random draws, and at some steps of training under every learning rate.

    Returns:
        Columns member, the axes, `state` (random or trained), draw, the training settings, `step` (of training; none
        of random networks), x1, x2 and value; None where no member has two inputs.
    """
    frames = []
    for cell in cells:
        if LANDSCAPES not in shapes.get(cell.key, {}) or cell.start > 0:
            continue
        x1, x2 = _plane((cell.task.half_width if cell.trains and cell.task else None) or cell.domain.extent)
        of: dict[str, Any] = {"member": cell.member.name} | {axis: cell.member.axes.get(axis) for axis in axes}
        of |= {"state": "trained" if cell.trains else "random"}
        for row, board in _boards(cell, read(cell.key, LANDSCAPES), training):
            frames.append(pd.DataFrame(of | row | {"x1": x1, "x2": x2, "value": board.astype(np.float32)}))
    if not frames:
        return None
    table = pd.concat([frame.dropna(axis=1, how="all") for frame in frames], ignore_index=True)
    text = [
        column
        for column in table.columns
        if table[column].dtype == object or pd.api.types.is_string_dtype(table[column])
    ]
    step = pd.Series(table.get("step"), index=table.index, dtype="Int64")  # none where nothing is trained
    return table.assign(step=step).astype(dict.fromkeys(text, "category"))


def _boards(
    cell: Cell, found: NDArray[Any], training: Sequence[str]
) -> Iterator[tuple[dict[str, Any], NDArray[np.floating]]]:
    """Each kept board of a cell with what it is of: the draw, the training settings and the step, none of random ones.

    Args:
        cell: its draws.
        found: (draws, points); of training (draws, learning rates, points, pictured steps).
        training: columns.
    """
    settings = cell.training
    if settings is None:
        for draw, board in enumerate(found):
            yield {"draw": draw} | dict.fromkeys([*training, "step"]), board
        return
    for boards, optimizer in zip(found.swapaxes(0, 1), settings.optimizer, strict=True):
        values = training_settings(cell.task, optimizer)
        shown = {column: values.get(column) for column in training}
        for draw, looks in enumerate(boards[:LEARNED_DRAWS]):
            for look, step in enumerate(pictured_steps(settings.steps)):
                yield {"draw": draw} | shown | {"step": step}, looks[:, look]


def _plane(extent: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The grid's points, by rows."""
    side = np.linspace(-extent, extent, INTERVALS + 1)
    x1, x2 = np.meshgrid(side, side, indexing="ij")
    return x1.ravel(), x2.ravel()
