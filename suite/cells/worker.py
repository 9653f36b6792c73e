"""The task of a worker: compute cells with one thread and save them. Only workers load torch."""

import ctypes
import errno
import os
import traceback
from collections import deque
from collections.abc import Callable, Generator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import torch

from suite.cells.cache import Cache, CellOutcome, CellResult, Readings, in_file_order
from suite.cells.cell import Cell, Failure
from suite.cells.checkpoint import Checkpoint
from suite.cells.compute import Drawn, compute_blocks
from suite.native.build import computing_with, kernels
from suite.nets.threads import one_thread
from suite.nets.torch_settings import standard_settings
from suite.results.provenance import commit


def compute_and_save(
    cells: Sequence[Cell], folder: Path | None, device: str, expected_kernels: str | None = None
) -> list[CellOutcome]:
    """Compute the cells of a task and save each, or return the reason why it failed.

    The cells take turns after each block of draws, so that networks which they share are drawn once. The computation
    uses one thread, so that its numbers do not depend on the worker.

    Args:
        cells: The cells, of one seed and member.
        folder: The folder of the cache. If None, the results are returned instead.
        device: "cpu" or "cuda".
        expected_kernels: What all workers of the run compute with. Default: what this process computes with.

    Returns:
        For each cell the reason of a failure, the result if there is no folder, otherwise the seconds that it took.

    Raises:
        OSError: If the folder does not exist or a result cannot be saved.
        ValueError: If this process has other kernels.
    """
    if folder is not None and not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the results folder does not exist on the worker", str(folder))
    outcomes: dict[str, CellOutcome] = {}
    with one_thread(), standard_settings(), computing_with(expected_kernels or kernels()):
        circumstances = {
            "device": str(torch.cuda.get_device_name()) if device == "cuda" else "cpu",
            "threads": torch.get_num_threads(),
            "torch": str(torch.__version__),
            "numpy": numpy.__version__,
            "processor": torch.backends.cpu.get_cpu_capability(),
            "kernels": kernels(),
        }
        drawn: Drawn = {}
        running = deque[tuple[Cell, Checkpoint, Generator[None, None, Readings]]]()
        for cell in cells:
            checkpoint = Checkpoint(folder, cell.key, circumstances)
            running.append((cell, checkpoint, compute_blocks(cell, device, checkpoint=checkpoint, drawn=drawn)))
        while running:
            cell, checkpoint, blocks = running.popleft()
            try:
                with checkpoint.timed():
                    next(blocks)
            except StopIteration as end:
                outcomes[cell.key] = _save(cell, end.value, checkpoint, circumstances, folder)
            except (Exception, SystemExit) as error:  # any error makes only this cell fail
                if checkpoint.resumed and not isinstance(error, MemoryError):
                    checkpoint.remove()  # the checkpoint may be the cause
                outcomes[cell.key] = failure_from(error)
            else:
                running.append((cell, checkpoint, blocks))
    return [outcomes[cell.key] for cell in cells]


def _save(
    cell: Cell, readings: Readings, checkpoint: Checkpoint, circumstances: dict[str, Any], folder: Path | None
) -> CellResult | float:
    """Save the result of a cell and return the seconds that it took; return the result if there is no folder."""
    seconds = round(checkpoint.seconds, 4)
    provenance = {
        "seconds": seconds,
        **circumstances,
        "tile": checkpoint.tile,
        "commit": commit(),
    }
    result = CellResult(in_file_order(cell, readings), provenance)
    _return_freed_memory()
    if folder is None:
        return result
    Cache(folder).save(cell.key, result)
    checkpoint.remove()
    return seconds


def failure_from(error: BaseException) -> Failure:
    """Return the failure that describes an error."""
    (first, *_) = str(error).splitlines() or [""]
    return Failure(f"{type(error).__name__}: {first}".removesuffix(": "), "".join(traceback.format_exception(error)))


def _return_freed_memory() -> None:
    """Return the freed memory that glibc holds to the system, since it otherwise accumulates over cells.

    glibc's setting to return large buffers at once makes V3 and training up to 1.8 times as slow, since all their pages
    are then requested again and again.
    """
    if (trim := _malloc_trim()) is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
