"""Exact kinks, slopes and ranges of pre-activations of piecewise-linear networks along lines.

On the CPU the compiled kernels compute them, if there are any, for the activations of the catalog. Their results are
those of the torch code here up to rounding.
"""

from collections.abc import Sequence
from ctypes import CDLL
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from suite.catalog.activations import Activation
from suite.native.build import library
from suite.native.lines import Lines, Networks, Pieces, find_kinks, find_ranges
from suite.nets.activations import Kernel, kernel
from suite.nets.ensemble import Ensemble, Layer

MEMORY = 6 * 2**20
"""Maximum number of values that the segments of the draws and lines processed together hold in torch."""

_POSITION_TOLERANCE = 1e-12
"""Breakpoints closer together than this fraction of the line count as one.

Units without bias all cross their kinks at the origin, up to rounding.
"""


class Segments(NamedTuple):
    """Segments of each line: their left ends, and each unit's value and slope there."""

    left: Float[Tensor, "draws lines segments"]
    value: Float[Tensor, "draws units lines segments"]
    slope: Float[Tensor, "draws units lines segments"]


class Nodes(NamedTuple):
    """The left ends of the segments and all crossings of a kink, sorted along each line.

    Attributes:
        place: Position along the line. Lines with fewer nodes are padded with the line's length.
        segment: Index of the segment that contains the node.
        opening: Index of the node that is this segment's left end.
        jump: Change of the outputs' slope at a crossing; 0 at left ends.
    """

    place: Float[Tensor, "draws lines nodes"]
    segment: Int64[Tensor, "draws lines nodes"]
    opening: Int64[Tensor, "draws lines nodes"]
    jump: Float[Tensor, "draws outputs lines nodes"]


def _whole_lines(ensemble: Ensemble, starts: Tensor, directions: Tensor) -> Segments:
    """Return each line as a single segment of the inputs."""
    return Segments(
        starts.new_zeros(ensemble.draws, len(starts), 1),
        starts.T[None, :, :, None].expand(ensemble.draws, -1, -1, 1),
        directions.T[None, :, :, None].expand(ensemble.draws, -1, -1, 1),
    )


def affine(segments: Segments, layer: Layer) -> Segments:
    """Return the segments after a layer's weights and biases."""
    lines = segments.value.shape[2:]
    value = torch.baddbmm(layer.bias, layer.weight, segments.value.flatten(2)).unflatten(2, lines)
    return Segments(segments.left, value, torch.bmm(layer.weight, segments.slope.flatten(2)).unflatten(2, lines))


def _right_ends(left: Tensor, length: float) -> Tensor:
    """Return the right end of each segment: the left end of the next one, or the end of the line."""
    return torch.cat([left[..., 1:], torch.full_like(left[..., :1], length)], dim=-1)


def nodes_of(
    segments: Segments, at: Sequence[float], jumps: Float[Tensor, "kinks draws outputs units"], length: float
) -> Nodes:
    """Find the positions where units cross the kinks of the activation.

    Crossings at an end of a segment do not count. Slopes change there anyway, and such a crossing is due to rounding,
    from a unit that only touches its kink.

    Args:
        segments: Pre-activations of a layer.
        at: The kinks of the activation.
        jumps: Change of the outputs' slope when a unit crosses a kink upward, per unit of the unit's slope.
        length: Length of all lines.
    """
    left, value, slope = segments
    right = _right_ends(left, length)
    draws, _, lines, count = value.shape
    at_right = torch.addcmul(value, slope, (right - left)[:, None])
    crossed = torch.stack(
        [((value - kink).mul_(at_right - kink) < 0) if kink else (value * at_right < 0) for kink in at]
    )
    kink, draw, unit, line, segment = crossed.nonzero(as_tuple=True)
    distance = (left.new_tensor(at)[kink] - value[draw, unit, line, segment]) / slope[draw, unit, line, segment]
    segment_length, reach = (right - left)[draw, line, segment], _POSITION_TOLERANCE * length
    (inside,) = ((distance > reach) & (distance < segment_length - reach)).nonzero(as_tuple=True)
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
    node_count = max(1, int((place < length).sum(1).max()))
    order = order[:, :node_count]
    is_left = order < count
    opening = torch.where(is_left, torch.arange(node_count, device=row.device), 0).cummax(1).values
    jump = jump.gather(2, order.expand(len(jump), -1, -1))
    shape = (draws, lines, node_count)
    return Nodes(
        place[:, :node_count].reshape(shape),
        (is_left.cumsum(1) - 1).reshape(shape),
        opening.reshape(shape),
        jump.reshape(-1, *shape).transpose(0, 1),
    )


