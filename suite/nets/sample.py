"""Samples of the domain on which networks are evaluated: a regular grid, or random lines."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.domain import GRID_INPUTS, STENCIL, Box, Domain
from suite.nets.streams import stream

_COARSE = 8
"""Minimum number of intervals per line in a coarser sample, and its stride over random lines."""

_GOLDEN = (5**0.5 - 1) / 2
"""Golden ratio. Its first n multiples modulo 1 are spread evenly for every n."""


@dataclass(frozen=True)
class Sample:
    """Points on lines of equal length parallel to the axes, used as lines and as a sample of the domain.

    In a box with up to two inputs, the lines are those of a regular grid. In a box with more inputs, each line is
    parallel to a random axis, and its other coordinates are uniform. Oblique lines would have unequal lengths and, in
    high dimensions, would mostly be shorter than a stencil. In a ball with two or more inputs, where chords have
    unequal lengths, each line is a stencil: three steps along a random axis, distributed uniformly among those inside.

    Attributes:
        domain: The domain.
        starts: One end of each line.
        axes: Axis along which each line runs.
        points_a_line: Number of equally spaced points per line, including both ends.
        step: Distance h of neighboring points.
        grid: Whether the points are a regular grid, which the lines along each axis share.
    """

    domain: Domain
    starts: Float[Tensor, "lines inputs"]
    axes: Tensor
    points_a_line: int
    step: float
    grid: bool

    @property
    def length(self) -> float:
        """Length of each line."""
        return (self.points_a_line - 1) * self.step

    @property
    def inputs(self) -> int:
        """Number of inputs, the dimension d of the domain."""
        return self.starts.shape[1]

    @property
    def directions(self) -> Float[Tensor, "lines inputs"]:
        """Unit vector along each line."""
        return torch.nn.functional.one_hot(self.axes, self.inputs).to(self.starts)

    def points(self) -> Float[Tensor, "inputs points"]:
        """Return the points as columns: the grid by rows, or line after line."""
        along = torch.linspace(0, self.length, self.points_a_line, dtype=self.starts.dtype, device=self.starts.device)
        if self.grid:
            axes = torch.meshgrid(*[along - self.domain.extent] * self.inputs, indexing="ij")
            return torch.stack([axis.flatten() for axis in axes])
        return self._along(along)

    def stencil_centers(self) -> Float[Tensor, "inputs points"]:
        """Return the centers of all stencils of four neighboring points, line after line."""
        along = (
            torch.arange(self.points_a_line - 3, dtype=self.starts.dtype, device=self.starts.device) + 1.5
        ) * self.step
        return self._along(along)

    def coarser(self) -> "Sample":
        """Return a sample of some of the same points, spread over the domain.

        Each line has at least 9 points, or as many as before if these are fewer. Every eighth random line is taken.
        """
        intervals = self.points_a_line - 1
        stride = max(each for each in range(1, max(1, intervals // _COARSE) + 1) if intervals % each == 0)
        lines = slice(None) if self.grid or self.inputs == 1 else slice(None, None, _COARSE)
        return replace(
            self,
            starts=self.starts[lines],
            axes=self.axes[lines],
            points_a_line=intervals // stride + 1,
            step=self.step * stride,
        )

    def some(self, number: int) -> Float[Tensor, "inputs points"]:
        """Return the given number of points, evenly spread over `points`, or all if there are no more.

        The points are divided into equal intervals, and one point is taken from each. Its position in the interval
        follows multiples of the golden ratio, so that the points do not align with the grid or with the ends of lines.
        """
        points = self.points()
        total = points.shape[1]
        number = min(number, total)
        ends = torch.arange(number + 1) * total // number
        place = (torch.arange(number) * _GOLDEN) % 1 * torch.diff(ends)
        return points[:, (ends[:-1] + place.long()).to(points.device)]

    def third_differences(self, values: Float[Tensor, "*batch points"]) -> Float[Tensor, "*batch stencils"]:
        """Return the divided differences Delta_h^3 f / h^3 along all lines, from the values at `points`."""
        if not self.grid:
            return _thirds(values.unflatten(-1, (-1, self.points_a_line)), self.step, -1).flatten(-2)
        board = values.unflatten(-1, (self.points_a_line,) * self.inputs)
        parts = [_thirds(board, self.step, axis - self.inputs) for axis in range(self.inputs)]
        return torch.cat([part.flatten(-self.inputs) for part in parts], dim=-1)

    def to(self, dtype: torch.dtype, device: torch.device | str) -> "Sample":
        """Return the same sample in another precision or on another device."""
        starts = self.starts.to(device=device, dtype=dtype)
        return replace(self, starts=starts, axes=self.axes.to(device))

    def _along(self, along: Float[Tensor, " places"]) -> Float[Tensor, "inputs points"]:
        lines = self.starts[:, :, None] + self.directions[:, :, None] * along
        return lines.transpose(0, 1).flatten(1)


def sample_domain(inputs: int, step: float, lines: int, seed: int, domain: Domain | None = None) -> Sample:
    """Return the sample of a domain that all measures of a study share, in float64.

    Args:
        inputs: Dimension of the domain.
        step: Spacing of the points, which divides the side of the domain.
        lines: Number of random lines through a box with more than two inputs. A ball with two or more inputs gets
            as many stencils as have the same number of points.
        seed: Seed of the study.
        domain: The domain; by default the box [-1, 1]^inputs.
    """
    domain = domain or Box()
    intervals, extent = domain.intervals(step), domain.extent
    step = 2 * extent / intervals
    side = torch.linspace(-extent, extent, intervals + 1, dtype=torch.float64)
    generator = stream(seed, lines=lines, inputs=inputs)
    if not domain.on_grid(inputs) and not isinstance(domain, Box):
        stencils = max(1, lines * (intervals + 1) // (STENCIL + 1))
        return Sample(domain, *_stencils_in_ball(generator, inputs, stencils, step, extent), STENCIL + 1, step, False)
    if inputs == 1:
        starts, axes = side[:1, None], torch.tensor([0])
    elif inputs == GRID_INPUTS:
        low = side[:1].expand(len(side))
        starts = torch.cat([torch.stack([low, side], dim=1), torch.stack([side, low], dim=1)])
        axes = torch.arange(2).repeat_interleave(intervals + 1)
    else:
        starts = torch.from_numpy(generator.uniform(-extent, extent, (lines, inputs)))
        axes = torch.from_numpy(generator.integers(0, inputs, lines, dtype=np.int64))
        starts[torch.arange(lines), axes] = -extent
    return Sample(domain, starts, axes, intervals + 1, step, domain.on_grid(inputs))


def _stencils_in_ball(
    generator: np.random.Generator, inputs: int, lines: int, step: float, radius: float
) -> tuple[Float[Tensor, "lines inputs"], Tensor]:
    """Draw the starts and axes of three-step lines, uniform among those inside the ball.

    This is rejection sampling. Every line inside the ball has |m|^2 + l^2 <= radius^2, with its middle m and half its
    length l, so drawing m from the ball of these middles rejects few lines.
    """
    length = 0.5 * STENCIL * step
    reach = np.sqrt(radius**2 - length**2)
    starts, axes = np.empty((0, inputs)), np.empty(0, dtype=np.int64)
    while len(starts) < lines:
        directions = generator.standard_normal((lines, inputs))
        norms = np.linalg.norm(directions, axis=1, keepdims=True)
        middles = reach * directions / norms * generator.random((lines, 1)) ** (1 / inputs)
        axis = generator.integers(0, inputs, lines, dtype=np.int64)
        half = np.zeros((lines, inputs))
        half[np.arange(lines), axis] = length
        ends = np.stack([np.linalg.norm(middles + sign * half, axis=1) for sign in (-1, 1)])
        inside = (ends <= radius).all(axis=0)
        starts = np.concatenate([starts, (middles - half)[inside]])
        axes = np.concatenate([axes, axis[inside]])
    return torch.from_numpy(starts[:lines]), torch.from_numpy(axes[:lines])


def _thirds(values: Tensor, step: float, dim: int) -> Tensor:
    return torch.diff(values, n=3, dim=dim).div_(step**3)
