"""Piecewise-linear networks on lines: their kinks, what these do to the slope, and how far units reach."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from suite.nets.activations import Kernel
from suite.nets.ensemble import Ensemble
from suite.nets.segments import (
    MEMORY,
    SAME_PLACE,
    Segments,
    activated,
    affine,
    nodes_of,
    on_kinks,
    right_ends,
    split,
    whole_lines,
)

_SAME_SLOPE = 1e-9
"""A slope that changes by less than this share of the line's steepest is no kink."""


class Kinks(NamedTuple):
    """The slope along lines.

    Attributes:
        variation: TV(f') along each line, summed over its kinks, mean over outputs.
        number: kinks of each line, of any output.
    """

    variation: Float[Tensor, "draws lines"]
    number: Float[Tensor, "draws lines"]


def kinks_on_lines(
    ensemble: Ensemble,
    activation_kinks: Sequence[float],
    starts: Float[Tensor, "lines inputs"],
    directions: Float[Tensor, "lines inputs"],
    length: float,
) -> Kinks:
    """Total variation of the slope, and number of kinks, of every network along every line.

    Args:
        ensemble: networks of a piecewise-linear activation, in float64.
        activation_kinks: where the activation's slope jumps.
        starts: one end of each line.
        directions: its unit vector.
        length: of all lines.

    Raises:
        ValueError: the networks are normalised or residual.
    """
    if not ensemble.plain:
        raise ValueError("kinks are followed through plain networks only")
    # What a line of one draw may take: values and slopes of every unit on as many segments as units can cut.
    cuts = max(1, len(activation_kinks)) * sum(ensemble.widths[1:-2])
    a_line = 48 * max(ensemble.widths[1:]) * (cuts + 1)
    lines = min(len(starts), max(1, MEMORY // a_line))
    draws = max(1, MEMORY // (a_line * lines))
    found = []
    for first in range(0, ensemble.draws, draws):
        some = ensemble[first : first + draws]
        parts = [
            _kinks(some, activation_kinks, starts[line : line + lines], directions[line : line + lines], length)
            for line in range(0, len(starts), lines)
        ]
        found.append([torch.cat(part, dim=1) for part in zip(*parts, strict=True)])
    return Kinks(*(torch.cat(part) for part in zip(*found, strict=True)))


def ranges_on_line(
    ensemble: Ensemble,
    activation_kinks: Sequence[float],
    start: Float[Tensor, "1 inputs"],
    direction: Float[Tensor, "1 inputs"],
    length: float,
) -> list[tuple[Float[Tensor, "draws _"], Float[Tensor, "draws _"]]]:
    """Smallest and largest pre-activation of every hidden unit along one line, layer by layer.

    Pre-activations are linear between breakpoints, so that their extremes lie at these or at the line's ends.

    Args:
        ensemble: networks of a piecewise-linear activation, in float64.
        activation_kinks: where the activation's slope jumps.
        start: one end of the line.
        direction: its unit vector.
        length: of the line.
    """
    if not ensemble.plain:
        raise ValueError("kinks are followed through plain networks only")
    cuts = len(activation_kinks) * sum(ensemble.widths[1:-2]) + 1
    draws = max(1, MEMORY // (24 * max(ensemble.widths[1:]) * cuts))
    found = []
    for first in range(0, ensemble.draws, draws):
        some = ensemble[first : first + draws]
        segments, ranges = whole_lines(some, start, direction), []
        for layer in some.layers[:-1]:
            segments = affine(segments, layer)
            last = segments.value[..., -1:] + segments.slope[..., -1:] * (length - segments.left[:, None, :, -1:])
            ends = torch.cat([segments.value, last], dim=-1).flatten(2)
            ranges.append(torch.stack([ends.amin(2), ends.amax(2)]))
            if len(ranges) < some.depth:
                cut = on_kinks(split(segments, activation_kinks, length), activation_kinks)
                segments = activated(cut, some.kernel, length)
        found.append(ranges)
    return [tuple(torch.cat(parts, dim=1)) for parts in zip(*found, strict=True)]


def _kinks(ensemble: Ensemble, at: Sequence[float], starts: Tensor, directions: Tensor, length: float) -> Kinks:
    kernel, segments = ensemble.kernel, whole_lines(ensemble, starts, directions)
    *hidden, readout = ensemble.layers
    for layer in hidden[:-1]:
        segments = activated(split(affine(segments, layer), at, length), kernel, length)
    last = affine(segments, hidden[-1])
    place, slope = _readout_slopes(last, at, kernel, readout.weight, length)
    return _count(place, slope, length)


def _readout_slopes(
    segments: Segments, at: Sequence[float], kernel: Kernel, readout: Tensor, length: float
) -> tuple[Float[Tensor, "draws lines nodes"], Float[Tensor, "draws outputs lines nodes"]]:
    """Nodes along each line, and the outputs' slope after each.

    The last hidden layer is not split: a crossing changes the slope by its own unit's share, so the slope
    after a node is that at the start of its segment plus the jumps since.
    """
    left, value, slope = segments
    nodes = nodes_of(segments, at, _slope_jumps(at, kernel, readout), length) if at else None
    first = right_ends(left, length)
    if nodes is not None:
        crossing = torch.where(
            nodes.opening == torch.arange(nodes.place.shape[-1], device=left.device), length, nodes.place
        )
        first = first.scatter_reduce(2, nodes.segment, crossing, "amin")
    _, dphi = _value_and_slope(value + slope * ((first - left) / 2)[:, None], kernel)
    at_start = torch.bmm(readout, (dphi * slope).flatten(2)).unflatten(2, left.shape[1:])
    if nodes is None:
        return left, at_start
    jumped = nodes.jump.cumsum(-1)
    shape = jumped.shape
    since = jumped - jumped.gather(3, nodes.opening[:, None].expand(shape))
    return nodes.place, at_start.gather(3, nodes.segment[:, None].expand(shape)) + since


def _slope_jumps(at: Sequence[float], kernel: Kernel, readout: Tensor) -> Float[Tensor, "kinks draws outputs units"]:
    """How much the readout's slope changes when a unit crosses a kink upwards, per unit of its slope."""
    reach = 1e-6 * min([1.0, *(above - below for below, above in pairwise(sorted(at)))])
    sides = torch.tensor([[kink - reach, kink + reach] for kink in at], dtype=readout.dtype, device=readout.device)
    _, dphi = _value_and_slope(sides, kernel)
    return (dphi[:, 1] - dphi[:, 0])[:, None, None, None] * readout


def _value_and_slope(z: Tensor, kernel: Kernel) -> tuple[Tensor, Tensor]:
    phi = kernel.apply_(z.clone())
    return phi, kernel.backward_(torch.ones_like(z), z, phi)


def _count(place: Tensor, slope: Tensor, length: float) -> Kinks:
    """Sums the changes of slope between segments that are longer than nothing."""
    real = right_ends(place, length) - place > SAME_PLACE * length
    index = torch.where(real, torch.arange(place.shape[-1], device=place.device), 0).cummax(-1).values
    merged = slope.gather(3, index[:, None].expand(slope.shape))
    change = merged.diff(dim=-1).abs() * real[:, None, :, 1:]
    steepest = (slope.abs() * real[:, None]).amax(dim=(1, 3))
    kinks = change.amax(1) > _SAME_SLOPE * steepest[..., None]
    return Kinks(change.sum(-1).mean(1), kinks.sum(-1).to(slope.dtype))