def split(segments: Segments, at: Sequence[float], length: float) -> Segments:
    """Return the same lines, split so that no unit crosses a kink inside a segment."""
    if not at:
        return segments
    units = segments.value.shape[1]
    nodes = nodes_of(segments, at, segments.left.new_zeros(len(at), len(segments.left), 0, units), length)
    offset = nodes.place - segments.left.gather(2, nodes.segment)
    where = nodes.segment[:, None].expand(-1, units, -1, -1)
    slope = segments.slope.gather(3, where)
    return Segments(nodes.place, segments.value.gather(3, where) + slope * offset[:, None], slope)


def _snap_to_kinks(segments: Segments, at: Sequence[float]) -> Segments:
    """Return the same lines, with values that differ from a kink by rounding only set to the kink.

    Units without bias all meet their kinks at the origin, and the layer above needs all of them to be 0 there.
    """
    value = segments.value
    reach = _POSITION_TOLERANCE * value.abs().amax((2, 3), keepdim=True)  # of each unit
    for kink in at:
        value = torch.where((value - kink).abs() <= reach, kink, value)
    return segments._replace(value=value)


def _apply_activation(segments: Segments, kernel: Kernel, length: float) -> Segments:
    """Return the segments after the activation, whose slope is evaluated at the middle of each segment."""
    left, value, slope = segments
    middle = torch.addcmul(value, slope, ((_right_ends(left, length) - left) / 2)[:, None])
    phi = kernel.apply_(middle.clone() if kernel.needs_z else middle)
    return Segments(left, kernel.apply_(value.clone()), kernel.backward_(slope.clone(), middle, phi))


_SLOPE_TOLERANCE = 1e-9
"""A change of slope up to this fraction of the line's steepest slope does not count as a kink."""


