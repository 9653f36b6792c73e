"""Correlations through wide networks, against closed forms, conditional means by adaptive quadrature, and limits."""

from collections.abc import Callable
from itertools import pairwise
from math import acos, asin, cosh, exp, inf, isfinite, isnan, log, nan, pi, sinh, sqrt
from typing import Literal

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from suite.catalog.activations import ACTIVATIONS, Activation, Array, Elu, Htanh, LeakyRelu, SExp, SSaw, SSin
from suite.theory.bivariate import pair_mean
from suite.theory.correlation_map import (
    correlation_by_layer,
    correlation_fixed_point,
    correlation_map,
    covariance,
    depth_scales,
    slope_covariance,
)
from suite.theory.jacobian import finite_jacobian_by_layer
from suite.theory.mean_field import edge_of_chaos, fixed_point, second_moment, slope_moment, variance_map
from tests.catalog.instances import EVERY, instance

CORRELATIONS = [-1.0, -1 + 1e-10, -0.7, -0.05, 0.0, 0.3, 0.9, 0.999, 1 - 1e-6, 1 - 1e-10, 1.0]
VARIANCES = [1e-6, 0.3, 2.0, 50.0, 1e4]
HOMOGENEOUS = [
    *(entry for entry in EVERY if entry.homogeneous),
    LeakyRelu(slope=-0.5),
    LeakyRelu(slope=0.4),
]
OTHERS = [entry for entry in EVERY if not entry.homogeneous]
LINEAR_REGIONS = [Htanh, SExp, SSin, SSaw]

slow = pytest.mark.slow
over_correlations = pytest.mark.parametrize("c", CORRELATIONS)
over_variances = pytest.mark.parametrize("q", VARIANCES)
over_all = pytest.mark.parametrize("activation", EVERY, ids=lambda activation: activation.label)
over_others = pytest.mark.parametrize("activation", OTHERS, ids=lambda activation: activation.label)


def independent_pair_mean(function: Callable[[Array], Array], activation: Activation, q: float, c: float) -> float:
    """E[f(u) f(v)] as E[f(u) E[f(v) | u]], both by adaptive quadrature between kinks."""

    def mean(integrand: Callable[[float], float], center: float, std: float, splits: tuple[float, ...]) -> float:
        low, high = center - 8.5 * std, center + 8.5 * std
        edges = [low, *sorted({split for split in (*splits, center) if low < split < high}), high]

        def weighted(x: float) -> float:
            return integrand(x) * exp(-(((x - center) / std) ** 2) / 2) / (std * sqrt(2 * pi))

        return sum(quad(weighted, *ends, epsabs=1e-12, epsrel=1e-10, limit=100)[0] for ends in pairwise(edges))

    def at(x: float) -> float:
        return float(function(np.array([x]))[0])

    kinks, rest = activation.kinks, sqrt(q * (1 - c * c))
    # Where u makes v's mean pass a kink, the inner mean is quickest.
    splits = (*kinks, *(kink / c for kink in kinks))
    return mean(lambda u: at(u) * mean(at, c * u, rest, kinks), 0.0, sqrt(q), splits)


