"""Piecewise-linear networks on lines: their kinks, what these do to the slope, and how far units reach."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from suite.nets.activations import Kernel
from suite.nets.ensemble import Ensemble, Layer

MEMORY = 6 * 2**20
"""Numbers, at most, that the segments of some draws and lines take together."""

_SAME_PLACE = 1e-12
"""Breakpoints closer than this share of the line are one: units without bias cross together at the origin."""


class Segments(NamedTuple):
    """Segments of each line: left ends, and each unit's value there and slope from there."""

    left: Float[Tensor, "draws lines segments"]
    value: Float[Tensor, "draws units lines segments"]
    slope: Float[Tensor, "draws units lines segments"]


class Nodes(NamedTuple):
    """The segments' left ends with all crossings of a kink sorted in between; `length` as padding at the end.

    Attributes:
        place: along the line.
        segment: the segment that the node lies in.
        opening: the node that is this segment's left end.
        jump: by how much the readout's slope changes at a crossing; 0 at left ends.
    """

    place: Float[Tensor, "draws lines nodes"]
    segment: Int64[Tensor, "draws lines nodes"]
    opening: Int64[Tensor, "draws lines nodes"]
    jump: Float[Tensor, "draws outputs lines nodes"]


def _whole_lines(ensemble: Ensemble, starts: Tensor, directions: Tensor) -> Segments:
    """Each line as one segment of the inputs."""
    return Segments(
        starts.new_zeros(ensemble.draws, len(starts), 1),
        starts.T[None, :, :, None].expand(ensemble.draws, -1, -1, 1),
        directions.T[None, :, :, None].expand(ensemble.draws, -1, -1, 1),
    )


def affine(segments: Segments, layer: Layer) -> Segments:
    """The segments after a layer's weights and biases."""
    lines = segments.value.shape[2:]
    value = torch.baddbmm(layer.bias, layer.weight, segments.value.flatten(2)).unflatten(2, lines)
    return Segments(segments.left, value, torch.bmm(layer.weight, segments.slope.flatten(2)).unflatten(2, lines))


def _right_ends(left: Tensor, length: float) -> Tensor:
    """Where each segment stops: at the next one's left end, or at the line's."""
    return torch.cat([left[..., 1:], torch.full_like(left[..., :1], length)], dim=-1)


def nodes_of(
    segments: Segments, at: Sequence[float], jumps: Float[Tensor, "kinks draws outputs units"], length: float
) -> Nodes:
    """Where units cross the kinks `at`; `jumps` is the change of the readout's slope per unit of a unit's slope.

    At a segment's ends slopes change as it is. A crossing there is rounding: of a unit that only touches its kink.
    """
    left, value, slope = segments
    right = _right_ends(left, length)
    draws, _, lines, count = value.shape
    at_right = torch.addcmul(value, slope, (right - left)[:, None])
    crossed = torch.stack(
        [((value - kink).mul_(at_right - kink) < 0) if kink else (value * at_right < 0) for kink in at]
    )
    kink, draw, unit, line, segment = crossed.nonzero(as_tuple=True)
    into = (left.new_tensor(at)[kink] - value[draw, unit, line, segment]) / slope[draw, unit, line, segment]
    room, reach = (right - left)[draw, line, segment], _SAME_PLACE * length
    (inside,) = ((into > reach) & (into < room - reach)).nonzero(as_tuple=True)
    kink, draw, unit, line, segment = (index[inside] for index in (kink, draw, unit, line, segment))
    row, order = (draw * lines + line).sort(stable=True)
    kink, draw, unit, line, segment = (index[order] for index in (kink, draw, unit, line, segment))
    found = torch.bincount(row, minlength=draws * lines)
    position = count + torch.arange(len(row), device=row.device) - (found.cumsum(0) - found)[row]
    place = left.new_full((draws * lines, count + int(found.max())), length)
    place[:, :count] = left.flatten(0, 1)
    steepness = slope[draw, unit, line, segment]
    to_kink = (left.new_tensor(at)[kink] - value[draw, unit, line, segment]) / steepness
    first, last = left[draw, line, segment], right[draw, line, segment]
    place[row, position] = (first + to_kink).clamp(first, last)
    jump = left.new_zeros(jumps.shape[2], *place.shape)
    jump[:, row, position] = jumps[kink, draw, :, unit].T * steepness.abs()
    place, order = place.sort(dim=1, stable=True)
    kept = max(1, int((place < length).sum(1).max()))
    order = order[:, :kept]
    is_left = order < count
    opening = torch.where(is_left, torch.arange(kept, device=row.device), 0).cummax(1).values
    jump = jump.gather(2, order.expand(len(jump), -1, -1))
    shape = (draws, lines, kept)
    return Nodes(
        place[:, :kept].reshape(shape),
        (is_left.cumsum(1) - 1).reshape(shape),
        opening.reshape(shape),
        jump.reshape(-1, *shape).transpose(0, 1),
    )


