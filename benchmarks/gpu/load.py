"""A device under load: memory against the number of draws, and several workers at once."""

import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import BrokenBarrierError

import torch

from benchmarks.adapter import Cell, compute
from benchmarks.ensembles import settle
from benchmarks.gpu.paths import load_text
from benchmarks.gpu.record import Row, Rows, Setup

FAMILY = """title = "Load"
seed = 1
[family]
width = {width}
inputs = 2
depth = [{depths}]
activation = "relu"
initialization = {{ scheme = "critical", bias_std = 0.1 }}
[measure.v3]
draws = {draws}
step = 0.0625
"""
TRAINING = """[measure.accuracy]
task = {{ name = "checkerboard", squares = 4, train = 512, test = 256 }}
optimizer = {{ name = "adam", learning_rate = 0.01, batch = 128 }}
steps = {steps}
replicates = {draws}
"""
TILE = 256
"""Number of draws of a tile in the rows that show that tiles limit memory."""

LONGEST = 60.0
"""Timeout in seconds for processes to start, and for them to finish."""


def memory_rows(setup: Setup) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield a row for each measure, number of draws, and size of tiles."""
    text = FAMILY.format(width=8 if setup.tiny else 32, depths=4, draws=2)
    text += TRAINING.format(draws=2, steps=1 if setup.tiny else 4)
    cells = {cell.name: cell for cell in load_text(text) if cell.name != "landscape"}
    for name, cell in cells.items():
        for draws in (64, 1024) if setup.tiny else (256, 1024, 4096, 16_384):
            for tile in (None, 32 if setup.tiny else TILE):
                key = f"{name}, {draws} draws, tiles of {tile or 'default size'}"
                whole = replace(cell, stop=draws)
                yield key, lambda whole=whole, tile=tile: _peak(whole, tile, setup.device)  # type: ignore[misc]


def memory_line(key: str, row: Row) -> str:
    """Return the peak memory and the time."""
    return f"peak {row['peak'] / 2**20:.1f} MiB, {row['seconds']:.3f} s"


def _peak(cell: Cell, tile: int | None, device: str) -> Row:
    """Return the increase of memory while a cell is computed, and the time.

    On a GPU it is the memory of tensors, on the CPU the resident memory of the process.
    """
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    else:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # resets the kernel's peak
        before = _peak_of_process()
    start = time.perf_counter()
    compute(cell, device, tile)
    settle(device)
    seconds = time.perf_counter() - start
    peak = torch.cuda.max_memory_allocated() if device == "cuda" else _peak_of_process()
    return {"peak": peak - before, "seconds": seconds}


def _peak_of_process() -> int:
    """Return the most bytes that were resident since the kernel's peak started anew."""
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def worker_rows(setup: Setup) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield a row for each number of processes that share the device.

    In a run of the suite, each worker has a GPU of its own.
    """
    for number in (1, 2) if setup.tiny else (1, 2, 4):
        yield f"processes: {number}", lambda number=number: _run_processes(number, setup)  # type: ignore[misc]


def worker_line(key: str, row: Row) -> str:
    """Return the throughput."""
    return f"{row['cells']} cells in {row['seconds']:.2f} s, {row['cells'] / row['seconds']:.1f} cells/s"


def worker_summary(rows: Rows) -> list[str]:
    """Return the throughput of several processes relative to that of one."""
    one = rows.get("processes: 1")
    return [
        f"{key}: {one['seconds'] / row['seconds']:.2f} times as fast as one process"
        for key, row in rows.items()
        if one and row is not one
    ]


def study_cells(tiny: bool) -> list[Cell]:
    """Return the cells of the small study that workers share, ordered so that each gets a similar part."""
    text = FAMILY.format(width=16, depths="2, 4, 6, 8", draws=16 if tiny else 2048)
    text += TRAINING.format(draws=2 if tiny else 64, steps=4 if tiny else 200)
    return sorted(load_text(text), key=lambda cell: str(cell.name))


def _run_processes(number: int, setup: Setup) -> Row:
    """Return the time that several processes take for the study, measured after all have started."""
    context = get_context("spawn")
    barrier = context.Barrier(number + 1, timeout=LONGEST)
    processes = [
        context.Process(target=_work, args=(setup, place, number, barrier), daemon=True) for place in range(number)
    ]
    for process in processes:
        process.start()
    try:
        barrier.wait()
        start = time.perf_counter()
        barrier.wait()
        seconds = time.perf_counter() - start
    except BrokenBarrierError:
        raise RuntimeError(f"a process failed (its error is above) or took more than {LONGEST:.0f} s") from None
    finally:
        for process in processes:
            process.kill()
            process.join()
    return {"cells": len(study_cells(setup.tiny)), "seconds": seconds}


def _work(setup: Setup, place: int, number: int, barrier: Barrier) -> None:
    """Compute every `number`-th cell of the study, between two barriers that all processes wait at."""
    try:
        torch.set_num_threads(1)
        cells = study_cells(setup.tiny)[place::number]
        for cell in {cell.name: cell for cell in cells}.values():  # loads everything that is loaded at first use
            compute(replace(cell, stop=1), setup.device)
        settle(setup.device)
        barrier.wait()
        for cell in cells:
            compute(cell, setup.device)
        settle(setup.device)
        barrier.wait()
    except Exception:
        traceback.print_exc()  # before the other processes stop and end this one
        barrier.abort()
