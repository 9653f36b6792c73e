"""Contenders do the same work; how fast they are is for a person to judge."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.peers.cases import TABLES, Case, cases, problem_of
from benchmarks.peers.jax_process import JaxProcess, installed
from benchmarks.peers.timing import check, row
from benchmarks.peers.torch_peers import Loop, Ours, OursInTorch, Vmap
from benchmarks.shapes import Shape

ROOT = Path(__file__).parents[2]
SMALL = [Case(each.work, dtype, Shape(3, 5, 4), 81) for each in list(TABLES.values())[:3] for dtype in each.dtypes]


@pytest.mark.parametrize("case", SMALL, ids=lambda case: f"{case.work}-{case.dtype}")
@pytest.mark.filterwarnings("ignore")  # torch.func's own
def test_contenders_in_torch_come_to_the_same(case: Case) -> None:
    """Outputs, V3, or losses after three steps of training; each takes some time."""
    problem = problem_of(case)
    field = [Ours(problem), OursInTorch(problem), Loop(problem), Vmap(problem)]

    check(case, field)

    assert all(contender.seconds() > 0 for contender in field)


@pytest.fixture(scope="module")
def jax_process() -> Iterator[JaxProcess]:
    """The process in which JAX runs."""
    with JaxProcess() as process:
        yield process


@pytest.mark.skipif(not installed(), reason="JAX is not installed")
@pytest.mark.parametrize("case", SMALL, ids=lambda case: f"{case.work}-{case.dtype}")
def test_contenders_in_jax_come_to_the_same(case: Case, jax_process: JaxProcess) -> None:
    """In a process of their own."""
    problem = problem_of(case)
    field = jax_process.contenders(problem)
    check(case, [Ours(problem), *field])

    assert all(contender.seconds() > 0 for contender in field)


def test_another_answer_is_no_contender() -> None:
    """One that is off by a thousandth is found out."""
    case = SMALL[1]
    problem = problem_of(case)

    class Off(Loop):
        name = "off"

        def answer(self) -> np.ndarray:
            return super().answer() * 1.001

    with pytest.raises(ArithmeticError, match="off differs from ours"):
        check(case, [Ours(problem), Off(problem)])


def test_operations_are_those_of_the_matrix_products() -> None:
    """2 to 5 units, twice 5 to 5, and 5 to 1, at 10 points of 3 networks; training has no gradient by the inputs."""
    products = 2 * 5 + 2 * 25 + 5

    assert Case("forward", "float32", Shape(3, 5, 3), 10).flop == 2 * 30 * products
    assert Case("training", "float32", Shape(3, 5, 3), 10).flop == 2 * 30 * (3 * products - 10)


def test_a_row_has_the_median_and_half_the_quartiles_distance() -> None:
    """Of 1 to 7 seconds: 4, and 2 of 4."""
    found = row(SMALL[0], "ours", "cpu", [7.0, 1, 2, 3, 4, 5, 6], 12)

    assert (found.seconds, found.spread, found.rounds, found.flop) == (4, 0.5, 7, 12)


@pytest.mark.slow
def test_the_command_keeps_a_row_for_each_case_and_contender(tmp_path: Path) -> None:
    """As JSON, beside the table that it prints."""
    file = tmp_path / "peers.json"
    command = [sys.executable, "-m", "benchmarks.peers", "--quick", "--work", "forward", "--dtype", "float32"]

    done = subprocess.run([*command, "--json", str(file)], cwd=ROOT, check=True, capture_output=True, text=True)

    rows = json.loads(file.read_text())
    names = {"ours", "ours, torch", "loop", "vmap", "gemm"} | ({"jax", "jax_features_first"} if installed() else set())
    sizes = {case.name for case in cases("forward", 8)}
    assert {(each["case"], each["contender"]) for each in rows} == {(size, name) for size in sizes for name in names}
    assert all(each["seconds"] > 0 and each["flop"] > 0 for each in rows)
    assert "speedup of ours, geometric mean: ours, torch" in done.stdout


@pytest.mark.skipif(not installed(), reason="JAX is not installed")
@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("platforms", ["cuda", "cpu"])
def test_jax_does_not_work_on_a_gpu_without_a_backend(platforms: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its start fails or it would take the CPU instead."""
    monkeypatch.setenv("JAX_PLATFORMS", platforms)
    with JaxProcess("cuda") as process:
        assert not process.works_there()
