"""Samples of the domain: points at which networks are evaluated, and lines along which they are differentiated."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.domain import STENCIL, Ball, Box, Domain, Region
from suite.nets.ensemble import Ensemble
from suite.nets.lines import Lines, along_axes, coarse_stride, divided_differences
from suite.nets.streams import stream

_GOLDEN = (5**0.5 - 1) / 2
"""Golden ratio. Its first n multiples modulo 1 are spread evenly for every n."""


@dataclass(frozen=True)
class Sample(ABC):
    """Points of a domain, and lines along which third differences are taken.

    Attributes:
        domain: The domain.
        lines: The lines, in groups of equal length. Means over lines are means over the groups' means.
    """

    domain: Domain
    lines: tuple[Lines, ...]

    @property
    def step(self) -> float:
        """Distance h of neighboring points on a line."""
        return self.lines[0].step

    @property
    def inputs(self) -> int:
        """Number of inputs, the dimension d of the domain."""
        return self.lines[0].starts.shape[1]

    @abstractmethod
    def points(self) -> Float[Tensor, "inputs points"]:
        """Return the points as columns."""

    @abstractmethod
    def coarse_points(self) -> Float[Tensor, "inputs points"]:
        """Return some of the points, spread over the domain."""

    @abstractmethod
    def third_differences(self, values: Float[Tensor, "*batch points"]) -> list[Float[Tensor, "*batch _"]]:
        """Return the divided differences Delta_h^3 f / h^3 of each group of lines, from the values at `points`."""

    def evaluate(
        self, ensemble: Ensemble
    ) -> tuple[Float[Tensor, "draws outputs points"], list[Float[Tensor, "draws outputs _"]]]:
        """Return the outputs at `points`, and their third divided differences along the lines of each group."""
        outputs = ensemble(self.points())
        return outputs, self.third_differences(outputs)

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

    def to(self, dtype: torch.dtype, device: torch.device | str) -> "Sample":
        """Return the same sample in another precision or on another device."""
        return replace(self, lines=tuple(lines.to(dtype, device) for lines in self.lines))


@dataclass(frozen=True)
class Grid(Sample):
    """A regular grid over an interval or a rectangle; the lines are its rows and columns.

    Attributes:
        low: The smallest value of each input.
        steps: The distance of neighboring points along each axis.
        shape: The number of points along each axis.
    """

    low: tuple[float, ...]
    steps: tuple[float, ...]
    shape: tuple[int, ...]

    def points(self) -> Float[Tensor, "inputs points"]:
        """Return the points by rows, the last coordinate running fastest."""
        return _mesh(self._sides())

    def coarse_points(self) -> Float[Tensor, "inputs points"]:
        """Return some of the rows and columns: at least 9 along each axis, or as many as before if these are fewer."""
        return _mesh([side[:: coarse_stride(len(side))] for side in self._sides()])

    def third_differences(self, values: Float[Tensor, "*batch points"]) -> list[Float[Tensor, "*batch _"]]:
        """Return the differences along both axes together, or along each if the sides differ."""
        board = values.unflatten(-1, self.shape)
        parts = [
            divided_differences(board, step, axis - self.inputs).flatten(-self.inputs)
            for axis, step in enumerate(self.steps)
        ]
        return [torch.cat(parts, dim=-1)] if len(self.lines) == 1 else parts

    def _sides(self) -> list[Float[Tensor, " places"]]:
        """Return the coordinates along each axis."""
        like = self.lines[0].starts
        return [
            torch.linspace(0, (number - 1) * step, number, dtype=like.dtype, device=like.device) + low
            for low, step, number in zip(self.low, self.steps, self.shape, strict=True)
        ]


@dataclass(frozen=True)
class RandomLines(Sample):
    """Lines at random places, all of equal length; their points are the sample of the domain."""

    def points(self) -> Float[Tensor, "inputs points"]:
        """Return the points line after line."""
        return self.lines[0].points()

    def coarse_points(self) -> Float[Tensor, "inputs points"]:
        """Return every eighth line with at least 9 points, or as many as before if these are fewer."""
        return self.lines[0].coarser().points()

    def third_differences(self, values: Float[Tensor, "*batch points"]) -> list[Float[Tensor, "*batch _"]]:
        """Return the differences along all lines."""
        return [self.lines[0].third_differences(values)]


def sample_domain(inputs: int, step: float | None, lines: int, seed: int, domain: Region | None = None) -> Sample:
    """Return the sample of a domain that all measures of a study share, in float64.

    A box with up to two inputs is sampled on a regular grid. In a box with more inputs, each line is parallel to a
    random axis, runs from side to side, and has other coordinates that are uniform. Oblique lines would have unequal
    lengths and, in high dimensions, would mostly be shorter than a stencil. In a ball with two or more inputs, and in a
    box with more than two whose sides differ, such lines have unequal lengths. There each line is a stencil: three
    steps along a random axis, distributed uniformly among those inside.

    Args:
        inputs: Dimension of the domain.
        step: Spacing of the points, which divides the sides of the domain. If it is None, each side of a grid has the
            default number of steps.
        lines: Number of random lines through a box with more than two inputs. Where lines are stencils, there are as
            many as have the same number of points.
        seed: Seed of the study.
        domain: The domain; by default the box [-1, 1]^inputs.
    """
    domain = domain or Box()
    intervals, (low, high) = domain.intervals(step, inputs), domain.bounds(inputs)
    steps = tuple((end - start) / number for start, end, number in zip(low, high, intervals, strict=True))
    if domain.on_grid(inputs):
        return _grid(domain, low, high, steps, intervals)
    generator = stream(seed, lines=lines, inputs=inputs)
    if isinstance(domain, Ball):
        number = _as_many_stencils(lines, intervals)
        return RandomLines(domain, (_stencils_in_ball(generator, inputs, number, steps[0], domain.radius),))
    if len(set(intervals)) > 1:
        number = _as_many_stencils(lines, intervals)
        return RandomLines(domain, (_stencils_in_box(generator, low, high, number, steps[0]),))
    starts = torch.from_numpy(generator.uniform(low, high, (lines, inputs)))
    axes = torch.from_numpy(generator.integers(0, inputs, lines, dtype=np.int64))
    starts[torch.arange(lines), axes] = torch.tensor(low, dtype=torch.float64)[axes]
    return RandomLines(domain, (Lines(starts, along_axes(axes, inputs), intervals[0] + 1, steps[0]),))


def _grid(
    domain: Domain,
    low: tuple[float, ...],
    high: tuple[float, ...],
    steps: tuple[float, ...],
    intervals: tuple[int, ...],
) -> Grid:
    """Return a regular grid with the ends, the step and the number of steps of each axis."""
    sides = [
        torch.linspace(start, end, number + 1, dtype=torch.float64)
        for start, end, number in zip(low, high, intervals, strict=True)
    ]
    if len(sides) == 1:
        starts = [sides[0][:1, None]]
    else:
        first, second = sides
        starts = [
            torch.stack([first[:1].expand(len(second)), second], dim=1),
            torch.stack([first, second[:1].expand(len(first))], dim=1),
        ]
    groups = [
        Lines(each, along_axes(torch.full((len(each),), axis), len(sides)), intervals[axis] + 1, steps[axis])
        for axis, each in enumerate(starts)
    ]
    if len({(lines.points_a_line, lines.length) for lines in groups}) == 1:
        starts, directions = [lines.starts for lines in groups], [lines.directions for lines in groups]
        groups = [replace(groups[0], starts=torch.cat(starts), directions=torch.cat(directions))]
    return Grid(domain, tuple(groups), low, steps, tuple(number + 1 for number in intervals))


def _as_many_stencils(lines: int, intervals: tuple[int, ...]) -> int:
    """Return the number of stencils that have as many points as lines from side to side, on average over the axes."""
    return max(1, lines * (sum(intervals) + len(intervals)) // (len(intervals) * (STENCIL + 1)))


def _stencils_in_box(
    generator: np.random.Generator, low: tuple[float, ...], high: tuple[float, ...], lines: int, step: float
) -> Lines:
    """Draw three-step lines along random axes, uniform among those inside the box."""
    starts = torch.from_numpy(generator.random((lines, len(low))))
    directions = along_axes(torch.from_numpy(generator.integers(0, len(low), lines, dtype=np.int64)), len(low))
    first, last = torch.tensor(low, dtype=torch.float64), torch.tensor(high, dtype=torch.float64)
    return Lines(first + starts * (last - first - STENCIL * step * directions), directions, STENCIL + 1, step)


def _stencils_in_ball(generator: np.random.Generator, inputs: int, lines: int, step: float, radius: float) -> Lines:
    """Draw three-step lines along random axes, uniform among those inside the ball.

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
    along = along_axes(torch.from_numpy(axes[:lines]), inputs)
    return Lines(torch.from_numpy(starts[:lines]), along, STENCIL + 1, step)


def _mesh(sides: list[Tensor]) -> Float[Tensor, "inputs points"]:
    return torch.stack([axis.flatten() for axis in torch.meshgrid(*sides, indexing="ij")])
