"""The benchmark of what a cell costs beside its computing works; what it measures is for a person to judge."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_small_sizes_give_every_figure(tmp_path: Path) -> None:
    """Planning, each crew and the tables, as numbers."""
    file = tmp_path / "overhead.json"
    command = [sys.executable, "-m", "benchmarks.overhead", "--cells", "100", "--done", "20", "--json", str(file)]

    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)

    found = json.loads(file.read_text())
    assert found.pop("cells") == 100
    assert len(found) == len(done.stdout.splitlines()) == 7
    assert all(value > 0 for figures in found.values() for value in figures.values())
