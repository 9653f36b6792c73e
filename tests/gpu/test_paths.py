"""Every entry of the catalog computes on a pretended GPU what it computes on the CPU, and nothing leaves too early."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from benchmarks.gpu.paths import dtype_of, find_unused, path_cells
from suite.catalog.measures import MEASURES
from suite.cells.cache import Readings
from suite.cells.cell import Cell
from suite.cells.compute import compute
from suite.measures.grad_norm import grad_norm
from suite.nets.backward import Backpropagation
from suite.training import trainer
from suite.training.tasks import Data
from tests.gpu.pretended import PretendedGpu

TILE = 64
"""Draws of a tile on either device: rounding depends on it."""

RESULTS_LEAVE = {"cells/compute.py:_draw_block.<locals>.compute_tile"}
"""Functions that may copy tensors to the CPU while a cell is computed without a checkpoint."""

MAY_WAIT = {
    "measures/collapse.py:collapse",  # its causes are for the collapsed draws alone
    "nets/ensemble.py:Ensemble.__getitem__",  # as above
    "measures/jacobian.py:jacobian",  # eigenvalues: their errors
    "measures/jacobian_covariance.py:jacobian_covariance",
    "measures/naswot.py:naswot",
    "measures/ntk.py:ntk",
    "training/features.py:FeatureDiversity._leading_share",  # at recorded steps
    "nets/breakpoints.py:nodes_of",  # the number of crossings sizes what follows
}
"""Functions that may wait for the GPU; none does so at each step of training."""


@cache
def cells() -> list[Cell]:
    """Return those cells of all paths that add something to the ones before."""
    seen: set[tuple[object, ...]] = set()
    found = []
    for cell in path_cells():
        if not seen.issuperset(uses := set(_uses(cell))):
            found.append(cell)
            seen |= uses
    return found


def _uses(cell: Cell) -> Iterator[tuple[object, ...]]:
    member, name = cell.member, cell.name
    yield name, dtype_of(cell)
    yield name, cell.task and cell.task.name
    yield name, member.normalization, member.residual
    yield name, cell.sampled and (cell.domain.kind, member.widths[0] if member.widths[0] < 3 else 3)
    yield (getattr(member.initialization, member.initialization.tag),)
    if not cell.trains:
        yield name, member.activation.name
    else:
        yield (member.activation.name,)
        optimizer = cell.settings.optimizer[0]
        yield optimizer.name, *sorted(optimizer.keywords.items())


def assert_same(found: Readings, expected: Readings) -> None:
    """Fail unless two readings have the same bits."""
    assert list(found) == list(expected)
    for quantity, values in expected.items():
        np.testing.assert_array_equal(found[quantity], values, err_msg=quantity, strict=True)


def cell_named(name: str, **options: str) -> Cell:
    """Return the first cell of a measure whose member has some options."""
    return next(
        cell
        for cell in cells()
        if cell.name == name and all(getattr(cell.member, key) == value for key, value in options.items())
    )


def test_the_cells_use_the_whole_catalog() -> None:
    """Also after those that add nothing are left out."""
    assert find_unused(cells()) == []


@pytest.mark.parametrize("name", ["landscape", *(name for name in MEASURES if MEASURES[name].inputs != "training")])
def test_a_measure_computes_the_same_on_the_gpu(name: str) -> None:
    """To the bit; only results leave, and waits are where they are known."""
    chosen = [cell for cell in cells() if cell.name == name]
    assert chosen
    for cell in chosen:
        expected = compute(cell, tile=TILE)
        with PretendedGpu() as gpu:
            assert_same(compute(cell, "cuda", tile=TILE), expected)
        assert gpu.places("download") <= RESULTS_LEAVE
        assert gpu.places("wait") <= MAY_WAIT


@pytest.mark.parametrize("watcher", [name for name in MEASURES if MEASURES[name].inputs == "training"])
def test_training_is_watched_by_every_observer(watcher: str) -> None:
    """Which are tested below with the training that they look at."""
    assert [cell for cell in cells() if cell.trains and watcher in dict(cell.taken)]


def test_training_computes_the_same_on_the_gpu() -> None:
    """On every task, under every optimizer, with all observers."""
    for cell in (cell for cell in cells() if cell.trains):
        expected = compute(cell, tile=TILE)
        with PretendedGpu() as gpu:
            assert_same(compute(cell, "cuda", tile=TILE), expected)
        assert gpu.places("download") <= RESULTS_LEAVE
        assert gpu.places("wait") <= MAY_WAIT


def test_a_step_of_training_needs_nothing_of_the_cpu() -> None:
    """Beside the order of each epoch's points, which is one copy."""
    cell = cell_named("accuracy")
    task, steps = cell.task, 12
    assert task is not None
    settings = cell.settings.model_copy(update={"steps": steps})  # two steps an epoch
    with PretendedGpu() as gpu:
        compute(replace(cell, settings=settings), "cuda")
    in_the_trainer = [event for event in gpu.events if event.place.startswith(("training/trainer.py", "nets/backward"))]
    epochs = steps // (task.train // settings.optimizer[0].batch)
    assert [(event.kind, event.place) for event in in_the_trainer] == [
        ("upload", "training/trainer.py:draw_batches")
    ] * epochs


