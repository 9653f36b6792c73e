"""The variance of the output of networks with normalization or residual connections."""

from collections.abc import Sequence
from functools import lru_cache
from math import isfinite, sqrt

from suite.catalog.activations import Activation
from suite.theory.gaussian import gaussian_mean
from suite.theory.mean_field import output_variance, second_moment


def output_variance_with(
    activation: Activation,
    variances: Sequence[tuple[float, float]],
    mean_square: float,
    normalization: str,
    residual: bool,
) -> float:
    """Compute the variance that mean-field theory predicts for the output, over weights and inputs.

    A normalized layer's preactivations have q = 1 for all inputs to the layer. With residual connections, a hidden
    layer's mean and mean square are m_l = E[phi] + m_{l-1} and s_l = E[phi^2] + 2 E[phi] m_{l-1} + s_{l-1}, since a
    wide layer's new activations do not depend on the old ones of the same units; the next layer has q = sigma_w^2 s_l +
    sigma_b^2. All hidden layers are assumed to be equally wide. The result is the limit of normalization over a layer's
    units. For normalization over a batch it is an approximation, because the preactivations need not be Gaussian from
    point to point.

    Args:
        activation: The activation of every hidden layer.
        variances: (sigma_w^2, sigma_b^2) of each layer, the readout last.
        mean_square: The mean over the inputs of |x|^2 / n_0.
        normalization: none, batch or layer; gains are 1 and shifts 0.
        residual: Whether each hidden layer except the first adds the one below.
    """
    if normalization == "none" and not residual:
        return output_variance(activation, variances, mean_square)
    mean, square = 0.0, mean_square
    for layer, (weight_variance, bias_variance) in enumerate(variances[:-1]):
        q = 1.0 if normalization != "none" else weight_variance * square + bias_variance
        if not isfinite(q):
            return q
        added, below = _first_moment(activation, q), residual and layer > 0
        square = second_moment(activation, q) + (2 * added * mean + square if below else 0.0)
        mean = added + (mean if below else 0.0)
    weight_variance, bias_variance = variances[-1]
    return weight_variance * square + bias_variance


@lru_cache(maxsize=4096)
def _first_moment(activation: Activation, q: float) -> float:
    """Compute E[phi(sqrt(q) Z)]."""
    if activation.homogeneous:
        return sqrt(q) * gaussian_mean(activation.phi, 1.0, activation.kinks, activation.pace)
    return gaussian_mean(activation.phi, sqrt(q), activation.kinks, activation.pace)
