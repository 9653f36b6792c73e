"""The devices of this machine: the choice of a device, and the assignment of GPUs to processes."""

import logging
import sys
import time
from pathlib import Path
from typing import BinaryIO

import torch

from suite.cells.device_check import find_deviation

if sys.platform != "win32":
    import fcntl

_LOG = logging.getLogger(__name__)
"""The logger, whose warnings go to standard error unless logging is configured otherwise."""

_held: list[BinaryIO] = []
"""Locked files that mark what this process has claimed; the system unlocks them when the process ends."""

_PATIENCE = 60.0
"""Seconds within which the previous process on a GPU must have ended."""


def choose_device(asked: str) -> str:
    """Return the device that `auto`, `cpu` or `cuda` stands for on this machine.

    `auto` is a GPU if there is one and its check against the CPU succeeds. If the check fails, the reason is logged.

    Raises:
        ValueError: If a GPU is requested and there is none.
    """
    if asked == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        if asked == "cuda":
            raise ValueError("no CUDA device is available; use --device cpu or auto")
        return "cpu"
    if asked == "auto" and (reason := find_deviation()):
        _LOG.warning("Warning: using the CPU: %s", reason)
        return "cpu"
    return "cuda"


def count_gpus() -> int:
    """Return the number of GPUs that can be used at once; at most one on Windows, which has no file locks."""
    found = int(torch.cuda.device_count())
    return found if sys.platform != "win32" else min(found, 1)


def use_own_gpu(number: int, folder: Path) -> None:
    """Assign a GPU that no other process uses to "cuda", until this process ends.

    Args:
        number: The number of processes that each use a GPU, at most the number of GPUs.
        folder: The folder of the locks, the same for all processes.

    Raises:
        RuntimeError: If no GPU becomes free.
    """
    torch.cuda.set_device(claim(number, folder))


def claim(places: int, folder: Path) -> int:
    """Claim the first of some places that no other process has, until this process ends, and return it.

    Args:
        places: The number of places.
        folder: The folder of the locks, the same for all processes.

    Raises:
        RuntimeError: If none becomes free.
    """
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        for place in range(places):
            if _lock(folder / str(place)):
                return place
        time.sleep(0.05)
    raise RuntimeError(f"more workers than GPUs: all {places} are in use")


def _lock(path: Path) -> bool:
    if sys.platform == "win32":
        return False
    file = path.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return False
    _held.append(file)
    return True
