"""docs/scaling.md: commands that need no cluster work as they stand there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs.tiny import ran
from tests.scaling_page import commands, scripts, workplace

ROOT = Path(__file__).parents[1]
TABLES = ("measurements.parquet", "summary.parquet", "members.csv", "landscapes.parquet")
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
    "PYTHONPATH": str(ROOT),
}


@pytest.mark.parametrize("section", ["One machine", "Parts that know nothing of each other"])
def test_the_commands_of_a_machine_alone_make_the_tables(
    section: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same to the byte, in one go and in parts."""
    (block,) = commands(section)

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=workplace(tmp_path / "work"), env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    for table in TABLES:
        whole = ran("tiny", tmp_path_factory).folder / table
        assert (tmp_path / "work" / "results" / "tiny" / table).read_bytes() == whole.read_bytes()


def test_scripts_are_small_enough_to_be_tested() -> None:
    """The tests' numbers have taken the place of the documented ones."""
    small = scripts("Slurm job arrays") | scripts("Slurm with Dask")

    assert sorted(small) == ["array.sbatch", "dask.sbatch"]
    assert "--array=1-3\n#SBATCH --cpus-per-task=2\n" in small["array.sbatch"]
    assert "--ntasks=2\n" in small["dask.sbatch"]
