"""Ctrl-C, SIGTERM and kill -9: what is finished is kept, and the next run ends as if nothing had been."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from suite.cli import app
from tests.runs.tiny import BRIEF, assert_same_as_undisturbed, assert_same_tables

slow = pytest.mark.slow


def _command(folder: Path, workers: int) -> list[str]:
    return [sys.executable, "-m", "suite", "run", str(BRIEF), "--results", str(folder), "--workers", str(workers)]


def _finish(folder: Path, workers: int) -> None:
    """Run the same command in this process, which has loaded everything already."""
    assert CliRunner().invoke(app, _command(folder, workers)[3:]).exit_code == 0


LISTENING = "import signal, suite.cli; signal.signal(signal.SIGINT, signal.default_int_handler); suite.cli.main()"
"""As `python -m suite`, but not deaf to Ctrl-C, as jobs in the background of a shell and what they start are."""


def _started(folder: Path, workers: int, cells: int) -> "subprocess.Popen[str]":
    """A run that has finished so many cells."""
    command = [sys.executable, "-c", LISTENING, *_command(folder, workers)[3:]]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while len(list((folder / BRIEF.stem / "cells").glob("*.npz"))) < cells:
        assert run.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    return run


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=slow)])
@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=slow), signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on_and_does(
    number: signal.Signals, workers: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Exit code 130, one line, no traceback; nothing that was finished is computed again."""
    run = _started(tmp_path, workers, 3)
    run.send_signal(number)
    _, said = run.communicate(timeout=60)

    assert run.returncode == 130
    assert said.splitlines()[-1] == "interrupted; finished cells are cached; run the same command again to continue"
    assert "Traceback" not in said
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / BRIEF.stem / "cells").glob("*.npz")}
    assert len(kept) >= 3

    _finish(tmp_path, workers)

    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert_same_as_undisturbed(tmp_path, tmp_path_factory)


_SIGNAL_AT_EXIT = """
import atexit, os, signal, suite.cli
atexit.register(lambda: os.kill(os.getpid(), signal.{name}))
signal.signal(signal.SIGINT, signal.default_int_handler)
suite.cli.main()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_while_python_exits_does_not_replace_the_exit_code(name: str) -> None:
    command = [sys.executable, "-c", _SIGNAL_AT_EXIT.format(name=name), "list", "optimizers"]

    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert run.returncode == 0
    assert "Traceback" not in run.stderr


_SIGNAL_WHILE_LOADING = """
import os, signal, sys, suite.cells.executor
signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    with suite.cells.executor.signals_wait():
        os.kill(os.getpid(), signal.SIGTERM)
        print("loaded")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_signal_waits_until_torch_is_loaded() -> None:
    """torch calls Python from C++ while it is loaded, and an exception there aborts the process."""
    run = subprocess.run([sys.executable, "-c", _SIGNAL_WHILE_LOADING], capture_output=True, text=True, check=True)

    assert run.stdout.split() == ["loaded", "interrupted"]


@slow
def test_a_driver_that_is_killed_loses_nothing_that_was_finished(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """kill -9."""
    run = _started(tmp_path, 2, 3)
    run.kill()
    run.communicate(timeout=60)
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / BRIEF.stem / "cells").glob("*.npz")}

    _finish(tmp_path, 1)

    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert_same_as_undisturbed(tmp_path, tmp_path_factory)


@slow
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
    assert_same_as_undisturbed(tmp_path, tmp_path_factory)


LONG = """
title = "one long cell"
seed = 1
[family]
width = 6
inputs = 2
depth = 2
activation = "relu"
[measure.accuracy]
task = { name = "checkerboard", squares = 2, train = 64, test = 32 }
optimizer = { name = "adam", learning_rate = [0.003, 0.03], batch = 16 }
steps = 100000
replicates = 4
[measure.feature_diversity]
[measure.revival]
"""

TELLING = """
import suite.cli, suite.cells.checkpoint, suite.training.observer as observer
suite.cells.checkpoint.CHECKPOINT_SECONDS = 0.1
train = observer.train
def told(networks, data, optimizers, stops, start, offer):
    print("goes on from step", int(start["step"]) if start else 0, flush=True)
    return train(networks, data, optimizers, stops, start, offer)
observer.train = told
suite.cli.main()
"""
"""As `python -m suite`, with checkpoints in quick succession, and saying where training begins."""


@slow
def test_a_long_piece_of_work_that_is_killed_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    """kill -9 in the midst of its only training: only the steps since the checkpoint are done again."""
    (tmp_path / "long.toml").write_text(LONG)

    def command(results: str) -> list[str]:
        return ["run", str(tmp_path / "long.toml"), "--results", str(tmp_path / results), "--workers", "1"]

    cells, step, until = tmp_path / "killed" / "long" / "cells", 0, time.monotonic() + 120
    run = subprocess.Popen([sys.executable, "-c", TELLING, *command("killed")], stdout=subprocess.DEVNULL)
    while step < 200:
        assert run.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
        for part in cells.glob("*.part"):
            step = int(np.load(io.BytesIO(part.read_bytes()[32:]))["training.step"])
    run.kill()
    run.communicate(timeout=60)
    (part,) = cells.glob("*.part")
    step = int(np.load(io.BytesIO(part.read_bytes()[32:]))["training.step"])

    again = [sys.executable, "-c", TELLING, *command("killed")]
    said = subprocess.run(again, check=True, capture_output=True, text=True).stdout
    assert CliRunner().invoke(app, command("whole")).exit_code == 0

    assert 200 <= step < 100000
    assert [line for line in said.splitlines() if line.startswith("goes")] == [f"goes on from step {step}"]
    assert not list(cells.glob("*.part"))
    assert_same_tables(tmp_path / "killed" / "long", tmp_path / "whole" / "long")
