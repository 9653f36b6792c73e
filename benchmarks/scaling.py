"""Measure how memory and time grow and print it; `--json FILE` also saves it."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.adapter import Cache, Cell, ProcessPool, cells_of, compute, execute, load_studies

FAMILY = """title = "Scaling"
seed = 1
[family]
width = {width}
inputs = 2
depth = {depth}
activation = "relu"
initialization = {{ scheme = "critical", bias_std = 0.1 }}
"""
NARROW = {
    "v3 and collapse": "[measure.v3]\ndraws = {draws}\nstep = 0.5\n[measure.collapse]\ndraws = {draws}\n",
    "correlation": "[measure.correlation]\ndraws = {draws}\n",
}
RANDOM = "[measure.v3]\ndraws = {draws}\nstep = {step}\n[measure.collapse]\ndraws = {draws}\n"
TRAINING = """[measure.accuracy]
task = {{ name = "checkerboard", squares = 2, train = {points}, test = {points} }}
optimizer = {{ name = "adam", learning_rate = 0.01, batch = {points} }}
steps = {steps}
replicates = {draws}
"""
POLL = 0.02
"""Seconds between two measurements of a process's memory."""
ENOUGH = 2.0
"""Total seconds of runs after which a time is not measured again."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all figures and print each as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="file in which to save the results")
    parser.add_argument("--quick", action="store_true", help="use small sizes, to try the script")
    asked = parser.parse_args(arguments)
    if asked.json and not asked.json.parent.is_dir():
        parser.error(f"--json {asked.json}: the folder {asked.json.parent} does not exist")
    with tempfile.TemporaryDirectory() as folder:
        found = figures(Path(folder), asked.quick)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def figures(folder: Path, quick: bool = False) -> dict[str, Any]:
    """Return all figures by name; studies and their results are written to the folder."""
    torch.set_num_threads(1)
    return {
        "memory": memory(folder, (4, 8) if quick else (512, 5120, 51_200)),
        "time": growth(folder, quick),
        "workers": workers(folder, 8 if quick else 49_152),
        "cached": cached(folder),
    }


def memory(folder: Path, sizes: Sequence[int]) -> dict[str, list[dict[str, float]]]:
    """Measure the peak memory of a run with all its processes against draws, each in new processes."""
    found: dict[str, list[dict[str, float]]] = {}
    for name, measures in NARROW.items():
        for processes in (1, 2):
            label = f"{name}, {processes} worker{'s' * (processes > 1)}"
            found[label] = []
            for draws in sizes:
                spec = _write_spec(folder, FAMILY.format(width=6, depth=8) + measures.format(draws=draws))
                with tempfile.TemporaryDirectory(dir=folder) as results:
                    start = time.perf_counter()
                    peak = peak_memory([*_run(spec, results), "--workers", str(processes)])
                    seconds = time.perf_counter() - start
                found[label].append({"draws": draws, "peak_mb": round(peak / 1e6, 1), "seconds": round(seconds, 1)})
                more = peak / 1e6 / found[label][0]["peak_mb"] - 1
                _print(f"memory of {label}: {draws} draws {peak / 1e6:.0f} MB ({more:+.1%}), {seconds:.1f} s")
    return found


def growth(folder: Path, quick: bool) -> dict[str, dict[str, Any]]:
    """Measure the time of one cell against draws, points and parameters, with the slope of a log-log line."""
    found: dict[str, dict[str, Any]] = {}
    last = 1 if quick else 3
    for name in ("v3", "collapse", "accuracy"):
        trains = name == "accuracy"

        def cell(draws: int, points: int, width: int, name: str = name, trains: bool = trains) -> tuple[Cell, int]:
            step = 2 / (round(points**0.5) - 1)
            measures = TRAINING.format(draws=draws, points=points, steps=1 if quick else 20)
            text = FAMILY.format(width=width, depth=4) + (measures if trains else RANDOM.format(draws=draws, step=step))
            (study,) = load_studies([_write_spec(folder, text)])
            first = next(cell for cell in cells_of(study) if cell.name == name)
            return replace(first, stop=draws), first.member.parameters

        draws, points, width = (4, 17**2, 16) if quick else (16, 33**2, 32)
        sweeps: dict[str, list[tuple[int, Cell]]] = {
            "draws": [(draws * 2**k, cell(draws * 2**k, points, width)[0]) for k in range(last + 1)],
            "points": [(side**2, cell(draws, side**2, width)[0]) for side in (17, 33, 65, 129)[: last + 1]],
            "parameters": [(size, one) for k in range(last + 1) for one, size in [cell(draws, points, 16 * 2**k)]],
        }
        compute(sweeps["draws"][0][1])  # loads and compiles everything that is needed only once
        for axis, cells in sweeps.items():
            rows = [(size, _best(lambda one=one: compute(one), 1 if quick else 3)) for size, one in cells]  # type: ignore[misc]
            label = f"{'training' if trains else name} against {axis}"
            found[label] = {
                "exponent": _growth_exponent(rows),
                "sizes": [s for s, _ in rows],
                "seconds": [t for _, t in rows],
            }
            _print(f"time of {label}: exponent {found[label]['exponent']:.2f}, {rows[-1][1]:.3g} s at {rows[-1][0]}")
    return found


def workers(folder: Path, draws: int) -> dict[str, float]:
    """Measure the wall time of many cells with one worker and with two, each with one thread.

    The start of the processes is included.
    """
    text = FAMILY.format(width=24, depth="[2, 4, 6, 8]") + RANDOM.format(draws=draws, step=0.0625)
    (study,) = load_studies([_write_spec(folder, text)])
    cells = cells_of(study)
    seconds = []
    for number in (1, 2):
        with tempfile.TemporaryDirectory(dir=folder) as results:
            start = time.perf_counter()
            with ProcessPool(number) as pool:
                execute(cells, Cache(Path(results)), pool, lambda *_: None)
            seconds.append(time.perf_counter() - start)
    found = {"cells": len(cells), "one": seconds[0], "two": seconds[1], "ratio": seconds[0] / seconds[1]}
    _print(f"{len(cells)} cells: one worker {seconds[0]:.1f} s, two {seconds[1]:.1f} s, ratio {found['ratio']:.2f}")
    return found


def cached(folder: Path) -> dict[str, float]:
    """Measure the time of a run with nothing to do, from the start of the interpreter to its end."""
    spec = _write_spec(
        folder, FAMILY.format(width=6, depth="[1, 2, 3, 4]") + NARROW["v3 and collapse"].format(draws=512)
    )
    with tempfile.TemporaryDirectory(dir=folder) as results:

        def run() -> None:
            subprocess.run(_run(spec, results), check=True, capture_output=True)

        first, again = _best(run, 1), _best(run, 3)
    _print(f"first run: {first:.2f} s; same run again, all cells cached: {again:.2f} s")
    return {"first": first, "again": again}


def peak_memory(command: Sequence[str]) -> int:
    """Return the peak memory of a command and all its descendants in bytes.

    It is resident memory, in which pages that processes share are counted in each of them. Without /proc, it is the
    memory of the command's own process alone.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = 0
    while True:
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        if done:
            break
        peak = max(peak, _resident_bytes(process.pid))
        time.sleep(POLL)
    assert process.stderr is not None
    with process.stderr:
        complaint = process.stderr.read()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with exit status {process.returncode}: {complaint}")
    # With /proc, the kernel's own figure is worse, since it includes the memory of the caller.
    return peak or usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _resident_bytes(pid: int, parent: bytes = b"") -> int:
    """Return the resident bytes of a process and its descendants; 0 for processes to leave out.

    These are processes that have just ended, or that have not yet started their own program and share all of their
    parent's memory.
    """
    process = Path(f"/proc/{pid}")
    try:
        program = (process / "cmdline").read_bytes()
        held = int((process / "statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        threads = list((process / "task").iterdir())
        children = [
            int(child) for thread in threads for child in (thread / "children").read_text(encoding="utf-8").split()
        ]
    except OSError:
        return 0
    return 0 if program == parent else held + sum(_resident_bytes(child, program) for child in children)


def _run(spec: Path, results: str) -> list[str]:
    return [sys.executable, "-m", "suite", "run", str(spec), "--results", results]


def _write_spec(folder: Path, text: str) -> Path:
    file = folder / "scaling.toml"
    file.write_text(text, encoding="utf-8")
    return file


def _best(work: Callable[[], object], repeats: int) -> float:
    """Return the seconds of the fastest of some runs.

    Runs that take long are stable enough to be run once.
    """
    times: list[float] = []
    while len(times) < repeats and sum(times) < ENOUGH:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def _growth_exponent(rows: Sequence[tuple[int, float]]) -> float:
    """Return the exponent b of seconds = a size^b, by least squares of the logarithms."""
    sizes, seconds = np.log(np.array(rows, dtype=float)).T
    return float(np.polyfit(sizes, seconds, 1)[0])


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
