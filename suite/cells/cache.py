"""The cache of finished cells, one file per cell, written atomically and verified before use."""

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from suite.cells.cell import Cell, Failure
from suite.results.files import remove_abandoned, write_whole

CHECKPOINT_SUFFIX = ".part"
"""The suffix of the file that holds the state of an unfinished cell."""

Readings = dict[str, NDArray[Any]]
"""The arrays of a cell by quantity."""

Shapes = Mapping[str, tuple[int, ...]]
"""The shapes of a cell's arrays by quantity."""

Read = Callable[[str, str], NDArray[Any]]
"""(key of a cell, quantity) -> the array."""


@dataclass(frozen=True)
class CellResult:
    """The result of a cell.

    Attributes:
        readings: The arrays by quantity, with their axes in the order of the file.
        provenance: Computing time, device and versions.
    """

    readings: Readings
    provenance: dict[str, Any]


CellOutcome = Failure | CellResult | float
"""The reason why a cell failed, or its result; the seconds that it took if the worker has saved the result."""


@dataclass(frozen=True)
class CachedCell:
    """A summary of a cached cell, whose arrays stay on disk.

    Attributes:
        shapes: The shapes of its arrays, with axes in the order of the file.
        provenance: The provenance as it was saved.
        digest: The SHA-256 of its file.
        size: The size of its file in bytes.
        cache: The cache that contains it.
    """

    shapes: dict[str, tuple[int, ...]]
    provenance: dict[str, Any]
    digest: str
    size: int
    cache: "Cache"


class Cache:
    """The finished cells of one study, in a folder.

    A cell's file is a zip archive of plain arrays (NumPy's .npz, read without pickle). Its comment holds the cell's
    key, provenance and shapes, and a SHA-256 of all preceding bytes. A damaged file is therefore detected, counts as
    missing and is computed again. Quantities are read one at a time, so a study need not fit into memory.

    Args:
        folder: The folder. It need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Create the folder, and remove leftover files.

        These are checkpoints of finished cells, and files of writers that were killed over an hour ago.

        Raises:
            OSError: If nothing can be written to the folder; this check runs before the computation.
        """
        probe = self.folder / "writable.tmp"
        write_whole(probe, lambda file: file.write(b"x"))
        probe.unlink(missing_ok=True)
        remove_abandoned(self.folder)
        for part in self.folder.glob(f"*{CHECKPOINT_SUFFIX}"):
            if self.path(part.stem).exists():
                with suppress(OSError):
                    part.unlink()

    def save(self, key: str, result: CellResult) -> None:
        """Write the file of a finished cell atomically: a reader finds the whole file or none.

        The file is not flushed to disk, since that would take longer than most cells. A killed process loses nothing. A
        power failure may damage the files of the last seconds, which is detected.
        """
        shapes = {name: values.shape for name, values in result.readings.items()}
        note = json.dumps({"key": key, "shapes": shapes, "provenance": result.provenance}).encode()
        archive = io.BytesIO()
        np.savez(archive, **result.readings)  # type: ignore[arg-type]  # numpy types its keywords as flags
        content = archive.getbuffer()
        content[-2:] = struct.pack("<H", len(note) + _DIGEST)  # the archive's last field: the length of its comment
        digest = hashlib.sha256(content)
        digest.update(note)

        def write(file: BinaryIO) -> None:
            file.write(content)
            file.write(note + digest.hexdigest().encode())

        write_whole(self.path(key), write, at_once=False)

    def check(self, key: str) -> CachedCell | None:
        """Verify every byte of a cell's file and return its summary; None if the file is missing or damaged."""
        try:
            content = self.path(key).read_bytes()
        except OSError:
            return None
        before, found = memoryview(content)[:-_DIGEST], content[-_DIGEST:]
        digest = hashlib.sha256(before)
        if digest.hexdigest().encode() != found:
            return None
        digest.update(found)
        note = json.loads(content[content.rindex(_LAST_RECORD) + _LAST_RECORD_BYTES : -_DIGEST])
        if note["key"] != key:
            return None
        shapes = {name: tuple(shape) for name, shape in note["shapes"].items()}
        return CachedCell(shapes, note["provenance"], digest.hexdigest(), len(content), self)

    def copy_from(self, other: "Cache", key: str) -> CachedCell | None:
        """Copy a cell's file from another cache; return its summary, or None if it is missing or damaged."""
        if other.check(key) is None:
            return None
        content = other.path(key).read_bytes()
        write_whole(self.path(key), lambda file: file.write(content), at_once=False)
        return self.check(key)

    def read(self, key: str, quantity: str) -> NDArray[Any]:
        """Return one array of a cell that has been checked, with its axes in the order of the file.

        Raises:
            OSError: If the file has been damaged or removed since.
        """
        try:
            with zipfile.ZipFile(self.path(key)) as archive:
                _require_note(archive, key)
                return _array(archive, quantity)
        except _DAMAGE as error:
            raise OSError(f"{self.path(key)} changed while it was in use; run the same command again") from error

    def path(self, key: str) -> Path:
        """Return the path of a cell's file, whether or not it exists."""
        return self.folder / f"{key}.npz"


def in_file_order(cell: Cell, readings: Readings) -> Readings:
    """Return a cell's arrays with their axes in the order of its file."""
    return {name: np.ascontiguousarray(cell.in_file_order(values)) for name, values in readings.items()}


def cached_arrays(cells: Sequence[Cell], cached: Mapping[str, CachedCell]) -> tuple[dict[str, Shapes], Read]:
    """Return the shapes of cached cells by key, and a function that reads arrays, both with draws first."""
    own = {cell.key: cell for cell in cells if cell.key in cached}

    def read(key: str, quantity: str) -> NDArray[Any]:
        return own[key].in_file_order(cached[key].cache.read(key, quantity))

    def shapes_of(cell: Cell) -> Shapes:
        filed = cached[cell.key].shapes
        return {name: cell.in_file_order(np.broadcast_to(0, shape)).shape for name, shape in filed.items()}

    return {key: shapes_of(cell) for key, cell in own.items()}, read


def _require_note(archive: zipfile.ZipFile, key: str) -> None:
    """Raise ValueError unless the comment is complete; an archive opens even if its end is missing."""
    if json.loads(archive.comment[:-_DIGEST])["key"] != key:
        raise ValueError("the comment belongs to another cell")


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Return one array; reading its bytes first verifies the checksum, which np.load alone may not do."""
    array: NDArray[Any] = np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
    return array


_DIGEST = 64
"""Number of characters of the SHA-256 at the end of the file."""
_LAST_RECORD, _LAST_RECORD_BYTES = b"PK\x05\x06", 22
"""The first bytes of an archive's last record, which no comment contains, and its length up to the comment."""

_DAMAGE = (OSError, ValueError, KeyError, EOFError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error)
"""Errors that reading a damaged archive raises; RuntimeError if a flipped bit marks it as encrypted or compressed."""
