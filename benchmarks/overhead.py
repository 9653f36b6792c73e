"""Measure the overhead per cell and print it; `--json FILE` also saves it."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from benchmarks.adapter import (
    Cache,
    Cell,
    DaskCluster,
    Executor,
    ProcessPool,
    Resources,
    Study,
    cells_of,
    compute,
    compute_tables,
    execute,
    load_studies,
)
from benchmarks.scaling import peak_memory

SPEC = """title = "Many small cells"
seed = 1
[family]
width = 4
inputs = 3
depth = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
activation = {{ name = "leaky_relu", slope = {slopes} }}
initialization = {{ scheme = "variance", weight_variance = 2.0, bias_variance = {biases} }}
[measure.activation_ratio]
"""
"""A spec with one cell per member, of about a millisecond each."""

WORKERS = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all figures and print each as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument(
        "--cells", type=int, default=100_000, metavar="N", help="number of cells to plan and to write tables of"
    )
    parser.add_argument(
        "--done", type=int, default=10_000, metavar="N", help="number of cells that each executor computes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="file in which to save the results")
    asked = parser.parse_args(arguments)
    if asked.json and not asked.json.parent.is_dir():
        parser.error(f"--json {asked.json}: the folder {asked.json.parent} does not exist")
    with tempfile.TemporaryDirectory() as folder:
        found = figures(Path(folder), asked.cells, min(asked.done, asked.cells))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def figures(folder: Path, number: int, done: int) -> dict[str, Any]:
    """Return all figures by name, for a study of about `number` cells; each executor computes `done`."""
    torch.set_num_threads(1)
    spec = _write_spec(folder, number)
    (study,) = load_studies([spec])
    cells = cells_of(study)
    found: dict[str, Any] = {
        "cells": len(cells),
        "plan, nothing done": _measure_plan(spec, folder / "results", len(cells)),
    }
    compute(cells[0])  # loads everything that is loaded only once
    with _start_scheduler(folder) as address:
        executors: dict[str, tuple[Callable[[], Executor], int]] = {
            "in one process": (ProcessPool, 1),
            f"{WORKERS} workers": (lambda: ProcessPool(WORKERS), WORKERS),
            "Dask, results come back": (lambda: DaskCluster(address, "cpu"), WORKERS),
            "Dask, a shared folder": (lambda: DaskCluster(address, "cpu", shared=True), WORKERS),
        }
        for name, (executor, workers) in executors.items():
            found[name] = _time_executor(name, executor(), workers, cells[:done], folder / name)
    return found | _measure_tables(study, spec, cells, folder / "results")


def _time_executor(
    name: str, executor: Executor, workers: int, cells: Sequence[Cell], folder: Path
) -> dict[str, float]:
    """Measure the wall time of cells, and the part of it that is not computing.

    The start of the executor is not included.
    """
    cache = Cache(folder)
    cache.prepare()
    with executor:
        execute(cells[: 2 * workers], cache, executor, lambda *_: None)
        start = time.perf_counter()
        failures = execute(cells, cache, executor, lambda *_: None)
        wall = time.perf_counter() - start
    if failures:
        raise RuntimeError(f"{name}: {len(failures)} cells failed")
    computing = sum(cached.provenance["seconds"] for cell in cells if (cached := cache.check(cell.key)))
    each, rest = wall / len(cells), (wall - computing / workers) / len(cells)
    _print(f"{name}: {1e3 * each:.2f} ms per cell, {1e3 * rest:.2f} ms of it overhead")
    return {"cells": len(cells), "seconds": wall, "computing": computing, "overhead_ms": 1e3 * rest}


def _measure_plan(spec: Path, results: Path, cells: int) -> dict[str, float]:
    """Measure the time and the peak memory of the `plan` command.

    The time is from the start of the interpreter to its end.
    """
    command = [sys.executable, "-m", "suite", "plan", str(spec), "--results", str(results)]
    start = time.perf_counter()
    peak = peak_memory(command)
    seconds = time.perf_counter() - start
    _print(f"plan of {cells} cells: {seconds:.1f} s, {peak / 1e6:.0f} MB")
    return {"seconds": seconds, "peak_mb": peak / 1e6}


def _measure_tables(study: Study, spec: Path, cells: Sequence[Cell], results: Path) -> dict[str, Any]:
    """Measure the time of the tables of finished cells, and of a plan that has nothing to do.

    The cells are computed first, in this process.
    """
    cache = Cache(results / study.spec.name / "cells")
    cache.prepare()
    execute(cells, cache, ProcessPool(), lambda *_: None)
    start = time.perf_counter()
    compute_tables(study, results, Resources("cpu", workers=1))
    seconds = time.perf_counter() - start
    each = 1e3 * seconds / len(cells)
    _print(f"{len(cells)} finished cells, checked and written to tables: {seconds:.1f} s, {each:.2f} ms per cell")
    return {
        "tables": {"seconds": seconds, "overhead_ms": each},
        "plan, all done": _measure_plan(spec, results, len(cells)),
    }


@contextmanager
def _start_scheduler(folder: Path) -> Iterator[str]:
    """Start a Dask scheduler and its workers as processes of this machine; yield its address."""
    file = folder / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    host = ["--host", "127.0.0.1", "--no-dashboard"]
    commands = [
        [*dask, "scheduler", *host, "--port", "0", "--scheduler-file", str(file)],
        [*dask, "worker", *host, "--nthreads", "1", "--nworkers", str(WORKERS), "--scheduler-file", str(file)],
    ]
    # PYTHONPATH prevents workers from importing an installed suite.
    ours = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    running = [subprocess.Popen(command, cwd=folder, env=ours, stderr=subprocess.DEVNULL) for command in commands]
    try:
        until = time.monotonic() + 60
        while not file.exists() and time.monotonic() < until:
            time.sleep(0.05)
        yield json.loads(file.read_text(encoding="utf-8"))["address"]
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait()


def _write_spec(folder: Path, cells: int) -> Path:
    """Write the spec of a study of at most `cells` cells; return its path."""
    slopes = max(1, cells // 100)
    file = folder / "many.toml"
    file.write_text(
        SPEC.format(
            slopes=[round((place + 1) / (2 * slopes), 9) for place in range(slopes)],
            biases=[round(0.01 * (place + 1), 2) for place in range(10 if cells >= 100 else 1)],
        )
    )
    return file


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
