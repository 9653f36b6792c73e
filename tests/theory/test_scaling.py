"""The variances of each layer under each scheme."""

from itertools import pairwise
from math import asin, exp, pi, sqrt

import numpy as np
import pytest
from scipy.integrate import quad

from suite.catalog.activations import ACTIVATIONS, Activation
from suite.catalog.initializations import INITIALIZATIONS, Auto, Critical, Initialization, VariancePreserving
from suite.theory.mean_field import NoCriticalPointError, edge_of_chaos
from suite.theory.scaling import layer_variances, resolve_scheme
from tests.catalog.instances import EVERY

WIDTHS = (2, 10, 20, 30, 5)
RELU, TANH = ACTIVATIONS["relu"](), ACTIVATIONS["tanh"]()


def scheme(name: str, **given: float) -> Initialization:
    return INITIALIZATIONS[name](**given)


@pytest.mark.parametrize(
    ("initialization", "weight_variance", "bias_variance"),
    [
        (scheme("he"), 2.0, 0.0),
        (scheme("he", bias_std=0.5), 2.0, 0.25),
        (scheme("lecun", bias_std=0.5), 1.0, 0.25),
        (scheme("variance", weight_variance=1.7), 1.7, 0.0),
        (scheme("variance", weight_variance=1.7, bias_variance=0.3), 1.7, 0.3),
        (scheme("critical", bias_std=0.5), 2.0, 0.25),
        (scheme("orthogonal", bias_std=0.5), 2.0, 0.25),
    ],
    ids=lambda value: getattr(value, "label", None),
)
def test_hidden_layers_are_alike_and_the_readout_has_gain_1_and_no_bias(
    initialization: Initialization, weight_variance: float, bias_variance: float
):
    """(sigma_w^2, sigma_b^2) in every hidden layer of a rectifier network, then (1, 0)."""
    *hidden, readout = layer_variances(initialization, RELU, WIDTHS)

    assert hidden == [(weight_variance, bias_variance)] * 3
    assert readout == (1.0, 0.0)


@pytest.mark.parametrize("name", ["critical", "orthogonal"])
@pytest.mark.parametrize("bias_std", [0.0, 0.1, 1.0])
def test_critical_variances_are_those_of_the_edge_of_chaos(name: str, bias_std: float):
    """They depend on the activation and on sigma_b."""
    (weight_variance, bias_variance), *_ = layer_variances(scheme(name, bias_std=bias_std), TANH, WIDTHS)

    assert weight_variance == edge_of_chaos(TANH, bias_std**2).weight_variance
    assert bias_variance == bias_std**2


def test_variance_preserving_weights_have_closed_forms():
    """E[phi(Z)^2] is 1/2 for ReLU, 1 for abs, (2 / pi) asin(2/3) for erf and (1 - e^-2) / 2 for sin."""
    moments = {"relu": 0.5, "abs": 1.0, "erf": 2 / pi * asin(2 / 3), "sin": (1 - exp(-2)) / 2}
    for name, moment in moments.items():
        for bias_std in (0.0, 0.6):
            variances = layer_variances(VariancePreserving(bias_std=bias_std), ACTIVATIONS[name](), WIDTHS)
            expected = ((1 - bias_std**2) / moment, bias_std**2)
            assert variances == (*[pytest.approx(expected, rel=1e-12)] * 3, (1.0, 0.0))


@pytest.mark.parametrize("activation", EVERY, ids=lambda entry: entry.name)
@pytest.mark.parametrize("bias_std", [0.0, 0.1, 0.999])
def test_variance_preserving_weights_make_1_a_fixed_point(activation: Activation, bias_std: float):
    """V(1) = 1, with E[phi(Z)^2] from adaptive quadrature."""
    (weight_variance, bias_variance), *_ = layer_variances(VariancePreserving(bias_std=bias_std), activation, WIDTHS)

    def weighted(z: float) -> float:
        return float(activation.phi(np.array(z)) ** 2 * exp(-z * z / 2) / sqrt(2 * pi))

    ends = sorted({-12.0, 0.0, 12.0, *activation.kinks})
    moment = sum(quad(weighted, *pair, epsabs=1e-13)[0] for pair in pairwise(ends))
    assert weight_variance * moment + bias_variance == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("activation", EVERY, ids=lambda entry: entry.name)
def test_variance_preserving_networks_keep_the_mean_square_of_preactivations(activation: Activation):
    """Width 1000, six hidden layers, 8 draws, an input of |x|^2 / n_0 = 1 / sigma_w^2.

    The mean square over a layer's units deviates from 1 by at most 0.25: a layer's standard error is below 0.05 without
    amplification, and GELU and SiLU amplify deviations by at most 1.18 per layer.
    """
    scheme, widths = VariancePreserving(), (1000, *[1000] * 6, 1)
    variances = layer_variances(scheme, activation, widths)
    generator = np.random.default_rng(5)
    signal = np.full((1000, 8), 1 / sqrt(variances[0][0]))
    for weight_variance, _ in variances[:-1]:
        weights = generator.standard_normal((1000, 1000)) * sqrt(weight_variance / 1000)
        preactivation = weights @ signal
        assert (preactivation**2).mean() == pytest.approx(1, abs=0.25)
        signal = activation.phi(preactivation)


