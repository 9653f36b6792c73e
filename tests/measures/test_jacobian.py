"""The Jacobian's moments: against autograd, and in wide networks against free probability."""

from math import sqrt

import pytest
import torch
from torch.nn.functional import gelu, hardtanh

from suite.catalog.activations import Abs, Gelu, Htanh, Identity, Relu, SSin, Tanh
from suite.catalog.initializations import Critical, Orthogonal, Variance
from suite.catalog.measures.signal import JacobianSettings
from suite.measures.jacobian import jacobian
from suite.nets.ensemble import Ensemble
from suite.nets.pairs import draw_pairs
from suite.theory.jacobian import finite_jacobian_by_layer, jacobian_by_layer

SETTINGS = JacobianSettings()


def saw_tooth_of_sines(z):
    """s_sin at a = 1.2."""
    beyond = z.sign() * (0.2 + torch.cos(z.abs() - 1.2))
    return torch.where(z.abs() <= 1.2, z, beyond)


PLAIN = [
    (Relu(), torch.relu),
    (Abs(), torch.abs),
    (Identity(), lambda z: z),
    (Tanh(), torch.tanh),
    (Gelu(), gelu),
    (Htanh(linear_region=0.8), lambda z: hardtanh(z, -0.8, 0.8)),
    (SSin(linear_region=1.2), saw_tooth_of_sines),
]


@pytest.mark.parametrize(("activation", "phi"), PLAIN, ids=lambda value: getattr(value, "name", ""))
@pytest.mark.parametrize("widths", [(2, 4, 4, 4, 1), (3, 5, 3, 6, 2)], ids=str)
def test_moments_are_those_of_autograds_jacobian(networks, activation, phi, widths):
    """From the first layer's activations to each later layer's, units n_l of which there may be fewer or more."""
    ensemble = networks(widths, activation, 6)
    pairs = draw_pairs(widths[0], 0.5, 2, 0, 6)

    found = jacobian(ensemble, pairs, SETTINGS)

    for draw in range(6):
        first, *later = [(layer.weight[draw], layer.bias[draw, :, 0]) for layer in ensemble.layers[:-1]]
        h = phi(first[0] @ pairs[draw, :, 0] + first[1])
        for number in range(1, len(later) + 1):

            def through(h, layers=tuple(later[:number])):
                for weight, bias in layers:
                    h = phi(weight @ h + bias)
                return h

            squares = torch.linalg.svdvals(torch.func.jacrev(through)(h)).square()
            units = widths[number + 1]
            expected = {
                "jacobian_mean": squares.sum() / units,
                "jacobian_second": squares.square().sum() / units,
                "jacobian_max": squares.max().sqrt(),
            }
            for name, value in expected.items():
                torch.testing.assert_close(found[name][draw, number - 1], value, rtol=1e-9, atol=1e-7)


def test_the_second_input_of_a_pair_is_not_looked_at(networks):
    """One input a draw is enough."""
    ensemble = networks((2, 4, 4, 1), Tanh(), 5)
    one, other = (jacobian(ensemble, draw_pairs(2, cosine, 2, 0, 5), SETTINGS) for cosine in (-0.5, 1.0))

    assert all(torch.equal(values, other[name]) for name, values in one.items())


def test_one_hidden_layer_has_no_jacobian_yet(networks):
    """Empty, with the draws first."""
    found = jacobian(networks((2, 4, 1), Relu(), 5), draw_pairs(2, 1.0, 0, 0, 5), SETTINGS)

    assert {name: tuple(values.shape) for name, values in found.items()} == {
        "jacobian_mean": (5, 0),
        "jacobian_second": (5, 0),
        "jacobian_max": (5, 0),
    }


def test_a_rectifier_by_hand(by_hand):
    """At h = (1, 0), W = [[3, 4], [-1, 0]]: the second unit is off, so J has the row (3, 4) alone."""
    ensemble = by_hand((1, 2, 2, 1), Relu(), [1, -1, 0, 0, 3, 4, -1, 0, 0, 0, 1, 1, 0])
    found = jacobian(ensemble, torch.ones(1, 1, 2).double(), SETTINGS)

    values = {name: values.item() for name, values in found.items()}
    assert values == pytest.approx({"jacobian_mean": 12.5, "jacobian_second": 312.5, "jacobian_max": 5}, rel=1e-12)


def test_behind_a_dead_layer_nothing_moves(by_hand):
    """All moments are 0."""
    ensemble = by_hand((1, 1, 1, 1, 1), Relu(), [1, 0, 1, -5, 1, 1, 1, 0])

    found = jacobian(ensemble, torch.ones(1, 1, 2).double(), SETTINGS)

    assert all(values.tolist() == [[0, 0]] for values in found.values())


def test_all_singular_values_of_a_rotation_are_one(networks):
    """Orthogonal weights and the identity: every moment is 1, and so is the largest singular value."""
    ensemble = networks((3, *[24] * 4, 1), Identity(), 5, Orthogonal())

    found = jacobian(ensemble, draw_pairs(3, 1.0, 1, 0, 5), SETTINGS)

    for values in found.values():
        torch.testing.assert_close(values, torch.ones_like(values), rtol=0, atol=2e-6)


