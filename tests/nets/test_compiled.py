"""Compiled forward passes: what is compiled, that it is right, and what happens where nothing can be."""

from dataclasses import replace

import pytest
import torch

from suite.catalog.activations import Relu, Tanh
from suite.nets import compiled
from suite.nets.compiled import runs_of_layers, why_not

pytestmark = pytest.mark.filterwarnings("ignore")  # what torch.compile warns of on its own is not ours to mend


@pytest.fixture(scope="module")
def _compiler():
    reason = why_not()
    if reason:
        pytest.skip(f"nothing can be compiled here: {reason}")


@pytest.mark.parametrize(
    ("widths", "runs"),
    [
        ((2, 6, 1), [(0, 1), (1, 2)]),
        ((2, 6, 6, 1), [(0, 1), (1, 2), (2, 3)]),
        ((2, *[6] * 10, 1), [(0, 1), (1, 8), (8, 10), (10, 11)]),
        ((2, *[40] * 3, 1), [(0, 1), (1, 2), (2, 3), (3, 4)]),
        ((2, 6, 6, 40, 6, 6, 6, 1), [(0, 1), (1, 2), (2, 3), (3, 4), (4, 6), (6, 7)]),
    ],
    ids=str,
)
def test_narrow_hidden_layers_run_together(widths, runs):
    """Up to 256 weights; the first layer, the readout and wide layers stay alone."""
    assert [(run.start, run.stop) for run in runs_of_layers(widths)] == runs


def test_only_layers_between_narrow_ones_are_compiled():
    """Not the first, the readout, nor those next to a wide one."""
    widths = (2, 6, 6, 40, 6, 6, 6, 1)

    assert [run.compiled for run in runs_of_layers(widths)] == [False, True, False, False, True, False]


@pytest.mark.usefixtures("_compiler")
def test_two_compiled_layers_give_the_shipped_outputs(networks):
    """The least that is compiled, in float64."""
    ensemble = networks((2, 2, 2, 1), Relu(), 5)
    points = torch.rand(2, 40, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    torch.testing.assert_close(replace(ensemble, compiled=True)(points), ensemble(points), rtol=1e-12, atol=1e-12)


@pytest.mark.slow
@pytest.mark.usefixtures("_compiler")
@pytest.mark.parametrize(
    ("activation", "widths"), [(Tanh(), (2, 3, 3, 3, 1)), (Relu(), (2, 4, 3, 2, 12, 2, 2))], ids=["tanh", "relu"]
)
def test_compiled_outputs_are_the_shipped_ones(networks, activation, widths):
    """To 1e-12 in float64, 1e-5 in float32, of points shared or of each draw, for other numbers of either."""
    for draws, number in ((5, 40), (1, 7)):
        ensemble = networks(widths, activation, draws)
        fast = replace(ensemble, compiled=True)
        points = torch.rand(draws, 2, number, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

        for given in (points, points[0]):
            torch.testing.assert_close(fast(given), ensemble(given), rtol=1e-12, atol=1e-12)
            single = fast.to(torch.float32)(given.float())
            torch.testing.assert_close(single.double(), ensemble(given), rtol=1e-5, atol=1e-5)


def test_networks_that_are_not_plain_are_never_compiled(networks, monkeypatch):
    """They walk layer by layer, as they do without."""
    monkeypatch.setattr(compiled, "fused", None)
    ensemble = networks((2, 3, 3, 1), Relu(), 3, residual=True)
    points = torch.rand(2, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    assert torch.equal(replace(ensemble, compiled=True)(points), ensemble(points))
