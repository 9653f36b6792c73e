"""Bounds of hidden pre-activations along a line that also hold between sample points, by interval arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from suite.catalog.activations import Activation
from suite.nets.activations import Phi
from suite.nets.ensemble import Ensemble

PIECES = (32, 256, 2048)
"""Equal pieces of the line on which ranges are enclosed; the next number is used if units are left undecided."""

_MAX_VALUES = 2**21
"""Maximum number of values of one layer that are held at once."""

_FAR = 1e6
"""The largest |z| at which slopes are tabulated."""

_CELLS = 8192
"""The number of cells on each side of 0, for activations that bend no more quickly than the sine."""

_MAX_REFINEMENT = 16
"""The largest factor by which there are more cells for activations that bend more quickly."""

_RESOLVED = 0.05
"""The largest second difference of the slopes in a resolved cell, as a share of the largest slope."""


class Reach(NamedTuple):
    """How far the pre-activations of a layer's units reach along a line.

    Attributes:
        low: The smallest value found.
        high: The largest value found.
        bound_below: A lower bound of all values, but for rounding.
        bound_above: An upper bound of all values, but for rounding.
    """

    low: Float[Tensor, "draws units"]
    high: Float[Tensor, "draws units"]
    bound_below: Float[Tensor, "draws units"]
    bound_above: Float[Tensor, "draws units"]

    def is_within(self, sides: Sequence[tuple[float, float]]) -> Bool[Tensor, "draws units"]:
        """Return whether each unit is certain to stay within one of the intervals."""
        return are_within(self.bound_below, self.bound_above, sides)

    def may_be_within(self, sides: Sequence[tuple[float, float]]) -> Bool[Tensor, "draws units"]:
        """Return whether all values found of a unit lie within one of the intervals."""
        return are_within(self.low, self.high, sides)


def are_within(
    low: Float[Tensor, "draws units"], high: Float[Tensor, "draws units"], sides: Sequence[tuple[float, float]]
) -> Bool[Tensor, "draws units"]:
    """Return whether each unit's smallest and largest value lie within one of the intervals."""
    return torch.stack([(low >= first) & (high <= last) for first, last in sides]).any(0)


def units_within(
    ensemble: Ensemble,
    sides: Sequence[tuple[float, float]],
    start: Float[Tensor, "1 inputs"],
    direction: Float[Tensor, "1 inputs"],
    length: float,
) -> list[Bool[Tensor, "draws units"]]:
    """Return, for each hidden layer, which units' pre-activations stay within one of the intervals along a line.

    Ranges are enclosed on pieces of the line, by interval arithmetic on the values and on the slopes, with more pieces
    for networks of which units are undecided. A unit that 2,048 pieces leave undecided is judged by its values at the
    middles and ends of the pieces. That may count a unit whose pre-activation leaves the interval by less than the
    width of the bounds.

    Args:
        ensemble: MLPs without normalization or residual connections, in float64.
        sides: Closed intervals.
        start: One end of the line.
        direction: Its unit vector.
        length: Its length.

    Source: natural extension and mean-value form, Moore, Kearfott & Cloud 2009, Introduction to Interval Analysis.
    """
    found = [torch.zeros(ensemble.draws, width, dtype=torch.bool) for width in ensemble.widths[1:-1]]
    open_draws = torch.arange(ensemble.draws)
    for pieces in PIECES:
        reaches = _enclose_line(ensemble[open_draws], start, direction, length, pieces)
        undecided = torch.zeros(len(open_draws), dtype=torch.bool)
        for layer, reach in zip(found, reaches, strict=True):
            possible = reach.may_be_within(sides).cpu()
            layer[open_draws] = possible
            undecided |= (possible & ~reach.is_within(sides).cpu()).any(1)
        open_draws = open_draws[undecided]
        if not len(open_draws):
            break
    return [layer.to(ensemble.parameters.device) for layer in found]


