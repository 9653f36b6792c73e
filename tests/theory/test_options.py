"""The predicted output variance under normalization and residual connections, against wide networks."""

from itertools import product

import pytest
import torch

from suite.catalog.activations import Abs, Identity, Relu, Softplus, Tanh
from suite.catalog.initializations import Variance
from suite.nets.ensemble import Ensemble
from suite.nets.initialization import draw_parameters
from suite.theory.mean_field import output_variance, second_moment
from suite.theory.options import output_variance_with
from suite.theory.scaling import layer_variances

LAYERS = [(1.3, 0.2), (1.7, 0.1), (2.1, 0.4), (1.0, 0.0)]


def test_plain_networks_have_the_variance_maps():
    """Neither option taken."""
    for activation in (Relu(), Tanh()):
        plain = output_variance(activation, LAYERS, 0.6)
        assert output_variance_with(activation, LAYERS, 0.6, "none", residual=False) == plain


@pytest.mark.parametrize("normalization", ["batch", "layer"])
@pytest.mark.parametrize("depth", [1, 5])
def test_normalization_forgets_all_but_the_readout(normalization, depth):
    """q = 1 before the last activation, whatever the layers and inputs before it were."""
    layers = [(7.0, 3.0)] * depth + [(1.5, 0.25)]

    found = output_variance_with(Tanh(), layers, 4.0, normalization, residual=False)

    assert found == pytest.approx(1.5 * second_moment(Tanh(), 1.0) + 0.25, rel=1e-12)


def test_residual_odd_activations_add_up():
    """Without means s_l = V + s_{l-1}: for the identity, q doubles with each layer but the first."""
    layers = [(1.0, 0.0)] * 4 + [(1.0, 0.0)]

    assert output_variance_with(Identity(), layers, 0.5, "none", residual=True) == pytest.approx(4.0, rel=1e-12)
    assert output_variance_with(Identity(), layers, 0.5, "layer", residual=True) == pytest.approx(4.0, rel=1e-12)


def test_residual_means_add_up_too():
    """Normalized |z|: means of m = sqrt(2 / pi) each, so s_3 = 3 + 2 m^2 (1 + 2)."""
    layers = [(1.0, 0.0)] * 4

    found = output_variance_with(Abs(), layers, 1.0, "layer", residual=True)

    assert found == pytest.approx(3 + 6 * 2 / torch.pi, rel=1e-12)


def test_an_explosion_is_predicted_as_such():
    """Infinite, and nothing raises."""
    assert output_variance_with(Abs(), [(1e200, 0.0)] * 4, 1.0, "none", residual=True) == float("inf")


@pytest.mark.parametrize("activation", [Relu(), Tanh(), Softplus()], ids=lambda activation: activation.label)
@pytest.mark.parametrize(
    ("normalization", "residual"),
    [option for option in product(["none", "batch", "layer"], [False, True]) if option != ("none", False)],
)
def test_the_prediction_is_that_of_wide_networks(activation, normalization, residual):
    """The mean over 300 draws of the output's mean square, at width 150 and depth 3, on Gaussian inputs of 150.

    So many inputs make the first layer's pre-activations Gaussian over points as well, as the law for batches
    takes them to be. Tolerance: 5 standard errors, false-alarm rate 6e-7 a case, and 3% for finite width.
    """
    widths, draws = (150, 150, 150, 150, 1), 300
    scheme = Variance(weight_variance=1.5, bias_variance=0.1)
    variances = layer_variances(scheme, activation, widths)
    rows = draw_parameters(
        scheme, widths, variances, 1, {"test": "options"}, 0, draws, normalized=normalization != "none"
    )
    ensemble = Ensemble(widths, activation, variances, rows, normalization, residual)
    points = torch.randn(150, 40, generator=torch.Generator().manual_seed(6))
    squares = ensemble(points).double().square().mean((1, 2))

    predicted = output_variance_with(activation, variances, points.square().mean().item(), normalization, residual)

    error = squares.std() / draws**0.5
    assert abs(squares.mean() - predicted) < 5 * error + 0.03 * predicted
    assert error < 0.1 * predicted