@over_correlations
@over_variances
def test_the_rectifier_has_the_arc_cosine_kernels(c: float, q: float):
    """(q / 2 pi) (sin t + (pi - t) cos t) and (pi - t) / 2 pi, with t = acos c (Cho & Saul 2009)."""
    relu, t = instance("relu"), acos(c)

    kernel = q / (2 * pi) * (sqrt((1 - c) * (1 + c)) + (pi - t) * c)
    assert covariance(relu, q, c) == pytest.approx(kernel, rel=1e-12, abs=1e-15 * q)
    assert slope_covariance(relu, q, c) == pytest.approx((pi - t) / (2 * pi), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("activation", HOMOGENEOUS, ids=lambda activation: activation.label)
@pytest.mark.parametrize("c", CORRELATIONS[1:-1])
def test_closed_forms_of_homogeneous_activations_agree_with_the_quadrature(activation: Activation, c: float):
    """For any two slopes."""
    by_quadrature = [
        pair_mean(function, np.multiply, activation, 0.7, c) for function in (activation.phi, activation.dphi)
    ]

    assert covariance(activation, 0.7, c) == pytest.approx(by_quadrature[0], rel=1e-11, abs=1e-12)
    assert slope_covariance(activation, 0.7, c) == pytest.approx(by_quadrature[1], rel=1e-11, abs=1e-12)


@over_correlations
@over_variances
def test_the_error_function_has_the_arc_sine_law(c: float, q: float):
    """(2 / pi) asin(2 q c / (1 + 2 q)), and (4 / pi) / sqrt((1 + 2 q)^2 - 4 q^2 c^2)."""
    erf = instance("erf")

    assert covariance(erf, q, c) == pytest.approx(2 / pi * asin(2 * q * c / (1 + 2 * q)), rel=1e-10, abs=1e-14)
    slopes = 4 / pi / sqrt((1 + 2 * q - 2 * q * c) * (1 + 2 * q + 2 * q * c))
    assert slope_covariance(erf, q, c) == pytest.approx(slopes, rel=1e-10)


@over_correlations
@pytest.mark.parametrize("q", [1e-6, 0.3, 2.0, 50.0, 400.0])
def test_the_sine_has_its_closed_form(c: float, q: float):
    """E sin u sin v = exp(-q) sinh(q c), and E cos u cos v = exp(-q) cosh(q c)."""
    assert covariance(instance("sin"), q, c) == pytest.approx(exp(-q) * sinh(q * c), abs=1e-12 * min(q, 1.0))
    assert slope_covariance(instance("sin"), q, c) == pytest.approx(exp(-q) * cosh(q * c), abs=1e-12)


@pytest.mark.parametrize(
    "activation",
    [*OTHERS, Elu(alpha=0.3), Htanh(linear_region=0.2), SSin(linear_region=0.3), SSaw(linear_region=1.5)],
    ids=lambda activation: activation.label,
)
@pytest.mark.parametrize(
    ("q", "c"), [(0.8, 0.6), pytest.param(3.0, -0.3, marks=slow), pytest.param(1.5, 0.97, marks=slow)]
)
def test_means_agree_with_an_independent_quadrature(activation: Activation, q: float, c: float):
    """In other variables, u and then v given u."""
    scale = second_moment(activation, q)

    expected = independent_pair_mean(activation.phi, activation, q, c)
    assert covariance(activation, q, c) == pytest.approx(expected, abs=1e-9 * scale)


@pytest.mark.parametrize("entry", LINEAR_REGIONS, ids=lambda entry: entry.__name__)
@pytest.mark.parametrize(("q", "c"), [(0.8, 0.6), (3.0, -0.3), (1.5, 0.97)])
def test_slope_means_agree_with_an_independent_quadrature(entry: type[Activation], q: float, c: float):
    """Whose integrand jumps."""
    activation = entry(linear_region=1.0)

    expected = independent_pair_mean(activation.dphi, activation, q, c)
    assert slope_covariance(activation, q, c) == pytest.approx(expected, abs=1e-9)


@over_all
@pytest.mark.parametrize("q", [1e-3, 0.7, 6.0, 100.0])
def test_equal_and_opposite_inputs_are_limits_of_others(activation: Activation, q: float):
    """At c = 1 both are the moments of one variable; beside it E phi phi falls evenly, E phi' phi' as a root."""
    assert covariance(activation, q, 1.0) == second_moment(activation, q)
    assert slope_covariance(activation, q, 1.0) == slope_moment(activation, q)
    scale = second_moment(activation, q)
    for c in (1.0, -1.0):
        beside = covariance(activation, q, c * (1 - 1e-10))
        assert beside == pytest.approx(covariance(activation, q, c), abs=2e-10 * (scale + q))
        beside = slope_covariance(activation, q, c * (1 - 1e-10))
        assert beside == pytest.approx(slope_covariance(activation, q, c), abs=1e-4)


@over_all
@pytest.mark.parametrize("q", [0.1, 2.0, 30.0])
def test_close_to_1_the_covariance_falls_at_its_slope(activation: Activation, q: float):
    """E phi^2 - E phi(u) phi(v) = (1 - c) q E phi'^2 to first order; at 1 - c = 1e-10, to 1e-12 of E phi^2."""
    c = 1 - 1e-10
    expected = second_moment(activation, q) - (1 - c) * q * slope_moment(activation, q)

    assert covariance(activation, q, c) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("entry", [Htanh, SSaw], ids=lambda entry: entry.__name__)
@pytest.mark.parametrize("q", [0.1, 2.0, 30.0])
@pytest.mark.parametrize("distance", [1e-6, 1e-8, 1e-10])
def test_close_to_1_the_covariance_of_slopes_falls_as_its_root(entry: type[Activation], q: float, distance: float):
    """By sum over kinks of jump^2 n(kink) sqrt(q (1 - c) / pi): the probability that a kink lies between u and v."""
    activation = entry(linear_region=0.9)
    kinks, reach = np.array(activation.kinks), 1e-6
    jumps = activation.dphi(kinks + reach) - activation.dphi(kinks - reach)
    densities = np.exp(-kinks * kinks / (2 * q)) / sqrt(2 * pi * q)
    c = 1 - distance
    expected = slope_moment(activation, q) - float(jumps**2 @ densities) * sqrt(q * (1 - c) / pi)

    assert slope_covariance(activation, q, c) == pytest.approx(expected, abs=10 * distance + 1e-11)


@over_all
@pytest.mark.parametrize("q", [0.1, 3.0])
@pytest.mark.parametrize("c", [-0.8, 0.2, 0.95])
def test_the_derivative_of_the_covariance_is_that_of_the_slopes(activation: Activation, q: float, c: float):
    """Price's theorem: d/dc E phi(u) phi(v) = q E phi'(u) phi'(v), by fourth-order differences."""
    step = 1e-3
    at = {k: covariance(activation, q, c + k * step) for k in (-2, -1, 1, 2)}
    derivative = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * step)

    assert q * slope_covariance(activation, q, c) == pytest.approx(derivative, abs=1e-7 * q)


