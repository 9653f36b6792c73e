"""The store: one file a finished cell, whole or absent, and never trusted unchecked."""

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from suite.cells.cell import Cell
from suite.results.files import remove_abandoned, write_whole

Readings = dict[str, NDArray[Any]]

Shapes = Mapping[str, tuple[int, ...]]
"""Shapes of a cell's arrays, by quantity."""

Read = Callable[[str, str], NDArray[Any]]
"""(cell's key, quantity) -> the array."""


@dataclass(frozen=True)
class Stored:
    """A finished cell.

    Attributes:
        readings: its quantities.
        provenance: how they came about: seconds, device and the like.
    """

    readings: Readings
    provenance: dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """What is known of a finished cell whose numbers stay where they are.

    Attributes:
        shapes: of its quantities' arrays.
        provenance: as it was stored.
        digest: SHA-256 of its file.
        size: bytes of its file.
    """

    shapes: dict[str, tuple[int, ...]]
    provenance: dict[str, Any]
    digest: str
    size: int


class Store:
    """The finished cells of one study, in a folder.

    A cell's file is a zip archive of plain arrays (numpy's .npz, read without pickle) with a note as its comment: the
    cell's key, provenance and shapes, and a SHA-256 of every byte before it. By that a damaged file is noticed, counts
    as missing and is computed anew. Quantities are read one at a time, so that a study's numbers need not fit into
    memory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Makes the folder, and what lies there of writers that were killed an hour ago or more goes.

        Raises:
            OSError: nothing can be written there, which is better known before computing than after.
        """
        probe = self.folder / "writable.tmp"
        write_whole(probe, lambda file: file.write(b"x"))
        probe.unlink(missing_ok=True)
        remove_abandoned(self.folder)

    def save(self, key: str, stored: Stored) -> None:
        """Keeps a finished cell; a reader sees all of it or nothing.

        The system writes it to the disk when it likes, which a killed process does not hinder. After a power cut the
        last seconds' cells may be damaged, which is noticed; to wait for the disk would cost more than most cells.
        """
        shapes = {name: values.shape for name, values in stored.readings.items()}
        note = json.dumps({"key": key, "shapes": shapes, "provenance": stored.provenance}).encode()
        archive = io.BytesIO()
        np.savez(archive, **stored.readings)  # type: ignore[arg-type]  # numpy types its keywords as flags
        content = archive.getbuffer()
        content[-2:] = struct.pack("<H", len(note) + _DIGEST)  # the archive's last field: how long its comment is
        digest = hashlib.sha256(content)
        digest.update(note)

        def write(file: BinaryIO) -> None:
            file.write(content)
            file.write(note + digest.hexdigest().encode())

        write_whole(self.path(key), write, at_once=False)

    def check(self, key: str) -> Kept | None:
        """Reads a finished cell to the last byte and says what it holds; None where it is missing or damaged."""
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
        return Kept(shapes, note["provenance"], digest.hexdigest(), len(content))

    def borrow(self, key: str, lender: "Store") -> Kept | None:
        """Copies a finished cell that another store holds, and says what it holds; None where that has it not whole."""
        if lender.check(key) is None:
            return None
        content = lender.path(key).read_bytes()
        write_whole(self.path(key), lambda file: file.write(content), at_once=False)
        return self.check(key)

    def read(self, key: str, quantity: str) -> NDArray[Any]:
        """One quantity of a cell that has been checked.

        Raises:
            OSError: the file has been damaged or removed since.
        """
        try:
            with zipfile.ZipFile(self.path(key)) as archive:
                _require_note(archive, key)
                return _array(archive, quantity)
        except _DAMAGE as error:
            raise OSError(f"{self.path(key)} changed while it was in use; run the same command again") from error

    def path(self, key: str) -> Path:
        """A cell's file, whether or not it is there."""
        return self.folder / f"{key}.npz"


def in_file_order(cell: Cell, readings: Readings) -> Readings:
    """Return a cell's readings with their axes as its file has them."""
    return {name: np.ascontiguousarray(cell.in_file_order(values)) for name, values in readings.items()}


def cached_arrays(cells: Sequence[Cell], kept: Mapping[str, Kept], store: Store) -> tuple[dict[str, Shapes], Read]:
    """Return the shapes of cached cells by key, and a function that reads their arrays, both with the draws first."""
    own = {cell.key: cell for cell in cells if cell.key in kept}

    def read(key: str, quantity: str) -> NDArray[Any]:
        return own[key].in_file_order(store.read(key, quantity))

    def shapes_of(cell: Cell) -> Shapes:
        filed = kept[cell.key].shapes
        return {name: cell.in_file_order(np.broadcast_to(0, shape)).shape for name, shape in filed.items()}

    return {key: shapes_of(cell) for key, cell in own.items()}, read


def _require_note(archive: zipfile.ZipFile, key: str) -> None:
    """The note is there to its last character: an archive opens, and gives its arrays, also where its end was cut."""
    if json.loads(archive.comment[:-_DIGEST])["key"] != key:
        raise ValueError("the note is another cell's")


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """One array; read as bytes first, which compares its checksum, as reading an array alone may not."""
    array: NDArray[Any] = np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
    return array


_DIGEST = 64
"""Characters of a SHA-256, which ends the file."""
_LAST_RECORD, _LAST_RECORD_BYTES = b"PK\x05\x06", 22
"""What an archive's last record begins with, which no note has in it, and its length up to the comment."""

_DAMAGE = (OSError, ValueError, KeyError, EOFError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error)
"""What reading a damaged archive raises; RuntimeError where a bit says that it is encrypted or compressed."""
