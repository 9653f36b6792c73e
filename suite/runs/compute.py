"""Computes one cell, tile of draws after tile: what it returns does not depend on the tiles' size."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from suite.catalog.dotted import load
from suite.catalog.initializations import DataDependent
from suite.catalog.measure_settings import AccuracySettings, CorrelationSettings, JacobianSettings, OnTheDomain
from suite.catalog.measures import MEASURES
from suite.measures.gradients import LossAt
from suite.measures.trainability import TaskAt
from suite.nets.data_dependent import activate_at_data
from suite.nets.ensemble import TILE_BYTES, Ensemble
from suite.nets.initialization import draw_parameters
from suite.nets.losses import HALF_SQUARE
from suite.nets.pairs import draw_pairs
from suite.nets.sample import Sample, sample_domain
from suite.nets.streams import block_size
from suite.runs.cells import Cell
from suite.runs.laws import input_variance
from suite.training.observer import Observer, observe
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
    size = tile or draws_a_tile(cell)
    pieces = []
    sample = _sample(cell, device) if cell.sampled else None
    values = 4 * sum(cell.task.points) * cell.task.inputs if cell.task else 0
    block = block_size(max(cell.member.parameters, values))
    for first in range(cell.start, cell.stop, block):
        last = min(first + block, cell.stop)
        data = make_data(cell.task, cell.seed, first, last, _dtype(cell)) if cell.task else None
        ensemble = _ensemble(cell, first, last, data).to(_dtype(cell), device)
        data = data.to(device) if data else None
        for start in range(0, last - first, size):
            part = slice(start, start + size)
            some, lesson = ensemble[part], data[part] if data else None
            found = _take(cell, some, sample, lesson, slice(first + start, first + start + some.draws))
            pieces.append({quantity: values.cpu().numpy() for quantity, values in found.items()})
    axis = 1 if cell.trains else 0
    return {quantity: np.concatenate([piece[quantity] for piece in pieces], axis=axis) for quantity in pieces[0]}


def _take(
    cell: Cell, ensemble: Ensemble, sample: Sample | None, data: Data | None, draws: slice
) -> dict[str, torch.Tensor]:
    """What the cell's measure, or those that look at training, return for some draws."""
    if isinstance(cell.settings, AccuracySettings):
        assert data is not None
        observers: list[tuple[Callable[..., Observer], Any]] = [
            (load(MEASURES[name].function), settings) for name, settings in cell.taken
        ]
        return observe(ensemble, data, cell.settings, observers)
    measure = load(cell.measure.function)
    found: dict[str, torch.Tensor] = measure(
        ensemble, _domain(cell, sample, data, draws, ensemble.parameters.device), cell.settings
    )
    return found


def draws_a_tile(cell: Cell) -> int:
    """How many draws move together: one at least, and no more than memory and cache are good for."""
    widths, settings = cell.member.widths, cell.settings
    if isinstance(settings, AccuracySettings):
        first = settings.optimizer[0]
        buffers = 2 if cell.member.plain else 4
        everything = buffers * sum(widths[1:]) * first.batch + 5 * cell.member.parameters
        if cell.member.normalization == "batch" and cell.task:  # judged on all points at once
            everything += 2 * max(widths) * sum(cell.task.points)
        networks = min(TRAINING_BYTES // (4 * everything), TRAINING_LAYER_BYTES // (4 * max(widths) * first.batch))
        return max(1, networks // len(settings.optimizer))
    held = max(widths)
    if cell.measure.sees == "loss" and cell.member.normalization == "batch":  # every layer of all points at once
        held = 4 * sum(widths)
    return max(1, TILE_BYTES // (8 * max(held * int(_points(cell)), cell.member.parameters)))


def _points(cell: Cell) -> int:
    """Columns that a layer's activations have in one pass."""
    settings, inputs = cell.settings, cell.member.widths[0]
    if cell.sampled and isinstance(settings, OnTheDomain) and settings.step:
        return cell.domain.points(inputs, settings.step, settings.lines)
    if cell.measure.sees == "loss" and cell.task:
        return cell.task.train
    return max(cell.member.widths) if cell.name == "jacobian" else 1


def _dtype(cell: Cell) -> torch.dtype:
    """Training is in float32, measures in the precision that the spec asks for, float64 where it cannot ask."""
    if cell.trains:
        return torch.float32
    dtype: torch.dtype = getattr(torch, getattr(cell.settings, "dtype", "float64"))
    return dtype


def _ensemble(cell: Cell, start: int, stop: int, data: Data | None) -> Ensemble:
    """Draws start .. stop in float32 on the CPU."""
    member = cell.member
    parameters = draw_parameters(
        member.initialization,
        member.widths,
        member.variances,
        cell.seed,
        member.content,
        start,
        stop,
        normalized=member.normalization != "none",
    )
    if isinstance(member.initialization, DataDependent):
        assert data is not None
        noise_std = member.initialization.noise_std
        activate_at_data(parameters, member.widths, data.train.inputs, noise_std, cell.seed, member.content, start)
    return Ensemble(
        member.widths, member.activation, member.variances, parameters, member.normalization, member.residual
    )


def _domain(cell: Cell, sample: Sample | None, data: Data | None, draws: slice, device: torch.device) -> Any:
    """What the measure looks at, as the catalog says."""
    match cell.measure.sees:
        case "domain":
            return sample
        case "task":
            assert cell.task is not None
            assert data is not None
            return TaskAt(cell.task, sample if cell.sampled and sample else data.train.inputs)
        case "pair":
            settings = cell.settings
            assert isinstance(settings, CorrelationSettings | JacobianSettings)
            cosine = getattr(settings, "cosine", 1.0)
            pairs = draw_pairs(cell.member.widths[0], cosine, cell.seed, draws.start, draws.stop)
            return (pairs * input_variance(cell.member, settings) ** 0.5).to(device)
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
    sample = sample_domain(cell.member.widths[0], settings.step, settings.lines, cell.seed, cell.domain)
    return sample.to(_dtype(cell), device)
