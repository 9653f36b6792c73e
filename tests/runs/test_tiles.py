"""Tiles: how many draws move together on a CPU, and on a GPU, of whose memory a test can only make believe."""

import pytest

from suite.catalog.measures import MEASURES
from suite.runs.cells import cells_of
from suite.runs.tiles import draws_a_tile

WATCHERS = ("feature_diversity", "revival")
NAMES = [*(name for name in MEASURES if name not in WATCHERS), "landscape"]


def cells_named(study, name):
    return [cell for cell in cells_of(study()) if cell.name == name]


@pytest.fixture
def gpu(monkeypatch):
    """(free bytes, bytes that torch keeps, those of them in use) -> there is a GPU of which that is true."""

    def build(free, reserved=0, allocated=0):
        monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (free, 2 * free))
        monkeypatch.setattr("torch.cuda.memory_reserved", lambda device: reserved)
        monkeypatch.setattr("torch.cuda.memory_allocated", lambda device: allocated)

    return build


@pytest.mark.parametrize("name", NAMES)
def test_a_tile_holds_one_draw_at_least(study, name, monkeypatch, gpu):
    """However little memory there is."""
    monkeypatch.setattr("suite.runs.tiles.TILE_BYTES", 1)
    monkeypatch.setattr("suite.runs.tiles.TRAINING_BYTES", 1)
    gpu(1)

    for device in ("cpu", "cuda"):
        assert {draws_a_tile(cell, device) for cell in cells_named(study, name)} == {1}


@pytest.mark.parametrize("name", NAMES)
def test_on_a_gpu_a_tile_grows_with_the_free_memory(study, name, gpu):
    """In proportion, far beyond what a CPU's cache holds; what torch keeps for reuse is free, too."""
    cell = cells_named(study, name)[0]

    def tile(*memory):
        gpu(*memory)
        return draws_a_tile(cell, "cuda")

    small = tile(2**30)
    assert tile(100 * 2**30) == pytest.approx(100 * small, rel=0.01)
    assert tile(100 * 2**30) > draws_a_tile(cell)
    assert tile(2**29, 2**30, 2**29) == small
