"""The devices of this machine: which one to use, and which GPU belongs to which process."""

import logging
import sys
import time
from pathlib import Path
from typing import BinaryIO

import torch

from suite.cells.device_check import find_fault

if sys.platform != "win32":
    import fcntl

_LOG = logging.getLogger(__name__)
"""Its warnings go to standard error unless logging is set up otherwise."""

_held: list[BinaryIO] = []
"""Locked files that mark what this process has claimed. The system releases them when the process ends."""

_PATIENCE = 60.0
"""Seconds within which the process that had a GPU before must have ended."""


def choose_device(asked: str) -> str:
    """Return the device that `auto`, `cpu` or `cuda` stands for on this machine.

    `auto` is a GPU if there is one and it passes a check against the CPU; if it does not, the reason is logged.

    Raises:
        ValueError: If a GPU is asked for and there is none.
    """
    if asked == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        if asked == "cuda":
            raise ValueError("no CUDA device is at hand; choose --device cpu or auto")
        return "cpu"
    if asked == "auto" and (reason := find_fault()):
        _LOG.warning("Warning: using the CPU: %s", reason)
        return "cpu"
    return "cuda"


def count_gpus() -> int:
    """Return how many GPUs can be used at once; at most one on Windows, where processes cannot lock them."""
    found = int(torch.cuda.device_count())
    return found if sys.platform != "win32" else min(found, 1)


def use_own_gpu(number: int, folder: Path) -> None:
    """Make "cuda" stand for a GPU that no other process uses, until this one ends.

    Args:
        number: The number of processes that each use one, at most the number of GPUs.
        folder: The folder of the locks, the same for all processes.

    Raises:
        RuntimeError: If none becomes free.
    """
    torch.cuda.set_device(claim(number, folder))


def claim(places: int, folder: Path) -> int:
    """Return the first of some places that no other process has, and keep it until this process ends.

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
    raise RuntimeError(f"more workers than GPUs: all {places} are taken")


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
