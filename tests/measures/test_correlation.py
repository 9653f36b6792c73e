"""Correlation of two inputs in wide random networks, against the correlation map; and where it is known exactly."""

from math import sqrt

import numpy as np
import pytest
import torch

from suite.catalog.activations import Abs, Identity, Relu, SExp, Tanh
from suite.catalog.initializations import Critical, He
from suite.catalog.measures.signal import CorrelationSettings
from suite.measures.correlation import correlation
from suite.nets.pairs import draw_pairs
from suite.theory.correlation_map import correlation_by_layer
from suite.theory.mean_field import edge_of_chaos


def cosines(ensemble, cosine, mean_square=1.0, seed=3):
    """By draw and layer, of the study's pairs."""
    pairs = draw_pairs(ensemble.widths[0], cosine, seed, 0, ensemble.draws) * sqrt(mean_square)
    return correlation(ensemble, pairs, CorrelationSettings(cosine=cosine))["correlation"]


@pytest.mark.parametrize(
    ("activation", "bias_std"),
    [(Relu(), 0.0), (Relu(), 0.1), (Abs(), 0.0), (Tanh(), 0.1), (SExp(linear_region=0.7), 0.1)],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_wide_networks_follow_the_correlation_map(networks, activation, bias_std):
    """Six layers of 256, 100 draws, inputs of variance q* or 1, two angles: 60 z-tests at |z| < 4, or 4e-3 in all.

    Correlations of one draw move together from layer to layer, so that in truth there are about a third as many.
    The bias of a finite width is of the order of depth / width, less than a standard error here.
    """
    ensemble = networks((8, *[256] * 6, 1), activation, 100, Critical(bias_std=bias_std))
    q = edge_of_chaos(activation, bias_std**2).fixed_point if not activation.homogeneous else 1.0
    for cosine in (-0.3, 0.6):
        found = cosines(ensemble, cosine, q)
        expected = torch.tensor(correlation_by_layer(activation, ensemble.variances, q, cosine), dtype=torch.float64)
        z = (found.mean(0) - expected) / (found.std(0) / 10)

        assert found.shape == (100, 6)
        assert z.abs().max() < 4


@pytest.mark.parametrize("activation", [Relu(), Tanh(), SExp(linear_region=0.7)], ids=lambda entry: entry.name)
def test_equal_inputs_stay_equal(networks, activation):
    """Cosine 1 in every layer, to rounding."""
    found = cosines(networks((5, 20, 20, 20, 1), activation, 50), 1.0)

    torch.testing.assert_close(found, torch.ones_like(found), rtol=0, atol=1e-12)


@pytest.mark.parametrize("activation", [Tanh(), SExp(linear_region=0.7)], ids=lambda entry: entry.name)
def test_opposite_inputs_stay_opposite_in_odd_networks_without_biases(networks, activation):
    """An odd activation keeps the sign: -1 in every layer, at the inputs that q* = 0 leaves at variance 1."""
    found = cosines(networks((5, 20, 20, 20, 1), activation, 50, He()), -1.0)

    torch.testing.assert_close(found, -torch.ones_like(found), rtol=0, atol=1e-12)


def test_the_absolute_value_makes_opposite_inputs_equal(networks):
    """-1 in the first layer, whose pre-activations are odd still, then 1."""
    found = cosines(networks((5, 20, 20, 20, 1), Abs(), 50, He()), -1.0)

    torch.testing.assert_close(found, torch.tensor([-1.0, 1, 1]).double().expand(50, -1), rtol=0, atol=1e-12)


def test_a_linear_network_keeps_the_mean(networks):
    """Without biases R is the identity: six layers of 256, 100 draws; 18 tests at |z| < 4, 1e-3 in all.

    Finite width shrinks a cosine by about c (1 - c^2) / 512 a layer, half a standard error after six.
    """
    ensemble = networks((8, *[256] * 6, 1), Identity(), 100, Critical())
    for cosine in (-0.8, 0.0, 0.5):
        found = cosines(ensemble, cosine)

        assert ((found.mean(0) - cosine) / (found.std(0) / 10)).abs().max() < 4


def test_it_is_the_cosine_of_preactivations_by_hand(by_hand):
    """Inputs (1, 0) and (0, 1) through W = diag(3, 4) and b = (0, 1), twice: (3, 1) and (0, 5), then relu and again."""
    layer = [3, 0, 0, 4, 0, 1]
    ensemble = by_hand((2, 2, 2, 1), Relu(), [*layer, *layer, 1, 1, 0])

    found = correlation(ensemble, torch.eye(2).double()[None], CorrelationSettings())["correlation"]

    # Second layer: (9, 5) and (0, 21).
    expected = [5 / (sqrt(10) * 5), 5 * 21 / (sqrt(106) * 21)]
    np.testing.assert_allclose(found[0], expected, rtol=1e-14)


def test_a_dead_input_has_no_angle(by_hand):
    """Where all pre-activations are 0 there is no direction: nan from there on."""
    ensemble = by_hand((2, 1, 1, 1), Relu(), [1.0, 1, 0, 1, 0, 1, 0])
    pair = torch.tensor([[[-1.0, 1.0], [-1.0, 1.0]]], dtype=torch.float64)

    found = correlation(ensemble, pair, CorrelationSettings())["correlation"][0]

    assert found[0].item() == -1
    assert found[1].isnan()
