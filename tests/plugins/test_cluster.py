"""A Dask cluster gets plug-ins with the work; workers that cannot run one are refused with a line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from suite.cells.resources import Resources
from suite.plugins import loading
from suite.runs.run import compute_tables
from suite.spec.load import load_studies
from tests.cells.test_cluster import ROOT, SETTINGS, Processes, alone  # noqa: F401  # a fixture
from tests.plugins.conftest import SNAKE
from tests.plugins.test_loading import SPEC

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


def _run(file: Path, address: str) -> "subprocess.CompletedProcess[str]":
    """In a process of its own, since a driver's plug-in must not be this one's."""
    arguments = ["run", "snakes.toml", "--plugin", str(file), "--scheduler", address, "--device", "cpu"]
    return subprocess.run(
        [sys.executable, "-m", "suite", *arguments],
        cwd=file.parent,
        env={**os.environ, **SETTINGS, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_cluster_computes_with_a_plug_in_that_it_has_never_seen(alone, written, tmp_path):  # noqa: F811
    """The same tables as here; then, with one that runs in no other process, a line and exit code 2."""
    alone.worker()
    file = written(SNAKE)
    (tmp_path / "snakes.toml").write_text(SPEC)

    done = _run(file, alone.address)

    assert done.returncode == 0, done.stderr
    loading.load_plugin(file)
    here = compute_tables(load_studies([tmp_path / "snakes.toml"])[0], tmp_path / "here", Resources("cpu", workers=1))
    table = "measurements.parquet"
    assert (tmp_path / "results" / "snakes" / table).read_bytes() == (here.folder / table).read_bytes()

    guard = "import sys\nif 'suite.cli' not in sys.modules:\n    raise ImportError('no such package')\n"
    refused = _run(written(guard + SNAKE), alone.address)

    assert refused.returncode == 2
    assert f"cannot use a plug-in: {file}:3: ImportError: no such package; install it" in refused.stderr
    assert "Traceback" not in refused.stderr
