"""Moments of the Jacobian, against closed forms and wide numpy networks."""

from math import sqrt

import numpy as np
import pytest
from scipy.special import ndtr

from suite.catalog.activations import Htanh, LeakyRelu
from suite.theory.jacobian import finite_jacobian_by_layer, jacobian_by_layer
from suite.theory.mean_field import edge_of_chaos, slope_moment
from tests.catalog.instances import instance


@pytest.mark.parametrize(("name", "share", "spread"), [("relu", 0.5, 1.0), ("abs", 1.0, 0.0), ("identity", 1.0, 0.0)])
@pytest.mark.parametrize("orthogonal", [False, True])
def test_moments_of_homogeneous_networks_have_a_closed_form(name: str, share: float, spread: float, orthogonal: bool):
    """m_1 is the product of sigma_w^2 mu_1; the ratio is 1 + (l - 1) (mu_2 / mu_1^2 - 1 - s)."""
    layers = [(9.0, 0.4), (1.5, 0.1), (0.7, 0.0), (2.5, 0.3), (1.0, 0.0)]

    found = jacobian_by_layer(instance(name), layers, mean_square=0.6, orthogonal=orthogonal)

    step = spread + (0 if orthogonal else 1)
    means = [1.5 * share, 1.5 * 0.7 * share**2, 1.5 * 0.7 * 2.5 * share**3]
    assert [mean for mean, _ in found] == pytest.approx(means, rel=1e-14)
    assert [ratio for _, ratio in found] == pytest.approx([1 + step, 1 + 2 * step, 1 + 3 * step], rel=1e-14)


def test_a_leaky_rectifier_spreads_by_its_slope():
    """mu_2 / mu_1^2 = 2 (1 + s^4) / (1 + s^2)^2."""
    ((_, ratio),) = jacobian_by_layer(LeakyRelu(slope=0.5), [(1.0, 0.0)] * 3, 1.0, orthogonal=True)

    assert ratio == pytest.approx(2 * (1 + 0.5**4) / (1 + 0.5**2) ** 2, rel=1e-14)


def test_the_hard_tanh_loses_what_is_cut_off():
    """mu_k = P(|z| < a) at the variance of each layer, which is followed from the inputs."""
    a, layers = 0.8, [(1.4, 0.1)] * 4
    found = jacobian_by_layer(Htanh(linear_region=a), layers, mean_square=2.0, orthogonal=True)

    q, mean, ratio = 1.4 * 2.0 + 0.1, 1.0, 1.0
    for layer in found:
        cut = ndtr(-a / sqrt(q))
        density = np.exp(-a * a / (2 * q)) / sqrt(2 * np.pi)
        q = 1.4 * (q * (1 - 2 * cut) - 2 * a * sqrt(q) * density + 2 * a * a * cut) + 0.1
        kept = 1 - 2 * ndtr(-a / sqrt(q))
        mean, ratio = 1.4 * kept * mean, ratio + 1 / kept - 1
        assert layer == pytest.approx((mean, ratio), rel=1e-12)


@pytest.mark.parametrize("name", ["tanh", "htanh", "s_exp", "s_saw"])
def test_at_the_edge_of_chaos_the_mean_is_1_and_the_ratio_grows_evenly(name: str):
    """ratio = 1 + (l - 1) (mu_2 / mu_1^2 - 1 - s) from q*."""
    activation = instance(name)
    point = edge_of_chaos(activation, 0.3)
    mean_square = (point.fixed_point - 0.3) / point.weight_variance
    step = slope_moment(activation, point.fixed_point, 2) / slope_moment(activation, point.fixed_point) ** 2

    found = jacobian_by_layer(activation, [(point.weight_variance, 0.3)] * 11, mean_square, orthogonal=False)

    assert [mean for mean, _ in found] == pytest.approx([1.0] * 9, rel=1e-9)
    assert [ratio for _, ratio in found] == pytest.approx([1 + step * factors for factors in range(1, 10)], rel=1e-9)


def test_one_hidden_layer_has_no_jacobian_yet():
    """J starts at the first hidden layer's activations."""
    assert jacobian_by_layer(instance("tanh"), [(1.5, 0.1), (1.0, 0.0)], 1.0, orthogonal=False) == []


@pytest.mark.parametrize("name", ["relu", "tanh", "s_saw"])
@pytest.mark.parametrize("orthogonal", [False, True])
def test_wide_networks_follow_the_laws(name: str, orthogonal: bool):
    """Three hidden layers of 400: 24 draws have means within 4% of the laws.

    Finite width shifts them by some 1/400 a layer and a mean over draws scatters by less than 1%, so that a
    false alarm takes more than three standard deviations, one seed in 500 a comparison; the seed is fixed.
    """
    activation, width, variances = instance(name), 400, [(1.7, 0.2)] * 4
    generator = np.random.default_rng(3)

    def weight():
        gaussian = generator.standard_normal((width, width))
        return sqrt(1.7) * (np.linalg.qr(gaussian)[0] if orthogonal else gaussian / sqrt(width))

    def bias():
        return sqrt(0.2) * generator.standard_normal(width)

    moments = []
    for _ in range(24):
        z = weight() @ np.ones(width) + bias()
        jacobian = np.eye(width)
        for _ in range(2):
            matrix = weight()
            z = matrix @ activation.phi(z) + bias()
            jacobian = activation.dphi(z)[:, None] * (matrix @ jacobian)
            square = jacobian @ jacobian.T
            moments.append((np.trace(square) / width, np.sum(square * square) / width))
    first, second = np.array(moments).reshape(24, 2, 2).mean(axis=0).T

    laws = np.array(jacobian_by_layer(activation, variances, mean_square=1.0, orthogonal=orthogonal))
    np.testing.assert_allclose(first, laws[:, 0], rtol=0.04)
    np.testing.assert_allclose(second / first**2, laws[:, 1], rtol=0.04)


