"""Moments of outputs, without overflow or underflow of their squares, and of rows of values."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Moments(NamedTuple):
    """The size of each draw's outputs over points; with several outputs, the root of the mean square over outputs."""

    rms: Float[Tensor, " draws"]
    std: Float[Tensor, " draws"]


def output_moments(outputs: Float[Tensor, "draws outputs points"]) -> Moments:
    """Compute the root mean square and the standard deviation of the outputs of each draw.

    Outputs whose squares could overflow or underflow are scaled by a power of two first, which is exact. The standard
    deviation of equal outputs is exactly 0, since it is that of their differences from the first one.
    """
    _, exponent = torch.frexp(outputs.abs().amax((1, 2)))
    # The exponents of the largest and the smallest normal numbers are +-1024 in float64, +-128 in float32.
    limit = 400 if outputs.dtype == torch.float64 else 40
    exponent = exponent.masked_fill(exponent.abs() <= limit, 0).clamp(-1000, 1000).to(outputs.dtype)
    scaled, scale = outputs * torch.exp2(-exponent)[:, None, None], torch.exp2(exponent)
    rms = scaled.square().mean((1, 2)).sqrt() * scale
    centered = scaled - scaled[:, :, :1]  # exactly 0 if the outputs are constant
    centered.sub_(centered.mean(2, keepdim=True))
    # Tensor.var rounds one draw in another way than several.
    return Moments(rms, centered.square_().mean(2).mean(1).sqrt() * scale)


def row_moments(
    values: Float[Tensor, "*networks rows points"],
) -> tuple[Float[Tensor, "*networks rows 1"], Float[Tensor, "*networks rows 1"]]:
    """Return the mean and the standard deviation of each row over points; the latter is 1 for constant rows."""
    mean, deviation = values.mean(-1, keepdim=True), values.std(-1, correction=0, keepdim=True)
    constant = values.amax(-1, keepdim=True) == values.amin(-1, keepdim=True)  # rounding gives a deviation
    return mean, torch.where(constant, 1.0, deviation)