@over_others
def test_variances_of_0_are_limits(activation: Activation):
    """phi(0)^2, and phi'(0)^2 where there is no kink at 0."""
    (value,), (slope,) = activation.phi(np.zeros(1)), activation.dphi(np.zeros(1))

    assert covariance(activation, 0.0, 0.3) == pytest.approx(value**2, rel=1e-12, abs=0)
    if 0.0 not in activation.kinks:
        assert slope_covariance(activation, 0.0, 0.3) == pytest.approx(slope**2, rel=1e-12)
    if value == 0 and 0.0 not in activation.kinks:
        assert correlation_map(activation, 0.3, 0.0, 1.7, 0.0) == pytest.approx(0.3, rel=1e-9)


@over_all
@pytest.mark.parametrize("bias_variance", [0.0, 0.1])
def test_the_correlation_map_keeps_equal_inputs_equal_and_is_convex(activation: Activation, bias_variance: float):
    """R(1) = 1, and on [0, 1] R rises ever faster, since in powers of c its coefficients are squares."""
    found = [correlation_map(activation, c, 0.9, 1.4, bias_variance) for c in np.linspace(0, 1, 21)]

    assert found[-1] == pytest.approx(1, abs=1e-14)
    assert np.diff(found).min() > 0
    assert np.diff(found, 2).min() > -1e-12


@pytest.mark.parametrize("entry", LINEAR_REGIONS, ids=lambda entry: entry.__name__)
def test_a_wider_linear_region_brings_the_correlation_map_towards_the_identity(entry: type[Activation]):
    """At the edge of chaos, R(c) - c falls as a / sigma_b grows."""
    gaps = []
    for a in (1.0, 4.0, 16.0, 64.0):
        point = edge_of_chaos(entry(linear_region=a), 1.0)
        gaps += [correlation_map(entry(linear_region=a), 0.5, point.fixed_point, point.weight_variance, 1.0) - 0.5]

    assert all(0 < later < earlier / 2 for earlier, later in pairwise(gaps))


