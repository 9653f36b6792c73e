"""Computation of one cell, tile by tile of its draws; the size of the tiles affects only rounding."""

import gc
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor

from suite.catalog.domain import Region
from suite.catalog.dotted import load
from suite.catalog.measures import MEASURES
from suite.catalog.measures.settings import OnTheDomain
from suite.cells.cache import Readings
from suite.cells.cell import Cell, TrainingCell
from suite.cells.checkpoint import CellProgress, Checkpoint
from suite.measures.trainability import TaskAt
from suite.nets.compiled import can_compile
from suite.nets.data_points import DataPoints, sample_data
from suite.nets.ensemble import TILE_BYTES, Ensemble
from suite.nets.losses import HALF_SQUARE, LossAt
from suite.nets.pairs import draw_pairs
from suite.nets.sample import Sample, sample_domain
from suite.nets.streams import block_size
from suite.nets.torch_settings import standard_settings
from suite.theory.networks import input_variance
from suite.training.networks import draw_member, draw_networks
from suite.training.observer import Observer, ResumeState, observe
from suite.training.tasks import Data, make_data

Found = TypeVar("Found")

TRAINING_BYTES = 64 * 2**20
"""Maximum bytes of activations and parameters of the networks that are trained together."""

_TRAINING_LAYER_BYTES = 4 * 2**20
"""Maximum bytes of one layer's activations of these networks; more would leave the processor's cache between
operations.
"""

_COMPILED_COPIES = 5
"""Number of arrays of the size of the parameters that compiled training holds."""

_GROUP = 8
"""Multiple of the draws in a tile for compiled kernels, which compute four or eight networks at once."""

_FREE_SHARE = 0.5
"""Share of a GPU's free memory that a tile may take by our estimate, which excludes temporary arrays."""

_LAYERS_HELD = 8
"""Number of layers' activations that a measure is assumed to hold on a GPU; if it holds more, tiles shrink."""


Drawn = dict[tuple[int, int], Tensor]
"""The parameters of the block that was drawn last, by its first draw and one past its last."""


@standard_settings()
def compute(
    cell: Cell,
    device: str = "cpu",
    tile: int | None = None,
    checkpoint: Checkpoint | None = None,
    dtype: torch.dtype | None = None,
) -> Readings:
    """Compute the quantities of a cell.

    Args:
        cell: The cell.
        device: "cpu" or "cuda".
        tile: The maximum number of draws computed together. Default: as many as fit the CPU's cache or the GPU's free
            memory. If memory runs out, the tile shrinks.
        checkpoint: The checkpoint to resume from and to write, which does not affect the numbers.
        dtype: A precision that replaces the cell's, to measure the effect of rounding; do not cache such results.

    Returns:
        An array per quantity with the draws first; in training, the learning rates next; then layers, recorded steps or
            grid points, if the quantity has them.

    Raises:
        MemoryError: If a single draw does not fit into memory; the message names the cell.
    """
    blocks = compute_blocks(cell, device, tile, checkpoint, dtype)
    try:
        while True:
            next(blocks)
    except StopIteration as end:
        readings: Readings = end.value
        return readings


