"""The folders that store compiled kernels. Only their owner can write to them, since their files are executed."""

import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from suite.results.files import remove_abandoned, user_cache

_SUFFIX = ".so"
_UNUSED = 90 * 24 * 3600.0
"""Seconds after which a library that was not used is removed, because its compiler or sources have changed."""


def possible_folders() -> Iterator[Path]:
    """Yield the folders for libraries: one in the user's cache folder, and one for temporary files."""
    if (cache := user_cache()) is not None:
        yield cache / "kernels"
    yield Path(tempfile.gettempdir()) / f"mlp-trainability-suite-{os.geteuid()}"


def open_folder(folder: Path) -> None:
    """Create a folder if it does not exist, and check that only this user can write to it.

    Raises:
        OSError: If it cannot be created, or others can write to it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or not _is_private(status):
        raise PermissionError(f"{folder} is not a folder that only its owner can write to")


def find_library(folder: Path, key: str) -> Path | None:
    """Return the library with a key; None if there is none. Remove damaged files.

    Args:
        folder: A folder that `open_folder` has checked.
        key: The key of the build.
    """
    for file in sorted(folder.glob(f"{key}-*{_SUFFIX}")):
        with suppress(OSError):
            if file.name == _name(key, file) and stat.S_ISREG(file.lstat().st_mode) and _is_private(file.stat()):
                with suppress(OSError):
                    os.utime(file)  # it is in use
                return file
            file.unlink()
    return None


def store_library(folder: Path, key: str, compile_to: Callable[[Path], None], check: Callable[[Path], object]) -> Path:
    """Compile a library under a temporary name, check it, and rename it to a name with its checksum.

    If several processes do this at once, each of them ends with a complete file.

    Args:
        folder: A folder that `open_folder` has checked.
        key: The key of the build.
        compile_to: A function that writes the library to a path.
        check: A function that raises an error if the library at a path must not be used.

    Raises:
        OSError: If the file cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{key}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        compile_to(temporary)
        temporary.chmod(0o700)
        check(temporary)
        path = temporary.replace(folder / _name(key, temporary))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _remove_unused(folder)
    return path


def _name(key: str, file: Path) -> str:
    """Return the name of a library, which contains the checksum of its content."""
    return f"{key}-{hashlib.sha256(file.read_bytes()).hexdigest()}{_SUFFIX}"


def _is_private(status: os.stat_result) -> bool:
    """Return whether this user owns a file or folder, and nobody else can write to it."""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _remove_unused(folder: Path) -> None:
    """Remove libraries that were not used for a long time, and temporary files of processes that were killed."""
    remove_abandoned(folder)
    for file in folder.glob(f"*{_SUFFIX}"):
        with suppress(OSError):
            if time.time() - file.stat().st_mtime > _UNUSED:
                file.unlink()
