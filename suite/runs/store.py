"""The store: one file a finished cell, whole or absent, and never trusted unchecked."""

import io
import json
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
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


class Store:
    """The finished cells of one study, in a folder.

    A cell's file is a zip archive of plain arrays (numpy's .npz, read without pickle), whose checksums are
    compared whenever it is read: a damaged file counts as missing and is computed anew.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, key: str, stored: Stored) -> None:
        """Keeps a finished cell; a reader sees all of it or nothing."""
        note = np.frombuffer(json.dumps(stored.provenance).encode(), dtype=np.uint8)
        content = io.BytesIO()
        np.savez(content, **stored.readings, **{_NOTE: note})  # type: ignore[arg-type]  # numpy types its keywords as flags
        write_whole(self._path(key), lambda file: file.write(content.getbuffer()))

    def load(self, key: str) -> Stored | None:
        """A finished cell, or None where it is missing or damaged."""
        try:
            # Opened here, since numpy leaves a file open that turns out to be no archive.
            with self._path(key).open("rb") as file, np.load(file, allow_pickle=False) as archive:
                if archive.zip.testzip():  # compares checksums to the last byte, which reading arrays may not
                    return None
                arrays = dict(archive)
            provenance = json.loads(arrays.pop(_NOTE).tobytes())
        except _DAMAGE:
            return None
        return Stored(arrays, provenance)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"


_NOTE = "_provenance"

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
