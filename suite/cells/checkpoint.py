"""Checkpoints: how far a long cell has come, in a file beside its own, never trusted unchecked either."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.cells.cache import Readings, Store
from suite.results.files import write_whole
from suite.results.provenance import code

CHECKPOINT_SECONDS = 20.0
"""Between two checkpoints of a cell, and before the first; less than a minute, which is what a kill may cost."""


@dataclass(frozen=True)
class Place:
    """How far a cell has come, and how its draws are cut, which its numbers depend on by rounding.

    Attributes:
        block: draws that are drawn together.
        tile: draws that are computed together, at most, from here on.
        start: first draw of the tile that is at hand; those before are done.
        stop: one past its last.
        done: readings of the draws that are done, if any.
        training: by name, what the tile's training has come to, if it has begun.
    """

    block: int
    tile: int
    start: int
    stop: int
    done: Readings
    training: dict[str, NDArray[Any]]


class Checkpoint:
    """The file that keeps a cell's place while it is computed.

    It holds plain arrays (numpy's .npz, read without pickle) behind their SHA-256. One that is damaged, or that was
    written where numbers may be rounded otherwise, is as good as none; so is one that cannot be written or read.

    Attributes:
        resumed: whether the cell goes on from a place that was found.
        tile: draws that were computed together, at most, in the end; None before that.
    """

    def __init__(self, folder: Path | None, key: str, circumstances: Mapping[str, Any]) -> None:
        """Neither reads nor writes.

        Args:
            folder: where the finished cell will be; where that is not to be reached, nothing is kept.
            key: the cell's.
            circumstances: what its numbers depend on besides, in JSON's types: device, versions and the like.
        """
        self.path = folder / f"{key}{_SUFFIX}" if folder else None
        self.resumed = False
        self.tile: int | None = None
        self._follows_from = {"format": _FORMAT, "key": key, **circumstances}
        self._earlier = 0.0
        self._began = self._kept = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Time that the cell has taken so far, with what it took before it was left."""
        return self._earlier + time.perf_counter() - self._began

    def read(self, tile: int | None = None) -> Place | None:
        """Where the cell was left; None where there is nothing that fits.

        Args:
            tile: draws that have to be computed together; by default as many as were.
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
                    {name.removeprefix(room): arrays[name] for name in arrays.files if name.startswith(room)}
                    for room in (_DONE, _TRAINING)
                )
            place = Place(**note["place"], done=done, training=training)
        except _UNREADABLE:
            return None
        if tile not in (None, place.tile):
            return None
        self.resumed, self._earlier = True, note["seconds"]
        return place

    def offer(self, place: Callable[[], Place]) -> None:
        """Called as often as one likes; keeps the place if the last time is long enough ago, and if it can be kept."""
        if self.path is None or time.perf_counter() - self._kept < CHECKPOINT_SECONDS:
            return
        # Where there is no disk or memory to spare, which torch says in RuntimeErrors, what is computed goes on.
        with suppress(OSError, MemoryError, RuntimeError):
            self._keep(self.path, place())
        self._kept = time.perf_counter()

    def remove(self) -> None:
        """Once the cell is stored, or where it had better begin anew."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()

    def _keep(self, path: Path, place: Place) -> None:
        cut = {"block": place.block, "tile": place.tile, "start": place.start, "stop": place.stop}
        note = {"follows from": self._all_it_follows_from(), "place": cut, "seconds": self.seconds}
        arrays = {_NOTE: np.frombuffer(json.dumps(note).encode(), dtype=np.uint8)}
        for room, values in ((_DONE, place.done), (_TRAINING, place.training)):
            arrays |= {f"{room}{name}": array for name, array in values.items()}
        content = io.BytesIO()
        np.savez(content, **arrays)  # type: ignore[arg-type]  # numpy types its keywords as flags
        archive = content.getbuffer()
        digest = hashlib.sha256(archive).digest()
        write_whole(path, lambda file: (file.write(digest), file.write(archive)), at_once=False)

    def _all_it_follows_from(self) -> dict[str, Any]:
        """With the code, which says what the arrays' names mean; found out only when there is something to compare."""
        return {**self._follows_from, "code": code()}


def sweep(store: Store) -> None:
    """Takes away checkpoints of cells that are stored."""
    for part in store.folder.glob(f"*{_SUFFIX}"):
        if store.path(part.stem).exists():
            with suppress(OSError):
                part.unlink()


_SUFFIX, _FORMAT, _DIGEST = ".part", 1, hashlib.sha256().digest_size
_NOTE, _DONE, _TRAINING = "note", "done.", "training."
_UNREADABLE = (OSError, MemoryError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)
"""What a file raises that is not there, or not what it should be."""
