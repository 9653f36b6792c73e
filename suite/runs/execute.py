"""Runs cells, in this process or in several, and keeps what each returns."""

import ctypes
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from suite.runs.cells import Cell
from suite.runs.checkpoint import Checkpoint
from suite.runs.failures import Failure, failure_of, process_died
from suite.runs.pool import Pool
from suite.runs.provenance import commit
from suite.runs.store import Store, Stored

Progress = Callable[[Cell], None]
"""Called with each cell as it is finished, or has failed."""


def execute(
    cells: Sequence[Cell], store: Store, device: str, pool: Pool, progress: Progress, compiled: bool = False
) -> dict[str, Failure]:
    """Computes cells, the longest first, and stores each as soon as it is done.

    A cell computes with one thread wherever it runs, so that its numbers do not depend on the workers. A cell that
    fails does not keep the others from being computed.

    Args:
        cells: what is missing.
        store: where finished cells go.
        device: "cpu" or "cuda".
        pool: with one worker, or one cell, everything stays in this process.
        progress: told of every finished cell.
        compiled: whether forward passes of narrow networks are compiled, which every worker does anew.

    Returns:
        What failed, by the cells' keys.

    Raises:
        OSError: a finished cell cannot be stored.
    """
    ordered = sorted(cells, key=lambda cell: cell.cost, reverse=True)
    work = partial(finish, folder=store.folder, device=device, compiled=compiled)
    alone = pool.workers == 1 or len(cells) == 1
    failures = {}
    for cell, failure in _here(work, ordered) if alone else pool.outcomes(work, ordered, process_died):
        if failure is not None:
            failures[cell.key] = failure
        progress(cell)
    return failures


def _here(work: Callable[[Cell], Failure | None], cells: Sequence[Cell]) -> Iterator[tuple[Cell, Failure | None]]:
    """Every cell with what came of it, computed in this process."""
    with one_thread():
        for cell in cells:
            yield cell, work(cell)


def workers_for(cells: Sequence[Cell], device: str, asked: int | None) -> int:
    """How many processes are worth their start: as many as asked, or one a core where there is enough to do.

    Args:
        cells: what is missing.
        device: a GPU is driven from this process alone.
        asked: by the user, if so.
    """
    if device != "cpu":
        return 1
    seconds = sum(max(CELL_SECONDS, cell.cost / _PRODUCTS_A_SECOND) for cell in cells)
    return asked or (default_workers() if seconds > _WORTH_IT else 1)


WORKERS_START = 2.5
"""Seconds until the workers have started."""

CELL_SECONDS, _PRODUCTS_A_SECOND, _WORTH_IT = 0.03, 5e9, 4.0
"""Seconds of a cell at least, a core's rate on narrow networks, and seconds of work for which to start workers."""


def finish(cell: Cell, folder: Path, device: str, compiled: bool = False) -> Failure | None:
    """Computes and stores one cell, with the time that it took; says what went wrong in computing it, if anything.

    Raises:
        OSError: it cannot be stored.
    """
    import numpy  # noqa: PLC0415  # loads torch, which only those who compute need
    import torch  # noqa: PLC0415

    from suite.runs.compute import compute  # noqa: PLC0415

    circumstances = {
        "device": device_name(device),
        "compiled": compiled and _compilable(cell),
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
        "numpy": numpy.__version__,
    }
    processor = {"processor": torch.backends.cpu.get_cpu_capability()}
    checkpoint = Checkpoint(folder, cell.key, circumstances | processor)
    try:
        readings = compute(cell, device, compiled=compiled, checkpoint=checkpoint)
    except Exception as error:  # whatever it is, it is this cell's, and the others go on
        if checkpoint.resumed and not isinstance(error, MemoryError):
            checkpoint.remove()  # in case it is to blame
        return failure_of(error)
    provenance = {"seconds": round(checkpoint.seconds, 4), **circumstances, "commit": commit()}
    Store(folder).save(cell.key, Stored(readings, provenance))
    checkpoint.remove()
    _give_memory_back()
    return None


def _compilable(cell: Cell) -> bool:
    """Whether the cell has outputs of plain networks with narrow layers, whose passes a compiled run compiles."""
    from suite.nets.compiled import runs_of_layers  # noqa: PLC0415  # as above

    passes = cell.name in ("v3", "collapse", "landscape", "accuracy")
    return passes and cell.member.plain and any(run.compiled for run in runs_of_layers(cell.member.widths))


def _give_memory_back() -> None:
    """Lets go of what glibc keeps of freed memory, which adds up from cell to cell; elsewhere nothing.

    Its setting to give back large buffers at once makes V3 and training up to 1.8 times as slow, since all their
    pages are then asked for again and again.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def default_workers() -> int:
    """One process a core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_device(asked: str) -> str:
    """The device that `auto`, `cpu` or `cuda` stands for here.

    Raises:
        ValueError: a GPU is asked for and there is none.
    """
    import torch  # noqa: PLC0415  # as above

    if asked == "cuda" and not torch.cuda.is_available():
        raise ValueError("no CUDA device is at hand; choose --device cpu or auto")
    return "cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu"


def check_compiler(device: str) -> None:
    """Raises ValueError, with the reason, where nothing can be compiled."""
    from suite.nets.compiled import why_not  # noqa: PLC0415  # as above

    if device != "cpu":
        raise ValueError("compiled passes are for the CPU; choose --device cpu, or leave out --compile")
    if reason := why_not():
        raise ValueError(f"torch.compile does not work here ({reason}); have a C++ compiler, or leave out --compile")


def device_name(device: str) -> str:
    """The device as provenance writes it."""
    import torch  # noqa: PLC0415  # as above

    return str(torch.cuda.get_device_name()) if device == "cuda" else "cpu"


@contextmanager
def one_thread() -> Iterator[None]:
    """Has torch use one thread, as a worker does."""
    import torch  # noqa: PLC0415  # as above

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
