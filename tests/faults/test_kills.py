"""kill -9, Ctrl-C and SIGTERM at random moments of a run: nothing that was finished is lost or computed again."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.mixed import (
    STUDY,
    Undisturbed,
    again,
    arguments,
    assert_undisturbed,
    cells,
    ended,
    files,
    finished,
    started,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the workers in /proc"),
]

KINDS = ("driver", "worker", "both")
SEED = 4999_000
"""So that the first five are of several stages."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    many = metafunc.config.getoption("--many")
    if "kill" in metafunc.fixturenames:
        metafunc.parametrize("kill", range(50 if many else 5))
    if "stop" in metafunc.fixturenames:
        metafunc.parametrize("stop", range(20 if many else 1))


def _wait(run: "subprocess.Popen[str]", results: Path, until: float, undisturbed: Undisturbed) -> None:
    """Waits until the run is as far as the undisturbed one was after so many seconds.

    Told by the number of its files, and beyond that by the clock, since no two runs are equally fast.
    """
    written = [when for when in undisturbed.written if when <= until]
    limit = time.monotonic() + 1200
    while len(files(results)) < len(written) and run.poll() is None:
        assert time.monotonic() < limit
        time.sleep(0.002)
    time.sleep(until - max(written, default=0.0))


def _moment(chance: random.Random, undisturbed: Undisturbed, computing: bool) -> float:
    """Seconds after the start: at any time before the end, or while cells are computed."""
    first, last, end = (undisturbed.written[place] for place in (0, undisturbed.computed - 1, -1))
    return chance.uniform(0.95 * first, last) if computing else chance.uniform(0.0, end)


def _workers(driver: int) -> list[int]:
    try:
        children = Path(f"/proc/{driver}/task/{driver}/children").read_text().split()
        return [
            int(child) for child in children if b"loky.backend.popen" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
    except OSError:  # one of them has just ended
        return []


def _killed(kind: str, run: "subprocess.Popen[str]", chance: random.Random) -> str:
    """Kills what is asked for and says what that was; a run without workers at the moment loses its driver."""
    workers = _workers(run.pid)
    if kind == "worker" and workers:
        victims, what = [chance.choice(workers)], "a worker"
    elif kind == "both" and workers:
        victims, what = [run.pid, *workers], f"the driver and {len(workers)} workers"
    else:
        victims, what = [run.pid], "the driver"
    for victim in victims:
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            assert victim != run.pid
    return what


def _stage(results: Path) -> str:
    """How far a run has come, as its files show it."""
    folder = results / STUDY
    if (folder / "report.html").exists():
        return "sealing"
    if (folder / "run.json").exists():
        return "writing the report"
    if (folder / "precision.csv").exists():
        return "writing tables"
    return f"computing, {len(cells(results))} cells finished" if cells(results) else "starting"


def test_a_kill_at_any_moment_loses_nothing_that_was_finished(
    kill: int, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """The driver, a worker, or driver and workers at once, in turn."""
    kind, chance = KINDS[kill % 3], random.Random(SEED + kill)
    moment = _moment(chance, undisturbed, computing=kind == "worker" or kill % 4 == 3)
    for attempt in range(10):
        results = tmp_path / str(attempt)
        run = started(results)
        _wait(run, results, moment, undisturbed)
        if run.poll() is None:
            break
        ended(run)  # it was faster this time
        moment *= 0.95
    what = _killed(kind, run, chance)
    stage = _stage(results)
    code, said = ended(run)
    print(f"kill {kill}: {what} while {stage}, exit code {code}")
    assert code == 0 if what == "a worker" else code == -signal.SIGKILL, said
    before = finished(results)

    again(results)

    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert_undisturbed(results, undisturbed)


LISTENING = "import signal, suite.cli; signal.signal(signal.SIGINT, signal.default_int_handler); suite.cli.main()"
"""As `python -m suite`, but not deaf to Ctrl-C, as jobs in the background of a shell and what they start are."""


@pytest.mark.usefixtures("only_with_many")
def test_a_stop_at_any_moment_says_how_to_go_on(stop: int, undisturbed: Undisturbed, tmp_path: Path) -> None:
    """SIGTERM and Ctrl-C in turn, from when the run has said what there is to do."""
    number = (signal.SIGTERM, signal.SIGINT)[stop % 2]
    moment = _moment(random.Random(SEED - 1 - stop), undisturbed, computing=stop % 4 > 1)
    command = [sys.executable, "-c", LISTENING, *arguments(tmp_path)]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    announced = run.stderr.readline()
    _wait(run, tmp_path, moment if moment > undisturbed.written[0] else 0.2 * moment, undisturbed)
    stage = _stage(tmp_path)
    run.send_signal(number)
    sent = time.monotonic()
    code, said = ended(run)
    print(f"stop {stop}: {number.name} while {stage}, exit code {code} {time.monotonic() - sent:.2f} s later")
    assert "cells to compute" in announced
    assert code in (0, 130), said
    assert "Traceback" not in said
    if code == 130:
        assert said.splitlines()[-1] == "interrupted; finished cells are cached; run the same command again to continue"
    before = finished(tmp_path)

    again(tmp_path)

    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert_undisturbed(tmp_path, undisturbed)
