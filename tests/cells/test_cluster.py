"""A Dask cluster of real processes: the same tables, deaths survived, and plain words for what is not to be had."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.cells import cluster as clusters
from suite.cells.cell import Cell
from suite.cells.cluster import DaskCluster
from suite.cells.sampling import cells_of
from suite.cli import app
from suite.native.build import kernels
from suite.spec.load import load_studies
from tests.runs.tiny import BRIEF, assert_same_as_undisturbed, assert_same_tables

ROOT = Path(__file__).parents[2]
SETTINGS = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0", "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s"}
slow = pytest.mark.slow


@dataclass
class Processes:
    """A scheduler and its workers."""

    folder: Path
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    address: str = ""

    def start(self, *arguments: str, path: str | None = None, **settings: str) -> "subprocess.Popen[bytes]":
        """`dask`, in its own folder, with settings in the environment."""
        command = [sys.executable, "-m", "dask", *arguments]
        environment = {**os.environ, **SETTINGS, "PYTHONPATH": path or str(ROOT), **settings}
        with (self.folder / f"{len(self.running)}.log").open("wb") as log:
            started = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
        self.running.append(started)
        return started

    def scheduler(self) -> "subprocess.Popen[bytes]":
        """On a port that is free."""
        file = self.folder / "scheduler.json"
        started = self.start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file.name
        )
        # It is there before it is written: what counts is its last brace.
        _until(lambda: file.exists() and file.read_text().rstrip().endswith("}"))
        self.address = json.loads(file.read_text())["address"]
        return started

    def worker(self, *arguments: str, path: str | None = None, **settings: str) -> "subprocess.Popen[bytes]":
        """Of one thread."""
        own = ("--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard")
        return self.start("worker", self.address, *own, *arguments, path=path, **settings)

    def end(self) -> None:
        """Workers that nobody watches first, then the rest."""
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _until(there: Callable[[], object], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Processes]:
    """A scheduler without workers, for one test."""
    folder = tmp_path / "dask"
    folder.mkdir()
    found = Processes(folder)
    try:
        found.scheduler()
        yield found
    finally:
        found.end()


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """A scheduler and a worker."""
    found = Processes(tmp_path_factory.mktemp("dask"))
    try:
        found.scheduler()
        found.worker()
        yield found
    finally:
        found.end()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """A scheduler and two workers, one of which says that it has a GPU."""
    found = Processes(tmp_path_factory.mktemp("dask"))
    try:
        found.scheduler()
        found.worker()
        found.worker("--resources", "GPU=1", "--name", "with a GPU")
        _until(lambda: _connected(found.address) == 2)
        yield found
    finally:
        found.end()


def _connected(address: str) -> int:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        return len(client.scheduler_info(n_workers=-1)["workers"])


def _run(address: str, folder: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "suite", "run", str(BRIEF), "--results", folder.name, "--scheduler", address]
    return subprocess.Popen(
        [*command, *options],
        cwd=folder.parent,
        env={**os.environ, **SETTINGS, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _cells(folder: Path) -> list[Path]:
    return list((folder / BRIEF.stem / "cells").glob("*.npz"))


@pytest.mark.parametrize("options", [pytest.param([], marks=slow), ["--shared"]])
def test_a_cluster_makes_the_same_tables(
    options: list[str],
    one: Processes,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether results come back or are written where they are computed, in the folder as the driver names it."""
    monkeypatch.chdir(tmp_path)
    command = ["run", str(BRIEF), "--results", "results", "--scheduler", one.address, *options]
    done = CliRunner().invoke(app, command)

    assert done.exit_code == 0, done.stderr
    assert len(_cells(tmp_path / "results")) == 36
    assert _kernels_of(tmp_path / "results") == [kernels()]
    assert_same_as_undisturbed(tmp_path / "results", tmp_path_factory)


def _kernels_of(results: Path) -> list[str]:
    """The kernels of a run, which are those of each of its cells."""
    run = json.loads((results / BRIEF.stem / "run.json").read_text())
    found: list[str] = run["environment"]["kernels"]
    assert found == sorted({cell["kernels"] for cell in run["cells"]})
    return found


