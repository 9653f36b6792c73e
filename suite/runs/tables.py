"""From stored cells to tidy tables: raw values first, then their summary."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.catalog.initializations import Critical, Orthogonal
from suite.catalog.measures import AccuracySettings, recorded_steps
from suite.catalog.optimizers import Optimizer
from suite.catalog.quantities import QUANTITIES
from suite.catalog.tasks import Task
from suite.runs.cells import Cell
from suite.runs.store import Readings
from suite.spec.load import Study
from suite.spec.members import Member
from suite.statistics.summary import STATISTICS, summarise
from suite.theory.mean_field import edge_of_chaos

ALWAYS = ("depth", "activation", "initialization")
"""Axes that every table has, whether or not the study varies them."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """All draws of one quantity of one member under one setting of the training, if any.

    Attributes:
        member: the networks.
        training: values of the training settings that the tables show.
        quantity: its name in the catalog.
        values: (draws, index); the index runs over layers or steps, or is one long.
        places: what the index runs over, from the catalog; None where the quantity has no index.
        drawn: whether there are draws, or one value for the member.
    """

    member: Member
    training: dict[str, Any]
    quantity: str
    values: Array
    places: NDArray[np.int64] | None
    drawn: bool

    @property
    def index(self) -> str | None:
        """The index's column: layer or step."""
        return QUANTITIES[self.quantity].index


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
    return [
        Block(first.member, first.training, first.quantity, np.concatenate(values), first.places, first.drawn)
        for first, values in parts.values()
    ]


def _blocks_of_cell(cell: Cell, readings: Readings, columns: Sequence[str]) -> Iterator[Block]:
    settings = cell.settings
    rates: Sequence[Optimizer | None] = settings.optimizer if isinstance(settings, AccuracySettings) else [None]
    for quantity in cell.measure.quantities:
        if quantity not in readings:
            continue
        found = readings[quantity] if isinstance(settings, AccuracySettings) else readings[quantity][None]
        for values, optimizer in zip(found, rates, strict=True):
            row = training_settings(cell.task, optimizer)
            table = values.reshape(len(values), -1).astype(np.float64)
            training = {column: row.get(column) for column in columns}
            yield Block(
                cell.member,
                training,
                quantity,
                table,
                _places(cell, quantity, table),
                hasattr(settings, "draws"),
            )


def _places(cell: Cell, quantity: str, values: Array) -> NDArray[np.int64] | None:
    match QUANTITIES[quantity].index:
        case "step":
            assert isinstance(cell.settings, AccuracySettings)
            return np.array(recorded_steps(cell.settings.steps))
        case "layer":
            return np.arange(1, values.shape[1] + 1)
        case _:
            return None


def member_axes(members: Sequence[Member]) -> list[str]:
    """The axes that tables show: depth, activation, initialisation, and whatever else the study varies."""
    keys = dict.fromkeys(key for member in members for key in member.axes)
    varied = [key for key in keys if len({member.axes.get(key) for member in members}) > 1]
    return [*ALWAYS, *(key for key in varied if key not in ALWAYS)]


def measurements_table(blocks: Sequence[Block], axes: Sequence[str], training: Sequence[str]) -> pd.DataFrame:
    """Every raw value, one a row."""
    sizes = [block.values.size for block in blocks]
    columns = _identity(blocks, sizes, axes)
    columns["draw"] = _whole([_draws(block) for block in blocks])
    columns |= {name: _whole([_along(block, name, len(block.values)) for block in blocks]) for name in _INDICES}
    columns |= _training(blocks, sizes, training)
    columns["value"] = np.concatenate([block.values.ravel() for block in blocks])
    return pd.DataFrame(columns)


def summary_table(blocks: Sequence[Block], axes: Sequence[str], training: Sequence[str]) -> pd.DataFrame:
    """Summary statistics over draws; of trained quantities, at the learning rate that validation chose."""
    chosen = select_rates(blocks)
    sizes = [block.values.shape[1] for block in chosen]
    columns = _identity(chosen, sizes, axes)
    columns |= {name: _whole([_along(block, name, 1) for block in chosen]) for name in _INDICES}
    columns |= _training(chosen, sizes, training)
    summaries = [summarise(block.values, QUANTITIES[block.quantity].kind) for block in chosen]
    columns |= {name: np.concatenate([summary[name] for summary in summaries]) for name in STATISTICS}
    table = pd.DataFrame(columns)
    return table.astype({"n": "int64"})


