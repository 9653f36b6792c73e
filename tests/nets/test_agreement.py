"""Every fast path against float64, on shapes that nobody picked."""

import numpy as np
import pytest
import torch

from suite.nets.backward import Backpropagation
from suite.nets.losses import BINARY_CROSS_ENTROPY
from tests.catalog.instances import EVERY

CASES = 15


def on_random_shapes(test):
    """Of every activation: shapes, numbers of draws and points; the same ones each time, since rounding may be unlucky.

    One to three inputs, one to eight hidden layers of widths up to 40, one or two outputs; the first is the least.
    """
    chance = np.random.default_rng(0)
    cases = [((1, [1], 1), 1, 1, 0)]
    for seed in range(1, CASES):
        hidden = chance.integers(1, 41, size=chance.integers(1, 9)).tolist()
        shape = int(chance.integers(1, 4)), hidden, int(chance.integers(1, 3))
        cases.append((shape, int(chance.integers(1, 31)), int(chance.integers(1, 301)), seed))
    each = pytest.mark.parametrize(("shape", "draws", "number", "seed"), cases, ids=map(str, range(CASES)))
    return pytest.mark.parametrize("activation", EVERY, ids=lambda activation: activation.label)(each(test))


def points_for(inputs, number, seed):
    return torch.rand(inputs, number, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


@on_random_shapes
def test_outputs_in_float32_agree_with_float64(networks, activation, shape, draws, number, seed):
    """To 1e-5 of what the readout adds up, which may cancel."""
    inputs, hidden, outputs = shape
    ensemble = networks((inputs, *hidden, outputs), activation, draws, seed)
    points = points_for(inputs, number, seed)
    *_, last, expected = (h.clone() for h in ensemble.walk(points))
    readout = ensemble.layers[-1]
    summed = torch.baddbmm(readout.bias.abs(), readout.weight.abs(), last.abs())

    difference = (ensemble.to(torch.float32)(points.float()).double() - expected).flatten(1).norm(dim=1)

    assert (difference / summed.flatten(1).norm(dim=1)).max() < 1e-5


@on_random_shapes
def test_gradients_in_float32_agree_with_float64(networks, activation, shape, draws, number, seed):
    """To 1e-5 of their norm, but for one network, or one of ten: rounding moves it over a kink."""
    inputs, hidden, outputs = shape
    ensemble = networks((inputs, *hidden, outputs), activation, draws, seed)
    points = points_for(inputs, number, seed).expand(draws, -1, -1)
    labels = (points.sum(1, keepdim=True) > 0).double().expand(-1, outputs, -1)

    def gradient(networks, x, y):
        passes = Backpropagation(networks, number)
        passes.backward(BINARY_CROSS_ENTROPY.gradient(passes.forward(x), y))
        return passes.gradient

    expected = gradient(ensemble, points, labels)
    single = gradient(ensemble.to(torch.float32), points.float(), labels.float())
    off = (single.double() - expected).norm(dim=1) / expected.norm(dim=1)
    assert int((off >= 1e-5).sum()) <= max(1, draws // 10)
    assert off.max() < 0.1
