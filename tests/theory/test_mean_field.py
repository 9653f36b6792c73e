"""The variance map and its edge of chaos, against closed forms and known values."""

from itertools import pairwise
from math import asin, exp, isnan, nan, pi, sqrt

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erfcx, ndtr

from suite.catalog.activations import ACTIVATIONS, Activation, Htanh, SExp, SSaw, SSin
from suite.theory.mean_field import (
    NoCriticalPointError,
    chi,
    edge_of_chaos,
    fixed_point,
    is_stable,
    output_variance,
    second_moment,
    slope_moment,
    variance_map,
    variance_map_slope,
)
from tests.catalog.instances import EVERY, instance

HOMOGENEOUS = [*(entry for entry in EVERY if entry.homogeneous), ACTIVATIONS["leaky_relu"](slope=-0.5)]
CRITICAL = [
    *(entry for entry in EVERY if not entry.homogeneous and entry.name != "softplus"),
    ACTIVATIONS["elu"](alpha=0.3),
    *(entry(linear_region=a) for entry in (Htanh, SExp, SSin, SSaw) for a in (0.2, 5.0)),
]
"""Those with an edge of chaos at a fixed point of their own."""

BIAS_VARIANCES = [1e-6, 0.01, 0.05, 1.0, 20.0]

slow = pytest.mark.slow
over_critical = pytest.mark.parametrize("activation", CRITICAL, ids=lambda activation: activation.label)
over_biases = pytest.mark.parametrize("bias_variance", BIAS_VARIANCES)


def activation(name: str) -> Activation:
    return instance(name)


@pytest.mark.parametrize(("name", "weight_variance"), [("relu", 2.0), ("abs", 1.0), ("identity", 1.0)])
@over_biases
def test_homogeneous_activations_are_critical_at_one_variance(name: str, weight_variance: float, bias_variance: float):
    """1 / E phi'^2 whatever sigma_b, without a fixed point of its own."""
    point = edge_of_chaos(activation(name), bias_variance)

    assert point.weight_variance == weight_variance
    assert isnan(point.fixed_point)
    assert point.stability == 1


def test_leaky_relu_is_critical_between_the_identity_and_the_rectifier():
    """2 / (1 + slope^2)."""
    point = edge_of_chaos(ACTIVATIONS["leaky_relu"](slope=0.5), 0.0)

    assert point.weight_variance == pytest.approx(2 / 1.25, rel=1e-15)


def test_tanh_is_critical_at_its_known_values():
    """At sigma_b^2 = 0.05: sigma_w^2 = 1.760955, q* = 0.570048."""
    point = edge_of_chaos(activation("tanh"), 0.05)

    assert point.weight_variance == pytest.approx(1.760955, abs=5e-7)
    assert point.fixed_point == pytest.approx(0.570048, abs=5e-7)


@over_biases
def test_the_sine_is_critical_where_its_closed_form_says(bias_variance: float):
    """E sin^2 / E cos^2 = tanh q, so q* solves tanh q + sigma_b^2 = q, and sigma_w^2 = q* + 1 - sigma_b^2."""
    point = edge_of_chaos(activation("sin"), bias_variance)

    assert np.tanh(point.fixed_point) + bias_variance == pytest.approx(point.fixed_point, rel=1e-12)
    assert point.weight_variance == pytest.approx(point.fixed_point + 1 - bias_variance, rel=1e-9)


@over_biases
def test_the_error_function_is_critical_where_its_closed_form_says(bias_variance: float):
    """With E erf^2 = (2 / pi) asin(2 q / (1 + 2 q)) and E erf'^2 = 4 / (pi sqrt(1 + 4 q))."""
    point = edge_of_chaos(activation("erf"), bias_variance)

    q = point.fixed_point
    assert point.weight_variance == pytest.approx(pi / 4 * sqrt(1 + 4 * q), rel=1e-10)
    fixed = point.weight_variance * 2 / pi * asin(2 * q / (1 + 2 * q)) + bias_variance
    assert fixed == pytest.approx(q, rel=1e-9)


@over_critical
@over_biases
def test_at_the_edge_of_chaos_chi_is_1_and_the_variance_is_fixed(activation: Activation, bias_variance: float):
    """chi_1 = sigma_w^2 E phi'(sqrt(q*) Z)^2 = 1 and V(q*) = q*, both at 1e-8."""
    point = edge_of_chaos(activation, bias_variance)

    chi = point.weight_variance * slope_moment(activation, point.fixed_point)
    assert chi == pytest.approx(1, rel=1e-8)
    fixed = variance_map(activation, point.fixed_point, point.weight_variance, bias_variance)
    assert fixed == pytest.approx(point.fixed_point, rel=1e-8)


