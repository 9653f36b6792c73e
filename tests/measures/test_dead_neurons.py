"""Dead neurons of random networks, against the probability that theory gives a neuron of the first layer."""

from math import sqrt

import pytest
import torch

from suite.catalog.activations import Htanh, Relu, Tanh
from suite.catalog.domain import Ball, Box
from suite.catalog.initializations import He, Sphere, Variance
from suite.catalog.measures.death import DeadNeuronsSettings
from suite.measures.dead_neurons import dead_neurons
from suite.nets.sample import sample_domain
from suite.theory.relu_death import dead_probability_on_ball
from tests.theory.boxes import dead_probability_on_square

SETTINGS = DeadNeuronsSettings()
FAR = 4
"""A z-score beyond which a test fails; one test in 16,000 does by chance."""


def look(ensemble, domain):
    """What the measure says on a coarse sample, which is enough for what is decided exactly."""
    return dead_neurons(ensemble, sample_domain(ensemble.widths[0], domain.sides()[0] / 4, 1, 0, domain), SETTINGS)


def off(shares, probability, events=1):
    """The z-score of the mean of shares, each of so many independent events."""
    return abs(shares.mean().item() - probability) / sqrt(probability * (1 - probability) / (events * shares.numel()))


@pytest.mark.parametrize("activation", [Relu(), Htanh(linear_region=0.3), Tanh()], ids=lambda entry: entry.name)
@pytest.mark.parametrize("widths", [(1, 3, 5, 2, 1), (2, 3, 5, 2, 1), (3, 4, 1)], ids=str)
def test_a_layers_neurons_are_active_or_dead_in_one_of_two_ways(networks, activation, widths):
    """The three counts add up to the width, the fraction is that of both deaths, and a dead layer is a dead network."""
    found = look(networks(widths, activation, 200, Variance(weight_variance=1.5, bias_variance=4.0)), Box())
    dead = found["dead_tentative"] + found["dead_permanent"]
    hidden = torch.tensor(widths[1:-1]).double()

    assert all(found[name].shape == (200, len(hidden)) for name in set(found) - {"born_dead"})
    assert torch.equal(dead + found["active"], hidden.expand(200, -1))
    assert torch.equal(found["dead_fraction"], dead / hidden)
    assert torch.equal(found["born_dead"] == 1, (found["active"] == 0).any(1))
    assert dead.any() == bool(activation.flat_sides)


def test_the_two_deaths_by_hand(by_hand):
    """Neurons relu(x), relu(-2) and, above, relu(h - 3), relu(h); then all are held down by a bias of -5."""
    layers = [1, 0, 0, -2, 1, 0, 1, 0, -3, 0]
    lively = by_hand((1, 2, 2, 1), Relu(), [*layers, 1, 1, 0])
    doomed = by_hand((1, 2, 2, 1, 1), Relu(), [*layers, 1, 1, -5, 1, 0])

    found = look(lively, Box())
    assert {name: values[0].tolist() for name, values in found.items()} == {
        "dead_tentative": [0, 1],
        "dead_permanent": [1, 0],
        "active": [1, 1],
        "dead_fraction": [0.5, 0.5],
        "born_dead": 0,
    }
    found = look(doomed, Box())
    assert found["dead_permanent"].tolist() == [[1, 1, 1]]
    assert found["dead_tentative"].tolist() == [[0, 0, 0]]
    assert found["born_dead"].tolist() == [1]


@pytest.mark.parametrize("inputs", range(1, 11))
def test_on_the_unit_ball_the_first_layer_dies_as_often_as_theory_says(networks, inputs):
    """(w, b) uniform on the sphere: P = I_{1/2}(d/2, 1/2) / 2. 64,000 neurons a dimension; ten tests, 6e-4."""
    found = look(networks((inputs, 32, 1), Relu(), 2000, Sphere()), Ball())

    assert off(found["dead_fraction"], dead_probability_on_ball(inputs, 1.0), 32) < FAR


@pytest.mark.parametrize("inputs", [1, 2])
@pytest.mark.parametrize("half_width", [0.4, 1.0, sqrt(3)])
def test_on_the_square_the_first_layer_dies_as_often_as_theory_says(networks, inputs, half_width):
    """64,000 neurons each; six tests, 4e-4 in all."""
    found = look(networks((inputs, 32, 1), Relu(), 2000, Sphere()), Box(half_width=half_width))

    probability = dead_probability_on_square(inputs, half_width)
    assert off(found["dead_fraction"], probability, 32) < FAR


@pytest.mark.parametrize(
    ("domain", "probability"),
    [(Ball(radius=0.7), dead_probability_on_ball), (Box(half_width=0.7), dead_probability_on_square)],
    ids=["ball", "square"],
)
def test_what_counts_is_the_ratio_of_the_standard_deviations(networks, domain, probability):
    """Gaussian weights of variance 3 / 2 each and biases of variance 0.4; two tests, 1e-4 in all."""
    ensemble = networks((2, 32, 1), Relu(), 2000, Variance(weight_variance=3.0, bias_variance=0.4))

    found = look(ensemble, domain)

    ratio = 0.7 * sqrt(3 / 2) / sqrt(0.4)
    assert off(found["dead_fraction"], probability(2, ratio), 32) < FAR


def test_without_biases_no_first_layer_neuron_is_dead_around_the_origin(networks):
    """Each is positive on one half of the domain."""
    ensemble = networks((2, 32, 8, 1), Relu(), 100, He())

    for domain in (Box(), Ball(radius=0.01)):
        assert not look(ensemble, domain)["dead_fraction"][:, 0].any()


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_a_network_of_one_hidden_layer_is_born_dead_if_all_its_neurons_are(networks, width):
    """On [-1, 1], on the sphere, P = 4^-width; 20,000 draws each, four tests, 3e-4 in all."""
    found = look(networks((1, width, 1), Relu(), 20_000, Sphere()), Box())

    assert off(found["born_dead"], 0.25**width) < FAR


def test_deep_narrow_networks_are_born_dead_more_often(networks):
    """With every layer one more chance to die: 1/64 at depth 1, all but sure at depth 100 (1,000 draws each)."""
    deep = [networks((1, *[3] * depth, 1), Relu(), 1000, Sphere()) for depth in (1, 8, 100)]
    shares = [look(ensemble, Box())["born_dead"].mean().item() for ensemble in deep]

    assert shares[0] < shares[1] < shares[2]


def test_neurons_of_tanh_never_die(networks):
    """It has no flat side."""
    found = look(networks((2, 4, 4, 1), Tanh(), 20, Variance(weight_variance=1.0, bias_variance=100.0)), Box())

    assert (found["active"] == 4).all()
    assert not found["born_dead"].any()