class Kinks(NamedTuple):
    """Total variation of the slope and number of kinks of each line.

    Attributes:
        variation: TV(f') along each line, averaged over outputs.
        number: Number of kinks of each line. A kink of any output counts once.
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
    """Return the total variation of the slope and the number of kinks of every network along every line.

    Args:
        ensemble: Networks with a piecewise-linear activation, in float64.
        activation_kinks: Arguments at which the activation's slope jumps.
        starts: One end of each line.
        directions: Unit vector along each line.
        length: Length of all lines.

    Raises:
        ValueError: If the networks are normalized or residual.
    """
    if not ensemble.plain:
        raise ValueError("kinks require networks without normalization or residual connections")
    if compiled := _arguments(ensemble, activation_kinks, starts, directions, length):
        return Kinks(*map(torch.from_numpy, find_kinks(*compiled)))
    # Bound the values and slopes on one line of one draw, whose segments the units of the lower layers cut.
    cuts = max(1, len(activation_kinks)) * sum(ensemble.widths[1:-2])
    values_per_line = 48 * max(ensemble.widths[1:]) * (cuts + 1)
    lines = min(len(starts), max(1, MEMORY // values_per_line))
    draws = max(1, MEMORY // (values_per_line * lines))
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
    """Return the smallest and the largest pre-activation of every hidden unit along one line.

    Pre-activations are linear between breakpoints, so their extremes lie at breakpoints or at the ends of the line.

    Args:
        ensemble: Networks with a piecewise-linear activation, in float64.
        activation_kinks: Arguments at which the activation's slope jumps.
        start: One end of the line.
        direction: Unit vector along the line.
        length: Length of the line.

    Returns:
        The minima and the maxima of each hidden layer, both of shape (draws, units).

    Raises:
        ValueError: If the networks are normalized or residual.
    """
    if not ensemble.plain:
        raise ValueError("kinks require networks without normalization or residual connections")
    if compiled := _arguments(ensemble, activation_kinks, start, direction, length):
        low, high = (torch.from_numpy(ends[:, 0]) for ends in find_ranges(*compiled))
        hidden = ensemble.widths[1:-1]
        return list(zip(low.split(hidden, dim=1), high.split(hidden, dim=1), strict=True))
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
                cut = _snap_to_kinks(split(segments, activation_kinks, length), activation_kinks)
                segments = _apply_activation(cut, some.kernel, length)
        found.append(ranges)
    return [tuple(torch.cat(parts, dim=1)) for parts in zip(*found, strict=True)]


def _arguments(
    ensemble: Ensemble, at: Sequence[float], starts: Tensor, directions: Tensor, length: float
) -> tuple[CDLL, Networks, Pieces, Lines] | None:
    """Return the arguments for the compiled kernels; None if the networks need torch."""
    parameters, kernels = ensemble.parameters, library()
    # The pieces of an activation from a plug-in are known up to the tolerances of its checks.
    known = ensemble.activation.kind == "piecewise_linear" and ensemble.activation.facts_are_exact
    if kernels is None or not known or parameters.device.type != "cpu" or parameters.dtype != torch.float64:
        return None
    return (
        kernels,
        Networks(ensemble.widths, parameters.detach().numpy()),
        _pieces(ensemble.activation, tuple(at)),
        Lines(starts.numpy(), directions.numpy(), length, _POSITION_TOLERANCE, _SLOPE_TOLERANCE),
    )


@lru_cache(maxsize=64)
def _pieces(activation: Activation, at: tuple[float, ...]) -> Pieces:
    """Return the pieces of a piecewise-linear activation, evaluated by its torch kernel."""
    first, last = (at[0], at[-1]) if at else (0.0, 0.0)
    ends = (first - max(1.0, abs(first)), *at, last + max(1.0, abs(last)))
    inside = [(low + high) / 2 for low, high in pairwise(ends)]
    anchors = torch.tensor([first, *at], dtype=torch.float64, device="cpu")  # a place in each piece, or at its end
    z, phi = anchors.new_tensor([*inside, *at]), kernel(activation)
    at_anchors, (h, steepness) = phi.apply_(anchors.clone()), _value_and_slope(z, phi)
    slopes = steepness[: len(inside)]
    infinite = phi.backward_(torch.full_like(z, torch.inf), z, h)
    _, at_nan = _value_and_slope(z.new_full((64,), torch.nan), phi)  # at the end of an array it may differ
    return Pieces(
        kinks=np.array(at),
        slopes=slopes.numpy(),
        offsets=torch.where(slopes == 0, at_anchors, at_anchors - slopes * anchors).numpy(),
        at_kinks=steepness[len(inside) :].numpy(),
        at_nan=at_nan[0].item(),
        selects=bool((infinite == 0).any()),
    )


def _kinks(ensemble: Ensemble, at: Sequence[float], starts: Tensor, directions: Tensor, length: float) -> Kinks:
    kernel, segments = ensemble.kernel, _whole_lines(ensemble, starts, directions)
    *hidden, readout = ensemble.layers
    for layer in hidden[:-1]:
        segments = _apply_activation(split(affine(segments, layer), at, length), kernel, length)
    last = affine(segments, hidden[-1])
    place, slope = _readout_slopes(last, at, kernel, readout.weight, length)
    return _count(place, slope, length)


def _readout_slopes(
    segments: Segments, at: Sequence[float], kernel: Kernel, readout: Tensor, length: float
) -> tuple[Float[Tensor, "draws lines nodes"], Float[Tensor, "draws outputs lines nodes"]]:
    """Return the position of the nodes along each line, and the outputs' slope after each node.

    The last hidden layer is not split. A crossing changes the slope only through its own unit, so the slope after a
    node is the slope at the start of its segment plus the jumps since then.
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
    """Return the change of the outputs' slope when a unit crosses a kink upward, per unit of its slope."""
    reach = 1e-6 * min([1.0, *(above - below for below, above in pairwise(sorted(at)))])
    sides = torch.tensor([[kink - reach, kink + reach] for kink in at], dtype=readout.dtype, device=readout.device)
    _, dphi = _value_and_slope(sides, kernel)
    return (dphi[:, 1] - dphi[:, 0])[:, None, None, None] * readout


def _value_and_slope(z: Tensor, kernel: Kernel) -> tuple[Tensor, Tensor]:
    phi = kernel.apply_(z.clone())
    return phi, kernel.backward_(torch.ones_like(z), z, phi)


def _count(place: Tensor, slope: Tensor, length: float) -> Kinks:
    """Sum the changes of slope and count the kinks, ignoring segments whose length is 0 up to rounding."""
    real = _right_ends(place, length) - place > _POSITION_TOLERANCE * length
    index = torch.where(real, torch.arange(place.shape[-1], device=place.device), 0).cummax(-1).values
    merged = slope.gather(3, index[:, None].expand(slope.shape))
    change = merged.diff(dim=-1).abs() * real[:, None, :, 1:]
    steepest = (slope.abs() * real[:, None]).amax(dim=(1, 3))
    kinks = change.amax(1) > _SLOPE_TOLERANCE * steepest[..., None]
    variation = change.sum(-1).mean(1)
    return Kinks(variation, kinks.sum(-1).to(slope.dtype).masked_fill(variation.isnan(), torch.nan))
