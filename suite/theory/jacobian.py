"""Moments of a wide network's Jacobian, layer by layer.

J_l takes the first hidden layer's activations to layer l's; m_k = tr((J J^T)^k) / n. As the width n grows, its
factors, a diagonal of slopes and a weight matrix each, become free of each other, so that means multiply and
relative variances add up (Pennington, Schoenholz & Ganguli 2017, arXiv:1711.04735; Murray, Abrol & Tanner 2021,
arXiv:2105.07741).
"""

from collections.abc import Sequence
from itertools import pairwise

from suite.catalog.activations import Activation
from suite.theory.mean_field import chi, slope_moment, variance_map


def jacobian_by_layer(
    activation: Activation, variances: Sequence[tuple[float, float]], mean_square: float, orthogonal: bool
) -> list[tuple[float, float]]:
    """The laws of m_1 and of m_2 / m_1^2 for hidden layers 2..L, all of which have the same width.

    With mu_k = E[phi'(sqrt(q_l) Z)^(2k)] at layer l's variance q_l, the mean grows by sigma_w^2 mu_1 a layer,
    and the ratio, from 1, by mu_2 / mu_1^2 - 1 - s, where s is -1 for Gaussian weights and 0 for orthogonal ones.

    Args:
        activation: of every hidden layer.
        variances: (sigma_w^2, sigma_b^2) of each layer, the readout last; one hidden layer or more.
        mean_square: |x|^2 / n_0.
        orthogonal: whether the weights are orthogonal matrices times sigma_w.

    Returns:
        (E m_1, E m_2 / (E m_1)^2) of J_2 .. J_L, without unit; none for one hidden layer.
    """
    (weight_variance, bias_variance), *later, _ = variances
    q = weight_variance * mean_square + bias_variance
    mean, ratio, moments = 1.0, 1.0, []
    for weight_variance, bias_variance in later:
        q = variance_map(activation, q, weight_variance, bias_variance)
        mean *= chi(activation, q, weight_variance)
        spread = slope_moment(activation, q, 2) / slope_moment(activation, q) ** 2 - 1
        ratio += spread if orthogonal else spread + 1
        moments.append((mean, ratio))
    return moments


def finite_jacobian_by_layer(
    activation: Activation,
    variances: Sequence[tuple[float, float]],
    mean_square: float,
    widths: Sequence[int],
    orthogonal: bool,
) -> list[tuple[float, float]]:
    """The same laws at finite width, for Gaussian or orthogonal weights: exact for homogeneous activations.

    A row w of W and the slope d of its unit add d^2 w^T A w to the trace, A = J J^T of the layer below. Over
    Gaussian or Haar-distributed rows the mean of (w^T A w)^2 is a multiple of (tr A)^2 + 2 tr(A^2), by Wick's
    rule on the plane or the sphere, and that of sum_ij (w_i^T A w_j)^2 follows likewise; with mu_k for the
    moments of d. Slopes of a homogeneous activation depend on the sign of w . h + b alone, which is independent
    of all even functions of w and b: for these nothing is left out. For others the variance q_l stands for
    that of each network, which fluctuates. As the width grows, the ratio is that of `jacobian_by_layer`.

    Args:
        activation: of every hidden layer.
        variances: (sigma_w^2, sigma_b^2) of each layer, the readout last; one hidden layer or more.
        mean_square: |x|^2 / n_0.
        widths: of the hidden layers; equal ones where the weights are orthogonal.
        orthogonal: whether the weights are orthogonal matrices times sigma_w.

    Returns:
        (E m_1, E m_2 / (E m_1)^2) of J_2 .. J_L, without unit; none for one hidden layer.
    """
    (weight_variance, bias_variance), *later, _ = variances
    q = weight_variance * mean_square + bias_variance
    # E m_2 and E m_1^2 are carried relative to (E m_1)^2, which may overflow long before their ratios do.
    mean, second, squared, moments = 1.0, 1.0, 1.0, []
    # Without biases, a first layer that is wholly off leaves nothing above it: slopes are not signs of chance then.
    silent = activation.homogeneous and activation.flat_sides and later and later[0][1] == 0
    heard = 1 - 2.0 ** -widths[0] if silent else 1.0
    for (below, units), (weight_variance, bias_variance) in zip(pairwise(widths), later, strict=True):
        q = variance_map(activation, q, weight_variance, bias_variance)
        spread = slope_moment(activation, q, 2) / slope_moment(activation, q) ** 2
        if orthogonal:
            alone = (units * squared + 2 * second) / (units + 2)
            second, squared = second + (spread - 1) * alone, squared + (spread - 1) * alone / units
        else:
            alone = spread * (squared + 2 * second / below)
            second, squared = (units - 1) / below * second + alone, (units - 1) / units * squared + alone / units
        mean *= chi(activation, q, weight_variance)
        moments.append((mean * heard, second / heard))
    return moments
