"""Has a crew compute cells, and keeps what each comes to, or why it failed."""

import ctypes
import errno
import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from suite.cells.cache import Store, Stored, in_file_order
from suite.cells.cell import Cell
from suite.cells.checkpoint import Checkpoint
from suite.cells.executor import Crew
from suite.results.provenance import commit


@dataclass(frozen=True)
class Failure:
    """Why a cell failed.

    Attributes:
        reason: In one line.
        trace: The traceback; empty if the process died.
    """

    reason: str
    trace: str = ""


def failure_of(error: BaseException) -> Failure:
    """Return the failure that an error stands for."""
    (first, *_) = str(error).splitlines() or [""]
    return Failure(f"{type(error).__name__}: {first}".removesuffix(": "), "".join(traceback.format_exception(error)))


def process_died(_: Cell) -> Failure:
    """Return the failure of a cell whose process died twice."""
    return Failure("its process was ended twice, by hand or since memory ran out; run fewer workers or free memory")


Progress = Callable[[Cell], None]
"""Called with each cell as it is finished, or has failed."""


def execute(
    cells: Sequence[Cell], store: Store, crew: Crew, progress: Progress, compiled: bool = False
) -> dict[str, Failure]:
    """Computes cells, the longest first, and stores each as soon as it is done.

    A cell computes with one thread wherever it runs, so that its numbers do not depend on the workers. A cell that
    fails does not keep the others from being computed.

    Args:
        cells: what is missing.
        store: where finished cells go.
        crew: who computes.
        progress: told of every finished cell.
        compiled: whether forward passes of narrow networks are compiled, which every worker does anew.

    Returns:
        What failed, by the cells' keys.

    Raises:
        OSError: a finished cell cannot be stored, or a cluster is lost.
    """
    ordered = sorted(cells, key=lambda cell: cell.cost, reverse=True)
    folder = store.folder.resolve() if crew.stores else None
    work = partial(finish, folder=folder, device=crew.device, compiled=compiled)
    failures = {}
    for cell, outcome in crew.outcomes(work, ordered, process_died):
        if isinstance(outcome, Failure):
            failures[cell.key] = outcome
        elif outcome is not None:
            store.save(cell.key, outcome)
        progress(cell)
    return failures


def finish(cell: Cell, folder: Path | None, device: str, compiled: bool = False) -> Failure | Stored | None:
    """Computes one cell, with the time that it took, and stores it; or says what went wrong in computing it.

    Args:
        cell: what to compute.
        folder: of the store; where there is none, what was computed is returned.
        device: "cpu" or "cuda".
        compiled: as for `execute`.

    Raises:
        OSError: it cannot be stored.
    """
    if folder is not None and not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the results folder is not there, where the work is done", str(folder))
    import numpy  # noqa: PLC0415  # loads torch, which only those who compute need
    import torch  # noqa: PLC0415

    from suite.cells.compute import compute  # noqa: PLC0415

    circumstances = {
        "device": device_name(device),
        "compiled": compiled and _compilable(cell),
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
        "numpy": numpy.__version__,
        "processor": torch.backends.cpu.get_cpu_capability(),
    }
    checkpoint = Checkpoint(folder, cell.key, circumstances)
    try:
        readings = compute(cell, device, compiled=compiled, checkpoint=checkpoint)
    except (Exception, SystemExit) as error:  # whatever it is, it is this cell's, and the others go on
        if checkpoint.resumed and not isinstance(error, MemoryError):
            checkpoint.remove()  # in case it is to blame
        return failure_of(error)
    how = {"seconds": round(checkpoint.seconds, 4), **circumstances, "tile": checkpoint.tile, "commit": commit()}
    stored = Stored(in_file_order(cell, readings), how)
    _give_memory_back()
    if folder is None:
        return stored
    Store(folder).save(cell.key, stored)
    checkpoint.remove()
    return None


def _compilable(cell: Cell) -> bool:
    """Whether the cell has outputs of plain networks with narrow layers, whose passes a compiled run compiles."""
    from suite.nets.compiled import runs_of_layers  # noqa: PLC0415  # as above

    passes = cell.measure.compiles and cell.member.plain
    return passes and any(run.compiled for run in runs_of_layers(cell.member.widths))


def _give_memory_back() -> None:
    """Lets go of what glibc keeps of freed memory, which adds up from cell to cell; elsewhere nothing.

    Its setting to give back large buffers at once makes V3 and training up to 1.8 times as slow, since all their
    pages are then asked for again and again.
    """
    if (trim := _malloc_trim()) is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None


def device_name(device: str) -> str:
    """The device as provenance writes it."""
    import torch  # noqa: PLC0415  # as above

    return str(torch.cuda.get_device_name()) if device == "cuda" else "cpu"