def test_correlations_by_layer_of_the_rectifier_have_a_closed_form():
    """Layer 1 from the inputs, later ones by the arc-cosine kernel; variances differ by layer."""
    layers = [(2.0, 0.1), (1.5, 0.2), (2.5, 0.0), (1.0, 0.0)]
    q = 2.0 * 0.7 + 0.1
    expected = [(2.0 * 0.7 * 0.4 + 0.1) / q]
    for weight_variance, bias_variance in layers[1:3]:
        t = acos(expected[-1])
        shared = weight_variance * q / (2 * pi) * (np.sin(t) + (pi - t) * np.cos(t)) + bias_variance
        q = weight_variance * q / 2 + bias_variance
        expected += [shared / q]

    found = correlation_by_layer(instance("relu"), layers, mean_square=0.7, cosine=0.4)

    assert found == pytest.approx(expected, rel=1e-13)


@over_others
def test_at_the_fixed_variance_correlations_by_layer_are_iterates_of_the_map(activation: Activation):
    """From q*, at sigma_w^2 = 1.1 and sigma_b^2 = 0.2; the readout's variances do not matter."""
    q = fixed_point(activation, 1.1, 0.2)
    found = correlation_by_layer(activation, [(1.1, 0.2)] * 5 + [(7.0, 3.0)], (q - 0.2) / 1.1, -0.2)

    assert len(found) == 5
    assert found[0] == pytest.approx((-0.2 * (q - 0.2) + 0.2) / q)
    for before, after in pairwise(found):
        assert after == pytest.approx(correlation_map(activation, before, q, 1.1, 0.2), rel=1e-9)


def test_away_from_the_fixed_variance_the_variance_is_followed():
    """Of the error function, by its closed form."""
    q, c = 3.0 * 5.0 + 0.01, (3.0 * 5.0 * 0.5 + 0.01) / (3.0 * 5.0 + 0.01)
    expected = [c]
    for _ in range(3):
        after = 3.0 * 2 / pi * asin(2 * q / (1 + 2 * q)) + 0.01
        c = (3.0 * 2 / pi * asin(2 * q * c / (1 + 2 * q)) + 0.01) / after
        q = after
        expected += [c]

    assert correlation_by_layer(instance("erf"), [(3.0, 0.01)] * 5, 5.0, 0.5) == pytest.approx(expected, rel=1e-11)


def test_equal_inputs_stay_equal_and_one_hidden_layer_is_affine():
    """Cosine 1, and no map at all."""
    for entry in EVERY:
        assert correlation_by_layer(entry, [(1.2, 0.1)] * 4, 1.0, 1.0) == pytest.approx([1.0] * 3, abs=1e-14)
    assert correlation_by_layer(instance("tanh"), [(2.0, 0.0), (1.0, 0.0)], 3.0, 0.25) == [0.25]


def test_correlations_of_exploding_networks_are_unknown():
    """Nothing raises, and no warning."""
    found = correlation_by_layer(instance("abs"), [(1e200, 0.0)] * 4, 1.0, 0.5)

    assert found[0] == 0.5
    assert isnan(found[2])


@over_others
@pytest.mark.parametrize(
    ("weight_variance", "bias_variance"),
    [(0.7, 0.1), (1.8, 0.02), pytest.param(3.0, 0.0, marks=slow), pytest.param(3.0, 0.5, marks=slow)],
)
def test_depth_leads_to_the_fixed_correlation(activation: Activation, weight_variance: float, bias_variance: float):
    """R(c*) = c*, R attracts there, and iterations from both sides end there."""
    q = fixed_point(activation, weight_variance, bias_variance)
    found = correlation_fixed_point(activation, q, weight_variance, bias_variance)
    if isnan(q):
        assert isnan(found)
        return

    assert correlation_map(activation, found, q, weight_variance, bias_variance) == pytest.approx(found, abs=1e-12)
    rate = exp(-1 / depth_scales(activation, weight_variance, bias_variance).xi_c)
    assert 0 < rate <= 1
    if rate < 0.9:
        for start in (0.05, 0.95):
            c = start
            for _ in range(40):
                c = correlation_map(activation, c, q, weight_variance, bias_variance)
            assert abs(c - found) < 1.01 * rate**30 + 1e-12