@pytest.mark.parametrize("activation", EVERY, ids=lambda entry: entry.name)
def test_auto_is_critical_where_the_fixed_point_is_stable(activation: Activation):
    """And variance-preserving for GELU and SiLU, whose fixed point repels, and softplus, which has none."""
    other = VariancePreserving if activation.name in ("gelu", "silu", "softplus") else Critical

    assert resolve_scheme(Auto(), activation) == other(bias_std=0.2)
    assert layer_variances(Auto(), activation, WIDTHS) == layer_variances(other(bias_std=0.2), activation, WIDTHS)


def test_every_other_scheme_stands_for_itself():
    """Only `auto` depends on the activation in what it is."""
    assert resolve_scheme(scheme("he", bias_std=0.5), TANH) == scheme("he", bias_std=0.5)


def test_glorot_balances_each_layer_the_readout_too():
    """A weight's variance is 2 / (fan_in + fan_out), so sigma_w^2 = 2 fan_in / (fan_in + fan_out)."""
    *hidden, readout = layer_variances(scheme("glorot", bias_std=0.5), RELU, WIDTHS)

    assert hidden == [(2 * 2 / 12, 0.25), (2 * 10 / 30, 0.25), (2 * 20 / 50, 0.25)]
    assert readout == (2 * 30 / 35, 0.0)


def test_pytorch_treats_all_layers_alike():
    """U(-1, 1) / sqrt(fan_in) has variance 1 / (3 fan_in), for weights and for biases, the readout's too."""
    assert layer_variances(scheme("pytorch"), RELU, WIDTHS) == (
        (1 / 3, 1 / 6),
        (1 / 3, 1 / 30),
        (1 / 3, 1 / 60),
        (1 / 3, 1 / 90),
    )


@pytest.mark.parametrize("omega", [1.0, 30.0])
def test_siren_has_a_first_layer_hidden_layers_and_a_readout_of_their_own(omega: float):
    """Variances of uniform numbers: U(-omega / n, omega / n), U(-sqrt(6 / n), sqrt(6 / n)) and that over omega.

    Biases are omega U(-1, 1) / sqrt(n), and the readout's the same over omega. `WIDTHS` has fan-ins 2, 10, 20, 30.
    """
    found = layer_variances(scheme("siren", omega=omega), ACTIVATIONS["sin"](), WIDTHS)

    bounds = [
        (omega / 2, omega / sqrt(2)),
        (sqrt(6 / 10), omega / sqrt(10)),
        (sqrt(6 / 20), omega / sqrt(20)),
        (sqrt(6 / 30) / omega, 1 / sqrt(30)),
    ]
    for (weight_variance, bias_variance), (weight, bias), fan_in in zip(found, bounds, WIDTHS[:-1], strict=True):
        assert weight_variance == pytest.approx(fan_in * weight**2 / 3, rel=1e-12)
        assert bias_variance == pytest.approx(bias**2 / 3, rel=1e-12)


@pytest.mark.parametrize("name", INITIALIZATIONS)
@pytest.mark.parametrize("widths", [(3, 1), (1, 1, 1), (4, 9, 2), (2, *[7] * 30, 1)], ids=len)
def test_every_scheme_has_variances_for_every_layer(name: str, widths: tuple[int, ...]):
    """One pair a layer, weights above 0 and biases at or above 0; an affine network has a readout only."""
    initialization = scheme(name, **({"weight_variance": 1.5} if name == "variance" else {}))

    variances = layer_variances(initialization, TANH, widths)

    assert len(variances) == len(list(pairwise(widths)))
    assert all(weight > 0 and bias >= 0 for weight, bias in variances)


@pytest.mark.parametrize("name", ["critical", "orthogonal"])
def test_an_activation_without_an_edge_of_chaos_raises(name: str):
    """Softplus has none, under either scheme that seeks it."""
    with pytest.raises(NoCriticalPointError):
        layer_variances(scheme(name), ACTIVATIONS["softplus"](), WIDTHS)


@pytest.mark.parametrize("name", ["he", "glorot", "lecun", "pytorch"])
@pytest.mark.parametrize("activation", EVERY, ids=lambda entry: entry.name)
def test_the_other_schemes_do_not_look_at_the_activation(name: str, activation: Activation):
    """The same variances for all, softplus among them."""
    assert layer_variances(scheme(name), activation, WIDTHS) == layer_variances(scheme(name), RELU, WIDTHS)


def test_a_scheme_without_a_rule_is_an_error():
    """A scheme that is added to the catalog alone does not pass in silence."""
    with pytest.raises(TypeError, match="no rule for its variances"):
        layer_variances(Unruled(), RELU, WIDTHS)


class Unruled(Initialization):
    """A scheme of this test."""

    scheme: str = "unruled"
