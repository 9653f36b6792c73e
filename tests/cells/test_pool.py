"""Worker processes: a death costs its task one retry, twice is enough, and nobody outlives the driver."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from suite.cells.cache import Cache
from suite.cells.executor import ProcessPool
from suite.cells.resources import default_workers, workers_for
from suite.cells.sampling import cells_of
from suite.spec.load import load_studies
from tests.runs.tiny import SPECS


def _work(task: int, folder: Path, lethal: tuple[int, ...], always: bool) -> str:
    """Leaves a mark; some tasks kill their process, the first time or always."""
    mark = folder / f"{task}.{time.monotonic_ns()}"
    mark.touch()
    if task in lethal and (always or len(list(folder.glob(f"{task}.*"))) == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return f"done {task}"


def _outcomes(folder: Path, lethal: tuple[int, ...], always: bool, tasks: int = 12, workers: int = 2) -> dict[int, str]:
    work = partial(_work, folder=folder, lethal=lethal, always=always)
    with ProcessPool(workers) as pool:
        found = list(pool.outcomes(work, range(tasks), lambda task: f"given up {task}"))
    assert len(found) == tasks
    return dict(found)


def test_a_worker_that_dies_costs_its_task_a_retry(tmp_path: Path) -> None:
    """All tasks are done in the end, and few of them twice."""
    found = _outcomes(tmp_path, (5,), always=False)

    assert found == {task: f"done {task}" for task in range(12)}
    assert len(list(tmp_path.glob("5.*"))) == 2
    assert len(list(tmp_path.iterdir())) <= 12 + 3


@pytest.mark.slow
def test_a_task_that_always_kills_is_given_up_and_the_innocent_are_not(tmp_path: Path) -> None:
    """Those that ran beside it are done.

    The death of one can end the other's process before it has begun, so that only its retry leaves a mark.
    """
    found = _outcomes(tmp_path, (0, 7), always=True)

    assert {task for task, outcome in found.items() if outcome.startswith("given up")} == {0, 7}
    marks = sorted(len(list(tmp_path.glob(f"{task}.*"))) for task in (0, 7))
    assert marks in ([1, 2], [2, 2])


def _fail(task: int) -> None:
    raise OSError(f"disk full at {task}")


@pytest.mark.slow
def test_what_a_task_raises_is_raised() -> None:
    """With its type and words."""
    with pytest.raises(OSError, match="disk full"), ProcessPool(2) as pool:
        list(pool.outcomes(_fail, range(3), lambda task: None))


def _pid(task: int) -> int:
    return os.getpid()


@pytest.mark.slow
def test_processes_start_once_and_stay() -> None:
    """Rounds of tasks are done by the same ones."""
    with ProcessPool(2) as pool:
        assert not pool.started
        first, second = ({pid for _, pid in pool.outcomes(_pid, range(40), _pid)} for _ in range(2))

    assert first | second == first
    assert os.getpid() not in first
    assert not pool.started


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="stops processes")
def test_workers_that_do_not_respond_do_not_keep_a_run_from_ending() -> None:
    """Neither do those that wait for the lock of a worker that was killed."""
    pool = ProcessPool(2)
    workers = {pid for _, pid in pool.outcomes(_pid, range(4), _pid)}
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    ending = threading.Thread(target=pool.end, args=(False,), daemon=True)
    ending.start()
    ending.join(60)
    ended = not ending.is_alive()
    for worker in workers if not ended else ():
        os.kill(worker, signal.SIGKILL)

    assert ended


ORPHANS = """
import sys, time, os
from pathlib import Path
from suite.cells.executor import ProcessPool

def wait(task):
    Path(sys.argv[1], str(os.getpid())).touch()
    time.sleep(60)

list(ProcessPool(2).outcomes(wait, range(2), wait))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc for processes that are left")
def test_workers_end_with_a_driver_that_was_killed(tmp_path: Path) -> None:
    """Also in the middle of a task."""
    driver = subprocess.Popen([sys.executable, "-c", ORPHANS, str(tmp_path)])
    workers: list[Path] = []
    until = time.monotonic() + 60
    while len(workers) < 2 and time.monotonic() < until:
        workers = list(tmp_path.iterdir())
        time.sleep(0.05)
    assert len(workers) == 2

    driver.kill()
    driver.wait()

    def alive(worker: Path) -> bool:
        try:
            return " Z " not in Path("/proc", worker.name, "stat").read_text()
        except OSError:
            return False

    until = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(alive, workers))


def test_short_work_stays_in_the_process_unless_workers_are_asked_for() -> None:
    """And so does all work of a GPU."""
    (tiny,) = load_studies([SPECS / "tiny.toml"])
    cells = cells_of(tiny)
    (first, *_) = cells
    long = replace(first, name="v3", settings=next(cell.settings for cell in cells if cell.name == "v3"), stop=10**6)

    assert workers_for(cells, "cpu", None) == 1
    assert workers_for(cells, "cpu", 3) == 3
    assert workers_for([long] * 4, "cpu", None) == default_workers()
    assert workers_for([long] * 4, "cuda", 3) == 1


def test_what_killed_writers_left_goes_after_an_hour(tmp_path: Path) -> None:
    """What is younger may have a writer still."""
    old, young, cell = (tmp_path / name for name in (".a.npz.x1", ".b.npz.x2", "c.npz"))
    for file in (old, young, cell):
        file.touch()
    for file in (old, cell):
        os.utime(file, (time.time() - 4000,) * 2)

    Cache(tmp_path).prepare()

    assert sorted(tmp_path.iterdir()) == sorted([young, cell])
