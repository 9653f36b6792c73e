"""docs/scaling.md: commands that need no cluster work as they stand there."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.runs.tiny import assert_same_as_undisturbed
from tests.scaling_page import NO_DASK, commands, scripts, workplace

ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
    "PYTHONPATH": str(ROOT),
}


@pytest.mark.slow
@pytest.mark.parametrize("section", ["One machine", "Parts that know nothing of each other"])
def test_the_commands_of_a_machine_alone_make_the_tables(
    section: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same to the byte, in one go and in parts."""
    (block,) = commands(section)

    _typed(block, workplace(tmp_path / "work"))

    assert_same_as_undisturbed(tmp_path / "work" / "results", tmp_path_factory)


@pytest.mark.slow
@pytest.mark.skipif(NO_DASK, reason="no Dask: install the extra dask")
def test_the_commands_of_a_dask_cluster_make_the_tables(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """On a network of this machine alone: HOST is it, and the port one that is free."""
    work = workplace(tmp_path / "work")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scheduler, workers, run = (block.replace("HOST:8786", f"127.0.0.1:{port}") for block in commands("Dask"))

    with (
        _running(f"{scheduler.strip()} --host 127.0.0.1 --port {port} --no-dashboard", work),
        _running(f"{workers.strip()} --no-dashboard", work),
    ):
        _typed(run, work)

    assert_same_as_undisturbed(work / "results", tmp_path_factory)


def test_scripts_are_small_enough_to_be_tested() -> None:
    """The tests' numbers have taken the place of the documented ones."""
    small = scripts("Slurm job arrays") | scripts("Slurm with Dask")

    assert sorted(small) == ["array.sbatch", "dask.sbatch"]
    assert "--array=1-3\n#SBATCH --cpus-per-task=2\n" in small["array.sbatch"]
    assert "--ntasks=2\n" in small["dask.sbatch"]


def _typed(command: str, work: Path) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=work, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@contextmanager
def _running(command: str, work: Path) -> Iterator[None]:
    """What runs until the test is over, and is ended then."""
    with (work / f"{command.split()[1]}.out").open("w") as out:
        running = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=work, env=ENVIRONMENT, stdout=out, stderr=out)
    try:
        yield
    finally:
        running.terminate()
        try:
            running.wait(30)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
