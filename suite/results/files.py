"""Write files whole or not at all, among them the files of failed cells; find the user's cache folder."""

import csv
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from suite.results.shards import Shard

_ABANDONED = 3600.0
"""Age in seconds from which a temporary file counts as abandoned by its writer."""


def write_whole(path: Path, write: Callable[[BinaryIO], object], at_once: bool = True) -> None:
    """Write a file whole or not at all: write it under a temporary name, and rename it.

    Args:
        path: The file. Its folder is created if it does not exist.
        write: Called with the open file.
        at_once: Whether to wait until the file is on the disk, so that even a power cut does not leave half of it.
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
    """Write text in UTF-8, with its line ends unchanged, as `write_whole` does."""
    write_whole(path, lambda file: file.write(text.encode()))


def user_cache() -> Path | None:
    """Return the suite's folder in the user's cache folder; None if the home folder is unknown."""
    given = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    with suppress(RuntimeError):
        default = "Library/Caches" if sys.platform == "darwin" else ".cache"
        folder = Path(given) if given and Path(given).is_absolute() else Path.home() / default
        return folder / "mlp-trainability-suite"
    return None


def remove_abandoned(folder: Path) -> None:
    """Remove temporary files of `write_whole` that are over an hour old, whose writers were killed."""
    for file in folder.glob(".*.*.*"):
        with suppress(OSError):
            if time.time() - file.stat().st_mtime > _ABANDONED:
                file.unlink()


TABLE, LOG = "failures.csv", "failures.log"
COLUMNS = ("measure", "member", "first", "last", "reason", "key")
"""The columns of failures.csv; `first` and `last` are draws."""


def write_failures(folder: Path, failed: Sequence[Mapping[str, Any]], shard: Shard | None = None) -> None:
    """Write failures.csv and failures.log, or remove them if nothing failed.

    Args:
        folder: The results folder of a study.
        failed: Rows of the table, each with the traceback of the failure under `trace` (empty if there is none).
        shard: The part of the study, whose files have their own names. Default: the whole study; the files of all parts
            are then removed.
    """
    names = [own_name(name, shard) for name in (TABLE, LOG)]
    for file in folder.glob("failures*") if shard is None else (folder / name for name in names):
        file.unlink(missing_ok=True)
    if not failed:
        return
    table, log = io.StringIO(), io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in failed:
        writer.writerow([row[name] for name in COLUMNS])
        log.write("{measure} of {member}, draws {first} to {last}, cell {key}\n".format_map(row))
        log.write(f"{row['trace'] or row['reason']}\n\n")
    for name, content in zip(names, (table, log), strict=True):
        write_text(folder / name, content.getvalue())


def own_name(name: str, shard: Shard | None) -> str:
    """Return the name that a part's own file has, such as `failures-2-of-8.csv`; without a part, `name`."""
    return name.replace(".", f"-{shard.part}-of-{shard.of}.") if shard else name
