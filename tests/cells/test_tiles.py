"""Tiles: how many draws move together on a CPU, and on a GPU, of whose memory a test can only make believe."""

import pytest
import torch

from suite.catalog.measures import MEASURES
from suite.cells.compute import _networks, compute_blocks, draws_a_tile
from suite.cells.sampling import cells_of
from suite.native.build import TORCH, computing_with
from suite.nets.torch_settings import standard_settings

WATCHERS = ("feature_diversity", "revival", "unit_activity")
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
    """Or one group of networks that kernels compute at once, however little memory there is."""
    monkeypatch.setattr("suite.cells.compute.TILE_BYTES", 1)
    monkeypatch.setattr("suite.cells.compute.TRAINING_BYTES", 1)
    gpu(1)

    cells = cells_named(study, name)
    assert {draws_a_tile(cell, "cuda") for cell in cells} == {1}
    assert {draws_a_tile(cell) for cell in cells} <= {1, 8}
    with computing_with(TORCH):
        assert {draws_a_tile(cell) for cell in cells} == {1}


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


SCORED = 'width = 6\ninputs = 3\noutputs = 2\ndepth = 3\nactivation = "relu"\n'
SCORES = ("grad_norm", "snip", "grasp", "fisher", "jacobian_covariance", "naswot", "ntk")


@pytest.mark.parametrize("name", SCORES)
def test_a_tile_of_scores_shrinks_as_their_points_grow(study, name):
    """As fast at least as they do; with their square where kernels rule."""

    def tile(points):
        (cell,) = [
            cell for cell in cells_of(study(SCORED, f"[measure.{name}]\npoints = {points}\n")) if cell.name == name
        ]
        assert cell.points == points
        return draws_a_tile(cell)

    few, many = tile(100), tile(1000)

    assert many <= max(1, few / (20 if name in ("naswot", "ntk") else 9))


def test_a_tile_of_tangent_kernels_has_room_for_jacobians_under_batch_normalization(study):
    """Outputs by points by parameters, in 64 MiB."""

    def tile(normalization):
        family = f'{SCORED}normalization = "{normalization}"'.replace("width = 6", "width = 60")
        (cell,) = [cell for cell in cells_of(study(family, "[measure.ntk]\n")) if cell.name == "ntk"]
        return draws_a_tile(cell), 2 * 64 * cell.member.parameters * 8

    (plain, _), (batch, jacobian) = tile("layer"), tile("batch")

    assert batch < plain
    assert batch * jacobian <= 64 * 2**20


@pytest.mark.parametrize("name", [name for name in NAMES if MEASURES.get(name, MEASURES["v3"]).inputs != "training"])
def test_no_measure_changes_the_networks_which_others_may_share(study, name):
    """Not in the precision in which they are drawn either, where nothing copies them."""
    cell = cells_named(study, name)[0]
    drawn = {}
    blocks = compute_blocks(cell, dtype=torch.float32, drawn=drawn)
    with standard_settings():
        next(blocks)

    (((start, stop), parameters),) = drawn.items()
    assert torch.equal(parameters, _networks(cell, start, stop, None).parameters)
