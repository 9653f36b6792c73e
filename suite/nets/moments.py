"""Root mean square and standard deviation of outputs, without overflow or underflow of their squares."""

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
    rms = _root_mean_square(scaled)
    scaled -= scaled[:, :, :1].clone()
    scaled -= scaled.mean(2, keepdim=True)
    return Moments(rms * scale, _root_mean_square(scaled) * scale)


def _root_mean_square(values: Float[Tensor, "draws outputs points"]) -> Float[Tensor, " draws"]:
    return values.square().mean((1, 2)).sqrt()