@over_critical
@pytest.mark.parametrize(
    "bias_variance", [0.05, *(pytest.param(value, marks=slow) for value in (1e-6, 0.01, 1.0, 20.0))]
)
def test_no_smaller_variance_is_critical(activation: Activation, bias_variance: float):
    """V(q) > q on a dense scan below q*, with the sigma_w^2 that makes chi_1 = 1 at each q."""
    root = edge_of_chaos(activation, bias_variance).fixed_point

    scan = np.concatenate([np.geomspace(1e-9, root, 400)[:-1], np.linspace(0, root, 202)[1:-1]])
    excess = [
        second_moment(activation, float(q)) / slope_moment(activation, float(q)) + bias_variance - q for q in scan
    ]

    assert min(excess) > 0


@pytest.mark.parametrize(
    "name", ["tanh", "erf", "sin", "gelu", "silu", "elu", "selu", "htanh", "s_exp", "s_sin", "s_saw"]
)
def test_without_biases_activations_through_the_origin_are_critical_at_0(name: str):
    """sigma_w^2 = 1 / phi'(0)^2, or of the mean over both sides of a kink, and V'(0) = 1."""
    point = edge_of_chaos(activation(name), 0.0)

    sides = activation(name).dphi(np.array([-1e-9, 1e-9]))
    assert point.fixed_point == 0
    assert point.weight_variance == pytest.approx(1 / np.mean(sides**2), rel=1e-8)
    assert point.stability == pytest.approx(1, abs=1e-5)


def test_without_biases_the_sigmoid_is_critical_away_from_0():
    """It does not pass through the origin, so that 0 is no fixed point."""
    point = edge_of_chaos(activation("sigmoid"), 0.0)

    assert point.fixed_point > 1
    assert point.weight_variance * slope_moment(activation("sigmoid"), point.fixed_point) == pytest.approx(1, rel=1e-8)


@pytest.mark.parametrize("bias_variance", [0.0, 1e-4, 0.01, 1.0, 25.0])
def test_softplus_has_no_edge_of_chaos(bias_variance: float):
    """E phi^2 / E phi'^2 stays above q for every q."""
    with pytest.raises(NoCriticalPointError, match=r"no fixed point of the variance map up to .* is critical"):
        edge_of_chaos(activation("softplus"), bias_variance)


@pytest.mark.parametrize("bias_std", [0.1, 1.0])
@pytest.mark.parametrize("alpha", [0.3, 0.1, 0.02])
def test_a_leaning_line_is_critical_far_out(alpha: float, bias_std: float):
    """Elu's moments are closed forms, e^(2q) ndtr(-2 sqrt(q)) among them; of its roots one is beyond 10^7."""

    def excess(q: float) -> float:
        square, line = erfcx(sqrt(2 * q)) / 2, erfcx(sqrt(q / 2)) / 2
        return float(alpha**2 * (square - 2 * line + 0.5) + bias_std**2 / 2 + (bias_std**2 - q) * alpha**2 * square)

    root = brentq(excess, bias_std**2 / 2, 1e9, rtol=1e-12)

    assert edge_of_chaos(ACTIVATIONS["elu"](alpha=alpha), bias_std**2).fixed_point == pytest.approx(root, rel=1e-5)


@pytest.mark.parametrize(("alpha", "bias_variance"), [(1e-6, 1e-6), (1e-3, 1e6), (0.01, 1e6)])
def test_a_root_that_rounding_hides_is_none(alpha: float, bias_variance: float):
    """Rather than some other: theirs are beyond 10^12 sigma_b^2."""
    with pytest.raises(NoCriticalPointError):
        edge_of_chaos(ACTIVATIONS["elu"](alpha=alpha), bias_variance)


@pytest.mark.parametrize("name", ["tanh", "gelu", "elu"])
def test_large_biases_have_an_edge_of_chaos_too(name: str):
    """At sigma_b = 10 the roots are beyond 100, GELU's beyond 100,000."""
    point = edge_of_chaos(activation(name), 100.0)

    assert point.fixed_point > 100
    fixed = variance_map(activation(name), point.fixed_point, point.weight_variance, 100.0)
    assert fixed == pytest.approx(point.fixed_point, rel=1e-8)


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_gelu_and_silu_are_unstable_at_small_biases(name: str):
    """V'(q*) > 1 at sigma_b = 0.1."""
    assert edge_of_chaos(activation(name), 0.01).stability > 1.05


