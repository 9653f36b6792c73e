"""Parameters of random networks, drawn on the CPU in float32 so that all devices use the same values."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from suite.catalog.initializations import Distribution, Initialization
from suite.nets.streams import block_size, draw_in_blocks
from suite.theory.scaling import LayerVariances


def draw_parameters(
    initialization: Initialization,
    widths: Sequence[int],
    variances: LayerVariances,
    seed: int,
    content: dict[str, Any],
    start: int,
    stop: int,
    normalized: bool = False,
) -> Float32[Tensor, "draws parameters"]:
    """Draw the parameters of the networks start .. stop - 1 of a member.

    A row contains the weights (by row) and the biases of each layer in turn. If hidden layers are normalized, their
    gains of 1 and shifts of 0 follow their biases. Draw i depends only on the seed, the member's content and i.

    Args:
        initialization: The scheme, which determines the distribution.
        widths: n_0 .. n_{L+1}.
        variances: (sigma_w^2, sigma_b^2) of each layer.
        seed: Seed of the study.
        content: Content of the member, in JSON types.
        start: First draw.
        stop: One past the last draw.
        normalized: Whether hidden layers are normalized.
    """
    shapes = list(pairwise(widths))
    scale = _scale(shapes, variances)

    def draw(generator: np.random.Generator, draws: int) -> Tensor:
        if initialization.distribution is Distribution.UNIFORM:
            raw = torch.from_numpy(generator.random((draws, len(scale)), dtype=np.float32))
            raw.sub_(0.5).mul_(sqrt(12))
        else:
            raw = torch.from_numpy(generator.standard_normal((draws, len(scale)), dtype=np.float32))
        if shaped := initialization.shaped:  # a plug-in's own function, even if its name was registered again since
            _shape_rows(raw, shapes[:-1], shaped)
        elif initialization.distribution is Distribution.ORTHOGONAL:
            _shape_rows(raw, shapes[:-1], lambda normal, layer, depth: _orthogonal(normal))
        elif initialization.distribution is Distribution.SPHERE:
            _put_on_spheres(raw, shapes[:-1])
        return raw.mul_(scale)

    drawn = draw_in_blocks(draw, seed, {"weights": content}, start, stop, block_size(len(scale)))
    return _with_normalization(drawn, widths) if normalized else drawn


def _scale(shapes: Sequence[tuple[int, int]], variances: LayerVariances) -> Float32[Tensor, " parameters"]:
    """Return the standard deviation of every parameter."""
    parts = []
    for (fan_in, fan_out), (weight_variance, bias_variance) in zip(shapes, variances, strict=True):
        parts += [torch.full((fan_in * fan_out,), sqrt(weight_variance / fan_in), dtype=torch.float32)]
        parts += [torch.full((fan_out,), sqrt(bias_variance), dtype=torch.float32)]
    return torch.cat(parts)


def _shape_rows(
    raw: Float32[Tensor, "draws parameters"],
    hidden: Sequence[tuple[int, int]],
    shaped: Callable[[Tensor, int, int], Tensor],
) -> None:
    """Apply `shaped` to the Gaussian weights of each hidden layer, (draws, out, in), in place.

    It is told the number of the layer, from 1, and the number of hidden layers.
    """
    for layer, (weights, _, sizes) in enumerate(_hidden_layers(raw, hidden), 1):
        weights.copy_(shaped(weights.unflatten(1, sizes), layer, len(hidden)).flatten(1))


def _put_on_spheres(raw: Float32[Tensor, "draws parameters"], hidden: Sequence[tuple[int, int]]) -> None:
    """Scale the Gaussian weights and bias of every hidden unit in place to norm sqrt(fan_in + 1)."""
    for weights, biases, (fan_out, fan_in) in _hidden_layers(raw, hidden):
        rows = weights.unflatten(1, (fan_out, fan_in))
        scale = sqrt(fan_in + 1) / (rows.square().sum(2) + biases.square()).sqrt()
        rows.mul_(scale[..., None])
        biases.mul_(scale)


def _hidden_layers(
    raw: Float32[Tensor, "draws parameters"], hidden: Sequence[tuple[int, int]]
) -> Iterator[tuple[Tensor, Tensor, tuple[int, int]]]:
    """Yield views of each hidden layer's weights and biases, flattened, and (fan_out, fan_in)."""
    place = 0
    for fan_in, fan_out in hidden:
        weights, biases = raw[:, place : place + (fan_in + 1) * fan_out].split([fan_in * fan_out, fan_out], dim=1)
        yield weights, biases, (fan_out, fan_in)
        place += (fan_in + 1) * fan_out


def _with_normalization(
    affine: Float32[Tensor, "draws weights_and_biases"], widths: Sequence[int]
) -> Float32[Tensor, "draws parameters"]:
    """Insert gains of 1 and shifts of 0 after the biases of each hidden layer."""
    *hidden, readout = affine.split([(fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths)], dim=1)
    parts = [
        torch.cat([layer, layer.new_ones(len(layer), width), layer.new_zeros(len(layer), width)], dim=1)
        for layer, width in zip(hidden, widths[1:-1], strict=True)
    ]
    return torch.cat([*parts, readout], dim=1)


def _orthogonal(normal: Float32[Tensor, "draws out in"]) -> Float32[Tensor, "draws out in"]:
    """Turn Gaussian matrices into uniform semi-orthogonal ones, scaled so that entries have variance 1."""
    wide = normal.shape[1] < normal.shape[2]
    tall = (normal.mT if wide else normal).double()
    q, r = torch.linalg.qr(tall)
    q = q * torch.sign(torch.diagonal(r, dim1=1, dim2=2))[:, None, :]  # makes the distribution uniform (Haar)
    scaled = (q * sqrt(max(normal.shape[1:]))).float()
    result: Tensor = scaled.mT if wide else scaled
    return result
