"""Resources: what a run computes with, as its user asks for it, and what this machine has of it."""

import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from suite.cells.cell import Cell

WORKERS_START = 2.5
"""Seconds until the workers have started."""

_CELL_SECONDS, _PRODUCTS_A_SECOND, _WORTH_IT = 0.03, 5e9, 4.0
"""Seconds of a cell at least, a core's rate on narrow networks, and seconds of work for which to start workers."""


@dataclass(frozen=True)
class Resources:
    """What a run is to compute with.

    Attributes:
        device: "cpu", "cuda", or "auto", which is a GPU if there is one and it agrees with the CPU.
        workers: processes of this machine; if not said, one a core where there is enough to do, or one a GPU.
        compiled: whether forward passes of narrow networks are compiled.
        scheduler: address of a Dask scheduler, whose workers compute in place of this machine.
        shared: whether that cluster's workers write to the results folder themselves, which all have at one path.
    """

    device: str = "auto"
    workers: int | None = None
    compiled: bool = False
    scheduler: str | None = None
    shared: bool = False

    def __post_init__(self) -> None:
        if self.shared and self.scheduler is None:
            raise ValueError("--shared is of a cluster's workers; name its --scheduler, or leave --shared out")
        if self.workers is not None and self.scheduler is not None:
            raise ValueError("a cluster has the workers that were started for it; leave out --workers, or --scheduler")
        if self.compiled and self.scheduler is not None:
            raise ValueError("passes are compiled on this machine alone; leave out --compile, or --scheduler")


def workers_for(cells: Sequence[Cell], device: str, asked: int | None) -> int:
    """How many processes of this machine are worth their start.

    As many as asked, or one a core where there is enough to do; on GPUs one each, or fewer if asked.

    Args:
        cells: what is missing.
        device: "cpu" or "cuda".
        asked: by the user, if so.
    """
    if device != "cpu":
        return max(1, min(gpus(), asked or gpus(), len(cells)))
    seconds = sum(max(_CELL_SECONDS, cell.cost / _PRODUCTS_A_SECOND) for cell in cells)
    return min(asked or (default_workers() if seconds > _WORTH_IT else 1), max(1, len(cells)))


def default_workers() -> int:
    """One process a core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_device(asked: str) -> str:
    """Return the device that `auto`, `cpu` or `cuda` stands for on this machine.

    `auto` is a GPU if there is one and it passes a check against the CPU; if it does not, the reason is logged.

    Raises:
        ValueError: If a GPU is asked for and there is none.
    """
    if asked == "cpu":
        return "cpu"
    import torch  # noqa: PLC0415  # only those who compute need it

    if not torch.cuda.is_available():
        if asked == "cuda":
            raise ValueError("no CUDA device is at hand; choose --device cpu or auto")
        return "cpu"
    if asked == "auto":
        from suite.cells.device_check import find_fault  # noqa: PLC0415  # only machines with a GPU need it

        if reason := find_fault():
            _LOG.warning("Warning: using the CPU: %s", reason)
            return "cpu"
    return "cuda"


_LOG = logging.getLogger(__name__)
"""Its warnings go to standard error unless logging is set up otherwise."""


def check_compiler(device: str) -> None:
    """Raises ValueError, with the reason, where nothing can be compiled."""
    from suite.nets.compiled import why_not  # noqa: PLC0415  # as above

    if device != "cpu":
        raise ValueError("compiled passes are for the CPU; choose --device cpu, or leave out --compile")
    if reason := why_not():
        raise ValueError(f"torch.compile does not work here ({reason}); have a C++ compiler, or leave out --compile")


_held: list[BinaryIO] = []
"""Files whose locks say what this process has claimed; the system lets go of them when it ends, however it ends."""

_PATIENCE = 60.0
"""Seconds in which whoever had a place before must have ended."""


def gpus() -> int:
    """How many GPUs can be used at once; one at most where processes cannot tell each other which is whose."""
    import torch  # noqa: PLC0415  # only those who compute need it

    found = int(torch.cuda.device_count())
    return found if sys.platform != "win32" else min(found, 1)


def claim(places: int, folder: Path) -> int:
    """Takes one of so many places that no other process has, until this one ends.

    Args:
        places: how many there are.
        folder: where all who claim leave their locks.

    Raises:
        RuntimeError: none has become free.
    """
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        for place in range(places):
            if _locked(folder / str(place)):
                return place
        time.sleep(0.05)
    raise RuntimeError(f"more workers than GPUs: all {places} are taken")


def _locked(path: Path) -> bool:
    if sys.platform == "win32":
        return False
    import fcntl  # noqa: PLC0415  # not to be had everywhere

    file = path.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return False
    _held.append(file)
    return True
