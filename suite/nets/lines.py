"""Lines of equally spaced points, along which networks are differentiated."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.domain import STENCIL

COARSE = 8
"""Minimum number of intervals per line in a coarser sample, and its stride over random lines."""


@dataclass(frozen=True)
class Lines:
    """Lines of equal length with equally spaced points.

    Attributes:
        starts: One end of each line.
        directions: Unit vector along each line.
        points_a_line: Number of equally spaced points per line, including both ends.
        step: Distance h of neighboring points.
    """

    starts: Float[Tensor, "lines inputs"]
    directions: Float[Tensor, "lines inputs"]
    points_a_line: int
    step: float

    @property
    def length(self) -> float:
        """Length of each line."""
        return (self.points_a_line - 1) * self.step

    def __getitem__(self, lines: slice) -> "Lines":
        """Return some of the lines."""
        return replace(self, starts=self.starts[lines], directions=self.directions[lines])

    def points(self) -> Float[Tensor, "inputs points"]:
        """Return the points as columns, line after line."""
        starts = self.starts
        return self._along(torch.linspace(0, self.length, self.points_a_line, dtype=starts.dtype, device=starts.device))

    def stencil_centers(self) -> Float[Tensor, "inputs points"]:
        """Return the centers of all stencils of four neighboring points, line after line."""
        places = torch.arange(self.points_a_line - 3, dtype=self.starts.dtype, device=self.starts.device)
        return self._along((places + 1.5) * self.step)

    def third_differences(self, values: Float[Tensor, "*batch points"]) -> Float[Tensor, "*batch stencils"]:
        """Return the divided differences Delta_h^3 f / h^3 from the values at `points`, line after line."""
        return divided_differences(values.unflatten(-1, (-1, self.points_a_line)), self.step, -1).flatten(-2)

    def coarser(self) -> "Lines":
        """Return every eighth line, with some of the points from end to end."""
        stride = coarse_stride(self.points_a_line)
        places = (self.points_a_line - 1) // stride + 1
        return replace(self[::COARSE], points_a_line=places, step=self.step * stride)

    def to(self, dtype: torch.dtype, device: torch.device | str) -> "Lines":
        """Return the same lines in another precision or on another device."""
        starts, directions = (each.to(device=device, dtype=dtype) for each in (self.starts, self.directions))
        return replace(self, starts=starts, directions=directions)

    def _along(self, places: Float[Tensor, " places"]) -> Float[Tensor, "inputs points"]:
        lines = self.starts[:, :, None] + self.directions[:, :, None] * places
        return lines.transpose(0, 1).flatten(1)


def stencils_at(
    centers: Float[Tensor, "lines inputs"], directions: Float[Tensor, "lines inputs"], step: float
) -> Lines:
    """Return stencils of four points of spacing `step`, centered at points, along unit vectors."""
    return Lines(centers - 0.5 * STENCIL * step * directions, directions, STENCIL + 1, step)


def along_axes(axes: Tensor, inputs: int) -> Float[Tensor, "lines inputs"]:
    """Return the unit vectors of axes."""
    return torch.nn.functional.one_hot(axes, inputs).to(torch.float64)


def coarse_stride(places: int) -> int:
    """Return the largest stride that leaves at least 9 of equally spaced places, both ends included."""
    intervals = places - 1
    return max(each for each in range(1, max(1, intervals // COARSE) + 1) if intervals % each == 0)


def divided_differences(values: Tensor, step: float, dim: int) -> Tensor:
    """Return the third divided differences of values at a distance of `step`, along an axis."""
    return torch.diff(values, n=3, dim=dim).div_(step**3)
