"""Computes one cell, tile of draws after tile, whose size its numbers depend on by rounding alone, if at all."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from suite.catalog.dotted import load
from suite.catalog.initializations import DataDependent
from suite.catalog.measures import MEASURES
from suite.catalog.measures.settings import OnTheDomain
from suite.cells.cache import Readings
from suite.cells.cell import Cell, TrainingCell
from suite.cells.checkpoint import Checkpoint
from suite.cells.tiles import Course, draws_a_tile, in_tiles, memory_errors_explained
from suite.measures.trainability import TaskAt
from suite.nets.data_dependent import activate_at_data
from suite.nets.ensemble import Ensemble
from suite.nets.initialization import draw_parameters
from suite.nets.losses import HALF_SQUARE, LossAt
from suite.nets.matmul import full_precision
from suite.nets.pairs import draw_pairs
from suite.nets.sample import Sample, sample_domain
from suite.nets.streams import block_size
from suite.theory.networks import input_variance
from suite.training.observer import Bookmark, Observer, observe
from suite.training.tasks import Data, make_data


@full_precision()
def compute(
    cell: Cell,
    device: str = "cpu",
    tile: int | None = None,
    compiled: bool = False,
    checkpoint: Checkpoint | None = None,
    dtype: torch.dtype | None = None,
) -> Readings:
    """The cell's quantities.

    Args:
        cell: what to compute.
        device: where, "cpu" or "cuda".
        tile: draws at a time, at most; by default as many as the CPU's cache or the GPU's free memory holds. Where
            memory runs out, fewer.
        compiled: whether forward passes of narrow plain networks are compiled.
        checkpoint: keeps how far the cell has come, and says how far it had; its numbers do not depend on it.
        dtype: in place of the cell's own precision, to measure the effect of rounding; do not cache such results.

    Returns:
        By quantity, an array with the draws first; of training, the learning rates next; then layers, recorded steps
        or grid points, where the quantity has them.

    Raises:
        MemoryError: one draw at a time is too much; the message says of what.
    """
    size = tile or draws_a_tile(cell, device)
    dtype = dtype or _dtype(cell)
    with memory_errors_explained(cell):
        sample = _sample(cell, dtype, device) if cell.sampled else None
        values = 4 * sum(cell.task.points) * cell.task.inputs if cell.task else 0
        block = block_size(max(cell.member.parameters, values))
        if device != "cpu":  # many small networks keep it busy
            block *= max(1, size // block)
        course = Course(cell, block, size, checkpoint, tile)
        for first, last, start in course.blocks():
            take = _taking(course, first, last, sample, dtype, device, compiled)
            course.tile = in_tiles(take, last - first, course.tile, course.pieces, start - first)
    if checkpoint:
        checkpoint.tile = course.tile
    return course.readings()


def measured(cell: Cell, ensemble: Ensemble) -> dict[str, Tensor]:
    """What a cell's measure says of networks that are there already, in the precision that its settings ask for.

    Args:
        cell: of a measure that looks at no task; as many draws as there are networks.
        ensemble: the networks, in place of those that the cell would draw.
    """
    sample = _sample(cell, _dtype(cell), "cpu") if cell.sampled else None
    whole = slice(cell.start, cell.stop)
    with full_precision():
        return _take(cell, ensemble.to(_dtype(cell)), sample, None, whole, None)


def _taking(
    course: Course, first: int, last: int, sample: Sample | None, dtype: torch.dtype, device: str, compiled: bool
) -> Callable[[slice, int], Readings]:
    """Draws `first` .. `last` with their data; what comes back takes some of them, counted from `first`."""
    cell = course.cell
    data = make_data(cell.task, cell.seed, first, last, dtype, judged=cell.trains) if cell.task else None
    ensemble = replace(_ensemble(cell, first, last, data).to(dtype), compiled=compiled)

    def take(part: slice, tile: int) -> Readings:
        draws = slice(first + part.start, first + part.stop)
        bookmark = course.bookmark(draws, tile, device)
        some, lesson = ensemble[part].to(dtype, device), data[part].to(device) if data else None
        found = _take(cell, some, sample, lesson, draws, bookmark)
        return {quantity: values.cpu().numpy() for quantity, values in found.items()}

    return take


def _take(
    cell: Cell, ensemble: Ensemble, sample: Sample | None, data: Data | None, draws: slice, bookmark: Bookmark | None
) -> dict[str, Tensor]:
    """What the cell's measure, or those that look at training, return for some draws."""
    if isinstance(cell, TrainingCell):
        assert data is not None
        assert bookmark is not None
        observers: list[tuple[Callable[..., Observer], Any]] = [
            (load(MEASURES[name].function), settings) for name, settings in cell.taken
        ]
        return observe(ensemble, data, cell.settings, observers, bookmark)
    measure = getattr(cell.settings, "declared", None) or load(cell.measure.function)  # a plug-in's goes with its text
    found: dict[str, Tensor] = measure(ensemble, _domain(cell, sample, data, draws, ensemble.parameters), cell.settings)
    return found


def _dtype(cell: Cell) -> torch.dtype:
    """Return the cell's precision."""
    dtype: torch.dtype = getattr(torch, cell.dtype)
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


def _domain(cell: Cell, sample: Sample | None, data: Data | None, draws: slice, parameters: Tensor) -> Any:
    """What the measure looks at, as the catalog says."""
    match cell.measure.inputs:
        case "domain":
            return sample
        case "task":
            assert cell.task is not None
            assert data is not None
            return TaskAt(cell.task, sample if cell.sampled and sample else data.train.inputs)
        case "pair":
            settings: Any = cell.settings
            cosine = getattr(settings, "cosine", 1.0)
            pairs = draw_pairs(cell.member.widths[0], cosine, cell.seed, draws.start, draws.stop)
            return (pairs * input_variance(cell.member, settings) ** 0.5).to(parameters)
        case "loss" if data is not None:
            batch = slice(cell.points if cell.measure.batch else None)
            return LossAt(data.loss, data.train.inputs[..., batch], data.train.labels[..., batch])
        case "loss" if sample is not None:
            points = sample.some(cell.points) if cell.measure.batch else sample.points()
            return LossAt(HALF_SQUARE, points, points.new_zeros(cell.member.widths[-1], points.shape[1]))
        case _:
            return None


def _sample(cell: Cell, dtype: torch.dtype, device: str) -> Sample:
    settings = cell.settings
    assert isinstance(settings, OnTheDomain)
    assert settings.step is not None
    sample = sample_domain(cell.member.widths[0], settings.step, settings.lines, cell.seed, cell.domain)
    return sample.to(dtype, device)
