"""docs/scaling.md's scripts on a real Slurm of one node: whatever becomes of a job, the tables are the same."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from suite.cells.sampling import SamplingRounds
from suite.results.shards import Shard
from suite.spec.load import load_studies
from tests.runs.tiny import BRIEF, assert_same_as_undisturbed
from tests.scaling_page import NO_DASK, commands, scripts, workplace
from tests.slurm_cluster import cluster, jobs, lacking, signalled

pytestmark = [pytest.mark.slow, pytest.mark.skipif(lacking() is not None, reason=str(lacking()))]

PARTS = 3
WAIT = 300
"""Seconds for jobs of ten, on a machine that does much else besides."""


@pytest.fixture(scope="session")
def slurm() -> Iterator[dict[str, str]]:
    """The environment of a Slurm's users."""
    with cluster() as environment:
        yield environment


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a small study's spec and the page's scripts."""
    folder = workplace(tmp_path / "work")
    for name, script in (scripts("Slurm job arrays") | scripts("Slurm with Dask")).items():
        (folder / name).write_text(script)
    return folder


def test_a_job_array_and_its_merge_make_the_same_tables(
    slurm: dict[str, str], work: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each task computes its part, and the job that waits for all of them merges."""
    parts, merge = _submitted(work, slurm)
    _until(lambda: not jobs(slurm))

    assert {_fact("JobState", job, slurm) for job in (*_tasks(parts), merge)} == {"COMPLETED"}
    for task in range(1, PARTS + 1):
        assert f"{BRIEF.stem}: part {task} of {PARTS} is in" in (work / f"suite-{parts}-{task}.out").read_text()
    assert "report.html" in (work / "merge.out").read_text()
    assert_same_as_undisturbed(work / "results", tmp_path_factory)


def test_a_part_whose_time_is_nearly_up_goes_on_in_a_job_of_its_own_number(
    slurm: dict[str, str], work: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SIGTERM to its step, as a minute before the time limit; the merge waits for it, and nothing is computed twice."""
    parts, merge = _submitted(work, slurm)
    kept = _cells_once_begun(work, 1)
    with _held(slurm, SLURM_ARRAY_JOB_ID=parts, SLURM_ARRAY_TASK_ID="1", SLURM_STEP_ID="0"):
        _typed(f"scancel --signal=TERM {parts}_1", work, slurm)
    _until(lambda: not jobs(slurm))

    assert [_fact("Restarts", job, slurm) for job in _tasks(parts)] == ["1", "0", "0"]
    assert {_fact("JobState", job, slurm) for job in (*_tasks(parts), merge)} == {"COMPLETED"}
    assert "interrupted; finished cells are cached" in (work / f"suite-{parts}-1.out").read_text()
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert_same_as_undisturbed(work / "results", tmp_path_factory)


@pytest.mark.parametrize(("end", "state"), [("scancel", "CANCELLED"), ("kill -9", "FAILED")])
def test_a_part_that_was_ended_is_missing_until_it_is_submitted_again(
    end: str, state: str, slurm: dict[str, str], work: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is not requeued; the merge says so and fails. The same two commands then compute what is missing, alone."""
    parts, merge = _submitted(work, slurm)
    kept = _cells_once_begun(work, 1)
    with _held(slurm, SLURM_ARRAY_JOB_ID=parts, SLURM_ARRAY_TASK_ID="1", SLURM_STEP_ID="0") as processes:
        if end == "scancel":
            _typed(f"scancel {parts}_1", work, slurm)
        else:
            for process in processes:
                os.kill(process, signal.SIGKILL)
    _until(lambda: not jobs(slurm))

    assert [_fact("JobState", job, slurm) for job in _tasks(parts)] == [state, "COMPLETED", "COMPLETED"]
    assert _fact("ExitCode", merge, slurm) == "1:0"
    lacking_cells = rf"{BRIEF.stem}: \d+ cells are missing from results/{BRIEF.stem}/cells"
    assert re.search(lacking_cells, (work / "merge.out").read_text())
    assert [file.name for file in (work / "results" / BRIEF.stem).iterdir()] == ["cells"]

    parts, merge = _submitted(work, slurm)
    _until(lambda: not jobs(slurm))

    assert {_fact("JobState", job, slurm) for job in (*_tasks(parts), merge)} == {"COMPLETED"}
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert_same_as_undisturbed(work / "results", tmp_path_factory)


@pytest.mark.skipif(NO_DASK, reason="no Dask: install the extra dask")
def test_a_job_of_a_dask_scheduler_and_workers_goes_on_when_its_time_is_nearly_up(
    slurm: dict[str, str], work: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SIGTERM goes to workers and run alike; the scheduler, which would stay, makes room for the next."""
    (block,) = commands("Slurm with Dask")
    job = _typed(block, work, slurm).split()[-1]
    folder = work / "results" / BRIEF.stem / "cells"
    _until(lambda: any(folder.glob("*.npz")))
    with _held(slurm, SLURM_JOB_ID=job, SLURM_STEP_ID="0"), _held(slurm, SLURM_JOB_ID=job, SLURM_STEP_ID="1"):
        _typed(f"scancel --signal=TERM {job}", work, slurm)
    _until(lambda: not jobs(slurm))

    said = (work / f"suite-dask-{job}.out").read_text()
    assert _fact("JobState", job, slurm) == "COMPLETED", said
    assert _fact("Restarts", job, slurm) == "1", said
    assert "failed to start" not in (work / f"dask-{job}.log").read_text()
    assert_same_as_undisturbed(work / "results", tmp_path_factory)


def _submitted(work: Path, slurm: dict[str, str]) -> list[str]:
    """The page's own commands; returns the number of the array and that of the job that merges."""
    (block,) = commands("Slurm job arrays")
    return re.findall(r"\d+", _typed(block + 'echo "$parts"', work, slurm))[::-1]


def _typed(command: str, work: Path, slurm: dict[str, str]) -> str:
    """What is said to a user who types this in the folder."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=work, env=slurm, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def _until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def _tasks(parts: str) -> list[str]:
    return [f"{parts}_{task}" for task in range(1, PARTS + 1)]


def _fact(name: str, job: str, slurm: dict[str, str]) -> str:
    """What Slurm knows of a job, finished ones too."""
    said = _typed(f"scontrol --oneliner show job {job}", Path("/"), slurm)
    (found,) = re.findall(rf"(?<!\S){name}=(\S+)", said)
    return str(found)


def _cells_once_begun(work: Path, part: int) -> dict[Path, int]:
    """Waits until a part has finished a cell; returns the cells that there are, with their times."""
    (study,) = load_studies([BRIEF])
    folder = work / "results" / BRIEF.stem / "cells"
    keys = {cell.key for cell in SamplingRounds(study, Shard(part, PARTS)).cells}
    _until(lambda: any(file.stem in keys for file in folder.glob("*.npz")))
    return {file: file.stat().st_mtime_ns for file in folder.glob("*.npz")}


@contextmanager
def _held(slurm: dict[str, str], **values: str) -> Iterator[list[int]]:
    """Stops a step's processes meanwhile, so that they are not done before they are signalled; they must be some."""
    processes = signalled(signal.SIGSTOP, slurm, **values)
    assert processes
    yield processes
    signalled(signal.SIGCONT, slurm, **values)
