"""Normalization of pre-activations, over the points of a batch or the units of a layer, and its way back."""

from jaxtyping import Float
from torch import Tensor

EPSILON = 1e-5
"""Added to the variance, so that what does not vary at all is divided by something."""

AXES = {"batch": 2, "layer": 1}
"""By kind: the axis of (draws, units, points) that mean and variance are taken over."""


def standardize_(
    z: Float[Tensor, "draws units points"], axis: int, reference: int | None = None
) -> Float[Tensor, "draws #units #points"]:
    """Brings z to mean 0 and variance 1 along an axis, in place: (z - mean) / sqrt(var + EPSILON).

    Args:
        z: weighted inputs and biases.
        axis: one of `AXES`.
        reference: how many of the first points the statistics of a batch are taken over; by default all.

    Returns:
        1 / sqrt(var + EPSILON), with the biased variance.

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167; over a layer Ba, Kiros & Hinton 2016, arXiv:1607.06450.
    """
    seen = z[:, :, :reference] if axis == AXES["batch"] else z
    z.sub_(seen.mean(axis, keepdim=True))
    variance = seen.square().mean(axis, keepdim=True)  # of `seen` as it is now: it lies in z
    scale = variance.add_(EPSILON).rsqrt_()
    z.mul_(scale)
    return scale


def standardize_backward_(
    delta: Float[Tensor, "draws units points"],
    standard: Float[Tensor, "draws units points"],
    scale: Float[Tensor, "draws #units #points"],
    axis: int,
) -> Float[Tensor, "draws units points"]:
    """From the gradient by `standardize_`'s result to that by z, in place of the first.

    Mean and variance depend on z too: what a step along the constant or along z itself would gain is lost.

    Args:
        delta: gradient by the standardized z.
        standard: the standardized z; the statistics were taken over all of it.
        scale: as `standardize_` returned it.
        axis: as it was given.
    """
    along = (delta * standard).mean(axis, keepdim=True)
    delta.sub_(delta.mean(axis, keepdim=True))
    return delta.sub_(standard * along).mul_(scale)
