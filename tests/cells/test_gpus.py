"""GPUs: every worker has one to itself, whoever dies, and as many workers start as there are."""

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from suite.cells import devices
from suite.cells.devices import claim
from suite.cells.executor import ProcessPool
from suite.cells.resources import workers_for
from suite.cells.sampling import cells_of
from suite.spec.load import load_studies
from tests.runs.tiny import SPECS

CLAIMS = "import sys; from pathlib import Path; from suite.cells.devices import claim; "
HOLD = CLAIMS + "print(claim(2, Path(sys.argv[1])), flush=True); sys.stdin.read()"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes there cannot tell whose a GPU is")


def _claimed(folder: Path) -> "tuple[subprocess.Popen[str], int]":
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    return holder, int(holder.stdout.readline())


def test_processes_have_places_of_their_own_until_they_die(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that was held by a process that was killed is free for the next."""
    first, place = _claimed(tmp_path)
    second, other = _claimed(tmp_path)
    try:
        assert {place, other} == {0, 1}
        monkeypatch.setattr(devices, "_PATIENCE", 0.2)
        with pytest.raises(RuntimeError, match="more workers than GPUs"):
            claim(2, tmp_path)
        first.send_signal(signal.SIGKILL)
        first.wait()
        third, again = _claimed(tmp_path)
        third.communicate()
        assert again == place
    finally:
        for holder in (first, second):
            holder.kill()
            holder.communicate()


def _device(task: int, folder: str) -> tuple[int, int]:
    import os
    import time

    import torch

    mark = Path(folder, str(os.getpid()))
    mark.touch()
    until = time.monotonic() + 120
    while len(list(mark.parent.iterdir())) < 2 and time.monotonic() < until:  # so that both have something to do
        time.sleep(0.01)
    return os.getpid(), torch.cuda.chosen  # type: ignore[attr-defined]


def _pretend(folder: Path) -> None:
    """Makes workers remember the GPU that they choose, where there is none to choose."""
    (folder / "sitecustomize.py").write_text(
        "import torch\ntorch.cuda.set_device = lambda device: setattr(torch.cuda, 'chosen', device)\n"
    )


@pytest.mark.slow
def test_a_pool_has_a_worker_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with one of its own, from its first task to its last."""
    _pretend(tmp_path)
    marks = tmp_path / "marks"
    marks.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with ProcessPool(2, "cuda") as pool:
        work = partial(_device, folder=str(marks))
        found = [outcome for _, outcome in pool.outcomes(work, range(12), work)]

    assert len(set(found)) == 2
    assert {device for _, device in found} == {0, 1}


@pytest.mark.parametrize(("have", "asked", "workers"), [(1, None, 1), (4, None, 4), (4, 2, 2), (4, 9, 4)])
def test_as_many_workers_as_gpus(have: int, asked: int | None, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or fewer, if so asked."""
    monkeypatch.setattr(devices, "count_gpus", lambda: have)

    assert workers_for(cells_of(load_studies([SPECS / "tiny.toml"])[0]), "cuda", asked) == workers


def test_workers_without_a_gpu_say_so_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cell has failed then."""
    (tmp_path / "sitecustomize.py").write_text(
        "import torch\n\ndef fail(device):\n    raise RuntimeError('all are busy')\n\ntorch.cuda.set_device = fail\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with (
        pytest.raises(ValueError, match=r"no GPU of its own .all are busy.; use --workers 1"),
        ProcessPool(2, "cuda") as pool,
    ):
        list(pool.outcomes(abs, range(3), abs))