@pytest.mark.parametrize("name", ["gelu", "silu"])
@pytest.mark.parametrize("bias_std", [0.0, 1e-6, 1e-3, 0.1, 0.3])
def test_the_critical_points_of_gelu_and_silu_repel(name: str, bias_std: float):
    """V'(q*) > 1; without biases V'(0) = 1, and V(q) > q above."""
    assert not is_stable(activation(name), bias_std**2)


@pytest.mark.parametrize(("name", "bias_std"), [("gelu", 0.5), ("gelu", 1.0), ("silu", 1.0)])
def test_larger_biases_make_them_stable(name: str, bias_std: float):
    """V'(q*) is 0.986, 0.989 and 0.987."""
    assert is_stable(activation(name), bias_std**2)


@pytest.mark.parametrize("entry", [*CRITICAL, *HOMOGENEOUS], ids=lambda entry: entry.label)
@pytest.mark.parametrize("bias_std", [0.0, 1e-6, 1e-3, 0.1, 0.3, 0.5])
def test_the_other_critical_points_do_not_repel(entry: Activation, bias_std: float):
    """V is linear, or V(q) < q right above q*."""
    assert is_stable(entry, bias_std**2) or entry.name in ("gelu", "silu")


def test_an_activation_without_an_edge_of_chaos_is_not_stable():
    """There is no fixed point to be stable."""
    assert not is_stable(activation("softplus"), 0.01)


@pytest.mark.parametrize("name", ["tanh", "erf", "sin", "sigmoid", "elu", "selu"])
def test_the_other_critical_points_are_stable_at_small_biases(name: str):
    """V'(q*) < 1 at sigma_b = 0.1."""
    assert edge_of_chaos(activation(name), 0.01).stability < 0.95


@pytest.mark.parametrize("entry", [*CRITICAL, *HOMOGENEOUS, ACTIVATIONS["softplus"]()], ids=lambda entry: entry.label)
@pytest.mark.parametrize("q", [1e-3, 0.1, 1.0, 10.0, 900.0])
def test_the_slope_of_the_variance_map_is_its_derivative(entry: Activation, q: float):
    """Fourth-order central differences of V."""
    step = 1e-3 * q
    at = {k: variance_map(entry, q + k * step, 1.5, 0.1) for k in (-2, -1, 1, 2)}
    slope = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * step)

    assert variance_map_slope(entry, q, 1.5) == pytest.approx(slope, rel=1e-7, abs=1e-9 * at[1] / q)


@pytest.mark.parametrize("name", ["tanh", "gelu", "silu", "sigmoid", "softplus"])
def test_at_0_the_slope_of_the_variance_map_is_its_limit(name: str):
    """sigma_w^2 (phi'(0)^2 + phi(0) phi''(0)) for a smooth activation."""
    step = 1e-5
    entry = activation(name)
    (phi,), (slope,) = entry.phi(np.zeros(1)), entry.dphi(np.zeros(1))
    curvature = np.subtract.reduce(entry.dphi(np.array([step, -step]))) / (2 * step)

    assert variance_map_slope(entry, 0.0, 1.5) == pytest.approx(1.5 * (slope**2 + phi * curvature), rel=1e-6)


@pytest.mark.parametrize("entry", HOMOGENEOUS, ids=lambda entry: entry.label)
def test_homogeneous_moments_are_exact_at_every_variance(entry: Activation):
    """E phi^2 = q E phi'^2, down to 0 and up to where quadrature would overflow."""
    slope = slope_moment(entry, 1.0)

    for q in (0.0, 1e-300, 1.0, 1e300):
        assert second_moment(entry, q) == q * slope
        assert slope_moment(entry, q) == slope


@pytest.mark.parametrize(("name", "share"), [("relu", 0.5), ("abs", 1.0), ("identity", 1.0)])
def test_output_variance_of_homogeneous_networks_has_a_closed_form(name: str, share: float):
    """Each layer multiplies by sigma_w^2 E phi'^2 and adds sigma_b^2; the first sees the inputs."""
    layers = [(1.3, 0.2), (1.7, 0.1), (2.1, 0.4), (1.0, 0.0)]

    q = 1.3 * 0.6 + 0.2
    q = 1.7 * share * q + 0.1
    q = 2.1 * share * q + 0.4
    q = 1.0 * share * q

    assert output_variance(activation(name), layers, mean_square=0.6) == pytest.approx(q, rel=1e-15)


def test_output_variance_at_the_fixed_point_stays_there():
    """Twenty layers of tanh at q*, then the readout's E tanh^2."""
    tanh = activation("tanh")
    point = edge_of_chaos(tanh, 0.05)
    hidden = [(point.weight_variance, 0.05)] * 20
    mean_square = (point.fixed_point - 0.05) / point.weight_variance

    found = output_variance(tanh, [*hidden, (1.0, 0.0)], mean_square)

    assert found == pytest.approx(second_moment(tanh, point.fixed_point), rel=1e-9)


