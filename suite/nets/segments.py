"""Lines through piecewise-linear networks, cut so that every unit is linear in each piece.

On a line x + t u, t in [0, length], every unit is linear between breakpoints. Layer by layer, each segment is
split where a pre-activation crosses a kink of the activation. Values and slopes are both carried along, so
that no slope is ever a quotient of two small differences.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from suite.nets.activations import Kernel
from suite.nets.ensemble import Ensemble, Layer

MEMORY = 6 * 2**20
"""Numbers, at most, that the segments of some draws and lines take together."""

SAME_PLACE = 1e-12
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


def whole_lines(ensemble: Ensemble, starts: Tensor, directions: Tensor) -> Segments:
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


def right_ends(left: Tensor, length: float) -> Tensor:
    """Where each segment stops: at the next one's left end, or at the line's."""
    return torch.cat([left[..., 1:], torch.full_like(left[..., :1], length)], dim=-1)


def nodes_of(
    segments: Segments, at: Sequence[float], jumps: Float[Tensor, "kinks draws outputs units"], length: float
) -> Nodes:
    """Where units cross the kinks `at`; `jumps` is the change of the readout's slope per unit of a unit's slope.

    At a segment's ends slopes change as it is. A crossing there is rounding: of a unit that only touches its kink.
    """
    left, value, slope = segments
    right = right_ends(left, length)
    draws, _, lines, count = value.shape
    at_right = torch.addcmul(value, slope, (right - left)[:, None])
    crossed = torch.stack(
        [((value - kink).mul_(at_right - kink) < 0) if kink else (value * at_right < 0) for kink in at]
    )
    kink, draw, unit, line, segment = crossed.nonzero(as_tuple=True)
    into = (left.new_tensor(at)[kink] - value[draw, unit, line, segment]) / slope[draw, unit, line, segment]
    room, reach = (right - left)[draw, line, segment], SAME_PLACE * length
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


def on_kinks(segments: Segments, at: Sequence[float]) -> Segments:
    """The same lines, with values that rounding alone keeps from a kink put there.

    Units without biases meet their kinks at the origin, and a layer above must find them at 0 together.
    """
    value = segments.value
    reach = SAME_PLACE * value.abs().amax((1, 2, 3), keepdim=True)
    for kink in at:
        value = torch.where((value - kink).abs() <= reach, kink, value)
    return segments._replace(value=value)


def activated(segments: Segments, kernel: Kernel, length: float) -> Segments:
    """The segments after the activation, whose slope is read off at each segment's middle."""
    left, value, slope = segments
    middle = torch.addcmul(value, slope, ((right_ends(left, length) - left) / 2)[:, None])
    phi = kernel.apply_(middle.clone() if kernel.needs_z else middle)
    return Segments(left, kernel.apply_(value.clone()), kernel.backward_(slope.clone(), middle, phi))
