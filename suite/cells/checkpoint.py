"""Checkpoints: the state of a long cell in a file beside those of the cache, verified in the same way."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from suite.cells.cache import CHECKPOINT_SUFFIX, Readings
from suite.cells.cell import Cell
from suite.results.files import write_whole
from suite.results.provenance import code
from suite.training.observer import ResumeState
from suite.training.trainer import State

CHECKPOINT_SECONDS = 20.0
"""Seconds between two checkpoints of a cell, and before the first; a kill should cost less than a minute."""


@dataclass(frozen=True)
class CellState:
    """The state of an unfinished cell, with the division of its draws, which affects rounding.

    Attributes:
        block: The number of draws that are drawn together.
        tile: The maximum number of draws that are computed together from here on.
        start: The first draw of the current tile; all draws before it are done.
        stop: One past the last draw of the current tile.
        done: The arrays of the draws that are done, if any.
        training: The state of the tile's training by name, if it has begun.
    """

    block: int
    tile: int
    start: int
    stop: int
    done: Readings
    training: dict[str, NDArray[Any]]


class Checkpoint:
    """The file that holds the state of a cell while it is computed.

    It holds plain arrays (NumPy's .npz, read without pickle) after their SHA-256. A file is ignored if it is damaged,
    if it was written under circumstances that round differently, or if it cannot be read. Failed writes are ignored,
    too.

    Args:
        folder: The folder of the finished cell; None to store no state.
        key: The key of the cell.
        circumstances: Everything else that its numbers depend on, in JSON's types, such as device and versions.

    Attributes:
        resumed: Whether the cell continues from a stored state.
        tile: The maximum number of draws that were computed together at the end; None before that.
    """

    def __init__(self, folder: Path | None, key: str, circumstances: Mapping[str, Any]) -> None:
        self.path = folder / f"{key}{CHECKPOINT_SUFFIX}" if folder else None
        self.resumed = False
        self.tile: int | None = None
        self._follows_from = {"format": _FORMAT, "key": key, **circumstances}
        self._earlier = 0.0
        self._began: float | None = None
        self._written = time.perf_counter()

    @property
    def seconds(self) -> float:
        """The computing time of the cell so far, including that before an interruption."""
        return self._earlier + (0.0 if self._began is None else time.perf_counter() - self._began)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time inside the context as computing time of the cell."""
        self._began = time.perf_counter()
        try:
            yield
        finally:
            self._earlier, self._began = self.seconds, None

    def read(self, tile: int | None = None) -> CellState | None:
        """Return the state of the cell; None if there is none that fits.

        Args:
            tile: The number of draws that must be computed together. Default: the number in the state.
        """
        if self.path is None:
            return None
        try:
            content = self.path.read_bytes()
            digest, archive = content[:_DIGEST], content[_DIGEST:]
            if hashlib.sha256(archive).digest() != digest:
                return None
            with np.load(io.BytesIO(archive), allow_pickle=False) as arrays:
                note = json.loads(arrays[_NOTE].tobytes())
                if note["follows from"] != self._all_it_follows_from():
                    return None
                done, training = (
                    {name.removeprefix(prefix): arrays[name] for name in arrays.files if name.startswith(prefix)}
                    for prefix in (_DONE, _TRAINING)
                )
            state = CellState(**note["place"], done=done, training=training)
        except _UNREADABLE:
            return None
        if tile not in (None, state.tile):
            return None
        self.resumed, self._earlier = True, note["seconds"]
        return state

    def offer(self, state: Callable[[], CellState]) -> None:
        """Write the state if the last checkpoint is old enough and writing succeeds.

        It may be called as often as desired; `state` is called only if the state is written.
        """
        if self.path is None or time.perf_counter() - self._written < CHECKPOINT_SECONDS:
            return
        # If disk or memory is exhausted (torch raises RuntimeError), computing continues without a checkpoint.
        with suppress(OSError, MemoryError, RuntimeError):
            self._write(self.path, state())
        self._written = time.perf_counter()

    def remove(self) -> None:
        """Remove the file, because the cell is finished or should start again."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()

    def _write(self, path: Path, state: CellState) -> None:
        division = {"block": state.block, "tile": state.tile, "start": state.start, "stop": state.stop}
        note = {"follows from": self._all_it_follows_from(), "place": division, "seconds": self.seconds}
        arrays = {_NOTE: np.frombuffer(json.dumps(note).encode(), dtype=np.uint8)}
        for prefix, values in ((_DONE, state.done), (_TRAINING, state.training)):
            arrays |= {f"{prefix}{name}": array for name, array in values.items()}
        content = io.BytesIO()
        np.savez(content, **arrays)  # type: ignore[arg-type]  # numpy types its keywords as flags
        archive = content.getbuffer()
        digest = hashlib.sha256(archive).digest()
        write_whole(path, lambda file: (file.write(digest), file.write(archive)), at_once=False)

    def _all_it_follows_from(self) -> dict[str, Any]:
        """Return the circumstances and a hash of the code, which gives the arrays' names their meaning."""
        return {**self._follows_from, "code": code()}


class CellProgress:
    """The progress of a cell's computation, which starts from its checkpoint, if there is one.

    Args:
        cell: The cell.
        block: The number of draws that are drawn together.
        size: The maximum number of draws that are computed together, unless the checkpoint specifies another.
        checkpoint: The checkpoint that stores the state, if any.
        tile: If given, the only admissible size.

    Attributes:
        tile: The maximum number of draws that are computed together.
        finished: The arrays of each finished tile, in order.
    """

    def __init__(
        self, cell: Cell, block: int, size: int, checkpoint: Checkpoint | None = None, tile: int | None = None
    ) -> None:
        self.cell, self.checkpoint = cell, checkpoint
        found = checkpoint.read(tile) if checkpoint else None
        self.start = found or CellState(block, size, cell.start, cell.start, {}, {})
        self.tile = self.start.tile
        self.finished = [self.start.done] if self.start.done else []

    def blocks(self) -> Iterator[tuple[int, int, int]]:
        """Yield for each unfinished block its first draw, one past its last, and the first draw not done."""
        for first in range(self.cell.start, self.cell.stop, self.start.block):
            last = min(first + self.start.block, self.cell.stop)
            if last > self.start.start:
                yield first, last, max(first, self.start.start)

    def resume_state(self, draws: slice, tile: int, device: str) -> ResumeState:
        """Return the state from which the training of a tile continues, and the function that saves it.

        Args:
            draws: The draws of the tile, the next ones that are not done.
            tile: The current maximum size of a tile.
            device: The device of the training.
        """

        def offer(state: Callable[[], State]) -> None:
            if self.checkpoint:
                self.checkpoint.offer(lambda: self._state(draws, tile, state()))

        if not self.start.training or (draws.start, draws.stop) != (self.start.start, self.start.stop):
            offer(dict)  # training of these draws has not begun, but earlier draws are done
            return ResumeState(None, offer)
        state = {name: torch.from_numpy(values).to(device) for name, values in self.start.training.items()}
        return ResumeState(state, offer)

    def readings(self) -> Readings:
        """Return the arrays of all draws that are done."""
        quantities = self.finished[0] if self.finished else ()
        return {name: np.concatenate([each[name] for each in self.finished]) for name in quantities}

    def _state(self, draws: slice, tile: int, state: State) -> CellState:
        training = {name: values.cpu().numpy() for name, values in state.items()}
        return CellState(self.start.block, tile, draws.start, draws.stop, self.readings(), training)


_FORMAT, _DIGEST = 1, hashlib.sha256().digest_size
_NOTE, _DONE, _TRAINING = "note", "done.", "training."
_UNREADABLE = (OSError, MemoryError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)
"""Errors that reading a missing or damaged file raises."""
