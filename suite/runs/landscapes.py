"""The landscapes' table: what random and trained networks of two inputs look like over the plane."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.catalog.domain import INTERVALS
from suite.catalog.measure_settings import AccuracySettings
from suite.catalog.optimizers import Optimizer
from suite.catalog.training import training_settings
from suite.runs.blocks import Read, Shapes
from suite.runs.cells import Cell

LEARNED_DRAWS = 1
"""Trained networks of each member that the table keeps."""


def landscapes_table(
    cells: Sequence[Cell], shapes: Mapping[str, Shapes], read: Read, axes: Sequence[str], training: Sequence[str]
) -> pd.DataFrame | None:
    """Outputs on the grid, one a row: of a few random draws, and after training under every learning rate.

    Returns:
        Columns member, the axes, `state` (random or trained), draw, the training settings, x1, x2 and value;
        None where no member has two inputs.
    """
    frames = []
    for cell in cells:
        if "landscape" not in shapes.get(cell.key, {}) or cell.start > 0:
            continue
        found = read(cell.key, "landscape")
        trained = isinstance(cell.settings, AccuracySettings)
        x1, x2 = _plane((cell.task.half_width if trained and cell.task else None) or cell.domain.extent)
        rates: Sequence[Optimizer | None] = (
            cell.settings.optimizer if isinstance(cell.settings, AccuracySettings) else [None]
        )
        for boards, optimizer in zip(found if trained else found[None], rates, strict=True):
            settings = training_settings(cell.task, optimizer)
            for draw, board in enumerate(boards[:LEARNED_DRAWS] if trained else boards):
                row: dict[str, Any] = {"member": cell.member.name}
                row |= {axis: cell.member.axes.get(axis) for axis in axes}
                row |= {"state": "trained" if trained else "random", "draw": draw}
                row |= {column: settings.get(column) for column in training}
                frames.append(pd.DataFrame(row | {"x1": x1, "x2": x2, "value": board.astype(np.float32)}))
    if not frames:
        return None
    table = pd.concat([frame.dropna(axis=1, how="all") for frame in frames], ignore_index=True)
    text = [
        column
        for column in table.columns
        if table[column].dtype == object or pd.api.types.is_string_dtype(table[column])
    ]
    return table.astype(dict.fromkeys(text, "category"))


def _plane(extent: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The grid's points, by rows."""
    side = np.linspace(-extent, extent, INTERVALS + 1)
    x1, x2 = np.meshgrid(side, side, indexing="ij")
    return x1.ravel(), x2.ravel()
