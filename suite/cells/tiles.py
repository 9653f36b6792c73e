"""Tiles: how many draws of a cell are computed together, and how far the computing of a cell has come."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch

from suite.cells.cache import Readings
from suite.cells.cell import Cell, TrainingCell
from suite.cells.checkpoint import Checkpoint, Place
from suite.nets.ensemble import TILE_BYTES
from suite.training.observer import Bookmark
from suite.training.trainer import State

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
    widths = cell.member.widths
    numbers = cell.measure.memory(cell.shape, cell.settings)
    room = None if device == "cpu" else int(FREE_SHARE * _free(device))
    if isinstance(cell, TrainingCell):
        networks = (room or TRAINING_BYTES) // (4 * numbers)
        if room is None:
            networks = min(networks, TRAINING_LAYER_BYTES // (4 * max(widths) * cell.optimizers[0].batch))
        return max(1, networks // len(cell.optimizers))
    if not cell.measure.layerwise:
        return max(1, (room or TRAINING_BYTES) // (8 * numbers))
    return max(1, (TILE_BYTES if room is None else room // LAYERS_HELD) // (8 * numbers))


def _free(device: str) -> int:
    """Bytes that can be had on a GPU: what nobody uses, and what torch keeps there for reuse."""
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


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


class Course:
    """Where one computing of a cell is; it begins where its checkpoint says that an earlier one was left.

    Attributes:
        tile: draws that are computed together, at most.
        pieces: readings of the draws that are done, in order.
    """

    def __init__(
        self, cell: Cell, block: int, size: int, checkpoint: Checkpoint | None = None, tile: int | None = None
    ) -> None:
        """Reads the checkpoint.

        Args:
            cell: what is computed.
            block: draws that are drawn together.
            size: draws that are computed together, at most, unless an earlier computing had others.
            checkpoint: where the cell's place is kept, if anywhere.
            tile: the size, where it must be that and no other.
        """
        self.cell, self.checkpoint = cell, checkpoint
        left = checkpoint.read(tile) if checkpoint else None
        self.left = left or Place(block, size, cell.start, cell.start, {}, {})
        self.tile = self.left.tile
        self.pieces = [self.left.done] if self.left.done else []

    def blocks(self) -> Iterator[tuple[int, int, int]]:
        """Of each block that is not done: its first draw, one past its last, and the first that is to be computed."""
        for first in range(self.cell.start, self.cell.stop, self.left.block):
            last = min(first + self.left.block, self.cell.stop)
            if last > self.left.start:
                yield first, last, max(first, self.left.start)

    def bookmark(self, draws: slice, tile: int, device: str) -> Bookmark:
        """For a tile of the draws that come next: where its training was left, and may be left.

        Args:
            draws: of the tile.
            tile: what tiles have at most by now.
            device: where it trains.
        """

        def offer(state: Callable[[], State]) -> None:
            if self.checkpoint:
                self.checkpoint.offer(lambda: self._place(draws, tile, state()))

        if not self.left.training or (draws.start, draws.stop) != (self.left.start, self.left.stop):
            offer(dict)  # nothing of these draws yet, but those before them are done
            return Bookmark(None, offer)
        state = {name: torch.from_numpy(values).to(device) for name, values in self.left.training.items()}
        return Bookmark(state, offer)

    def readings(self) -> Readings:
        """Return the readings of all draws that are done."""
        quantities = self.pieces[0] if self.pieces else ()
        return {name: np.concatenate([piece[name] for piece in self.pieces]) for name in quantities}

    def _place(self, draws: slice, tile: int, state: State) -> Place:
        training = {name: values.cpu().numpy() for name, values in state.items()}
        return Place(self.left.block, tile, draws.start, draws.stop, self.readings(), training)