def test_output_variance_without_hidden_layers_is_that_of_an_affine_map():
    """sigma_w^2 |x|^2 / n_0 + sigma_b^2."""
    assert output_variance(activation("tanh"), [(1.5, 0.25)], mean_square=2.0) == 3.25


def test_output_variance_may_overflow_to_infinity():
    """A network that explodes is predicted to; nothing raises."""
    assert output_variance(activation("abs"), [(1e200, 0.0)] * 3, mean_square=1.0) == float("inf")


LINEAR_REGIONS = [(Htanh, 1e-3), (Htanh, 1e3), (SExp, 100.0), (SSin, 30.0), (SSaw, 1e-3), (SSaw, 2.0), (SSaw, 1e3)]


@pytest.mark.parametrize(("entry", "a"), LINEAR_REGIONS)
@pytest.mark.parametrize("ratio", [0.5, 1.0, 10.0, 100.0, 1e4])
def test_linear_regions_are_critical_whatever_their_width_against_the_biases(entry, a: float, ratio: float):
    """From a / sigma_b = 0.5 to 10,000 the root is found, is fixed, attracts, and is within a few a^2 + sigma_b^2."""
    activation, bias_variance = entry(linear_region=a), (a / ratio) ** 2

    point = edge_of_chaos(activation, bias_variance)

    assert chi(activation, point.fixed_point, point.weight_variance) == pytest.approx(1, rel=1e-12)
    fixed = variance_map(activation, point.fixed_point, point.weight_variance, bias_variance)
    assert fixed == pytest.approx(point.fixed_point, rel=1e-12)
    assert bias_variance < point.fixed_point < 4 * (1 + a) ** 2 + 4 * bias_variance
    assert abs(point.stability) < 1


@pytest.mark.parametrize("entry", [Htanh, SSaw], ids=lambda entry: entry.__name__)
def test_the_edge_of_chaos_scales_with_a_piecewise_linear_activation(entry):
    """A region and biases 1,000 times as wide: the same sigma_w^2, and q* a million times as large."""
    narrow, wide = edge_of_chaos(entry(linear_region=1.0), 0.04), edge_of_chaos(entry(linear_region=1e3), 4e4)

    assert wide.weight_variance == pytest.approx(narrow.weight_variance, rel=1e-12)
    assert wide.fixed_point == pytest.approx(1e6 * narrow.fixed_point, rel=1e-12)


def test_a_wider_linear_region_brings_criticality_closer_to_the_identity():
    """sigma_w^2 falls towards 1, and mu_2 / mu_1^2 - 1 towards 0, as a / sigma_b grows."""
    for entry in (Htanh, SExp, SSin, SSaw):
        points = [(entry(linear_region=a), edge_of_chaos(entry(linear_region=a), 1.0)) for a in (1.0, 3.0, 10.0, 30.0)]
        gains = [point.weight_variance - 1 for _, point in points]
        spreads = [
            slope_moment(entry, point.fixed_point, 2) / slope_moment(entry, point.fixed_point) ** 2 - 1
            for entry, point in points
        ]
        assert all(0 <= later < earlier for earlier, later in pairwise(gains))
        assert all(0 <= later < earlier for earlier, later in pairwise(spreads))


@pytest.mark.parametrize("q", [1e-4, 0.3, 5.0, 1e4])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_slope_moments_of_the_hard_tanh_are_a_probability(q: float, k: int):
    """P(|Z| < a / sqrt(q)) for every k."""
    found = slope_moment(Htanh(linear_region=0.7), q, k)

    assert found == pytest.approx(1 - 2 * ndtr(-0.7 / sqrt(q)), rel=1e-12)


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: entry.name)
@pytest.mark.parametrize("q", [0.01, 1.0, 30.0])
def test_the_second_slope_moment_agrees_with_an_independent_quadrature(entry: Activation, q: float):
    """E phi'^4 by adaptive quadrature between the kinks."""

    def integrand(x: float) -> float:
        return float(entry.dphi(np.array([x]))[0]) ** 4 * exp(-x * x / (2 * q)) / sqrt(2 * pi * q)

    edges = sorted({-9 * sqrt(q), *entry.kinks, 0.0, 9 * sqrt(q)})
    expected = sum(quad(integrand, *ends, epsabs=1e-13, epsrel=1e-12, limit=200)[0] for ends in pairwise(edges))
    assert slope_moment(entry, q, 2) == pytest.approx(expected, rel=1e-9)