def test_a_jacobian_of_rank_one(by_hand):
    """Every unit of layer 2 is the same function of layer 1, so that m_2 = 2 m_1^2 and sigma_1^2 = 2 m_1."""
    ensemble = by_hand((1, 2, 2, 1), Identity(), [1, 1, 0, 0, 3, 4, 3, 4, 0, 0, 1, 1, 0])
    found = jacobian(ensemble, torch.ones(1, 1, 2).double(), SETTINGS)

    values = {name: values.item() for name, values in found.items()}
    expected = {"jacobian_mean": 25, "jacobian_second": 1250, "jacobian_max": sqrt(50)}
    assert values == pytest.approx(expected, rel=1e-12)


@pytest.fixture
def wild(networks):
    """sigma_w^2 = 20 over 600 layers of abs: J J^T overflows around layer 270, the activations around layer 540."""
    return networks((2, *[3] * 600, 1), Abs(), 4, Variance(weight_variance=20.0, bias_variance=0.0))


def test_networks_that_explode_have_no_moments_and_harm_no_other(wild):
    """Numbers at first, nan once they overflow; nothing is raised, and a tame network beside them keeps its own."""
    mixed = Ensemble(wild.widths, Abs(), wild.variances, wild.parameters.clone())
    mixed.parameters[1] *= 0.3
    pairs = draw_pairs(2, 1.0, 1, 0, 4)

    found, beside = jacobian(wild, pairs, SETTINGS), jacobian(mixed, pairs, SETTINGS)

    for name, values in found.items():
        assert values[:, :50].isfinite().all()
        assert values[:, 400].isnan().all()
        assert beside[name][1].isfinite().all()
        torch.testing.assert_close(beside[name][[0, 2, 3]], values[[0, 2, 3]], rtol=0, atol=0, equal_nan=True)


def test_what_overflowed_does_not_come_back(wild):
    """Not as 0 either, where activations are no numbers any more and their slopes cannot be told."""
    found = jacobian(wild, draw_pairs(2, 1.0, 1, 0, 4), SETTINGS)

    assert all(values[:, 400:].isnan().all() for values in found.values())


def test_moments_that_are_too_large_are_no_numbers(wild):
    """m_2 is too large long before m_1 is; none is infinite."""
    found = jacobian(wild, draw_pairs(2, 1.0, 1, 0, 4), SETTINGS)

    assert not any(values.isinf().any() for values in found.values())


def off(found, law):
    """z-scores of E m_1 and of E m_2 / (E m_1)^2, whose standard error is by the delta method."""
    means, ratios = torch.tensor(law, dtype=torch.float64).T
    first, second = found["jacobian_mean"], found["jacobian_second"]
    ratio = second.mean(0) / first.mean(0) ** 2
    influence = ratio * (second / second.mean(0) - 2 * first / first.mean(0))
    root = sqrt(len(first))
    return torch.stack([root * (first.mean(0) - means) / first.std(0), root * (ratio - ratios) / influence.std(0)])


@pytest.mark.parametrize("scheme", [Critical(), Orthogonal()], ids=lambda scheme: scheme.scheme)
@pytest.mark.parametrize("activation", [Identity(), Relu(), Abs()], ids=lambda entry: entry.name)
def test_wide_networks_follow_the_laws_of_free_factors(networks, activation, scheme):
    """J_2 .. J_4 of 128 units, 40 draws: m_1 is 1, and m_2 / m_1^2 grows by mu_2 / mu_1^2 - 1 - s a layer.

    Twenty-four tests at |z| < 4, or 2e-3 in all; where weights are orthogonal and slopes of size 1, nothing
    varies, and the laws hold to rounding.
    """
    draws, orthogonal = 40, isinstance(scheme, Orthogonal)
    ensemble = networks((6, *[128] * 4, 1), activation, draws, scheme)
    law = jacobian_by_layer(activation, ensemble.variances, 1.0, orthogonal=orthogonal)

    found = jacobian(ensemble, draw_pairs(6, 1.0, 1, 0, draws), SETTINGS)

    if orthogonal and not isinstance(activation, Relu):
        for place, name in enumerate(("jacobian_mean", "jacobian_second")):
            expected = torch.tensor([moments[place] for moments in law], dtype=torch.float64)
            torch.testing.assert_close(found[name], expected.expand(draws, -1), rtol=0, atol=1e-5)
    else:
        assert off(found, law).abs().max() < 4


@pytest.mark.parametrize("bias_std", [0.0, 0.5])
@pytest.mark.parametrize(
    ("scheme", "activation", "hidden"),
    [
        (Critical, Identity(), (16, 10, 12, 14)),
        (Critical, Relu(), (16, 10, 12, 14)),
        (Critical, Abs(), (16, 10, 12, 14)),
        (Orthogonal, Relu(), (12, 12, 12, 12)),
    ],
    ids=lambda value: getattr(value, "__name__", getattr(value, "name", "")),
)
def test_narrow_networks_follow_the_laws_of_finite_width(networks, scheme, activation, hidden, bias_std):
    """Which 4,000 draws tell from those of infinite width: 48 tests at |z| < 4, 3e-3 in all."""
    draws, orthogonal = 4000, scheme is Orthogonal
    ensemble = networks((6, *hidden, 1), activation, draws, scheme(bias_std=bias_std))

    found = jacobian(ensemble, draw_pairs(6, 1.0, 1, 0, draws), SETTINGS)

    finite = finite_jacobian_by_layer(activation, ensemble.variances, 1.0, hidden, orthogonal)
    assert off(found, finite).abs().max() < 4
    assert off(found, jacobian_by_layer(activation, ensemble.variances, 1.0, orthogonal)).abs().max() > 6
