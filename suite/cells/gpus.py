"""GPUs of this machine: how many there are for us, and which of them a worker has to itself."""

import sys
import time
from pathlib import Path
from typing import BinaryIO

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
