"""Ctrl-C, SIGTERM and kill -9: what is finished is kept, and the next run ends as if nothing had been."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.runs.tiny import SPECS, ran

TINY = SPECS / "tiny.toml"


def _command(folder: Path, workers: int) -> list[str]:
    return [sys.executable, "-m", "suite", "run", str(TINY), "--results", str(folder), "--workers", str(workers)]


LISTENING = "import signal, suite.cli; signal.signal(signal.SIGINT, signal.default_int_handler); suite.cli.main()"
"""As `python -m suite`, but not deaf to Ctrl-C, as jobs in the background of a shell and what they start are."""


def _started(folder: Path, workers: int, cells: int) -> "subprocess.Popen[str]":
    """A run that has finished so many cells."""
    command = [sys.executable, "-c", LISTENING, *_command(folder, workers)[3:]]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while len(list((folder / "tiny" / "cells").glob("*.npz"))) < cells:
        assert run.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    return run


def _same_as_undisturbed(folder: Path, factory: pytest.TempPathFactory) -> None:
    whole = ran("tiny", factory).folder
    for table in ("measurements.parquet", "summary.parquet", "members.csv", "landscapes.parquet"):
        assert (folder / "tiny" / table).read_bytes() == (whole / table).read_bytes()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on_and_does(
    number: signal.Signals, workers: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Exit code 130, one line, no traceback; nothing that was finished is computed again."""
    run = _started(tmp_path, workers, 3)
    run.send_signal(number)
    _, said = run.communicate(timeout=60)

    assert run.returncode == 130
    assert said.splitlines()[-1] == "interrupted; what is finished is kept, and the same command goes on from there"
    assert "Traceback" not in said
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "tiny" / "cells").glob("*.npz")}
    assert len(kept) >= 3

    subprocess.run(_command(tmp_path, workers), check=True, capture_output=True)

    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    _same_as_undisturbed(tmp_path, tmp_path_factory)


def test_a_driver_that_is_killed_loses_nothing_that_was_finished(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """kill -9."""
    run = _started(tmp_path, 2, 3)
    run.kill()
    run.communicate(timeout=60)
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "tiny" / "cells").glob("*.npz")}

    subprocess.run(_command(tmp_path, 1), check=True, capture_output=True)

    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    _same_as_undisturbed(tmp_path, tmp_path_factory)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the workers in /proc")
def test_a_worker_that_is_killed_is_replaced(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The run goes on and ends well."""
    run = _started(tmp_path, 2, 1)
    killed = 0
    for child in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split():
        if b"loky" in Path(f"/proc/{child}/cmdline").read_bytes() and not killed:
            os.kill(int(child), signal.SIGKILL)
            killed += 1
    _, said = run.communicate(timeout=120)

    assert killed == 1
    assert run.returncode == 0, said
    _same_as_undisturbed(tmp_path, tmp_path_factory)