@pytest.mark.parametrize("name", ["relu", "abs", "identity"])
@pytest.mark.parametrize(("widths", "orthogonal"), [((4, 4, 4, 4), False), ((4, 4, 4, 4), True), ((5, 3, 4), False)])
def test_finite_width_laws_are_exact_for_homogeneous_networks(
    name: str, widths: tuple[int, ...], orthogonal: bool
) -> None:
    """z within 4 of thirty thousand tiny networks; 36 scores, false alarm rate 0.2%."""
    activation, draws, generator = instance(name), 30_000, np.random.default_rng(5)
    weight_variance, bias_variance = 1.7, 0.2
    h = activation.phi(generator.standard_normal((draws, widths[0])))
    product = np.broadcast_to(np.eye(widths[0]), (draws, widths[0], widths[0]))
    variances = [(1.0, 0.0), *[(weight_variance, bias_variance)] * (len(widths) - 1), (1.0, 0.0)]
    law = finite_jacobian_by_layer(activation, variances, 1.0, widths, orthogonal)
    for below, units, (mean, ratio) in zip(widths, widths[1:], law, strict=False):
        weight = generator.standard_normal((draws, units, below))
        if orthogonal:
            weight, upper = np.linalg.qr(weight)
            weight = weight * np.sign(np.diagonal(upper, axis1=1, axis2=2))[:, None] * sqrt(units)
        weight = weight * sqrt(weight_variance / below)
        z = np.einsum("doi,di->do", weight, h) + sqrt(bias_variance) * generator.standard_normal((draws, units))
        h, product = activation.phi(z), activation.dphi(z)[:, :, None] * (weight @ product)
        squared = product @ product.transpose(0, 2, 1)
        first = np.trace(squared, axis1=1, axis2=2) / units
        second = (squared**2).sum((1, 2)) / units

        assert_agrees(first, mean)
        assert_agrees(second, ratio * mean**2)


@pytest.mark.parametrize("bias_variance", [0.0, 0.3])
def test_rectifiers_without_biases_may_be_off_from_the_first_layer_on(bias_variance: float) -> None:
    """He's three layers of three: one network in eight has no Jacobian at all, which the laws hold.

    z within 4 of a hundred thousand networks of plain numpy; 8 scores, false alarm rate 0.05%. Biases of the
    first layer make no difference.
    """
    draws, generator = 100_000, np.random.default_rng(8)
    law = finite_jacobian_by_layer(instance("relu"), [(2.0, bias_variance), *[(2.0, 0.0)] * 3], 1.0, (3, 3, 3), False)

    def weight(below: int) -> np.ndarray:
        return sqrt(2 / below) * generator.standard_normal((draws, 3, below))

    # One input of |x|^2 / n_0 = 1, and a readout that is not looked at.
    z = weight(1)[:, :, 0] + sqrt(bias_variance) * generator.standard_normal((draws, 3))
    h, product = np.maximum(z, 0), np.broadcast_to(np.eye(3), (draws, 3, 3))
    silent = (z <= 0).all(1)
    for mean, ratio in law:
        matrix = weight(3)
        z = np.einsum("doi,di->do", matrix, h)
        h, product = np.maximum(z, 0), (z > 0)[:, :, None] * (matrix @ product)
        squared = product @ product.transpose(0, 2, 1)
        first, second = np.trace(squared, axis1=1, axis2=2) / 3, (squared**2).sum((1, 2)) / 3

        assert not first[silent].any()
        assert_agrees(first, mean)
        assert_agrees(second, ratio * mean**2)
    assert_agrees(silent.astype(float), 1 / 8)
    assert law[0][0] == pytest.approx(7 / 8, rel=1e-14)


def assert_agrees(values: np.ndarray, theory: float) -> None:
    """The mean is within four standard errors of the theory, or of rounding where nothing varies."""
    error = values.std() / sqrt(len(values))
    assert abs(values.mean() - theory) <= 4 * error + 1e-9 * abs(theory)


def test_finite_width_laws_tend_to_the_infinite_ones() -> None:
    """At a width of a million both agree to a few parts in a hundred thousand."""
    activation, variances = instance("tanh"), [(1.4, 0.1)] * 8
    for orthogonal in (False, True):
        finite = finite_jacobian_by_layer(activation, variances, 1.0, [10**6] * 7, orthogonal)
        limit = jacobian_by_layer(activation, variances, 1.0, orthogonal)
        np.testing.assert_allclose(finite, limit, rtol=5e-5)
