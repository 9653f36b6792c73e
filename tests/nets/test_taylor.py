"""Exact third derivatives along lines: closed forms, and autograd three times over."""

from math import cos, pi, sin

import pytest
import torch

from suite.catalog.activations import Relu, Sin, Tanh
from suite.nets.ensemble import Ensemble
from suite.nets.taylor import third_derivative
from tests.catalog.instances import EVERY

SMOOTH = [entry for entry in EVERY if entry.kind == "smooth"]
UP = torch.ones(1, 5, dtype=torch.float64)
PLACES = torch.linspace(-1, 1, 5, dtype=torch.float64)[None]


def by_hand(widths, activation, parameters):
    row = torch.tensor([parameters], dtype=torch.float64)
    return Ensemble(widths, activation, ((1.0, 1.0),) * (len(widths) - 1), row)


def test_a_single_tanh():
    """v tanh(w x + b) has third derivative v w^3 (6 t^2 - 2)(1 - t^2)."""
    t = torch.tanh(1.7 * PLACES - 0.3)

    found = third_derivative(by_hand((1, 1, 1), Tanh(), [1.7, -0.3, 2.5, 4.0]), PLACES, UP)

    torch.testing.assert_close(found[0], 2.5 * 1.7**3 * (6 * t**2 - 2) * (1 - t**2), rtol=1e-12, atol=1e-12)


def test_a_sum_of_sines():
    """sum of v_k sin(w_k x + b_k), along a direction of length 2: 8 times as much."""
    weights, biases, readout = [1.0, 2.0, -0.5], [0.0, 0.4, pi / 2], [1.0, -1.0, 3.0]
    ensemble = by_hand((1, 3, 1), Sin(), weights + biases + readout + [0.1])
    expected = [
        sum(-v * w**3 * cos(w * x + b) for w, b, v in zip(weights, biases, readout, strict=True))
        for x in PLACES[0].tolist()
    ]

    found = third_derivative(ensemble, PLACES, 2 * UP)

    torch.testing.assert_close(found[0, 0], 8 * torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=1e-12)


def test_a_sine_of_a_sine():
    """(sin(sin x))''' = -cos(s) c^3 + 3 sin(s) s c - cos(s) c, with s = sin x and c = cos x."""
    ensemble = by_hand((1, 1, 1, 1), Sin(), [1.0, 0, 1, 0, 1, 0])
    expected = []
    for x in PLACES[0].tolist():
        s, c = sin(x), cos(x)
        expected.append(-cos(s) * c**3 + 3 * sin(s) * s * c - cos(s) * c)

    found = third_derivative(ensemble, PLACES, UP)

    torch.testing.assert_close(found[0, 0], torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("activation", SMOOTH, ids=lambda activation: activation.label)
@pytest.mark.parametrize("widths", [(2, 4, 1), (3, 5, 1, 4, 2)], ids=str)
def test_third_derivatives_are_nested_autograds(networks, modules, activation, widths):
    """Along a direction of each point's own."""
    generator = torch.Generator().manual_seed(4)
    ensemble = networks(widths, activation)
    points = torch.randn(widths[0], 6, generator=generator, dtype=torch.float64)
    directions = torch.randn(widths[0], 6, generator=generator, dtype=torch.float64)

    found = third_derivative(ensemble, points, directions)

    for draw, net in enumerate(modules(ensemble)):
        for output in range(widths[-1]):
            t = torch.zeros(6, dtype=torch.float64, requires_grad=True)
            derivative = net((points + t * directions).T)[:, output]
            for _ in range(3):
                (derivative,) = torch.autograd.grad(derivative.sum(), t, create_graph=True)
            torch.testing.assert_close(found[draw, output], derivative.detach(), rtol=1e-9, atol=1e-10)


def test_points_in_chunks_give_the_same_derivatives(networks, monkeypatch):
    """64 at a time."""
    ensemble = networks((1, 4, 3, 1), Tanh())
    points = torch.linspace(-1, 1, 150, dtype=torch.float64)[None]
    whole = third_derivative(ensemble, points, torch.ones_like(points))
    monkeypatch.setattr("suite.nets.ensemble.TILE_BYTES", 1)

    parts = third_derivative(ensemble, points, torch.ones_like(points))

    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=1e-12)


def test_an_activation_with_kinks_is_refused(networks):
    """It has no third derivative everywhere."""
    with pytest.raises(ValueError, match="only for smooth activations"):
        third_derivative(networks((1, 3, 1), Relu()), PLACES, UP)


@pytest.mark.parametrize("option", [{"normalization": "layer"}, {"residual": True}], ids=str)
def test_networks_that_are_not_plain_are_refused(networks, option):
    """Their derivatives are not carried."""
    with pytest.raises(ValueError, match="networks without normalization or residual"):
        third_derivative(networks((1, 3, 1), Tanh(), **option), PLACES, UP)
