"""The landscapes' table: what random and trained networks of two inputs look like over the plane."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from suite.catalog.measures import DEFAULT_STEP, AccuracySettings, intervals_of
from suite.catalog.optimizers import Optimizer
from suite.runs.cells import Cell
from suite.runs.store import Readings
from suite.runs.tables import training_settings

LEARNED_DRAWS = 1
"""Trained networks of each member that the table keeps."""


def landscapes_table(
    cells: Sequence[Cell], readings: Mapping[str, Readings], axes: Sequence[str], training: Sequence[str]
) -> pd.DataFrame | None:
    """Outputs on the grid, one a row: of a few random draws, and after training under every learning rate.

    Returns:
        Columns member, the axes, `state` (random or trained), draw, the training settings, x1, x2 and value;
        None where no member has two inputs.
    """
    side = np.linspace(-1, 1, intervals_of(DEFAULT_STEP) + 1)
    x1, x2 = (axis.ravel() for axis in np.meshgrid(side, side, indexing="ij"))
    frames = []
    for cell in cells:
        found = readings[cell.key].get("landscape")
        if found is None:
            continue
        trained = isinstance(cell.settings, AccuracySettings)
        rates: Sequence[Optimizer | None] = (
            cell.settings.optimizer if isinstance(cell.settings, AccuracySettings) else [None]
        )
        for boards, optimizer in zip(found if trained else found[None], rates, strict=True):
            settings = training_settings(cell.task, optimizer)
            for draw, board in enumerate(boards[:LEARNED_DRAWS] if trained else boards):
                if cell.start == 0:
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
