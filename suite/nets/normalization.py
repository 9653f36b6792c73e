"""Batch and layer normalization of pre-activations, and their backward pass."""

from jaxtyping import Float
from torch import Tensor

EPSILON = 1e-5
"""Constant added to the variance, so that constant pre-activations are not divided by 0."""

AXES = {"batch": 2, "layer": 1}
"""Axis of (draws, units, points) over which mean and variance are taken, by kind of normalization."""


def standardize_(
    z: Float[Tensor, "draws units points"], axis: int, reference: int | None = None
) -> Float[Tensor, "draws #units #points"]:
    """Standardize z in place to mean 0 and variance 1 along an axis: (z - mean) / sqrt(var + EPSILON).

    Args:
        z: Pre-activations W h + b, which are overwritten.
        axis: One of the values of `AXES`.
        reference: Number of points, counted from the first, over which batch statistics are taken; by default all.

    Returns:
        The scale 1 / sqrt(var + EPSILON), with the biased variance.

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167, for batches; Ba, Kiros & Hinton 2016, arXiv:1607.06450, for layers.
    """
    counted = z[:, :, :reference] if axis == AXES["batch"] else z
    z.sub_(counted.mean(axis, keepdim=True))
    variance = counted.square().mean(axis, keepdim=True)  # of the centered z, of which `counted` is a view
    scale = variance.add_(EPSILON).rsqrt_()
    z.mul_(scale)
    return scale


def standardize_backward_(
    delta: Float[Tensor, "draws units points"],
    standard: Float[Tensor, "draws units points"],
    scale: Float[Tensor, "draws #units #points"],
    axis: int,
) -> Float[Tensor, "draws units points"]:
    """Backpropagate a gradient through `standardize_`, in place.

    Mean and variance depend on z, so the components of the gradient along the constant vector and along the
    standardized z are removed.

    Args:
        delta: Gradient with respect to the standardized z, which is overwritten by that with respect to z.
        standard: The standardized z, whose statistics were taken over all points.
        scale: Return value of `standardize_`.
        axis: Axis that was passed to `standardize_`.
    """
    along = (delta * standard).mean(axis, keepdim=True)
    delta.sub_(delta.mean(axis, keepdim=True))
    return delta.sub_(standard * along).mul_(scale)