def compute_blocks(
    cell: Cell,
    device: str = "cpu",
    tile: int | None = None,
    checkpoint: Checkpoint | None = None,
    dtype: torch.dtype | None = None,
    drawn: Drawn | None = None,
) -> Generator[None, None, Readings]:
    """Compute the quantities of a cell; yield after each block of draws, and return as `compute` does.

    The caller enters `standard_settings`.

    Args:
        cell: As for `compute`.
        device: As for `compute`.
        tile: As for `compute`.
        checkpoint: As for `compute`.
        dtype: As for `compute`.
        drawn: The last block of another cell of the same seed and member, which is used if it has the same draws.
    """
    size = tile or draws_a_tile(cell, device)
    dtype = dtype or _dtype(cell)
    with _explain_memory_errors(cell):
        sample = _sample(cell, dtype, device) if cell.sampled else None
        values = 4 * sum(cell.task.points) * cell.task.inputs if cell.task and cell.uses_replicates else 0
        block = block_size(max(cell.member.parameters, values))
        if device != "cpu":  # many small networks are needed to keep a GPU busy
            block *= max(1, size // block)
        progress = CellProgress(cell, block, size, checkpoint, tile)
        for first, last, start in progress.blocks():
            compute_tile = _draw_block(progress, first, last, sample, dtype, device, drawn)
            progress.tile = _in_tiles(compute_tile, last - first, progress.tile, progress.finished, start - first)
            yield
    if checkpoint:
        checkpoint.tile = progress.tile
    return progress.readings()


def measure_networks(
    cell: Cell, ensemble: Ensemble, data: DataPoints | None = None, at: LossAt | None = None
) -> dict[str, Tensor]:
    """Return the results of a cell's measure for existing networks, in the precision of its settings.

    Args:
        cell: A cell of a measure that needs no task, with as many draws as there are networks.
        ensemble: The networks, in place of those that the cell would draw.
        data: The points of the user's data, in place of the sample of the cell's domain.
        at: The loss with points and labels, in place of the mean square of the outputs.
    """
    dtype = _dtype(cell)
    sample = (data.to(dtype, "cpu") if data else _sample(cell, dtype, "cpu")) if cell.sampled else None
    whole = slice(cell.start, cell.stop)
    measure = load(cell.measure.function)
    with standard_settings():
        if data is not None and cell.measure.inputs == "loss":
            settings: Any = cell.settings
            batch = slice(settings.points if cell.measure.batch else None)
            points = data.data[:, batch].to(dtype)
            given: Any = LossAt(HALF_SQUARE, points, points.new_zeros(ensemble.widths[-1], points.shape[1]))
            if at is not None:
                given = LossAt(at.loss, points, at.labels[:, batch].to(dtype))
        else:
            given = _inputs(cell, sample, None, whole, ensemble.parameters.to(dtype))
        found: dict[str, Tensor] = measure(ensemble.to(dtype), given, cell.settings)
    if cell.in_tables:
        _check_shapes(cell, found, ensemble.draws)
    return found


def _draw_block(
    progress: CellProgress,
    first: int,
    last: int,
    sample: Sample | None,
    dtype: torch.dtype,
    device: str,
    drawn: Drawn | None,
) -> Callable[[slice, int], Readings]:
    """Draw networks `first` to `last` with their data; return a function that computes some of them."""
    cell = progress.cell
    data = None
    if cell.task and cell.uses_replicates:
        data = make_data(cell.task, cell.seed, first, last, dtype, judged=cell.trains)
    ensemble = _networks(cell, first, last, data, drawn).to(dtype)

    def compute_tile(part: slice, tile: int) -> Readings:
        draws = slice(first + part.start, first + part.stop)
        resume = progress.resume_state(draws, tile, device)
        some, own = ensemble[part].to(dtype, device), data[part].to(device) if data else None
        found = _compute_draws(cell, some, sample, own, draws, resume)
        return {quantity: values.cpu().numpy() for quantity, values in found.items()}

    return compute_tile


def _compute_draws(
    cell: Cell, ensemble: Ensemble, sample: Sample | None, data: Data | None, draws: slice, resume: ResumeState | None
) -> dict[str, Tensor]:
    """Return the results of the cell's measure, or of its training with all observers, for some draws."""
    if isinstance(cell, TrainingCell):
        assert data is not None
        assert resume is not None
        observers: list[tuple[Callable[..., Observer], Any]] = [
            (load(MEASURES[name].function), settings) for name, settings in cell.taken
        ]
        return observe(ensemble, data, cell.settings, observers, resume)
    measure = load(cell.measure.function)
    found: dict[str, Tensor] = measure(ensemble, _inputs(cell, sample, data, draws, ensemble.parameters), cell.settings)
    if cell.in_tables:
        _check_shapes(cell, found, ensemble.draws)
    return found


def _check_shapes(cell: Cell, found: dict[str, Tensor], draws: int) -> None:
    """Raise ValueError unless a measure returns the declared shapes: per draw, one value or one per layer."""
    for quantity, values in found.items():
        declared = cell.measure.quantities[quantity]
        axes = ("draws", *(f"{name}s" for name in declared.index))
        if values.ndim != len(axes) or values.shape[0] != draws:
            shape, expected = tuple(values.shape), ", ".join(axes)
            raise ValueError(
                f"{cell.name} returned {quantity} of shape {shape} for {draws} draws; expected shape ({expected})"
            )


def _dtype(cell: Cell) -> torch.dtype:
    """Return the cell's precision as a torch dtype."""
    dtype: torch.dtype = getattr(torch, cell.dtype)
    return dtype


def _networks(cell: Cell, start: int, stop: int, data: Data | None, drawn: Drawn | None = None) -> Ensemble:
    """Return networks `start` to `stop` in float32 on the CPU; draw them unless they were drawn last."""
    drawn = {} if drawn is None else drawn
    parameters = drawn.get((start, stop))
    if parameters is None:
        drawn.clear()  # before further memory is needed
        parameters = drawn[start, stop] = draw_member(cell.member, cell.seed, start, stop)
    return draw_networks(cell.member, cell.seed, start, stop, data, parameters)


def _inputs(cell: Cell, sample: Sample | None, data: Data | None, draws: slice, parameters: Tensor) -> Any:
    """Return the input of the measure according to its declaration."""
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
    """Return the sample of the domain on a device."""
    settings = cell.settings
    assert isinstance(settings, OnTheDomain)
    if isinstance(cell.domain, Region):
        sample = sample_domain(cell.member.widths[0], settings.step, settings.lines, cell.seed, cell.domain)
    else:
        assert cell.task is not None
        first = make_data(cell.task, cell.seed, 0, 1, torch.float64, judged=False)
        sample = sample_data(first.train.inputs[0], settings.step, cell.seed)
    return sample.to(dtype, device)


def draws_a_tile(cell: Cell, device: str = "cpu") -> int:
    """Return the number of draws to compute together: at least one, and as many as cache or memory holds."""
    widths = cell.member.widths
    numbers = cell.measure.memory(cell.shape, cell.settings)
    available = None if device == "cpu" else int(_FREE_SHARE * _free_bytes(device))
    compiled = available is None and can_compile(widths, cell.member.activation)
    if isinstance(cell, TrainingCell):
        if compiled:  # kernels hold the activations of one group of networks
            numbers = _COMPILED_COPIES * cell.member.parameters
        networks = (available or TRAINING_BYTES) // (4 * numbers)
        if available is None and not compiled:
            networks = min(networks, _TRAINING_LAYER_BYTES // (4 * max(widths) * cell.optimizers[0].batch))
        return max(1, networks // len(cell.optimizers))
    if not cell.measure.layerwise:
        return max(1, (available or TRAINING_BYTES) // (8 * numbers))
    draws = (TILE_BYTES if available is None else available // _LAYERS_HELD) // (8 * numbers)
    return max(1, draws // _GROUP) * _GROUP if compiled else max(1, draws)


def _free_bytes(device: str) -> int:
    """Return a GPU's available memory in bytes: free memory, and memory that torch has reserved for reuse."""
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def _in_tiles(
    compute_tile: Callable[[slice, int], Found], draws: int, size: int, finished: list[Found], start: int = 0
) -> int:
    """Compute draws tile by tile. If memory runs out, halve the tile and compute it again.

    Args:
        compute_tile: A function that is called with each tile and the current size; it must have no side effects if it
            fails.
        draws: The number of draws.
        size: The initial size of a tile.
        finished: A list to which the results of `compute_tile` are appended.
        start: The first draw to compute.

    Returns:
        The last size, with which the remaining draws fit into memory.
    """
    while start < draws:
        stop = min(start + size, draws)
        try:
            finished.append(compute_tile(slice(start, stop), size))
        except (MemoryError, RuntimeError) as error:
            if stop - start == 1 or not _is_out_of_memory(error):
                raise
        else:
            start = stop
            continue
        size = (stop - start) // 2
        gc.collect()  # after `except`, inside which the error still refers to the arrays
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
    return size


@contextmanager
def _explain_memory_errors(cell: Cell) -> Iterator[None]:
    """Convert errors that report a lack of memory into a MemoryError that names the cell and a fix."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        (reason, *_) = str(error).splitlines() or [type(error).__name__]
        raise MemoryError(
            f"{cell.name} of {cell.member.name}: one draw does not fit into memory ({reason}); "
            "use smaller networks or fewer points, run fewer workers, or free memory"
        ) from error


def _is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of torch or Python reports a lack of memory on a GPU or the machine."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _OUT_OF_MEMORY)


_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "cannot allocate memory", "alloc_failed")