@pytest.mark.parametrize("weight_variance", [0.9, 1.2, 2.0, 9.0])
@pytest.mark.parametrize("bias_variance", [0.01, 1.0])
def test_the_fixed_correlation_of_the_error_function_solves_its_closed_form(
    weight_variance: float, bias_variance: float
):
    """Below 1 exactly where chi_1 > 1."""
    erf = instance("erf")
    q = fixed_point(erf, weight_variance, bias_variance)
    chaotic = weight_variance * 4 / pi / sqrt(1 + 4 * q) > 1

    def excess(c: float) -> float:
        return weight_variance * 2 / pi * asin(2 * q * c / (1 + 2 * q)) + bias_variance - q * c

    expected = brentq(excess, 0, 1 - 1e-6, xtol=1e-15) if chaotic else 1.0
    assert correlation_fixed_point(erf, q, weight_variance, bias_variance) == pytest.approx(expected, abs=1e-11)


def test_a_little_into_chaos_the_fixed_correlation_is_a_little_below_1():
    """For tanh, 1 - c* = 2 (chi_1 - 1) / R''(1) to first order, down to where 1 - c* is 1e-8."""
    tanh, point = instance("tanh"), edge_of_chaos(instance("tanh"), 0.05)
    distances = []
    for more in (1e-4, 1e-6, 1e-8):
        q = fixed_point(tanh, point.weight_variance + more, 0.05)
        distances += [(1 - correlation_fixed_point(tanh, q, point.weight_variance + more, 0.05)) / more]

    assert distances[1] == pytest.approx(distances[0], rel=1e-3)
    assert distances[2] == pytest.approx(distances[1], rel=1e-3)


@pytest.mark.parametrize("name", ["tanh", "erf", "sin", "htanh", "s_exp", "s_sin", "s_saw"])
def test_chaotic_odd_networks_without_biases_forget(name: str):
    """R(0) = 0, so c* = 0, and chi(c*) is sigma_w^2 (E phi')^2."""
    found = depth_scales(instance(name), 3.0, 0.0)
    mean_slope = sqrt(slope_covariance(instance(name), found.fixed_point, 0.0))

    assert found.chi > 1
    assert found.correlation == 0
    assert found.xi_c == pytest.approx(-1 / log(3.0 * mean_slope**2), rel=1e-10)


@pytest.mark.parametrize("name", ["tanh", "erf", "sin", "elu", "selu", "htanh", "s_exp", "s_sin", "s_saw"])
@pytest.mark.parametrize("bias_variance", [0.0, 1e-4, 0.05, 1.0])
def test_at_the_edge_of_chaos_correlations_have_no_depth_scale(name: str, bias_variance: float):
    """chi_1 = 1, c* = 1, xi_c infinite; xi_q is finite with biases."""
    point = edge_of_chaos(instance(name), bias_variance)

    found = depth_scales(instance(name), point.weight_variance, bias_variance)

    assert found.chi == pytest.approx(1, abs=1e-11)
    assert (found.correlation, found.xi_c) == (1.0, inf)
    if bias_variance:
        assert found.xi_q == pytest.approx(-1 / log(abs(point.stability)), rel=1e-6)


def test_where_the_variance_dies_out_correlations_have_no_depth_scale():
    """Without biases below criticality q* = 0; the cosine of rectified inputs then creeps to 1 as at criticality."""
    for name in ("relu", "tanh", "gelu", "htanh"):
        found = depth_scales(instance(name), 0.8, 0.0)

        assert (found.fixed_point, found.correlation, found.xi_c) == (0.0, 1.0, inf)
        assert found.xi_q == pytest.approx(-1 / log(found.chi), rel=1e-6)