def _with_a_number_of_the_cpu(ensemble, domain, settings):  # type: ignore[no-untyped-def]  # a measure
    """grad_norm, and zeros that are made without saying where."""
    found = grad_norm(ensemble, domain, settings)["grad_norm"]
    return {"grad_norm": found + torch.zeros(ensemble.draws, dtype=found.dtype)}


def test_a_measure_that_mixes_devices_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: it is no error on the CPU."""
    monkeypatch.setattr("suite.measures.grad_norm.grad_norm", _with_a_number_of_the_cpu)
    cell = cell_named("grad_norm")
    compute(cell)
    with PretendedGpu(), pytest.raises(RuntimeError, match="same device"):
        compute(cell, "cuda")


def test_a_trainer_that_leaves_a_batch_behind_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: the indices of the batch, or the data, stay on the CPU."""
    cell, batches = cell_named("accuracy"), trainer.draw_batches
    with monkeypatch.context() as patched, PretendedGpu():
        patched.setattr(trainer, "draw_batches", lambda seed, points, batch, device: batches(seed, points, batch))
        with pytest.raises(RuntimeError, match="same device"):
            compute(cell, "cuda")
    with monkeypatch.context() as patched, PretendedGpu():
        patched.setattr(Data, "to", lambda data, device: data)
        with pytest.raises(RuntimeError, match="same device"):
            compute(cell, "cuda")


def test_a_copy_to_the_cpu_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a measure that reduces on the CPU, and a backward pass that asks for a number."""

    def on_the_cpu(ensemble, domain, settings):  # type: ignore[no-untyped-def]  # a measure
        return {"grad_norm": grad_norm(ensemble, domain, settings)["grad_norm"].cpu()}

    cell, backward = cell_named("grad_norm"), Backpropagation.backward

    def asks(self, delta):  # type: ignore[no-untyped-def]  # a method
        assert bool(delta.isfinite().all())
        return backward(self, delta)

    with monkeypatch.context() as patched, PretendedGpu() as gpu:
        patched.setattr("suite.measures.grad_norm.grad_norm", on_the_cpu)
        compute(cell, "cuda")
        assert gpu.places("download") - RESULTS_LEAVE == {"cells/compute.py:_compute_draws"}
    with monkeypatch.context() as patched, PretendedGpu() as gpu:
        patched.setattr(Backpropagation, "backward", asks)
        compute(cell, "cuda")
        assert gpu.places("wait") - MAY_WAIT == {"nets/backward.py:loss_gradients"}
