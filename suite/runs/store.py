"""The store: one file a finished cell, whole or absent, and never trusted unchecked."""

import hashlib
import io
import json
import os
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Readings = dict[str, NDArray[Any]]


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
    """

    shapes: dict[str, tuple[int, ...]]
    provenance: dict[str, Any]
    digest: str


class Store:
    """The finished cells of one study, in a folder.

    A cell's file is a zip archive of plain arrays (numpy's .npz, read without pickle), whose checksums are
    compared whenever it is read: a damaged file counts as missing and is computed anew. Quantities are read
    one at a time, so that a study's numbers need not fit into memory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Makes the folder, and what lies there of writers that were killed an hour ago or more goes.

        Raises:
            OSError: nothing can be written there, which is better known before computing than after.
        """
        write_whole(self.folder / "writable", lambda file: file.write(b"x"))
        (self.folder / "writable").unlink(missing_ok=True)
        remove_abandoned(self.folder)

    def save(self, key: str, stored: Stored) -> None:
        """Keeps a finished cell; a reader sees all of it or nothing."""
        note = np.frombuffer(json.dumps(stored.provenance).encode(), dtype=np.uint8)
        content = io.BytesIO()
        np.savez(content, **stored.readings, **{_NOTE: note})  # type: ignore[arg-type]  # numpy types its keywords as flags
        write_whole(self.path(key), lambda file: file.write(content.getbuffer()))

    def check(self, key: str) -> Kept | None:
        """Reads a finished cell to the last byte and says what it holds; None where it is missing or damaged."""
        try:
            with self.path(key).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                with zipfile.ZipFile(file) as archive:
                    names = [name.removesuffix(".npy") for name in archive.namelist()]
                    note = json.loads(_array(archive, _NOTE).tobytes())
                    shapes = {name: _array(archive, name).shape for name in names if name != _NOTE}
        except _DAMAGE:
            return None
        return Kept(shapes, note, digest)

    def read(self, key: str, quantity: str) -> NDArray[Any]:
        """One quantity of a cell that has been checked.

        Raises:
            OSError: the file has been damaged or removed since.
        """
        try:
            with zipfile.ZipFile(self.path(key)) as archive:
                return _array(archive, quantity)
        except _DAMAGE as error:
            raise OSError(f"{self.path(key)} changed while it was in use; run the same command again") from error

    def path(self, key: str) -> Path:
        """A cell's file, whether or not it is there."""
        return self.folder / f"{key}.npz"


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """One array; read as bytes first, which compares its checksum, as reading an array alone may not."""
    array: NDArray[Any] = np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
    return array


_NOTE = "_provenance"
_ABANDONED = 3600.0
"""Seconds after which a file that is not whole has no writer any more."""

_DAMAGE = (OSError, ValueError, KeyError, EOFError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error)
"""What reading a damaged archive raises; RuntimeError where a bit says that it is encrypted or compressed."""


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file so that it is there whole or not at all: under another name first, then renamed.

    Args:
        path: where to; its folder is made if need be.
        write: called with the open file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_abandoned(folder: Path) -> None:
    """What lies there of `write_whole`, of writers that were killed an hour ago or more, goes."""
    for left in folder.glob(".*.*.*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED:
                left.unlink()
