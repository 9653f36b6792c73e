"""Random networks with points and labels, and the distance of two computations of the same values."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from suite.catalog.activations import Activation
from suite.catalog.initializations import VariancePreserving
from suite.native.build import TORCH, computing_with
from suite.nets.ensemble import Ensemble
from suite.nets.initialization import draw_parameters
from suite.nets.losses import LOSSES, LossAt
from suite.nets.normalization import AXES, standardize_
from suite.theory.scaling import layer_variances
from suite.training.tasks import Data, Points

Found = TypeVar("Found")


class Shape(NamedTuple):
    """What a random case is drawn for."""

    widths: tuple[int, ...]
    draws: int
    points: int
    normalization: str = "none"
    residual: bool = False
    loss: str = "binary_cross_entropy"
    seed: int = 0


def random_networks(activation: Activation, shape: Shape, dtype: torch.dtype = torch.float32) -> Ensemble:
    """Variance-preserving networks, whose numbers float32 can hold; gains are around 1 and shifts around 0."""
    scheme, normalized = VariancePreserving(bias_std=0.1), shape.normalization != "none"
    variances = layer_variances(scheme, activation, shape.widths)
    address = {"test": "kernels"}
    rows = draw_parameters(scheme, shape.widths, variances, shape.seed, address, 0, shape.draws, normalized=normalized)
    ensemble = Ensemble(shape.widths, activation, variances, rows, shape.normalization, shape.residual)
    if normalized:
        generator = torch.Generator().manual_seed(shape.seed)
        for layer in ensemble.layers[:-1]:
            assert layer.gain is not None
            assert layer.shift is not None
            layer.gain.copy_(1 + 0.2 * torch.randn(layer.gain.shape, generator=generator))
            layer.shift.copy_(0.2 * torch.randn(layer.shift.shape, generator=generator))
    return ensemble.to(dtype)


def random_data(shape: Shape, dtype: torch.dtype = torch.float32) -> LossAt:
    """Points in [-1, 1]^d and labels of each network."""
    generator = torch.Generator().manual_seed(shape.seed + 1)
    points = torch.rand(shape.draws, shape.widths[0], shape.points, generator=generator) * 2 - 1
    labels = torch.randn(shape.draws, shape.widths[-1], shape.points, generator=generator)
    if shape.loss == "binary_cross_entropy":
        labels = (labels > 0).float()
    if shape.loss == "cross_entropy":
        labels = torch.zeros_like(labels).scatter_(1, labels.argmax(1, keepdim=True), 1)
    return LossAt(LOSSES[shape.loss], points.to(dtype), labels.to(dtype))


def as_data(at: LossAt, seed: int = 0) -> Data:
    """Return the points as training, validation and test sets."""
    points = Points(at.points, at.labels)
    return Data(seed, at.loss, points, points, points)


def by_torch(compute: Callable[[], Found]) -> Found:
    """Return the result of a function that computes with torch instead of the kernels."""
    with computing_with(TORCH):
        return compute()


def distances(found: Tensor, exact: Tensor) -> Tensor:
    """Return the largest difference of each network, relative to the largest value of all."""
    difference = (found.double() - exact).view(len(exact), -1).abs().amax(1)
    return difference / exact.abs().amax().clamp(min=1e-300)


def copy_of(ensemble: Ensemble, dtype: torch.dtype) -> Ensemble:
    """Return the same networks with parameters of their own."""
    return replace(ensemble, parameters=ensemble.parameters.to(dtype, copy=True))


def are_near_kinks(ensemble: Ensemble, points: Tensor, within: float) -> Tensor:
    """Return which networks have an argument of the activation so near a kink that rounding may move it across.

    Args:
        ensemble: Networks.
        points: Points of each network.
        within: A distance, relative to the layer's largest argument.
    """
    near = torch.zeros(ensemble.draws, dtype=torch.bool)
    h = points
    for index, layer in enumerate(ensemble.layers[:-1]):
        z = torch.baddbmm(layer.bias, layer.weight, h)
        if layer.gain is not None and layer.shift is not None:
            standardize_(z, AXES[ensemble.normalization])
            z.mul_(layer.gain).add_(layer.shift)
        reach = within * z.abs().amax((1, 2), keepdim=True)
        for kink in ensemble.activation.kinks:
            near |= ((z - kink).abs() < reach).any(2).any(1)
        below, h = h, ensemble.kernel.phi(z)
        if ensemble.residual and index:
            shared = min(h.shape[1], below.shape[1])
            h[:, :shared] += below[:, :shared]
    return near
