"""What a device bears: memory against the number of draws, and several workers at once."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.adapter import Cell, compute
from benchmarks.ensembles import settle
from benchmarks.gpu.environment import ROOT
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
"""Draws of a tile in the column that shows that tiles bound memory."""


def memory_rows(setup: Setup) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield a row for each measure, number of draws, and size of tiles."""
    text = FAMILY.format(width=8 if setup.tiny else 32, depths=4, draws=2)
    text += TRAINING.format(draws=2, steps=1 if setup.tiny else 4)
    cells = {cell.name: cell for cell in load_text(text) if cell.name != "landscape"}
    for name, cell in cells.items():
        for draws in (64, 1024) if setup.tiny else (256, 1024, 4096, 16_384):
            for tile in (None, 32 if setup.tiny else TILE):
                key = f"{name}, {draws} draws, tiles of {tile or 'the usual size'}"
                whole = replace(cell, stop=draws)
                yield key, lambda whole=whole, tile=tile: _peak(whole, tile, setup.device)  # type: ignore[misc]


def memory_line(key: str, row: Row) -> str:
    """Return the peak and the time."""
    return f"peak {row['peak'] / 2**20:.1f} MiB, {row['seconds']:.3f} s"


def _peak(cell: Cell, tile: int | None, device: str) -> Row:
    """Return the peak while a cell is computed: of its tensors on a GPU, of the whole process on the CPU."""
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    else:
        Path("/proc/self/clear_refs").write_text("5")  # the kernel's peak starts anew
        before = 0
    start = time.perf_counter()
    compute(cell, device, tile)
    settle(device)
    seconds = time.perf_counter() - start
    peak = torch.cuda.max_memory_allocated() if device == "cuda" else _peak_of_process()
    return {"peak": peak - before, "seconds": seconds}


def _peak_of_process() -> int:
    """Return the most bytes that were resident since the kernel's peak started anew."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def worker_rows(setup: Setup) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield a row for each number of processes that share the device; a run gives each worker a GPU of its own."""
    for number in (1, 2) if setup.tiny else (1, 2, 4):
        yield f"processes: {number}", lambda number=number: _run_processes(number, setup)  # type: ignore[misc]


def worker_line(key: str, row: Row) -> str:
    """Return the throughput."""
    return f"{row['cells']} cells in {row['seconds']:.2f} s, {row['cells'] / row['seconds']:.1f} cells/s"


def worker_summary(rows: Rows) -> list[str]:
    """Return how many times the throughput of one process several have."""
    one = rows.get("processes: 1")
    return [f"{key}: {one['seconds'] / row['seconds']:.2f} times as fast as one" for key, row in rows.items() if one]


def study_cells(tiny: bool) -> list[Cell]:
    """Return the cells of the small study that workers share, in an order in which turns are fair."""
    text = FAMILY.format(width=16, depths="2, 4, 6, 8", draws=16 if tiny else 2048)
    text += TRAINING.format(draws=2 if tiny else 64, steps=4 if tiny else 200)
    return sorted(load_text(text), key=lambda cell: str(cell.name))


def _run_processes(number: int, setup: Setup) -> Row:
    """Return the time that several processes take for the study, from when all have started until all are done."""
    command = [sys.executable, "-m", "benchmarks.gpu.load", setup.device, "tiny" if setup.tiny else "whole"]
    processes = [
        subprocess.Popen([*command, str(place), str(number)], cwd=ROOT, stdin=-1, stdout=-1, stderr=-1, text=True)
        for place in range(number)
    ]
    try:
        _await(processes, "ready")
        start = time.perf_counter()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        _await(processes, "done")
        seconds = time.perf_counter() - start
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    return {"cells": len(study_cells(setup.tiny)), "seconds": seconds}


def _await(processes: Sequence[subprocess.Popen[str]], word: str) -> None:
    """Wait until each process has said a word.

    Raises:
        RuntimeError: One has ended instead.
    """
    for process in processes:
        assert process.stdout is not None
        if process.stdout.readline().strip() != word:
            raise RuntimeError(f"a worker ended before it was {word}: {process.communicate()[1].strip()[-300:]}")


def _work(device: str, size: str, place: int, number: int) -> None:
    """Compute every so many-th cell of the study, once told to."""
    torch.set_num_threads(1)
    cells = study_cells(size == "tiny")[place::number]
    for cell in {cell.name: cell for cell in cells}.values():  # what is loaded at first use
        compute(replace(cell, stop=1), device)
    settle(device)
    print("ready", flush=True)
    sys.stdin.readline()
    for cell in cells:
        compute(cell, device)
    settle(device)
    print("done", flush=True)


if __name__ == "__main__":
    _work(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