def split(segments: Segments, at: Sequence[float], length: float) -> Segments:
    """The same lines, cut so that no unit crosses a kink inside a segment."""
    if not at:
        return segments
    units = segments.value.shape[1]
    nodes = nodes_of(segments, at, segments.left.new_zeros(len(at), len(segments.left), 0, units), length)
    offset = nodes.place - segments.left.gather(2, nodes.segment)
    where = nodes.segment[:, None].expand(-1, units, -1, -1)
    slope = segments.slope.gather(3, where)
    return Segments(nodes.place, segments.value.gather(3, where) + slope * offset[:, None], slope)


def _on_kinks(segments: Segments, at: Sequence[float]) -> Segments:
    """The same lines, with values that rounding alone keeps from a kink put there.

    Units without biases meet their kinks at the origin, and a layer above must find them at 0 together.
    """
    value = segments.value
    reach = _SAME_PLACE * value.abs().amax((1, 2, 3), keepdim=True)
    for kink in at:
        value = torch.where((value - kink).abs() <= reach, kink, value)
    return segments._replace(value=value)


def _activated(segments: Segments, kernel: Kernel, length: float) -> Segments:
    """The segments after the activation, whose slope is read off at each segment's middle."""
    left, value, slope = segments
    middle = torch.addcmul(value, slope, ((_right_ends(left, length) - left) / 2)[:, None])
    phi = kernel.apply_(middle.clone() if kernel.needs_z else middle)
    return Segments(left, kernel.apply_(value.clone()), kernel.backward_(slope.clone(), middle, phi))


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
        ValueError: the networks are normalized or residual.
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
        segments, ranges = _whole_lines(some, start, direction), []
        for layer in some.layers[:-1]:
            segments = affine(segments, layer)
            last = segments.value[..., -1:] + segments.slope[..., -1:] * (length - segments.left[:, None, :, -1:])
            ends = torch.cat([segments.value, last], dim=-1).flatten(2)
            ranges.append(torch.stack([ends.amin(2), ends.amax(2)]))
            if len(ranges) < some.depth:
                cut = _on_kinks(split(segments, activation_kinks, length), activation_kinks)
                segments = _activated(cut, some.kernel, length)
        found.append(ranges)
    return [tuple(torch.cat(parts, dim=1)) for parts in zip(*found, strict=True)]


def _kinks(ensemble: Ensemble, at: Sequence[float], starts: Tensor, directions: Tensor, length: float) -> Kinks:
    kernel, segments = ensemble.kernel, _whole_lines(ensemble, starts, directions)
    *hidden, readout = ensemble.layers
    for layer in hidden[:-1]:
        segments = _activated(split(affine(segments, layer), at, length), kernel, length)
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
    first = _right_ends(left, length)
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
    real = _right_ends(place, length) - place > _SAME_PLACE * length
    index = torch.where(real, torch.arange(place.shape[-1], device=place.device), 0).cummax(-1).values
    merged = slope.gather(3, index[:, None].expand(slope.shape))
    change = merged.diff(dim=-1).abs() * real[:, None, :, 1:]
    steepest = (slope.abs() * real[:, None]).amax(dim=(1, 3))
    kinks = change.amax(1) > _SAME_SLOPE * steepest[..., None]
    return Kinks(change.sum(-1).mean(1), kinks.sum(-1).to(slope.dtype))
