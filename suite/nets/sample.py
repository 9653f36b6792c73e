"""Where networks are looked at: a regular grid of the domain [-1, 1]^d, or random lines through it."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures import GRID_INPUTS, intervals_of
from suite.nets.streams import stream


@dataclass(frozen=True)
class Sample:
    """Points on equally long lines parallel to the axes; they serve as lines and as a sample of the domain.

    Up to two inputs the lines are those of a regular grid. Above, each is parallel to an axis drawn at
    random, its other coordinates uniform; lines in oblique directions would be of unequal length and, in high
    dimensions, mostly shorter than a stencil.

    Attributes:
        starts: one end of each line.
        axes: the axis that each line runs along.
        points_a_line: equally spaced, both ends included.
        step: their distance h.
        grid: whether the lines along each axis visit the same grid points.
    """

    starts: Float[Tensor, "lines inputs"]
    axes: Tensor
    points_a_line: int
    step: float
    grid: bool

    @property
    def inputs(self) -> int:
        """Dimension d of the domain."""
        return self.starts.shape[1]

    @property
    def directions(self) -> Float[Tensor, "lines inputs"]:
        """Unit vector along each line."""
        return torch.nn.functional.one_hot(self.axes, self.inputs).to(self.starts)

    def points(self) -> Float[Tensor, "inputs points"]:
        """The sample, one point a column: the grid by rows, or line after line."""
        along = torch.linspace(0, 2, self.points_a_line, dtype=self.starts.dtype, device=self.starts.device)
        if self.grid:
            axes = torch.meshgrid(*[along - 1] * self.inputs, indexing="ij")
            return torch.stack([axis.flatten() for axis in axes])
        return self._along(along)

    def stencil_centres(self) -> Float[Tensor, "inputs points"]:
        """The points midway between the second and third of any four neighbours on a line, line after line."""
        along = (
            torch.arange(self.points_a_line - 3, dtype=self.starts.dtype, device=self.starts.device) + 1.5
        ) * self.step
        return self._along(along)

    def third_differences(self, values: Float[Tensor, "*batch points"]) -> Float[Tensor, "*batch stencils"]:
        """The divided differences Delta_h^3 f / h^3 of values at `points`, along all lines."""
        if not self.grid:
            return _thirds(values.unflatten(-1, (-1, self.points_a_line)), self.step, -1).flatten(-2)
        board = values.unflatten(-1, (self.points_a_line,) * self.inputs)
        parts = [_thirds(board, self.step, axis - self.inputs) for axis in range(self.inputs)]
        return torch.cat([part.flatten(-self.inputs) for part in parts], dim=-1)

    def to(self, dtype: torch.dtype, device: torch.device | str) -> "Sample":
        """The same sample in another precision or on another device."""
        starts = self.starts.to(device=device, dtype=dtype)
        return Sample(starts, self.axes.to(device), self.points_a_line, self.step, self.grid)

    def _along(self, along: Float[Tensor, " places"]) -> Float[Tensor, "inputs points"]:
        lines = self.starts[:, :, None] + self.directions[:, :, None] * along
        return lines.transpose(0, 1).flatten(1)


def sample_domain(inputs: int, step: float, lines: int, seed: int) -> Sample:
    """The sample of [-1, 1]^inputs that a study's measures share, in float64.

    Args:
        inputs: d.
        step: spacing of the points; it divides 2.
        lines: number of random lines, where there are more than two inputs.
        seed: the study's.
    """
    intervals = intervals_of(step)
    side = torch.linspace(-1, 1, intervals + 1, dtype=torch.float64)
    if inputs == 1:
        starts, axes = torch.tensor([[-1.0]], dtype=torch.float64), torch.tensor([0])
    elif inputs == GRID_INPUTS:
        low = torch.full_like(side, -1)
        starts = torch.cat([torch.stack([low, side], dim=1), torch.stack([side, low], dim=1)])
        axes = torch.arange(2).repeat_interleave(intervals + 1)
    else:
        generator = stream(seed, lines=lines, inputs=inputs)
        starts = torch.from_numpy(generator.uniform(-1, 1, (lines, inputs)))
        axes = torch.from_numpy(generator.integers(0, inputs, lines, dtype=np.int64))
        starts[torch.arange(lines), axes] = -1
    return Sample(starts, axes, intervals + 1, 2 / intervals, inputs <= GRID_INPUTS)


def _thirds(values: Tensor, step: float, dim: int) -> Tensor:
    return torch.diff(values, n=3, dim=dim) / step**3
