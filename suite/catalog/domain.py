"""The domain that networks are looked at on: a box or a ball around the origin."""

from math import isclose
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from suite.catalog.limits import MOST, Size
from suite.catalog.settings import Choice, with_tag

GRID_INPUTS = 2
"""Up to this many inputs a regular grid of a box is affordable; random lines serve above."""

INTERVALS = 32
"""Steps along the domain's side unless a spec says otherwise: 33 points."""

STENCIL = 3
"""Steps that a third difference spans."""


class Domain(Choice):
    """Where inputs lie."""

    tag = "kind"
    axis = False
    kind: str
    formula: ClassVar[str]
    fewest: ClassVar[int] = STENCIL
    """Steps that the side must have at least."""

    @property
    def extent(self) -> float:
        """Half the side of the smallest box around the domain."""
        raise NotImplementedError

    def on_grid(self, inputs: int) -> bool:
        """Whether a regular grid samples it; else lines do, placed at random."""
        raise NotImplementedError

    def intervals(self, step: float) -> int:
        """How many steps make the domain's side; of more than any grid has, as many as counts go to."""
        return round(min(2 * self.extent / step, MOST))

    def divides(self, step: float) -> bool:
        """Whether a step goes into the side a whole number of times, enough for a third difference."""
        intervals = self.intervals(step)
        return intervals >= self.fewest and isclose(intervals * step, 2 * self.extent, rel_tol=1e-12)

    def points(self, inputs: int, step: float, lines: int) -> int:
        """How many points its sample has."""
        side = self.intervals(step) + 1
        return side**inputs if self.on_grid(inputs) else side * lines


class Box(Domain):
    """All inputs between -half_width and half_width."""

    kind: Literal["box"] = "box"
    half_width: Size = Field(default=1.0, description="largest absolute value of an input")
    formula = "[-half_width, half_width]^d"

    @property
    def extent(self) -> float:
        """Its half width."""
        return self.half_width

    def on_grid(self, inputs: int) -> bool:
        """Up to two inputs."""
        return inputs <= GRID_INPUTS


class Ball(Domain):
    """All inputs of norm up to the radius."""

    kind: Literal["ball"] = "ball"
    radius: Size = Field(default=1.0, description="largest norm of the inputs")
    formula = "|x| <= radius"
    fewest = STENCIL + 1  # a stencil as long as the diameter would have one place only

    @property
    def extent(self) -> float:
        """Its radius."""
        return self.radius

    def on_grid(self, inputs: int) -> bool:
        """With one input, where a ball is an interval."""
        return inputs == 1


DOMAINS: dict[str, type[Domain]] = {"box": Box, "ball": Ball}

OneDomain = Annotated[
    Annotated[Box | Ball, Field(discriminator="kind")], BeforeValidator(lambda table: with_tag(table, "kind"))
]
