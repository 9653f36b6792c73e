"""The course of a cell's computing: what is done, how the rest is cut, and where it may be left."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from suite.cells.cache import Readings
from suite.cells.cell import Cell
from suite.cells.checkpoint import Checkpoint, Place
from suite.training.observer import Bookmark
from suite.training.trainer import State


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
