"""The forward pass that torch can differentiate, against the one that is measured, and against references."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from suite.catalog.activations import Elu, LeakyRelu, Relu, Tanh
from suite.nets.activations import kernel
from suite.nets.differentiable import trace
from suite.nets.ensemble import Ensemble
from tests.catalog.instances import EVERY as EACH

EVERY = [*EACH, LeakyRelu(slope=-0.3), LeakyRelu(slope=0.5), Elu(alpha=0.4)]
every = pytest.mark.parametrize("activation", EVERY, ids=lambda activation: activation.label)
PLACES = torch.linspace(-30, 30, 601, dtype=torch.float64) + 0.0137


@every
def test_values_and_two_derivatives_are_those_of_the_numpy_reference(activation):
    """The second against central differences of the first, a kink between whose ends there is none of."""
    z, step = PLACES.clone().requires_grad_(), 1e-5
    value = kernel(activation).phi(z)
    (slope,) = torch.autograd.grad(value.sum(), z, create_graph=True)
    second = torch.zeros_like(z)
    if slope.requires_grad:  # else straight, and no part of any graph
        second = second + torch.autograd.grad(slope.sum(), z, allow_unused=True, materialize_grads=True)[0]

    np.testing.assert_allclose(value.detach(), activation.phi(PLACES.numpy()), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(slope.detach(), activation.dphi(PLACES.numpy()), rtol=1e-12, atol=1e-12)
    ends = [activation.dphi(PLACES.numpy() + shift) for shift in (step, -step)]
    np.testing.assert_allclose(second, (ends[0] - ends[1]) / (2 * step), rtol=1e-6, atol=1e-9)


def some_networks(activation, normalization="none", residual=False, widths=(3, 5, 4, 6, 2)):
    """With gains and shifts at random, too."""
    sizes = sum((a + 1) * b for a, b in pairwise(widths))
    sizes += 2 * sum(widths[1:-1]) if normalization != "none" else 0
    parameters = torch.from_numpy(np.random.default_rng(4).normal(size=(4, sizes)))
    return Ensemble(widths, activation, ((1.0, 0.0),) * (len(widths) - 1), parameters, normalization, residual)


@pytest.mark.parametrize("residual", [False, True], ids=["straight", "residual"])
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
def test_outputs_are_those_of_a_call(normalization, residual):
    """And what a layer passes on is the next one's input."""
    ensemble = some_networks(Tanh(), normalization, residual)
    points = torch.from_numpy(np.random.default_rng(5).normal(size=(4, 3, 7)))

    passed, outputs = trace(ensemble, points)

    torch.testing.assert_close(outputs, ensemble(points), rtol=1e-12, atol=1e-12)
    for layer, expected in zip(passed, ensemble.walk(points), strict=False):
        torch.testing.assert_close(layer.above, expected, rtol=1e-12, atol=1e-12)
    assert all(layer.below is before.above for before, layer in pairwise(passed))
    assert all((layer.standard is None) == (normalization == "none") for layer in passed)


def test_parameters_may_be_others_than_the_ensembles():
    """Whose gradients are then to be had."""
    ensemble = some_networks(Relu())
    points = torch.ones(4, 3, 2, dtype=torch.float64)
    other = (2 * ensemble.parameters).requires_grad_()

    _, outputs = trace(ensemble, points, other)

    doubled = Ensemble(ensemble.widths, Relu(), ensemble.variances, 2 * ensemble.parameters)
    torch.testing.assert_close(outputs.detach(), doubled(points), rtol=1e-12, atol=1e-12)
    assert torch.autograd.grad(outputs.sum(), other)[0].shape == other.shape
