"""All draws of a quantity in one piece: the form between stored cells and tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.catalog.measure_settings import AccuracySettings, FeatureDiversitySettings
from suite.catalog.measures import MEASURES
from suite.catalog.optimizers import Optimizer
from suite.catalog.quantities import QUANTITIES
from suite.catalog.schedule import recorded_steps
from suite.catalog.settings import Settings
from suite.catalog.tasks import Task
from suite.runs.cells import Cell
from suite.runs.laws import Law, law_of
from suite.runs.store import Readings
from suite.spec.load import Study
from suite.spec.members import Member

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """All draws of one quantity of one member under one setting of the training, if any.

    Attributes:
        cell: the first of those it is from.
        settings: of the measure that the quantity belongs to.
        training: values of the training settings that the tables show.
        quantity: its name in the catalog.
        values: (draws, columns); columns run over layers, steps or both, or there is one.
        places: what the columns stand for, by name of the index; empty where the quantity has none.
        drawn: whether there are draws, or one value for the member.
    """

    cell: Cell
    settings: Settings
    training: dict[str, Any]
    quantity: str
    values: Array
    places: dict[str, NDArray[np.int64]]
    drawn: bool

    @property
    def member(self) -> Member:
        """The networks."""
        return self.cell.member

    @property
    def law(self) -> Law | None:
        """What theory says of it."""
        return law_of(self.quantity, self.member, self.settings, self.cell.domain, self.cell.task)

    @property
    def methods(self) -> list[str | None]:
        """Of each column, how it was decided, if the quantity is one that may be decided in two ways."""
        columns = self.values.shape[1]
        if not QUANTITIES[self.quantity].decided:
            return [None] * columns
        member = self.member
        if not member.activation.flat_sides:
            return ["exact"] * columns
        if self.quantity == "trainability" and self.cell.task and self.cell.task.half_width is None:
            return ["training points"] * columns
        sampled = "sampled" if member.widths[0] > 1 and member.depth > 1 else "exact"
        return ["exact", *[sampled] * (columns - 1)] if "layer" in self.places else [sampled]


def training_columns(study: Study) -> list[str]:
    """The training settings that tables show: the learning rate, and whatever else the spec varies."""
    accuracy = study.spec.measures.get("accuracy")
    if not isinstance(accuracy, AccuracySettings):
        return []
    rows = [training_settings(task, optimizer) for task in accuracy.task for optimizer in accuracy.optimizer]
    keys = dict.fromkeys(key for row in rows for key in row)
    varied = [key for key in keys if len({row.get(key) for row in rows}) > 1]
    return [*varied, *(key for key in ("learning_rate",) if key not in varied)]


def training_settings(task: Task | None, optimizer: Optimizer | None) -> dict[str, Any]:
    """Every setting of a task and an optimiser by its column, their names under `task` and `optimizer`."""
    row: dict[str, Any] = {}
    if task is not None:
        row |= {"task": task.name, **task.parameters}
    if optimizer is not None:
        row |= {"optimizer": optimizer.name, **optimizer.parameters}
    return row


def blocks_of(cells: Sequence[Cell], readings: Mapping[str, Readings], columns: Sequence[str]) -> list[Block]:
    """Joins the cells' draws: one block a member, quantity and training setting, in the tables' order.

    Args:
        cells: of the study, in order.
        readings: by the cells' keys.
        columns: training settings that the tables show.
    """
    parts: dict[tuple[Any, ...], tuple[Block, list[Array]]] = {}
    for cell in cells:
        for block in _blocks_of_cell(cell, readings[cell.key], columns):
            key = (block.member.name, block.quantity, *block.training.values())
            parts.setdefault(key, (block, []))[1].append(block.values)
    joined = [replace(first, values=np.concatenate(values)) for first, values in parts.values()]
    return [ready for block in joined for ready in (block, *_ratio(block, joined))]


def _blocks_of_cell(cell: Cell, readings: Readings, columns: Sequence[str]) -> Iterator[Block]:
    training = cell.settings
    rates: Sequence[Optimizer | None] = training.optimizer if isinstance(training, AccuracySettings) else [None]
    for name, settings in cell.taken:
        if name not in MEASURES:  # landscapes have a table of their own
            continue
        for quantity in MEASURES[name].quantities:
            if quantity not in readings:
                continue
            found = readings[quantity] if cell.trains else readings[quantity][None]
            for values, optimizer in zip(found, rates, strict=True):
                row = training_settings(cell.task, optimizer)
                table = values.reshape(len(values), int(np.prod(values.shape[1:]))).astype(np.float64)
                shown = {column: row.get(column) for column in columns}
                places = _places(cell, settings, quantity, table.shape[1])
                yield Block(cell, settings, shown, quantity, table, places, hasattr(training, "draws"))


def _places(cell: Cell, settings: Settings, quantity: str, columns: int) -> dict[str, NDArray[np.int64]]:
    index = QUANTITIES[quantity].index
    if not index:
        return {}
    axes: dict[str, Sequence[int]] = {"layer": range(1, columns + 1)}
    if isinstance(cell.settings, AccuracySettings):
        axes["step"] = recorded_steps(cell.settings.steps)
    if isinstance(settings, FeatureDiversitySettings):
        axes["layer"] = settings.layers or (cell.member.depth,)
    if quantity.startswith("jacobian"):  # from the first hidden layer on
        axes["layer"] = range(2, columns + 2)
    grids = np.meshgrid(*(axes[name] for name in index), indexing="ij")
    return {name: grid.ravel().astype(np.int64) for name, grid in zip(index, grids, strict=True)}


def _ratio(block: Block, blocks: Sequence[Block]) -> Iterator[Block]:
    """The ratio of means E m_2 / (E m_1)^2 behind the block of m_2.

    No draw has it; each stands with the ratio plus what the draw moves it by (to first order), so that the
    mean is the ratio itself and the spread over draws gives its standard error and interval.
    """
    if block.quantity != "jacobian_second":
        return
    first = next(
        other.values
        for other in blocks
        if other.quantity == "jacobian_mean" and other.member is block.member and other.training == block.training
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        known = np.isfinite(first) & np.isfinite(block.values)
        counts = known.sum(axis=0)
        mean, second = (np.where(known, values, 0.0).sum(axis=0) / counts for values in (first, block.values))
        moved = np.where(known, block.values / second - 2 * first / mean, np.nan)
        yield replace(block, quantity="jacobian_ratio", values=second / mean**2 * (2 + moved))
