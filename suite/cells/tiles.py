"""Tiles: how many draws of a cell move together, and what happens where memory does not suffice for them."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from suite.catalog.measure_settings import ScoreSettings
from suite.cells.cell import Cell, TrainingCell
from suite.nets.ensemble import TILE_BYTES

Found = TypeVar("Found")

TRAINING_BYTES = 64 * 2**20
"""Activations and parameters of the networks that are trained together."""

TRAINING_LAYER_BYTES = 4 * 2**20
"""One layer's activations of these networks; larger ones leave the cache between two operations."""

FREE_SHARE = 0.5
"""How much of a GPU's free memory a tile may take by our estimate, which leaves out what operations need besides."""

LAYERS_HELD = 8
"""A layer's activations that a measure holds at once on a GPU, for a start; where it is more, tiles get smaller."""


def draws_a_tile(cell: Cell, device: str = "cpu") -> int:
    """How many draws move together: one at least, and no more than cache or memory are good for."""
    room = None if device == "cpu" else int(FREE_SHARE * _free(device))
    widths, settings = cell.member.widths, cell.settings
    if isinstance(cell, TrainingCell):
        first = cell.optimizers[0]
        buffers = 2 if cell.member.plain else 4
        everything = buffers * sum(widths[1:]) * first.batch + 5 * cell.member.parameters
        if cell.member.normalization == "batch" and cell.task:  # judged on all points at once
            everything += 2 * max(widths) * sum(cell.task.points)
        networks = (room or TRAINING_BYTES) // (4 * everything)
        if room is None:
            networks = min(networks, TRAINING_LAYER_BYTES // (4 * max(widths) * first.batch))
        return max(1, networks // len(cell.optimizers))
    if isinstance(settings, ScoreSettings):
        return max(1, (room or TRAINING_BYTES) // (8 * _held_by_a_score(cell)))
    held = max(widths)
    if cell.measure.sees == "loss" and cell.member.normalization == "batch":  # every layer of all points at once
        held = 4 * sum(widths)
    values = max(held * _columns(cell), cell.member.parameters)
    return max(1, (TILE_BYTES if room is None else room // LAYERS_HELD) // (8 * values))


def _free(device: str) -> int:
    """Bytes that can be had on a GPU: what nobody uses, and what torch keeps there for reuse."""
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def _columns(cell: Cell) -> int:
    """That a layer's activations have in one pass."""
    return max(cell.member.widths) if cell.name == "jacobian" else cell.points


def _held_by_a_score(cell: Cell) -> int:
    """Numbers that a zero-cost score holds for one network: every layer's at all points, and kernels of these."""
    widths, points, parameters = cell.member.widths, cell.points, cell.member.parameters
    layers = sum(widths) * points
    if cell.name in ("grad_norm", "snip", "jacobian_covariance"):
        return 4 * layers + 4 * parameters
    if cell.name == "naswot":
        return 6 * layers + parameters + 4 * points**2
    if cell.name == "ntk":
        rows = points * widths[-1]
        by_rows = 2 * rows * parameters if cell.member.normalization == "batch" else 5 * widths[-1] * layers
        return 8 * layers + 3 * parameters + 5 * rows**2 + by_rows
    return (24 if cell.name == "grasp" else 8) * layers + 8 * parameters  # differentiated twice


def in_tiles(take: Callable[[slice, int], Found], draws: int, size: int, found: list[Found], start: int = 0) -> int:
    """Takes draws tile by tile; where memory runs out, the tile is halved and taken again.

    Args:
        take: called with each tile, and the size that tiles have by now; leaves nothing behind if it fails.
        draws: how many there are.
        size: of a tile, to begin with.
        found: gets what `take` returns.
        start: the first to be taken.

    Returns:
        The size that did fit.
    """
    while start < draws:
        stop = min(start + size, draws)
        try:
            found.append(take(slice(start, stop), size))
        except (MemoryError, RuntimeError) as error:
            if stop - start == 1 or not out_of_memory(error):
                raise
        else:
            start = stop
            continue
        size = (stop - start) // 2
        gc.collect()  # the error is gone by now, and with it all that it held on to
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
    return size


@contextmanager
def memory_errors_explained(cell: Cell) -> Iterator[None]:
    """Whoever says that memory does not suffice, the error names the cell and what to do."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        (reason, *_) = str(error).splitlines() or [type(error).__name__]
        raise MemoryError(
            f"{cell.name} of {cell.member.name}: not even one draw at a time fits ({reason}); "
            "ask for smaller networks or fewer points, run fewer workers, or free memory"
        ) from error


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice: a GPU's or the machine's, in torch's words or Python's own."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _WORDS)


_WORDS = ("can't allocate memory", "not enough memory", "cannot allocate memory", "alloc_failed")
