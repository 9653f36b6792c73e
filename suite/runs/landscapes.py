"""The landscapes' table: what networks of two inputs look like over the plane, at random and as they learn."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.catalog.domain import INTERVALS
from suite.catalog.measures import LANDSCAPES
from suite.catalog.training import training_settings
from suite.cells.cache import Read, Shapes
from suite.cells.cell import Cell


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
        for board in cell.boards(read(cell.key, LANDSCAPES)):
            values = training_settings(cell.task, board.optimizer) if board.optimizer else {}
            row = {"draw": board.draw} | {column: values.get(column) for column in training} | {"step": board.step}
            frames.append(pd.DataFrame(of | row | {"x1": x1, "x2": x2, "value": board.values.astype(np.float32)}))
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


def _plane(extent: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The grid's points, by rows."""
    side = np.linspace(-extent, extent, INTERVALS + 1)
    x1, x2 = np.meshgrid(side, side, indexing="ij")
    return x1.ravel(), x2.ravel()
