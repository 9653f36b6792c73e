"""Blocks: all draws of a quantity of a member, read on demand from cached cells to compute tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from suite.catalog.domain import TrainingPoints
from suite.catalog.measures import MEASURES
from suite.catalog.quantities import QUANTITIES
from suite.catalog.settings import Settings
from suite.catalog.training import training_settings
from suite.cells.cache import Read, Shapes
from suite.cells.cell import Cell
from suite.spec.load import Study
from suite.spec.members import Member
from suite.theory.quantities import Theory, theory_of

Array = NDArray[np.float64]

VALUES_AT_A_TIME = 2**19
"""Number of values that are summarized together, 4 MiB; at least one column."""


class Draws(Protocol):
    """All draws of a quantity, one per row."""

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of draws and columns."""

    def columns(self, start: int, stop: int) -> Array:
        """Return the columns from `start` to `stop` of all draws."""


@dataclass(frozen=True)
class Part:
    """Draws that are stored together.

    Attributes:
        shape: The numbers of draws and columns.
        read: A function that returns all of them.
        start: The number of the first draw; failed cells leave gaps.
    """

    shape: tuple[int, int]
    read: Callable[[], Array]
    start: int = 0


@dataclass(frozen=True)
class Parts:
    """Measured draws, divided into parts."""

    parts: Sequence[Part]

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of draws and columns."""
        return sum(part.shape[0] for part in self.parts), self.parts[0].shape[1]

    def columns(self, start: int, stop: int) -> Array:
        """Return the columns from `start` to `stop` of all draws."""
        found = np.empty((self.shape[0], len(range(self.shape[1])[start:stop])))
        first = 0
        for part in self.parts:
            found[first : first + part.shape[0]] = part.read()[:, start:stop]
            first += part.shape[0]
        return found

    def rows(self) -> Iterator[tuple[int, Array]]:
        """Yield each part's first draw and its values."""
        return ((part.start, part.read()) for part in self.parts)


