"""The scaling benchmark works; what it measures is for a person to judge."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.scaling import peak_memory

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_quick_mode_takes_and_keeps_every_figure(tmp_path: Path) -> None:
    """Memory, time, workers and a run with nothing to do, as numbers."""
    file = tmp_path / "scaling.json"
    command = [sys.executable, "-m", "benchmarks.scaling", "--quick", "--json", str(file)]

    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)

    found = json.loads(file.read_text())
    assert found.keys() == {"memory", "time", "workers", "cached"}
    assert all(row["peak_mb"] > 50 for rows in found["memory"].values() for row in rows)
    assert len(found["time"]) == 9
    assert all(math.isfinite(sweep["exponent"]) for sweep in found["time"].values())
    assert found["workers"]["ratio"] > 0
    assert 0 < found["cached"]["again"] < found["cached"]["first"]
    lines = len(done.stdout.splitlines())
    assert lines == sum(map(len, found["memory"].values())) + 9 + 2


def test_peak_memory_counts_what_a_process_and_its_children_hold() -> None:
    """A child of 200 MB beside a parent of 100 MB."""
    hold = "held = bytearray(b'x') * {size}; import time; time.sleep(0.5)"
    child = hold.format(size=200_000_000)
    code = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {child!r}]); "
    code += hold.format(size=100_000_000) + "; p.wait()"

    peak = peak_memory([sys.executable, "-c", code])

    assert 300e6 < peak < 360e6
