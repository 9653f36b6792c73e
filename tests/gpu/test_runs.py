"""Whole runs on a pretended GPU: tiles, memory, checkpoints, tables, and modules that live there."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import suite
from benchmarks.ensembles import networks as benchmark_networks
from benchmarks.shapes import Shape
from suite.cells.cell import Cell
from suite.cells.checkpoint import Checkpoint
from suite.cells.compute import compute, draws_a_tile
from suite.cells.resources import Resources
from suite.cli import app
from suite.nets.modules import read_networks
from suite.runs.run import compute_tables
from suite.spec.load import load_studies
from tests.cells.test_checkpoint import Mortal
from tests.gpu.pretended import PretendedGpu
from tests.gpu.test_paths import RESULTS_LEAVE, assert_same, cell_named
from tests.runs.conftest import MEASURES
from tests.runs.tiny import assert_same_tables

STATES_LEAVE = RESULTS_LEAVE | {"cells/checkpoint.py:CellProgress._state"}
"""Functions that may copy tensors to the CPU where a checkpoint is kept."""


class Noted(Checkpoint):
    """Tells the tile, and keeps nothing."""

    def __init__(self) -> None:
        super().__init__(None, "0", {})


@pytest.mark.parametrize("name", ["v3", "ntk", "accuracy"])
def test_little_free_memory_makes_several_tiles(name: str) -> None:
    """Of the size that the CPU is told to take, with the same numbers."""
    cell = cell_named(name)
    free = next(free for free in (2**power for power in range(8, 40)) if 1 < _tile(cell, free) < 8)
    tile = _tile(cell, free)
    expected = compute(cell, tile=tile)
    noted = Noted()
    with PretendedGpu(free=free):
        assert_same(compute(cell, "cuda", checkpoint=noted), expected)
    assert noted.tile == tile


def _tile(cell: Cell, free: int) -> int:
    with PretendedGpu(free=free):
        return draws_a_tile(cell, "cuda")


def test_a_forward_pass_is_one_tile_where_the_cpu_takes_several() -> None:
    """Whose products are as large as memory allows, since a GPU's cache is not what limits it."""
    networks = benchmark_networks(Shape(64, 16, 2), "cpu")
    points = torch.zeros(2, 2048, dtype=torch.float64)
    with PretendedGpu() as gpu:
        there, products = networks.to(torch.float64, "cuda"), []
        gpu.faults["baddbmm"] = products.append
        outputs = there(points.cuda()).cpu()
    assert [len(each) for each in products] == [64] * 3
    assert len(networks._tiles(2048)) > 1
    torch.testing.assert_close(outputs, networks(points), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["v3", "grasp", "accuracy"])
def test_a_tile_that_does_not_fit_is_halved(name: str) -> None:
    """Once: half of the draws fit."""
    cell, noted = cell_named(name), Noted()
    expected = compute(cell, tile=4)
    with PretendedGpu() as four:
        compute(cell, "cuda", tile=4)
    with PretendedGpu(largest=four.most):
        assert_same(compute(cell, "cuda", tile=8, checkpoint=noted), expected)
    assert noted.tile == 4


def test_a_draw_that_does_not_fit_is_explained() -> None:
    """By the cell, and what to do."""
    cell = cell_named("v3")
    with (
        PretendedGpu(largest=8),
        pytest.raises(MemoryError, match=r"v3 of .*: one draw does not fit into memory \(CUDA out of memory"),
    ):
        compute(cell, "cuda")


@pytest.mark.parametrize("life", [1, 4, 8])
def test_training_resumes_on_the_gpu(life: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same numbers, after an interruption before a step, within a tile, and in the next one."""
    monkeypatch.setattr("suite.cells.checkpoint.CHECKPOINT_SECONDS", 0.0)
    cell = cell_named("accuracy")
    expected = compute(cell, tile=4)
    with PretendedGpu(), pytest.raises(KeyboardInterrupt):
        compute(cell, "cuda", tile=4, checkpoint=Mortal(tmp_path, cell.key, life))
    with PretendedGpu() as gpu:
        second = Mortal(tmp_path, cell.key)
        assert_same(compute(cell, "cuda", tile=4, checkpoint=second), expected)
        assert second.resumed
        assert gpu.places("download") == STATES_LEAVE


def test_a_run_on_the_gpu_writes_the_tables_of_the_cpu(tmp_path: Path) -> None:
    """By the command, with all measures, to the byte; its record names the GPU."""
    file = tmp_path / "small.toml"
    file.write_text(
        f'title = "Small"\nseed = 1\n[family]\nwidth = 4\ninputs = 2\ndepth = 2\nactivation = "relu"\n{MEASURES}'
    )
    (study,) = load_studies([file])
    with PretendedGpu() as gpu:
        done = CliRunner().invoke(app, ["run", str(file), "--results", str(tmp_path / "gpu"), "--device", "cuda"])
        assert done.exit_code == 0, done.output
        assert gpu.places("upload")
        assert gpu.places("download") <= STATES_LEAVE

    expected = compute_tables(study, tmp_path / "cpu", Resources("cpu", workers=1))
    assert_same_tables(tmp_path / "gpu" / "small", expected.folder)
    record = json.loads((tmp_path / "gpu" / "small" / "run.json").read_text())
    assert {cell["measure"] for cell in record["cells"]} >= {"v3", "grasp", "accuracy"}
    assert {cell["device"] for cell in record["cells"]} == {PretendedGpu.name}


def _network() -> torch.nn.Sequential:
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    with torch.no_grad():
        for number, values in enumerate(network.parameters()):
            values.copy_(torch.linspace(-1, 1 + number, values.numel()).view(values.shape))
    return network


def test_a_module_on_the_gpu_is_measured_as_on_the_cpu() -> None:
    """It stays where it is: the suite copies its weights."""
    with torch.random.fork_rng():
        network = _network()
    names = ["v3", "collapse", "grad_norm"]
    expected = suite.measure(network, names)
    with PretendedGpu():
        network.cuda()
        found = suite.measure(network, names)
        assert {values.device.type for values in network.parameters()} == {"cuda"}
        assert read_networks([network])[0].parameters.device.type == "cpu"
    pd.testing.assert_frame_equal(found, expected)
