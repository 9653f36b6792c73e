"""Theory by layer, beside wide networks that are drawn and other methods of computing it."""

from math import sqrt

import numpy as np
import pytest
import torch
from torch import nn

import suite
from suite.catalog.activations import Relu, Tanh
from suite.diagnosis.evidence import Evidence, gather_evidence
from suite.diagnosis.expected import LayerTheory, expect_layers
from suite.diagnosis.samples import make_samples
from suite.nets.tracing import trace_module
from suite.theory.correlation_map import correlation_by_layer
from tests.diagnosis.networks import Residual, mlp, seeded

WIDTH = 800


def _evidence(
    *activations: nn.Module, norm: type[nn.Module] | None = None, gain: float = 1.0, behind: bool = False
) -> Evidence:
    """Return the evidence of a wide network with biases, on points whose mean is not 0.

    Layers are normalized before the activation or, with `behind`, after it.
    """
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, 30)) + 0.7
    y = np.arange(200) % 3
    layers: list[nn.Module] = []
    with seeded():
        for number, activation in enumerate(activations):
            norms = [norm(WIDTH)] if norm else []
            after = [activation, *norms] if behind else [*norms, activation]
            layers += [nn.Linear(WIDTH if number else 30, WIDTH), *after]
        net = suite.initialize_(nn.Sequential(*layers, nn.Linear(WIDTH, 3)), seed=0)
        with torch.no_grad():
            for part in net:
                if isinstance(part, nn.Linear):
                    part.weight *= gain
                    nn.init.normal_(part.bias, std=0.2)
    return gather_evidence(trace_module(net), make_samples(x, y, 3))


@pytest.mark.parametrize(
    ("activations", "norm", "gain"),
    [
        ([nn.ReLU] * 6, None, 1.0),
        ([nn.Tanh] * 6, None, 1.5),
        ([nn.ReLU, nn.GELU, nn.Tanh, nn.Sigmoid], None, 0.8),
        ([nn.ReLU] * 4, nn.LayerNorm, 3.0),
        ([nn.SiLU] * 4, nn.RMSNorm, 0.1),
        ([nn.Sigmoid] * 5, nn.LayerNorm, -2.0),
        ([nn.ReLU] * 5, nn.RMSNorm, -1.0),
    ],
    ids=["relu", "tanh", "mixed", "layer", "rms", "layer behind", "rms behind"],
)
def test_wide_networks_are_as_expected(
    activations: list[type[nn.Module]], norm: type[nn.Module] | None, gain: float
) -> None:
    """Within 10%, several times the standard deviation over networks of this width. A gain below 0: norms behind."""
    evidence = _evidence(*[each() for each in activations], norm=norm, gain=abs(gain), behind=gain < 0)
    assert len(evidence.theory) == len(evidence.layers) > 3
    last = evidence.layers[-1].gradient
    for theory, layer in zip(evidence.theory, evidence.layers, strict=True):
        assert layer.size == pytest.approx(theory.size, rel=0.1)
        assert layer.variation == pytest.approx(theory.variation, rel=0.1)
        assert layer.cosine == pytest.approx(theory.cosine, abs=0.05)
        assert layer.gradient / last == pytest.approx(theory.gradient, rel=0.1)


def _two_points(mean_square: float, cosine: float) -> torch.Tensor:
    """Return two points of the same size, (2, 2)."""
    second = [cosine, (1 - cosine) ** 0.5 * (1 + cosine) ** 0.5]
    return torch.tensor([[1.0, second[0]], [0.0, second[1]]], dtype=torch.float64) * (2 * mean_square) ** 0.5


@pytest.mark.parametrize(("module", "entry"), [(nn.ReLU, Relu()), (nn.Tanh, Tanh())])
def test_correlations_are_those_of_the_correlation_map(module: type[nn.Module], entry: Relu | Tanh) -> None:
    """Which the suite computes at c itself, and not by its distance from 1."""
    moments = [(1.7, 0.1, 0.0)] * 6 + [(1.0, 0.0, 0.0)]
    found = expect_layers(trace_module(mlp(6, 8, activation=module)), moments, _two_points(1.3, 0.4))
    expected = correlation_by_layer(entry, [(1.7, 0.1)] * 6 + [(1.0, 0.0)], 1.3, 0.4)
    assert [layer.cosine for layer in found] == pytest.approx(expected, abs=1e-9)


def test_signals_and_gradients_of_relu_shrink_in_closed_form() -> None:
    """By sigma_w^2 / 2 per layer; the variation, too, once all points are nearly parallel."""
    moments = [(0.5, 0.0, 0.0)] * 41
    layers = expect_layers(trace_module(mlp(40, 8)), moments, _two_points(1.0, 1 - 1e-10))
    assert layers[-1].size == pytest.approx(sqrt(0.5) * 0.5**39)
    assert layers[-1].variation / layers[0].variation == pytest.approx(0.5**39, rel=1e-3)
    assert layers[0].gradient == pytest.approx(0.5**39)
    assert layers[-1] == LayerTheory(layers[-1].size, layers[-1].variation, layers[-1].cosine, 1.0)


def test_points_of_different_sizes_are_pairs() -> None:
    """Of which some are many times as large as others."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 20)) * generator.lognormal(0, 1, size=(300, 1))
    with seeded():
        net = suite.initialize_(mlp(8, 600, 20), seed=0)
    evidence = gather_evidence(trace_module(net), make_samples(x, np.arange(300) % 3, 3))
    for theory, layer in zip(evidence.theory, evidence.layers, strict=True):
        assert layer.variation == pytest.approx(theory.variation, rel=0.15)
        assert layer.cosine == pytest.approx(theory.cosine, abs=0.05)


def test_where_theory_does_not_apply_nothing_is_expected() -> None:
    with seeded():
        residual = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), Residual(8), nn.Linear(8, 3))
        batch = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    unknown = mlp(2, 8, activation=nn.Mish)
    for net in (residual, batch, unknown):
        assert expect_layers(trace_module(net), [(1.0, 0.0, 0.0)] * 3, _two_points(1.0, 0.0)) == ()
    assert expect_layers(trace_module(mlp(2, 8)), [(1.0, 1.0, -1.0)] * 3, _two_points(1.0, 0.0)) == ()
    assert expect_layers(trace_module(mlp(2, 8)), [(1.0, 1.0, -0.5)] * 3, _two_points(1.0, 0.0))


def test_numbers_that_overflow_are_missing() -> None:
    layers = expect_layers(trace_module(mlp(5, 8)), [(1e200, 0.0, 0.0)] * 6, _two_points(1.0, 0.0))
    assert layers[0].size == pytest.approx(1e100)
    assert not np.isfinite(layers[-1].variation)
    zero = expect_layers(trace_module(mlp(3, 8)), [(0.0, 0.0, 0.0)] * 4, _two_points(1.0, 0.0))
    assert zero[-1].size == 0
