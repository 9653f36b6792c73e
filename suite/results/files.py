"""Writing files so that a reader, or a killed process, never leaves or sees half of one."""

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_ABANDONED = 3600.0
"""Seconds after which a temporary file no longer has a writer."""


def write_whole(path: Path, write: Callable[[BinaryIO], object], at_once: bool = True) -> None:
    """Write a file whole or not at all: under a temporary name first, which is then renamed.

    Args:
        path: The file. Its folder is created if it does not exist.
        write: Called with the open file.
        at_once: Whether to wait until the file is on the disk, so that not even a power cut leaves half of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            if at_once:
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, with its line ends unchanged, whole or not at all; `path` is as for `write_whole`."""
    write_whole(path, lambda file: file.write(text.encode()))


def remove_abandoned(folder: Path) -> None:
    """Remove temporary files of `write_whole` whose writers were killed at least an hour ago."""
    for left in folder.glob(".*.*.*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED:
                left.unlink()