@dataclass(frozen=True)
class RatioOfMeans:
    """The ratio E s / (E f)^2 of second and first moments s and f.

    A single draw has no such ratio. Each draw is represented by the ratio plus the draw's first-order contribution to
    it, so that the mean is the ratio itself, and the spread over draws gives its standard error and confidence
    interval.
    """

    first: Draws
    second: Draws

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of draws and columns."""
        return self.second.shape

    def columns(self, start: int, stop: int) -> Array:
        """Return the columns from `start` to `stop`; nan for a draw that lacks either moment."""
        first, second = self.first.columns(start, stop), self.second.columns(start, stop)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            known = np.isfinite(first) & np.isfinite(second)
            counts = known.sum(axis=0)
            mean, square = (np.where(known, values, 0.0).sum(axis=0) / counts for values in (first, second))
            moved = np.where(known, second / square - 2 * first / mean, np.nan)
            ratio: Array = square / mean**2 * (2 + moved)
        return ratio


def in_memory(values: Array) -> Parts:
    """Wrap an array (draws, columns) as draws."""
    return Parts((Part((values.shape[0], values.shape[1]), lambda: values),))


def chunks(draws: Draws) -> Iterator[Array]:
    """Yield all columns in chunks that fit into memory; at least one chunk."""
    rows, columns = draws.shape
    size = max(1, VALUES_AT_A_TIME // max(rows, 1))
    return (draws.columns(start, start + size) for start in range(0, max(columns, 1), size))


@dataclass(frozen=True)
class Block:
    """All draws of one quantity of one member under one training setting, if any.

    Attributes:
        cell: The first of the cells that contain the draws.
        settings: The settings of the quantity's measure.
        training: Values of the training settings that the tables show.
        quantity: The name of the quantity in the catalog.
        draws: The values, read on demand; columns run over layers, steps or both, or there is one column.
        places: The layer or step of each column, by name of the index; empty if the quantity has no index.
        drawn: Whether there are draws; otherwise there is one value for the member.
    """

    cell: Cell
    settings: Settings
    training: dict[str, Any]
    quantity: str
    draws: Draws
    places: dict[str, NDArray[np.int64]]
    drawn: bool

    @property
    def values(self) -> Array:
        """All values, (draws, columns)."""
        return self.draws.columns(0, self.columns)

    @property
    def columns(self) -> int:
        """The number of values per draw."""
        return self.draws.shape[1]

    @property
    def member(self) -> Member:
        """The member."""
        return self.cell.member

    @property
    def theory(self) -> Theory | None:
        """The theoretical values; None if no theory is known."""
        return theory_of(self.quantity, self.member, self.settings, self.cell.domain, self.cell.task)

    @property
    def methods(self) -> list[str | None]:
        """The method by which each column was decided, for quantities that can be decided in two ways."""
        columns = self.columns
        if not QUANTITIES[self.quantity].decided:
            return [None] * columns
        member = self.member
        exact = "exact" if member.activation.facts_are_exact else "as declared"
        if not member.activation.flat_sides:
            return [exact] * columns
        on_task = MEASURES[self.cell.name].inputs == "task"
        on_points = on_task and self.cell.task is not None and self.cell.task.half_width is None
        if on_points or isinstance(self.cell.domain, TrainingPoints):
            return ["training points"] * columns
        later = exact
        if member.depth > 1 and member.widths[0] > 1:
            later = "sampled"
        elif member.depth > 1 and member.activation.kind != "piecewise_linear":
            later = "enclosed or sampled"
        return [exact, *[later] * (columns - 1)] if "layer" in self.places else [later]


def training_columns(study: Study) -> list[str]:
    """Return the training settings that tables show: those with several values, and the learning rate."""
    training = study.spec.training
    if not training:
        return []
    rows = [training_settings(task, optimizer) for task in training.task for optimizer in training.optimizer]
    keys = dict.fromkeys(key for row in rows for key in row)
    varied = [key for key in keys if len({row.get(key) for row in rows}) > 1]
    return [*varied, *(key for key in ("learning_rate",) if key not in varied)]


def blocks_of(cells: Sequence[Cell], shapes: Mapping[str, Shapes], read: Read, columns: Sequence[str]) -> list[Block]:
    """Join the draws of cells into one block per member, quantity and training setting, in table order.

    Args:
        cells: Cells of the study, in order.
        shapes: The shapes of each cell's arrays, by the cells' keys; cells without shapes are skipped.
        read: A function that reads an array. It is called when values are requested, not here.
        columns: Training settings that the tables show.
    """
    found: dict[tuple[Any, ...], tuple[Block, list[Part]]] = {}
    for cell in (cell for cell in cells if cell.key in shapes):
        for block, part in _blocks_of_cell(cell, shapes[cell.key], read, columns):
            key = (block.member.name, block.quantity, *block.training.values())
            found.setdefault(key, (block, []))[1].append(part)
    joined = {key: replace(first, draws=Parts(tuple(parts))) for key, (first, parts) in found.items()}
    return [ready for key, block in joined.items() for ready in (block, *_ratio(key, block, joined))]


def _blocks_of_cell(cell: Cell, shapes: Shapes, read: Read, columns: Sequence[str]) -> Iterator[tuple[Block, Part]]:
    for name, settings in cell.taken:
        if name not in MEASURES:  # landscapes have a table of their own
            continue
        for quantity in MEASURES[name].quantities:
            if quantity not in shapes:
                continue
            draws, *rest = cell.block_shape(shapes[quantity])
            places = _places(cell, settings, quantity)
            for place, optimizer in enumerate(cell.optimizers):
                row = training_settings(cell.task, optimizer)
                shown = {column: row.get(column) for column in columns}
                part = _part(cell, quantity, place, (draws, int(np.prod(rest))), read)
                whole = Parts((part,))
                yield Block(cell, settings, shown, quantity, whole, places, hasattr(cell.settings, "draws")), part


def _part(cell: Cell, quantity: str, place: int, shape: tuple[int, int], read: Read) -> Part:
    """Return a cell's draws of a quantity under the optimizer at index `place`, if any."""

    def values() -> Array:
        return cell.block(read(cell.key, quantity), place).reshape(shape).astype(np.float64)

    return Part(shape, values, cell.start)


def _places(cell: Cell, settings: Settings, quantity: str) -> dict[str, NDArray[np.int64]]:
    index = QUANTITIES[quantity].index
    if not index:
        return {}
    layers = QUANTITIES[quantity].layers(cell.member.depth, settings)
    axes: dict[str, Sequence[int]] = {"layer": layers, "step": cell.steps}
    grids = np.meshgrid(*(axes[name] for name in index), indexing="ij")
    return {name: grid.ravel().astype(np.int64) for name, grid in zip(index, grids, strict=True)}


def _ratio(key: tuple[Any, ...], block: Block, blocks: Mapping[tuple[Any, ...], Block]) -> Iterator[Block]:
    """Yield the ratio of means E a / (E b)^2 that follows the block of a, if there is one."""
    member, _, *training = key
    for name, quantity in QUANTITIES.items():
        if quantity.ratio_of and quantity.ratio_of[0] == block.quantity:
            below = blocks[member, quantity.ratio_of[1], *training]
            yield replace(block, quantity=name, draws=RatioOfMeans(below.draws, block.draws))
