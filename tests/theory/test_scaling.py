"""The variances of each layer under each scheme."""

from itertools import pairwise

import pytest

from suite.catalog.activations import ACTIVATIONS, Activation
from suite.catalog.initializations import INITIALIZATIONS, Initialization
from suite.theory.mean_field import NoCriticalPointError, edge_of_chaos
from suite.theory.scaling import layer_variances
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