def _enclose_line(ensemble: Ensemble, start: Tensor, direction: Tensor, length: float, pieces: int) -> list[Reach]:
    """Return the reach of each hidden layer, from enclosures on equal pieces of the line."""
    if ensemble.draws * max(ensemble.widths) * PIECES[0] > _MAX_VALUES and ensemble.draws > 1:
        half = ensemble.draws // 2
        parts = [_enclose_line(part, start, direction, length, pieces) for part in (ensemble[:half], ensemble[half:])]
        return [_concatenate_draws(*layers) for layers in zip(*parts, strict=True)]
    at_once = max(1, _MAX_VALUES // (ensemble.draws * max(ensemble.widths)))
    found: list[Reach] = []
    for first in range(0, pieces, at_once):
        some = torch.arange(first, min(first + at_once, pieces), dtype=start.dtype, device=start.device)
        reaches = enclose_layers(ensemble, start, direction, (some + 0.5) * (length / pieces), length / pieces / 2)
        found = [_merge_pieces(old, new) for old, new in zip(found, reaches, strict=True)] if found else reaches
    return found


def _concatenate_draws(first: Reach, second: Reach) -> Reach:
    """Join the reaches of two sets of networks."""
    return Reach(*(torch.cat(parts) for parts in zip(first, second, strict=True)))


def _merge_pieces(one: Reach, other: Reach) -> Reach:
    """Merge the reaches of the same networks on two parts of the line."""
    return Reach(
        torch.minimum(one.low, other.low),
        torch.maximum(one.high, other.high),
        torch.minimum(one.bound_below, other.bound_below),
        torch.maximum(one.bound_above, other.bound_above),
    )


@dataclass(frozen=True)
class _Interval:
    """Lower and upper bounds, elementwise."""

    low: Tensor
    high: Tensor

    def times(self, other: "_Interval") -> "_Interval":
        products = torch.stack(
            [self.low * other.low, self.low * other.high, self.high * other.low, self.high * other.high]
        )
        return _Interval(products.amin(0), products.amax(0))

    def through(self, weight: Tensor) -> "_Interval":
        center, radius = (self.high + self.low) / 2, (self.high - self.low) / 2
        middle, reach = torch.bmm(weight, center), torch.bmm(weight.abs(), radius)
        return _Interval(middle - reach, middle + reach)

    def around(self, center: Tensor, half_width: float) -> "_Interval":
        """Return the values within `half_width` of a point where the value is `center` if these are the slopes."""
        reach = torch.maximum(self.low.abs(), self.high.abs()) * half_width
        return _Interval(center - reach, center + reach)

    def without_nan(self) -> "_Interval":
        """Return the interval with infinite bounds where overflow has made them nan."""
        return _Interval(
            self.low.masked_fill(self.low.isnan(), -torch.inf), self.high.masked_fill(self.high.isnan(), torch.inf)
        )

    def intersect(self, other: "_Interval") -> "_Interval":
        """Return the intersection of two intervals that contain the same value."""
        return _Interval(torch.maximum(self.low, other.low), torch.minimum(self.high, other.high))


def enclose_layers(
    ensemble: Ensemble, start: Tensor, direction: Tensor, middles: Float[Tensor, " pieces"], half_width: float
) -> list[Reach]:
    """Return the reach of each hidden layer over pieces of a line of equal width.

    On each piece, a layer's preactivations are enclosed in two ways, whose intersection counts: by W times the range of
    the activations below, and by the value in the middle of the piece plus the range of the slope along the line times
    half the width. Both ranges then pass through the activation.
    """
    slopes, kernel = _slopes(ensemble.activation), ensemble.kernel
    ends = torch.stack([middles - half_width, middles + half_width], dim=1).flatten()
    found = []
    points = start.T + direction.T * torch.cat([middles, ends])
    reached = ensemble.preactivations(points)
    value: _Interval | None = None
    slope = _Interval(*[direction.T.expand(ensemble.draws, -1, len(middles))] * 2)
    for layer, values in zip(ensemble.layers[:-1], reached, strict=False):
        middle = values[..., : len(middles)].clone()
        slope = slope.through(layer.weight)
        enclosed = slope.around(middle, half_width)
        if value is not None:
            through = value.through(layer.weight)
            enclosed = enclosed.intersect(_Interval(through.low + layer.bias, through.high + layer.bias))
        enclosed = enclosed.without_nan()
        found.append(Reach(values.amin(2), values.amax(2), enclosed.low.amin(2), enclosed.high.amax(2)))
        local = slopes(enclosed)
        slope = local.times(slope)
        value = _apply_activation(kernel.phi, enclosed, local).intersect(slope.around(kernel.phi(middle), half_width))
    return found


def _apply_activation(phi: Phi, z: _Interval, slope: _Interval) -> _Interval:
    """Return the range of an activation over intervals in which its slopes are known."""
    low, high = phi(z.low), phi(z.high)
    center, radius = phi((z.low + z.high) / 2), (z.high - z.low) / 2
    reach = torch.maximum(slope.low.abs(), slope.high.abs()) * radius
    rising, falling = slope.low >= 0, slope.high <= 0
    return _Interval(
        torch.where(rising, low, torch.where(falling, high, center - reach)),
        torch.where(rising, high, torch.where(falling, low, center + reach)),
    )


class _Slopes:
    """The range of phi' over intervals, from a table of its range on cells of the number line.

    Cells have equal widths in asinh z: they are narrow around 0 and of equal ratio further out. In each, phi' is
    evaluated at five points, and its range is widened by their largest second difference. The slopes are unknown from
    where on this difference is large, as of an activation that oscillates within a cell. The largest values over any
    number of neighboring cells follow from those over 1, 2, 4, ... cells (a sparse table).
    """

    def __init__(self, activation: Activation) -> None:
        half = int(_CELLS * min(activation.pace, _MAX_REFINEMENT))
        self._scale = half / np.arcsinh(_FAR)
        edges = np.sinh(np.arange(-half, half + 1) / self._scale)
        inside = edges[:-1] + np.outer(np.array([1e-9, 0.25, 0.5, 0.75, 1 - 1e-9]), np.diff(edges))
        values = activation.dphi(inside)
        bend = np.abs(np.diff(values, 2, axis=0)).max(0)  # 0 where phi' is constant or linear
        low, high = values.min(0) - bend, values.max(0) + bend
        unresolved = bend > _RESOLVED * np.abs(values).max()
        for kink in activation.kinks:
            if kink == 0:  # an edge of the table
                continue
            first = int(np.floor(np.arcsinh(kink) * self._scale)) + half - 1
            cells = slice(first, first + 3)
            sides = activation.dphi(kink + 1e-9 * (1 + abs(kink)) * np.array([-1.0, 1.0]))
            low[cells], high[cells] = np.minimum(low[cells], sides.min()), np.maximum(high[cells], sides.max())
            unresolved[cells] = False
        below, above = np.flatnonzero(unresolved[:half]), np.flatnonzero(unresolved[half:])
        self._lowest = edges[below[-1] + 1] if len(below) else edges[0]
        self._highest = edges[half + above[0]] if len(above) else edges[-1]
        self._half = half
        self._table = torch.from_numpy(np.stack([_levels(-low), _levels(high)]))

    def __call__(self, z: _Interval) -> _Interval:
        table, last = self._table.to(z.low.device), 2 * self._half - 1
        first = (z.low.asinh() * self._scale).floor_().add_(self._half).nan_to_num_(0.0).clamp_(0, last).int()
        stop = (z.high.asinh() * self._scale).floor_().add_(self._half).nan_to_num_(0.0).clamp_(0, last).int()
        level = torch.frexp((stop - first + 1).float()).exponent - 1
        second = stop + 1 - torch.bitwise_left_shift(torch.ones_like(level), level)
        columns = table.shape[2]
        places = [level.long() * columns + place for place in (first, second)]
        unknown = ~((z.low >= self._lowest) & (z.high <= self._highest))
        below, above = (
            torch.maximum(*(each.flatten().take(place) for place in places)).masked_fill_(unknown, torch.inf)
            for each in table
        )
        return _Interval(-below, above)


def _levels(values: np.ndarray) -> Tensor:
    """Return the largest of 1, 2, 4, ... neighbors, one row each, each at its first."""
    rows = [values]
    width = 1
    while 2 * width <= len(values):
        before = rows[-1]
        shifted = np.concatenate([before[width:], np.full(width, -np.inf)])
        rows.append(np.maximum(before, shifted))
        width *= 2
    return torch.from_numpy(np.stack(rows))


@lru_cache(maxsize=8)
def _slopes(activation: Activation) -> _Slopes:
    return _Slopes(activation)
