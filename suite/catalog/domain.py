"""The domain on which networks are evaluated: a box or a ball around the origin."""

from math import isclose
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from suite.catalog.limits import MOST, Size
from suite.catalog.settings import Choice, with_tag

GRID_INPUTS = 2
"""Largest number of inputs for which a box is sampled on a regular grid; boxes of more inputs use random lines."""

INTERVALS = 32
"""Default number of steps along the domain's side, which gives 33 points."""

STENCIL = 3
"""Number of steps that a third difference spans."""


class Domain(Choice):
    """A set of inputs."""

    tag = "kind"
    axis = False
    kind: str
    formula: ClassVar[str]
    fewest: ClassVar[int] = STENCIL
    """Minimum number of steps along the side."""

    @property
    def extent(self) -> float:
        """Half the side of the smallest box around the domain."""
        raise NotImplementedError

    def on_grid(self, inputs: int) -> bool:
        """Return whether a regular grid samples the domain; otherwise randomly placed lines do."""
        raise NotImplementedError

    def intervals(self, step: float) -> int:
        """Return the number of steps along the domain's side, at most `MOST`."""
        return round(min(2 * self.extent / step, MOST))

    def divides(self, step: float) -> bool:
        """Return whether the side is a whole number of steps, enough for a third difference."""
        intervals = self.intervals(step)
        return intervals >= self.fewest and isclose(intervals * step, 2 * self.extent, rel_tol=1e-12)

    def points(self, inputs: int, step: float, lines: int) -> int:
        """Return the number of points of the domain's sample."""
        side = self.intervals(step) + 1
        return side**inputs if self.on_grid(inputs) else side * lines


class Box(Domain):
    """All inputs between -half_width and half_width."""

    kind: Literal["box"] = "box"
    half_width: Size = Field(default=1.0, description="largest absolute value of an input")
    formula = "[-half_width, half_width]^d"

    @property
    def extent(self) -> float:
        """Half the width of the box."""
        return self.half_width

    def on_grid(self, inputs: int) -> bool:
        """Return whether there are at most two inputs."""
        return inputs <= GRID_INPUTS


class Ball(Domain):
    """All inputs of norm up to the radius."""

    kind: Literal["ball"] = "ball"
    radius: Size = Field(default=1.0, description="largest norm of the inputs")
    formula = "|x| <= radius"
    fewest = STENCIL + 1  # a stencil as long as the diameter would have only one position

    @property
    def extent(self) -> float:
        """The radius of the ball."""
        return self.radius

    def on_grid(self, inputs: int) -> bool:
        """Return whether there is one input, for which a ball is an interval."""
        return inputs == 1


DOMAINS: dict[str, type[Domain]] = {"box": Box, "ball": Ball}

OneDomain = Annotated[
    Annotated[Box | Ball, Field(discriminator="kind")], BeforeValidator(lambda table: with_tag(table, "kind"))
]