OTHER = {"CC": "cc -mtune=generic"}
"""The environment of a worker whose compiler generates code for another processor."""

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@slow
@needs_compiler
def test_workers_with_different_kernels_all_compute_with_torch(
    alone: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As two kinds of processors have them; the tables are those of torch. Later workers may have any kernels."""
    alone.worker()
    alone.worker(**OTHER)
    _until(lambda: _connected(alone.address) == 2)
    command = ["run", str(BRIEF), "--results"]
    found, expected = tmp_path / "found", tmp_path / "expected"
    done = CliRunner().invoke(app, [*command, str(found), "--scheduler", alone.address])

    assert done.exit_code == 0, done.stderr
    assert _kernels_of(found) == ["torch"]
    assert "Warning: using torch: the Dask workers have different kernels: native " in caplog.text
    with DaskCluster(alone.address) as cluster, monkeypatch.context() as change:
        change.setattr(clusters, "_COUNT_SECONDS", 0.0)
        alone.worker(CC="cc -O1")
        _until(lambda: _connected(alone.address) == 3)
        assert cluster.at_once() == 3 * 8
        assert cluster.kernels == "torch"
    monkeypatch.setenv("SUITE_KERNELS", "torch")
    assert CliRunner().invoke(app, [*command, str(expected)]).exit_code == 0
    assert_same_tables(found / BRIEF.stem, expected / BRIEF.stem)
    monkeypatch.setenv("SUITE_KERNELS", "native")
    said = _said("--scheduler", alone.address, tmp_path=tmp_path / "required")
    assert said.startswith("error: SUITE_KERNELS=native: the Dask workers have the kernels native ")


@slow
@needs_compiler
def test_a_later_worker_with_other_kernels_is_refused(alone: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is found before it gets a task, or by its first task."""
    alone.worker("--name", "first")
    monkeypatch.setattr(clusters, "_COUNT_SECONDS", 0.0)
    with DaskCluster(alone.address) as cluster:
        assert cluster.kernels == kernels()
        alone.worker(**OTHER)
        _until(lambda: _connected(alone.address) == 2)
        with pytest.raises(ValueError, match="has other kernels, so its numbers would differ: expected native "):
            cluster.at_once()
        monkeypatch.setattr(cluster, "_count_slots", lambda: 2)
        (cell, *_) = cells_of(load_studies([BRIEF])[0])
        with pytest.raises(ValueError, match="this worker has other kernels"):
            for _ in cluster.outcomes(partial(_compute, kernels=cluster.kernels), [cell] * 20, _compute):
                pass


def _compute(cell: Cell, kernels: str = "") -> None:
    from distributed import get_worker

    from suite.cells.worker import compute_and_save

    if get_worker().name != "first":
        compute_and_save(cell, None, "cpu", kernels)
    time.sleep(0.2)


@slow
def test_the_run_can_turn_the_workers_kernels_off(
    one: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SUITE_KERNELS is that of the run."""
    monkeypatch.setenv("SUITE_KERNELS", "torch")
    done = CliRunner().invoke(app, ["run", str(BRIEF), "--results", str(tmp_path), "--scheduler", one.address])

    assert done.exit_code == 0, done.stderr
    assert _kernels_of(tmp_path) == ["torch"]


@slow
def test_a_worker_whose_kernels_are_required_and_missing_is_an_error(alone: Processes, tmp_path: Path) -> None:
    """The message names the worker and its reason."""
    alone.worker(SUITE_KERNELS="native", CC="nonesuch")

    said = _said("--scheduler", alone.address, tmp_path=tmp_path)

    assert "cannot be used (SUITE_KERNELS=native: no C compiler: CC=nonesuch was not found" in said


@slow
def test_a_worker_that_is_killed_half_way_costs_nothing(
    alone: Processes, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """kill -9 of one of two, which nobody starts again; the other does the rest."""
    first, _ = alone.worker("--no-nanny"), alone.worker("--no-nanny")
    run = _run(alone.address, tmp_path / "results")
    _until(lambda: len(_cells(tmp_path / "results")) >= 10, 240)
    first.kill()
    _, said = run.communicate(timeout=300)

    assert run.returncode == 0, said
    assert_same_as_undisturbed(tmp_path / "results", tmp_path_factory)


@slow
def test_a_scheduler_that_is_killed_ends_the_run_and_the_next_goes_on(
    alone: Processes, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Exit code 2 with a line; what was finished is not computed again."""
    alone.worker("--no-nanny")
    run = _run(alone.address, tmp_path / "results")
    _until(lambda: len(_cells(tmp_path / "results")) >= 5, 240)
    alone.running[0].kill()
    _, said = run.communicate(timeout=120)

    assert run.returncode == 2, said
    assert said.splitlines()[-1].startswith("error: ")
    assert "finished cells are cached" in said.splitlines()[-1]
    assert "Traceback" not in said, said
    kept = {file: file.stat().st_mtime_ns for file in _cells(tmp_path / "results")}
    assert kept
    assert CliRunner().invoke(app, ["run", str(BRIEF), "--results", str(tmp_path / "results")]).exit_code == 0
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert_same_as_undisturbed(tmp_path / "results", tmp_path_factory)


def _die(task: int, lethal: int) -> str:
    if task == lethal:
        os.kill(os.getpid(), signal.SIGKILL)
    return f"done {task}"


@slow
def test_a_task_that_always_kills_is_given_up_and_the_innocent_are_not(alone: Processes) -> None:
    """Those that were waiting on the same worker are done by the next."""
    alone.worker()
    with DaskCluster(alone.address) as cluster:
        found = dict(cluster.outcomes(partial(_die, lethal=2), range(6), lambda task: f"given up {task}"))

    assert found == {task: f"given up {task}" if task == 2 else f"done {task}" for task in range(6)}


def _who(task: int) -> str:
    from distributed import get_worker

    return str(get_worker().name)


@slow
def test_gpu_work_goes_to_workers_that_offer_gpus(two: Processes) -> None:
    """And to no others; all work may go to all of them otherwise."""
    with DaskCluster(two.address, "cuda") as cluster:
        assert {name for _, name in cluster.outcomes(_who, range(20), _who)} == {"with a GPU"}
    with DaskCluster(two.address) as cluster:
        assert cluster.device == "cuda"
    with DaskCluster(two.address, "cpu") as cluster:
        assert len({name for _, name in cluster.outcomes(_who, range(40), _who)}) == 2


def _said(*options: str, tmp_path: Path) -> str:
    done = CliRunner().invoke(app, ["run", str(BRIEF), "--results", str(tmp_path), *options])
    assert done.exit_code == 2
    assert not list(tmp_path.rglob("*.npz"))
    return done.stderr.splitlines()[-1]


@slow
def test_a_gpu_that_no_worker_declares_is_an_error_at_start(alone: Processes, tmp_path: Path) -> None:
    """Where Dask by itself would wait for ever."""
    alone.worker()

    said = _said("--scheduler", alone.address, "--device", "cuda", tmp_path=tmp_path)

    assert "none of its 1 workers declares GPU=1" in said
    assert "--resources" in said


@slow
def test_no_workers_are_an_error_after_a_while(
    alone: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command that starts some."""
    monkeypatch.setattr(clusters, "FIRST_WORKER", 0.5)

    said = _said("--scheduler", alone.address, tmp_path=tmp_path)

    assert f"dask worker {alone.address}" in said


@slow
def test_an_address_where_nobody_answers_is_an_error(tmp_path: Path) -> None:
    """With the command that starts a scheduler, and nothing after that line."""
    run = _run("tcp://127.0.0.1:1", tmp_path / "results")
    _, said = run.communicate(timeout=120)

    assert run.returncode == 2
    assert said.splitlines()[-1].startswith("error: --scheduler tcp://127.0.0.1:1: no Dask scheduler responds")
    assert said.splitlines()[-1].endswith("start one: dask scheduler")


@pytest.mark.parametrize("address", ["", "nowhere", "127.0.0.1", "tcp://", "udp://h:1", "[::1", "tcp://h:x", "h:70000"])
def test_an_invalid_address_is_an_error_at_once(address: str, tmp_path: Path) -> None:
    """The message states the form of an address."""
    assert "use tcp://HOST:PORT" in _said("--scheduler", address, tmp_path=tmp_path)


@slow
def test_a_scheduler_that_asks_for_certificates_is_an_error(alone: Processes, tmp_path: Path) -> None:
    """Whoever has none is told so by Dask."""
    said = _said("--scheduler", alone.address.replace("tcp", "tls"), tmp_path=tmp_path)

    assert "cannot connect to a Dask scheduler" in said


@slow
def test_a_worker_without_the_suite_is_refused(alone: Processes, tmp_path: Path) -> None:
    """Before it is handed anything."""
    (tmp_path / "empty" / "suite").mkdir(parents=True)
    (tmp_path / "empty" / "suite" / "__init__.py").touch()
    alone.worker(path=str(tmp_path / "empty"))

    said = _said("--scheduler", alone.address, tmp_path=tmp_path / "results")

    assert ", got not installed or another version" in said


def test_a_worker_of_other_code_is_refused(one: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since its numbers would be others; the line says what differs."""
    monkeypatch.setattr(clusters, "numbers_follow_from", lambda: {"suite": "code 0", "torch": "1.0", "jax": "2"})

    said = _said("--scheduler", one.address, tmp_path=tmp_path)

    assert "has other versions, so its numbers would differ" in said
    assert "expected suite code 0, got code " in said
    assert "expected torch 1.0, got " in said
    assert "expected jax 2, got None" in said


def test_a_shared_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Where a worker is, rather than another folder of the same name that nobody looks into."""
    from suite.cells.worker import compute_and_save

    (first, *_) = cells_of(load_studies([BRIEF])[0])
    with pytest.raises(FileNotFoundError, match="the results folder does not exist on the worker"):
        compute_and_save([first], tmp_path / "elsewhere", "cpu")
    assert not list(tmp_path.iterdir())


def test_resources_that_contradict_are_errors(tmp_path: Path) -> None:
    """A cluster has its own workers, and only a cluster shares."""
    assert "remove --workers or --scheduler" in _said("--scheduler", "tcp://h:1", "--workers", "2", tmp_path=tmp_path)
    assert "--shared requires --scheduler; add --scheduler" in _said("--shared", tmp_path=tmp_path)


def test_without_dask_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pip takes it."""
    monkeypatch.setitem(sys.modules, "distributed", None)

    assert "mlp-trainability-suite[dask]" in _said("--scheduler", "tcp://h:1", tmp_path=tmp_path)
