"""Dead neurons, which stay on a flat side of their activation, and whether a gradient can revive them."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from suite.catalog.domain import Ball, Region
from suite.nets.breakpoints import ranges_on_line
from suite.nets.data_points import DataPoints
from suite.nets.enclosure import are_within, units_within
from suite.nets.ensemble import Ensemble
from suite.nets.sample import Sample
from suite.nets.traced_ensemble import TracedEnsemble

Dead = list[Bool[Tensor, "draws _"]]
"""For each hidden layer, whether each of its neurons is dead. Layers may have different widths."""


def dead_on_domain(ensemble: Ensemble, sample: Sample) -> Dead:
    """Find the neurons whose pre-activation stays on a flat side of the activation over the whole domain.

    Exact in the first layer, whose pre-activations are affine: their largest value on a box with center c and
    half-widths r is b + w.c + sum |w_i| r_i, on a ball b + radius |w|_2. With one input, later layers are exact for
    piecewise-linear activations, by the breakpoints; for others they are decided by enclosing ranges (`units_within`),
    and by points where these leave it open. With more inputs they are decided over the sample's points, which counts
    too many. On a sample of data, all layers are decided at the points.

    Args:
        ensemble: Networks without normalization or residual connections. They are evaluated in float64.
        sample: Sample of the domain.
    """
    if isinstance(ensemble, TracedEnsemble):
        wide = ensemble.to(torch.float64)
        return _dead_on_points(wide, sample.to(torch.float64, "cpu").points())
    sides = ensemble.activation.flat_sides
    if not sides:
        return _none_dead(ensemble)
    ensemble = ensemble.to(torch.float64, ensemble.parameters.device)
    sample = sample.to(torch.float64, ensemble.parameters.device)
    if isinstance(sample, DataPoints):
        return _dead_on_points(ensemble, sample.points())
    if sample.inputs == 1:
        (lines,) = sample.lines
        line = (lines.starts, lines.directions, lines.length)
        if ensemble.activation.kind != "piecewise_linear":
            return units_within(ensemble, sides, *line)
        ranges = ranges_on_line(ensemble, ensemble.activation.kinks, *line)
        return [are_within(low, high, sides) for low, high in ranges]
    _, *later = _dead_on_points(ensemble, sample.points())
    return [are_within(*_range_of_first(ensemble, sample), sides), *later]


def _range_of_first(ensemble: Ensemble, sample: Sample) -> tuple[Float[Tensor, "draws _"], Float[Tensor, "draws _"]]:
    """Return the smallest and the largest pre-activation of each neuron of the first layer over the domain."""
    weight, bias = ensemble.layers[0].weight, ensemble.layers[0].bias[..., 0]
    assert isinstance(sample.domain, Region)
    low, high = (weight.new_tensor(ends) for ends in sample.domain.bounds(sample.inputs))
    if isinstance(sample.domain, Ball):
        swing = sample.domain.radius * weight.norm(dim=2)
    else:
        swing = weight.abs() @ ((high - low) / 2)
    middle = bias + weight @ ((high + low) / 2)
    return middle - swing, middle + swing


def dead_on_points(ensemble: Ensemble, points: Float[Tensor, "*draws inputs points"]) -> Dead:
    """Find the neurons whose pre-activation stays on a flat side of the activation at all points.

    Args:
        ensemble: Networks without normalization or residual connections.
        points: Points at which the networks are evaluated, separate for each draw or shared by all.
    """
    return _dead_on_points(ensemble, points) if ensemble.activation.flat_sides else _none_dead(ensemble)


def find_tentative(dead: Dead) -> list[Bool[Tensor, " draws"]]:
    """Return whether the dead neurons of each layer are tentatively dead: a gradient can revive them.

    The gradient with respect to a dead neuron's own weights is 0. The neuron can become active only if a layer below
    it changes. This requires a live path from the loss to a layer below: active neurons in the layer just below and
    in all later layers. Dead neurons are therefore permanently dead in the first layer, in a layer whose neurons are
    all dead, in the layers below such a layer, and in the layer just above it.

    Source: Shin & Karniadakis 2019, arXiv:1907.09696.
    """
    alive = torch.stack([~layer.all(1) for layer in dead])
    reached = alive.flip(0).cummin(0).values.flip(0)
    return [torch.zeros_like(alive[0]), *reached[:-1]]


def _none_dead(ensemble: Ensemble) -> Dead:
    return [torch.zeros_like(layer.bias[..., 0], dtype=torch.bool) for layer in ensemble.layers[:-1]]


def _dead_on_points(ensemble: Ensemble, points: Tensor) -> Dead:
    low = [points.new_full((ensemble.draws, width), torch.inf) for width in ensemble.widths[1:-1]]
    high = [torch.full_like(each, -torch.inf) for each in low]
    for chunk in ensemble.chunks(points.shape[-1]):
        for index, z in enumerate(ensemble.preactivations(points[..., chunk])):
            low[index] = torch.minimum(low[index], z.amin(2))
            high[index] = torch.maximum(high[index], z.amax(2))
    sides = [ensemble.activation.flat_sides] * ensemble.depth
    if isinstance(ensemble, TracedEnsemble):
        sides = [step.entry.flat_sides if step.entry else () for step in ensemble.activations]
    ranges = zip(low, high, sides, strict=True)
    return [
        are_within(least, most, flat) if flat else torch.zeros_like(least, dtype=torch.bool)
        for least, most, flat in ranges
    ]
