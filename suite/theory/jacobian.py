"""Moments of a wide network's Jacobian by layer.

J_l is the Jacobian of layer l's activations with respect to the first hidden layer's; m_k = tr((J J^T)^k) / n. Its
factors are a diagonal matrix of slopes and a weight matrix per layer. As the width n grows, they become freely
independent, so means multiply and relative variances add up (Pennington, Schoenholz & Ganguli 2017, arXiv:1711.04735;
Murray, Abrol & Tanner 2021, arXiv:2105.07741).
"""

from collections.abc import Sequence
from itertools import pairwise

from suite.catalog.activations import Activation
from suite.theory.mean_field import chi, slope_kurtosis, variance_map


def jacobian_by_layer(
    activation: Activation, variances: Sequence[tuple[float, float]], mean_square: float, orthogonal: bool
) -> list[tuple[float, float]]:
    """Compute the limits of m_1 and m_2 / m_1^2 for hidden layers 2..L, which have the same width.

    With mu_k = E[phi'(sqrt(q_l) Z)^(2k)] at layer l's variance q_l, each layer multiplies the mean by sigma_w^2 mu_1.
    The ratio starts at 1, and each layer adds mu_2 / mu_1^2 - 1 - s, where s is -1 for Gaussian weights and 0 for
    orthogonal ones.

    Args:
        activation: The activation of every hidden layer.
        variances: (sigma_w^2, sigma_b^2) of each layer, the readout last; one hidden layer or more.
        mean_square: |x|^2 / n_0.
        orthogonal: Whether the weights are orthogonal matrices times sigma_w.

    Returns:
        (E m_1, E m_2 / (E m_1)^2) of J_2 .. J_L, dimensionless, nan where the variance overflows; an empty list
        for one hidden layer.
    """
    (weight_variance, bias_variance), *later, _ = variances
    q = weight_variance * mean_square + bias_variance
    mean, ratio, moments = 1.0, 1.0, []
    for weight_variance, bias_variance in later:
        q = variance_map(activation, q, weight_variance, bias_variance)
        mean *= chi(activation, q, weight_variance)
        spread = slope_kurtosis(activation, q) - 1
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
    """Compute E m_1 and E m_2 / (E m_1)^2 at finite width, for Gaussian or orthogonal weights.

    The result is exact for homogeneous activations. A row w of W and the slope d of its unit add d^2 w^T A w to the
    trace, where A = J J^T of the layer below. Over Gaussian or Haar-distributed rows, the mean of (w^T A w)^2 is a
    multiple of (tr A)^2 + 2 tr(A^2), by Wick's rule on the plane or the sphere. The mean of sum_ij (w_i^T A w_j)^2
    follows from the same rule, with mu_k as the moments of d. The slopes of a homogeneous activation depend only on the
    sign of w . h + b, which is independent of all even functions of w and b, so nothing is neglected. For other
    activations, the variance q_l replaces that of each network, which fluctuates. As the width grows, the ratio
    converges to that of `jacobian_by_layer`.

    Args:
        activation: The activation of every hidden layer.
        variances: (sigma_w^2, sigma_b^2) of each layer, the readout last; one hidden layer or more.
        mean_square: |x|^2 / n_0.
        widths: The widths of the hidden layers; they must be equal if the weights are orthogonal.
        orthogonal: Whether the weights are orthogonal matrices times sigma_w.

    Returns:
        (E m_1, E m_2 / (E m_1)^2) of J_2 .. J_L, dimensionless, nan where the variance overflows; an empty list
        for one hidden layer.
    """
    (weight_variance, bias_variance), *later, _ = variances
    q = weight_variance * mean_square + bias_variance
    # E m_2 and E m_1^2 are computed relative to (E m_1)^2, which may overflow long before their ratios do.
    mean, second, squared, moments = 1.0, 1.0, 1.0, []
    # Without biases, an inactive first layer makes all layers above it inactive, so their slopes are not random.
    can_be_inactive = activation.homogeneous and activation.flat_sides and later and later[0][1] == 0
    active_probability = 1 - 2.0 ** -widths[0] if can_be_inactive else 1.0
    for (below, units), (weight_variance, bias_variance) in zip(pairwise(widths), later, strict=True):
        q = variance_map(activation, q, weight_variance, bias_variance)
        spread = slope_kurtosis(activation, q)
        if orthogonal:
            alone = (units * squared + 2 * second) / (units + 2)
            second, squared = second + (spread - 1) * alone, squared + (spread - 1) * alone / units
        else:
            alone = spread * (squared + 2 * second / below)
            second, squared = (units - 1) / below * second + alone, (units - 1) / units * squared + alone / units
        mean *= chi(activation, q, weight_variance)
        moments.append((mean * active_probability, second / active_probability))
    return moments