def test_slope_moments_of_homogeneous_activations_are_means_of_two_slopes():
    """(1 + slope^2k) / 2."""
    for k in (1, 2, 3):
        assert slope_moment(ACTIVATIONS["leaky_relu"](slope=-0.5), 3.0, k) == pytest.approx((1 + 0.25**k) / 2)


@pytest.mark.parametrize("weight_variance", [0.5, 1.5, 2.5, 6.0])
@pytest.mark.parametrize("bias_variance", [pytest.param(1e-6, marks=slow), 0.05, pytest.param(1.0, marks=slow)])
@pytest.mark.parametrize("entry", [entry for entry in EVERY if not entry.homogeneous], ids=lambda entry: entry.name)
def test_depth_leads_to_the_fixed_point(entry: Activation, weight_variance: float, bias_variance: float):
    """A thousand layers from a tiny variance end there, and V meets the diagonal nowhere below it."""
    found = fixed_point(entry, weight_variance, bias_variance)
    q = 1e-12
    for _ in range(1000):
        if q > 1e9:
            break
        q = variance_map(entry, q, weight_variance, bias_variance)

    if isnan(found):
        assert q > 1e9
        return
    assert variance_map(entry, found, weight_variance, bias_variance) == pytest.approx(found, rel=1e-12)
    assert variance_map_slope(entry, found, weight_variance) < 1
    if abs(variance_map_slope(entry, found, weight_variance)) < 0.97:
        assert q == pytest.approx(found, rel=1e-9)
    scan = np.geomspace(1e-9, found, 200)[:-1]
    assert all(variance_map(entry, float(at), weight_variance, bias_variance) > at for at in scan)


def test_the_fixed_point_of_the_sine_solves_its_closed_form():
    """q = sigma_w^2 (1 - exp(-2 q)) / 2 + sigma_b^2."""
    q = fixed_point(activation("sin"), 2.3, 0.07)

    assert 2.3 * -np.expm1(-2 * q) / 2 + 0.07 == pytest.approx(q, rel=1e-13)


@pytest.mark.parametrize("name", ["tanh", "erf", "sin", "sigmoid", "elu", "htanh", "s_exp", "s_sin", "s_saw"])
def test_the_critical_fixed_point_is_the_fixed_point(name: str):
    """At the edge of chaos with sigma_b^2 = 0.05, where it attracts."""
    point = edge_of_chaos(activation(name), 0.05)

    assert fixed_point(activation(name), point.weight_variance, 0.05) == pytest.approx(point.fixed_point, rel=1e-10)


@pytest.mark.parametrize(
    ("weight_variance", "bias_variance", "q"),
    [(1.5, 0.1, 0.4), (1.5, 0.0, 0.0), (2.0, 0.1, nan), (2.0, 0.0, nan), (2.5, 0.1, nan)],
)
def test_fixed_points_of_the_rectifier(weight_variance: float, bias_variance: float, q: float):
    """sigma_b^2 / (1 - sigma_w^2 / 2) below criticality, none from there on."""
    assert fixed_point(activation("relu"), weight_variance, bias_variance) == pytest.approx(q, nan_ok=True)


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.159, 0.306, 0.5, -0.306])
@over_biases
def test_critical_leaky_rectifiers_have_no_fixed_point_but_for_rounding(slope: float, bias_variance: float):
    """At slopes such as 0.306 and 0.159 chi_1 falls short of 1 by its last bit, which is no room for one."""
    leaky = ACTIVATIONS["leaky_relu"](slope=slope)

    assert isnan(fixed_point(leaky, edge_of_chaos(leaky, bias_variance).weight_variance, bias_variance))


@pytest.mark.parametrize(("weight_variance", "attracts"), [(0.5, True), (1.0, True), (1.001, False), (3.0, False)])
@pytest.mark.parametrize("name", ["tanh", "sin", "htanh", "s_saw"])
def test_without_biases_the_origin_is_the_fixed_point_while_it_attracts(
    name: str, weight_variance: float, attracts: bool
):
    """0 up to sigma_w^2 = 1, beyond it the positive fixed point."""
    q = fixed_point(activation(name), weight_variance, 0.0)

    assert (q == 0) == attracts
    assert variance_map(activation(name), q, weight_variance, 0.0) == pytest.approx(q, rel=1e-10)


def test_variances_that_explode_have_no_fixed_point():
    """GELU at sigma_w^2 = 3 and sigma_b = 1."""
    assert isnan(fixed_point(activation("gelu"), 3.0, 1.0))
