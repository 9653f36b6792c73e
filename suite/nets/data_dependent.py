"""Data-dependent initialization, which makes each first-layer neuron active at a training point.

Source: Shin & Karniadakis 2019, arXiv:1907.09696.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from suite.nets.streams import block_size, draw_in_blocks
from suite.theory.scaling import second_moment_at_data

_MAX_POINTS = 256
"""Maximum number of training points whose distances determine the scale of the readout."""


def activate_at_data(
    parameters: Float[Tensor, "draws parameters"],
    widths: Sequence[int],
    points: Float[Tensor, "draws inputs points"],
    noise_std: float,
    seed: int,
    content: dict[str, Any],
    start: int,
) -> None:
    """Set the first layer's biases and the scale of the readout of He networks, in place.

    b_i = -w_i . x_k(i) + |eps_i|, where k(i) is a training point drawn for neuron i and eps_i ~ N(0, s^2). The
    neuron's pre-activation at x_k(i) is then |eps_i|. These biases change the mean square of the first hidden layer.
    The readout's weights are scaled so that the variance of the output over weights and points is the same as under
    He initialization.

    Args:
        parameters: ReLU networks without normalization or residual connections, drawn with sigma_w^2 = 2 and
            zero biases.
        widths: n_0 .. n_{L+1}.
        points: Training points of each draw.
        noise_std: s.
        seed: Seed of the study.
        content: Content of the member, in JSON types.
        start: Number of the first draw.
    """
    inputs, neurons = widths[0], widths[1]

    def draw(generator: np.random.Generator, draws: int) -> Tensor:
        where = generator.random((draws, neurons))
        return torch.from_numpy(np.stack([where, generator.standard_normal((draws, neurons))], axis=1))

    purpose = {"anchors": content}
    drawn = draw_in_blocks(draw, seed, purpose, start, start + len(parameters), block_size(2 * neurons))
    chosen = (drawn[:, 0] * points.shape[2]).long()
    anchors = points.double().gather(2, chosen[:, None].expand(-1, inputs, -1))
    weight = parameters[:, : inputs * neurons].unflatten(1, (neurons, inputs))
    at_anchor = (weight.double() * anchors.mT).sum(2)
    bias = parameters[:, inputs * neurons : (inputs + 1) * neurons]
    bias.copy_(noise_std * drawn[:, 1].abs() - at_anchor)
    last, outputs = widths[-2], widths[-1]
    readout = parameters[:, -(last + 1) * outputs : -outputs]
    readout.mul_(_readout_scale(points[..., :_MAX_POINTS].double(), noise_std).to(readout)[:, None])


_scales: dict[bytes, Tensor] = {}
"""Scales of readouts by a hash of what they follow from. Members of all sizes share the points of a draw."""

_MAX_SCALES = 4096
"""Number of blocks of draws whose scales are stored."""


def _readout_scale(points: Float[Tensor, "draws inputs points"], noise_std: float) -> Float[Tensor, " draws"]:
    """Return the factor by which the readout's weights are scaled.

    It is sqrt(m_He / m_data), where m is the mean square of the first hidden layer under each initialization, and
    m_data is averaged over pairs of training points.
    """
    key = hashlib.sha256(points.contiguous().numpy().tobytes() + repr((points.shape, noise_std)).encode()).digest()
    scale = _scales.get(key)
    if scale is None:
        he = points.square().mean((1, 2)).numpy()
        distances = torch.cdist(points.mT, points.mT).numpy()
        at_data = second_moment_at_data(distances, points.shape[1], noise_std).mean(axis=(1, 2))
        if len(_scales) >= _MAX_SCALES:
            _scales.clear()
        scale = _scales[key] = torch.from_numpy(np.sqrt(he / at_data))
    return scale  # threads of a Dask worker may have cleared the others
