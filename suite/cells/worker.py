"""The task of a worker: compute a cell with one thread and save it. Only workers load torch."""

import ctypes
import errno
import os
import time
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy
import torch

from suite.cells.cache import Cache, CellResult, in_file_order
from suite.cells.cell import Cell, Failure
from suite.cells.checkpoint import Checkpoint
from suite.cells.compute import compute
from suite.native.build import computing_with, kernels
from suite.nets.threads import one_thread
from suite.results.provenance import commit


def compute_and_save(
    cell: Cell, folder: Path | None, device: str, expected_kernels: str | None = None
) -> Failure | CellResult | None:
    """Compute one cell and save it, or return the reason why it failed.

    The computation uses one thread, so that its numbers do not depend on the worker.

    Args:
        cell: The cell.
        folder: The folder of the cache. If None, the result is returned instead.
        device: "cpu" or "cuda".
        expected_kernels: What all workers of the run compute with. Default: what this process computes with.

    Returns:
        The reason of a failure, the result if there is no folder, otherwise None.

    Raises:
        OSError: If the folder does not exist or the result cannot be saved.
        ValueError: If this process has other kernels.
    """
    if folder is not None and not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the results folder does not exist on the worker", str(folder))
    with one_thread(), computing_with(expected_kernels or kernels()):
        circumstances = {
            "device": str(torch.cuda.get_device_name()) if device == "cuda" else "cpu",
            "threads": torch.get_num_threads(),
            "torch": str(torch.__version__),
            "numpy": numpy.__version__,
            "processor": torch.backends.cpu.get_cpu_capability(),
            "kernels": kernels(),
        }
        checkpoint = Checkpoint(folder, cell.key, circumstances)
        try:
            readings = compute(cell, device, checkpoint=checkpoint)
        except (Exception, SystemExit) as error:  # any error makes only this cell fail
            if checkpoint.resumed and not isinstance(error, MemoryError):
                checkpoint.remove()  # the checkpoint may be the cause
            return failure_from(error)
    provenance = {
        "seconds": round(checkpoint.seconds, 4),
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
    return None


def time_cell(cell: Cell) -> tuple[float, int]:
    """Compute a cell on the CPU with one thread; return the seconds it took and the bytes of its arrays."""
    with one_thread():
        start = time.perf_counter()
        readings = compute(cell)
        return time.perf_counter() - start, sum(values.nbytes for values in readings.values())


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
