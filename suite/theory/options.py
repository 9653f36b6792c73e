"""The output's variance where hidden layers are normalized or residual."""

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
    """The variance that mean-field theory predicts for the output, over weights and inputs.

    A normalized layer's pre-activations have q = 1, whatever came before. Under residual connections, a hidden
    layer's mean and mean square are m_l = E[phi] + m_{l-1} and s_l = E[phi^2] + 2 E[phi] m_{l-1} + s_{l-1},
    since a wide layer's new activations do not depend on the old ones of the same units; the next layer then
    has q = sigma_w^2 s_l + sigma_b^2. All hidden layers count as equally wide. Normalization over a layer's
    units has this limit; over a batch, whose pre-activations need not be Gaussian from point to point, it is
    an approximation.

    Args:
        activation: of every hidden layer.
        variances: (sigma_w^2, sigma_b^2) of each layer, the readout last.
        mean_square: mean over the inputs of |x|^2 / n_0.
        normalization: none, batch or layer; gains are 1 and shifts 0.
        residual: whether hidden layers but the first add the one below.
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
    """E[phi(sqrt(q) Z)]."""
    if activation.homogeneous:
        return sqrt(q) * gaussian_mean(activation.phi, 1.0, activation.kinks, activation.pace)
    return gaussian_mean(activation.phi, sqrt(q), activation.kinks, activation.pace)
