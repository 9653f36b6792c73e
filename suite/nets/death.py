"""Dead neurons: units that stay on a flat side of their activation, and which of them a gradient can revive."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from suite.catalog.domain import Box
from suite.nets.breakpoints import ranges_on_line
from suite.nets.ensemble import Ensemble
from suite.nets.sample import Sample

Dead = list[Bool[Tensor, "draws _"]]
"""Which neurons of each hidden layer are dead, one a column; layers need not be equally wide."""


class Ranges(NamedTuple):
    """Smallest and largest pre-activations of a layer."""

    low: Float[Tensor, "draws units"]
    high: Float[Tensor, "draws units"]


def dead_on_domain(ensemble: Ensemble, sample: Sample) -> Dead:
    """Neurons whose pre-activation stays on a flat side all over the domain.

    Exact in the first layer, whose pre-activations are affine (their largest value on the box is
    b + half_width |w|_1, on the ball b + radius |w|_2), and with one input in all layers, by the exact
    breakpoints; elsewhere over the sample's points, which counts too many.

    Args:
        ensemble: plain networks in float64.
        sample: of the domain.
    """
    if not ensemble.activation.flat_sides:
        return _none_dead(ensemble)
    if sample.inputs == 1:
        at, line = ensemble.activation.kinks, (sample.starts, sample.directions, sample.length)
        return [_dead(ensemble, Ranges(*ranges)) for ranges in ranges_on_line(ensemble, at, *line)]
    _, *later = _dead_on_points(ensemble, sample.points())
    weight, bias = ensemble.layers[0].weight, ensemble.layers[0].bias[..., 0]
    if isinstance(sample.domain, Box):
        swing = sample.domain.extent * weight.abs().sum(2)
    else:
        swing = sample.domain.extent * weight.norm(dim=2)
    return [_dead(ensemble, Ranges(bias - swing, bias + swing)), *later]


def dead_on_points(ensemble: Ensemble, points: Float[Tensor, "*draws inputs points"]) -> Dead:
    """Neurons whose pre-activation stays on a flat side at all points, shared or of each draw.

    Args:
        ensemble: plain networks.
        points: where they are looked at.
    """
    return _dead_on_points(ensemble, points) if ensemble.activation.flat_sides else _none_dead(ensemble)


def tentative(dead: Dead) -> list[Bool[Tensor, " draws"]]:
    """Whether the dead neurons of each layer, if any, are so tentatively: a gradient can revive them.

    A dead neuron's own weights have no gradient. It can come back only if something below it changes, which
    takes a live path from the loss to a layer below: live neurons in the layer just below and in all layers
    from there on. So first-layer neurons are dead for good, and so are those of, below and just above a wholly
    dead layer.

    Source: Shin & Karniadakis 2019, arXiv:1907.09696.
    """
    alive = torch.stack([~layer.all(1) for layer in dead])
    reached = alive.flip(0).cummin(0).values.flip(0)
    return [torch.zeros_like(alive[0]), *reached[:-1]]


def _none_dead(ensemble: Ensemble) -> Dead:
    return [torch.zeros_like(layer.bias[..., 0], dtype=torch.bool) for layer in ensemble.layers[:-1]]


def _dead_on_points(ensemble: Ensemble, points: Tensor) -> Dead:
    hidden = ensemble.layers[:-1]
    low = [torch.full_like(layer.bias[..., 0], torch.inf) for layer in hidden]
    high = [torch.full_like(layer.bias[..., 0], -torch.inf) for layer in hidden]
    for chunk in ensemble.chunks(points.shape[-1]):
        for index, z in enumerate(ensemble.preactivations(points[..., chunk])):
            low[index] = torch.minimum(low[index], z.amin(2))
            high[index] = torch.maximum(high[index], z.amax(2))
    return [_dead(ensemble, Ranges(*ranges)) for ranges in zip(low, high, strict=True)]


def _dead(ensemble: Ensemble, ranges: Ranges) -> Bool[Tensor, "draws units"]:
    sides: Sequence[tuple[float, float]] = ensemble.activation.flat_sides
    flat = [(ranges.low >= low) & (ranges.high <= high) for low, high in sides]
    return torch.stack(flat).any(0)