def select_rates(blocks: Sequence[Block]) -> list[Block]:
    """The blocks whose learning rate has the best mean validation score after the last step.

    The choice is made for each member and setting of the other training axes; of equal scores the smaller
    rate wins. Test data have no part in it. Blocks without a learning rate stay.
    """
    best: dict[tuple[Any, ...], tuple[float, float]] = {}
    for block in blocks:
        rate = block.training.get("learning_rate")
        if block.quantity == "validation_accuracy" and rate is not None:
            score = (float(np.nan_to_num(block.values[:, -1], nan=-np.inf).mean()), -rate)
            place = _setting(block)
            best[place] = max(best.get(place, score), score)
    return [
        block
        for block in blocks
        if block.training.get("learning_rate") is None or best[_setting(block)][1] == -block.training["learning_rate"]
    ]


def _setting(block: Block) -> tuple[Any, ...]:
    return (block.member.name, *(value for key, value in block.training.items() if key != "learning_rate"))


def members_table(members: Sequence[Member], axes: Sequence[str]) -> pd.DataFrame:
    """One row a member: its axes, widths, exact size, and the variances that its weights are drawn with.

    `weight_variance` and `bias_variance` are sigma_w^2 and sigma_b^2 of the hidden layers, empty where these
    differ; the columns in the plural say all layers, the readout last. `fixed_point` and `stability` are q*
    and V'(q*) of a critical initialisation.
    """
    rows = []
    for member in members:
        row = {"member": member.name} | {axis: member.axes.get(axis) for axis in axes}
        row |= {"parameters": member.parameters, "widths": " ".join(map(str, member.widths))}
        for place, name in enumerate(("weight_variance", "bias_variance")):
            layers = [variances[place] for variances in member.variances]
            row[name] = layers[0] if len(set(layers[:-1])) == 1 else None
            row[f"{name}s"] = " ".join(f"{value:.10g}" for value in layers)
        rows.append(row | _criticality(member))
    return pd.DataFrame(rows)


def _criticality(member: Member) -> dict[str, float | None]:
    if not isinstance(member.initialization, Critical | Orthogonal) or member.activation.homogeneous:
        return {"fixed_point": None, "stability": None}
    point = edge_of_chaos(member.activation, member.initialization.bias_std**2)
    return {"fixed_point": point.fixed_point, "stability": point.stability}


_INDICES = ("layer", "step")


def _identity(blocks: Sequence[Block], sizes: Sequence[int], axes: Sequence[str]) -> dict[str, Any]:
    columns: dict[str, Any] = {"member": _labels([block.member.name for block in blocks], sizes)}
    for axis in axes:
        columns[axis] = _repeated([block.member.axes.get(axis) for block in blocks], sizes)
    columns["parameters"] = np.repeat([block.member.parameters for block in blocks], sizes)
    columns["quantity"] = _labels([block.quantity for block in blocks], sizes)
    return columns


def _training(blocks: Sequence[Block], sizes: Sequence[int], columns: Sequence[str]) -> dict[str, Any]:
    return {column: _repeated([block.training.get(column) for block in blocks], sizes) for column in columns}


def _repeated(values: Sequence[Any], sizes: Sequence[int]) -> Any:
    """One value a block, as often as the block has rows; text as categories, whole numbers with gaps allowed."""
    if any(isinstance(value, str) for value in values):
        return _labels(values, sizes)
    numbers = np.array([np.nan if value is None else float(value) for value in values])
    if any(isinstance(value, float) for value in values):
        return np.repeat(numbers, sizes)
    return _whole([np.full(size, number) for number, size in zip(numbers, sizes, strict=True)])


def _labels(names: Sequence[str | None], sizes: Sequence[int]) -> Any:
    categories = list(dict.fromkeys(name for name in names if name is not None))
    codes = {name: code for code, name in enumerate(categories)}
    repeated = np.repeat(np.array([codes.get(name or "", -1) for name in names]), sizes)
    return pd.Categorical.from_codes(repeated, pd.Index(categories))


def _whole(parts: Sequence[Array]) -> Any:
    """Whole numbers, or gaps where they are nan."""
    numbers = np.concatenate(parts)
    missing = np.isnan(numbers)
    return pd.arrays.IntegerArray(np.where(missing, 0, numbers).astype(np.int64), missing)


def _draws(block: Block) -> Array:
    draws, width = block.values.shape
    return np.repeat(np.arange(draws) if block.drawn else np.full(draws, np.nan), width).astype(np.float64)


def _along(block: Block, index: str, repeats: int) -> Array:
    """What the block's index runs over, for one repeat after the other."""
    if block.index != index or block.places is None:
        return np.full(block.values.shape[1] * repeats, np.nan)
    return np.tile(block.places.astype(np.float64), repeats)