def test_depth_scales_of_the_rectifier():
    """At sigma_w^2 = 1.5 both rates are 0.75; where there is no q*, nothing is known."""
    found = depth_scales(instance("relu"), 1.5, 0.1)

    assert (found.fixed_point, found.chi, found.correlation) == pytest.approx((0.4, 0.75, 1.0))
    assert (found.xi_c, found.xi_q) == pytest.approx((-1 / log(0.75), -1 / log(0.75)))
    for weight_variance in (2.0, 2.5):
        unknown = depth_scales(instance("relu"), weight_variance, 0.1)
        assert all(isnan(value) for value in vars(unknown).values())
    assert all(isnan(value) for value in vars(depth_scales(ACTIVATIONS["gelu"](), 3.0, 1.0)).values())
    assert isnan(correlation_fixed_point(instance("tanh"), nan, 1.0, 0.0))


@pytest.mark.parametrize(
    ("activation", "weight_variance"),
    [(instance("tanh"), 1.4), (instance("tanh"), 4.0), (Htanh(linear_region=1.0), 2.0), (SExp(linear_region=2.0), 0.8)],
    ids=str,
)
def test_depth_scales_are_those_of_iterated_maps(activation: Activation, weight_variance: float):
    """The distances from c* and from q* shrink by exp(-1 / xi) a layer, at last."""
    scales = depth_scales(activation, weight_variance, 0.2)

    q, c = scales.fixed_point * (1 + 1e-5), scales.correlation - 1e-5
    next_q = variance_map(activation, q, weight_variance, 0.2)
    next_c = correlation_map(activation, c, scales.fixed_point, weight_variance, 0.2)

    shrunk = abs((next_q - scales.fixed_point) / (q - scales.fixed_point))
    assert shrunk == pytest.approx(exp(-1 / scales.xi_q), rel=1e-3)
    assert (next_c - scales.correlation) / (c - scales.correlation) == pytest.approx(exp(-1 / scales.xi_c), rel=1e-2)


class DeadZone(Activation):
    """max(|z| - 1/2, 0), which is flat around 0."""

    name: Literal["dead_zone"] = "dead_zone"
    kind = "piecewise_linear"

    @property
    def kinks(self) -> tuple[float, ...]:
        return (-0.5, 0.5)

    def phi(self, z: Array) -> Array:
        return np.maximum(np.abs(z) - 0.5, 0)

    def dphi(self, z: Array) -> Array:
        return np.where(np.abs(z) > 0.5, np.sign(z), 0.0)


def test_an_activation_that_is_flat_around_0_has_no_correlation_where_its_variance_vanishes():
    """The variance dies out within a few layers, and correlations are unknown from there on."""
    by_layer = correlation_by_layer(DeadZone(), ((0.5, 0.0),) * 12 + ((1.0, 0.0),), 0.2, 0.6)
    scales = depth_scales(DeadZone(), 0.5, 0.0)

    assert isfinite(by_layer[1])
    assert isnan(by_layer[-1])
    assert scales.fixed_point == 0
    assert isnan(scales.correlation)
    assert isnan(scales.xi_c)


class Cubic(Activation):
    """z^3, whose variance grows beyond what floating-point numbers hold; a plug-in's is taken to oscillate."""

    name: Literal["cubic"] = "cubic"
    kind = "smooth"
    oscillating = True

    def phi(self, z: Array) -> Array:
        return z**3

    def dphi(self, z: Array) -> Array:
        return 3 * z * z


def test_a_variance_that_explodes_ends_theory_without_a_warning_or_an_error():
    """Values are unknown from some layer on, and take no longer for it."""
    variances = ((2.0, 0.1),) * 30 + ((1.0, 0.0),)

    correlations = correlation_by_layer(Cubic(), variances, 1.0, 0.6)
    moments = finite_jacobian_by_layer(Cubic(), variances, 1.0, (8,) * 30, orthogonal=False)

    assert isfinite(correlations[1])
    assert isnan(correlations[-1])
    assert isfinite(moments[0][1])
    assert isnan(moments[-1][1])
