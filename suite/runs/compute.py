"""Computes one cell, tile of draws after tile: what it returns does not depend on the tiles' size."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from suite.catalog.measures import GRID_INPUTS, AccuracySettings, OnTheDomain
from suite.measures.gradients import LossAt
from suite.nets.ensemble import TILE_BYTES, Ensemble
from suite.nets.initialization import draw_parameters
from suite.nets.losses import HALF_SQUARE
from suite.nets.sample import Sample, sample_domain
from suite.nets.streams import block_size
from suite.runs.cells import Cell
from suite.training.tasks import Data, make_data

Readings = dict[str, NDArray[Any]]

TRAINING_BYTES = 64 * 2**20
"""Activations and parameters of the networks that are trained together."""

TRAINING_LAYER_BYTES = 4 * 2**20
"""One layer's activations of these networks; larger ones leave the cache between two operations."""


def compute(cell: Cell, device: str = "cpu", tile: int | None = None) -> Readings:
    """The cell's quantities.

    Args:
        cell: what to compute.
        device: where, "cpu" or "cuda".
        tile: draws at a time; by default as many as the cache holds.

    Returns:
        By quantity, an array with the draws first; of training, the learning rates before them; then layers,
        recorded steps or grid points, where the quantity has them.
    """
    module, name = cell.measure.function.split(":")
    measure: Callable[..., dict[str, torch.Tensor]] = getattr(import_module(module), name)
    size = tile or draws_a_tile(cell)
    pieces = []
    sample = _sample(cell, device) if isinstance(cell.settings, OnTheDomain) else None
    values = 4 * sum(cell.task.points) * cell.task.inputs if cell.task else 0
    block = block_size(max(cell.member.parameters, values))
    for first in range(cell.start, cell.stop, block):
        last = min(first + block, cell.stop)
        ensemble = _ensemble(cell, first, last, device)
        data = make_data(cell.task, cell.seed, first, last, _dtype(cell)).to(device) if cell.task else None
        for start in range(0, last - first, size):
            part = slice(start, start + size)
            found = measure(ensemble[part], _domain(cell, sample, data[part] if data else None), cell.settings)
            pieces.append({quantity: values.cpu().numpy() for quantity, values in found.items()})
    axis = 1 if isinstance(cell.settings, AccuracySettings) else 0
    return {quantity: np.concatenate([piece[quantity] for piece in pieces], axis=axis) for quantity in pieces[0]}


def draws_a_tile(cell: Cell) -> int:
    """How many draws move together: one at least, and no more than memory and cache are good for."""
    widths, settings = cell.member.widths, cell.settings
    if isinstance(settings, AccuracySettings):
        first = settings.optimizer[0]
        everything = 2 * sum(widths[1:]) * first.batch + 5 * cell.member.parameters
        networks = min(TRAINING_BYTES // (4 * everything), TRAINING_LAYER_BYTES // (4 * max(widths) * first.batch))
        return max(1, networks // len(settings.optimizer))
    points = cell.task.train if cell.task else _points(cell)
    return max(1, TILE_BYTES // (8 * max(max(widths) * int(points), cell.member.parameters)))


def _points(cell: Cell) -> int:
    if not isinstance(cell.settings, OnTheDomain):
        return 1
    side = round(2 / (cell.settings.step or 1)) + 1
    inputs = cell.member.widths[0]
    return int(side**inputs) if inputs <= GRID_INPUTS else int(side * cell.settings.lines)


def _dtype(cell: Cell) -> torch.dtype:
    """Training is in float32, measures in the precision that the spec asks for."""
    dtype: torch.dtype = getattr(torch, getattr(cell.settings, "dtype", "float32"))
    return dtype


def _ensemble(cell: Cell, start: int, stop: int, device: str) -> Ensemble:
    member = cell.member
    parameters = draw_parameters(
        member.initialization, member.widths, member.variances, cell.seed, member.content, start, stop
    )
    return Ensemble(member.widths, member.activation, member.variances, parameters).to(_dtype(cell), device)


def _domain(cell: Cell, sample: Sample | None, data: Data | None) -> Any:
    """What the measure looks at, as the catalog says."""
    match cell.measure.sees:
        case "data":
            return data
        case "domain":
            return sample
        case "loss" if data is not None:
            return LossAt(data.loss, data.train.inputs, data.train.labels)
        case "loss" if sample is not None:
            points = sample.points()
            return LossAt(HALF_SQUARE, points, points.new_zeros(cell.member.widths[-1], points.shape[1]))
        case _:
            return None


def _sample(cell: Cell, device: str) -> Sample:
    settings = cell.settings
    assert isinstance(settings, OnTheDomain)
    assert settings.step is not None
    sample = sample_domain(cell.member.widths[0], settings.step, settings.lines, cell.seed)
    return sample.to(_dtype(cell), device)
