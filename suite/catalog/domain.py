"""The domain on which networks are evaluated: a box, a ball around the origin, or the training points."""

from fractions import Fraction
from math import ceil, gcd, isclose, lcm, prod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from suite.catalog.limits import LARGEST, MOST, SMALLEST, Size
from suite.catalog.settings import Choice, OneOrSeveral, with_tag
from suite.catalog.shown import shown

GRID_INPUTS = 2
"""Largest number of inputs for which a box is sampled on a regular grid; boxes of more inputs use random lines."""

INTERVALS = 32
"""Default number of steps along the domain's shortest side, which gives 33 points."""

STENCIL = 3
"""Number of steps that a third difference spans."""

STEPS_A_DEVIATION = 16
"""Default number of steps along a standard deviation of the inputs, for a domain of data."""

Bounds = tuple[tuple[float, ...], tuple[float, ...]]
"""The smallest and the largest value of each input."""


class Domain(Choice):
    """A set of inputs."""

    tag = "kind"
    axis = False
    kind: str
    formula: ClassVar[str]

    def uses_lines(self, inputs: int) -> bool:
        """Return whether the domain's sample depends on the setting `lines`."""
        raise NotImplementedError


class TrainingPoints(Domain):
    """The training points of the study's task, those of replicate 0 (our operational definition)."""

    kind: Literal["data"] = "data"
    formula = "x = the training points of replicate 0"

    def uses_lines(self, inputs: int) -> bool:
        """Return False, since there is a stencil for each point."""
        return False

    @staticmethod
    def stencils(inputs: int) -> int:
        """Return the number of stencils at each point: one along each axis of a grid, or else in one direction."""
        return inputs if inputs <= GRID_INPUTS else 1

    def evaluations(self, inputs: int, points: int) -> int:
        """Return the number of evaluations of a measure along the stencils: the points, and those of the stencils."""
        return points * (1 + (STENCIL + 1) * self.stencils(inputs))


class Region(Domain):
    """A set of inputs with sides, which has a regular sample of its own."""

    fewest: ClassVar[int] = STENCIL
    """Minimum number of steps along a side."""

    @property
    def dimension(self) -> int | None:
        """The number of inputs that the domain is made for; None if it is made for any number."""
        return None

    def bounds(self, inputs: int | None = None) -> Bounds:
        """Return the ends of the smallest box around the domain.

        Args:
            inputs: The number of inputs; by default the dimension, or one input that stands for all.
        """
        raise NotImplementedError

    def sides(self, inputs: int | None = None) -> tuple[float, ...]:
        """Return the sides of the smallest box around the domain."""
        return tuple(high - low for low, high in zip(*self.bounds(inputs), strict=True))

    def on_grid(self, inputs: int) -> bool:
        """Return whether a regular grid samples the domain; otherwise randomly placed lines do."""
        raise NotImplementedError

    def uses_lines(self, inputs: int) -> bool:
        """Return whether random lines sample the domain."""
        return not self.on_grid(inputs)

    def intervals(self, step: float | None, inputs: int | None = None) -> tuple[int, ...]:
        """Return the number of steps along each side, at most `MOST`; by default `INTERVALS` along each."""
        return tuple(INTERVALS if step is None else round(min(side / step, MOST)) for side in self.sides(inputs))

    def divides(self, step: float) -> bool:
        """Return whether each side is a whole number of steps, enough for a third difference."""
        return all(
            number >= self.fewest and isclose(number * step, side, rel_tol=1e-12)
            for number, side in zip(self.intervals(step), self.sides(), strict=True)
        )

    @property
    def common_side(self) -> Fraction:
        """The greatest length of which each side is a multiple, with the ends as decimal numbers."""
        sides = self._exact_sides()
        return Fraction(gcd(*(side.numerator for side in sides)), lcm(*(side.denominator for side in sides)))

    def _exact_sides(self) -> list[Fraction]:
        return [Fraction(repr(high)) - Fraction(repr(low)) for low, high in zip(*self.bounds(), strict=True)]

    @property
    def default_step(self) -> float:
        """The largest step that divides all sides, with `INTERVALS` steps or more along the shortest.

        If the sides have no common step of a practical size, it divides the shortest side only.
        """
        exact, common = self._exact_sides(), self.common_side
        step = common / ceil(INTERVALS * common / min(exact))
        practical = len(set(exact)) > 1 and min(exact) / step <= _MOST_INTERVALS
        return float(step) if practical else min(self.sides()) / INTERVALS

    def points(self, inputs: int, step: float | None, lines: int) -> int:
        """Return the number of points of the domain's sample, or a few more if lines are stencils."""
        numbers = [number + 1 for number in self.intervals(step, inputs)]
        if not self.on_grid(inputs):
            return lines * sum(numbers) // len(numbers)
        return prod(numbers)


_MOST_INTERVALS = 8 * INTERVALS
"""Largest number of default steps along the shortest side."""


class Box(Region):
    """All inputs between -half_width and half_width, or between low and high."""

    model_config = ConfigDict(
        json_schema_extra={
            "dependentRequired": {"low": ["high"], "high": ["low"]},
            "not": {"required": ["half_width", "low"]},
        }
    )

    kind: Literal["box"] = "box"
    half_width: Size | None = Field(
        default=1.0,
        exclude_if=lambda value: value is None,
        description="largest absolute value of an input, instead of low and high",
    )
    low: OneOrSeveral[Annotated[float, Field(ge=-LARGEST, le=LARGEST)]] | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="smallest value of each input, or one number for all",
    )
    high: OneOrSeveral[Annotated[float, Field(ge=-LARGEST, le=LARGEST)]] | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="largest value of each input, or one number for all",
    )
    formula = "[-half_width, half_width]^d, or low <= x <= high"

    @model_validator(mode="before")
    @classmethod
    def _one_form(cls, table: Any) -> Any:
        """Replace the default half-width where the ends are given."""
        stated = {"low", "high"} & set(table) if isinstance(table, dict) else set()
        if not stated:
            return table
        if "half_width" in table:
            raise PydanticCustomError(
                "box", "half_width and {key} exclude each other; remove one of them", {"key": min(stated)}
            )
        if len(stated) == 1:
            (missing,) = {"low", "high"} - stated
            raise PydanticCustomError("box", "{missing} is missing; add it, or use half_width", {"missing": missing})
        return {**table, "half_width": None}

    @model_validator(mode="after")
    def _has_room(self) -> "Box":
        """Check that the ends suit each other."""
        if self.half_width is None and self.low is None:
            raise PydanticCustomError("box", "the box has no size; set half_width, or low and high")
        if self.low is None or self.high is None:
            return self
        if len({len(self.low), len(self.high)} - {1}) > 1:
            raise PydanticCustomError(
                "box",
                "low has {low} values and high has {high}; use one number, or one for each input",
                {"key": "high", "low": len(self.low), "high": len(self.high)},
            )
        for low, high in zip(*self.bounds(), strict=True):
            if high - low < SMALLEST * max(1.0, abs(low), abs(high)):
                raise PydanticCustomError(
                    "box",
                    "expected high above low by a millionth of its size or more, got low = {low} and high = {high}",
                    {"key": "high", "low": shown(low), "high": shown(high)},
                )
        return self

    @property
    def dimension(self) -> int | None:
        """The number of values of `low` or `high`, if it is more than one."""
        several = max(len(self.low or ()), len(self.high or ()))
        return several if several > 1 else None

    def bounds(self, inputs: int | None = None) -> Bounds:
        """Return the ends of the box."""
        number = inputs or self.dimension or 1
        if self.low is None or self.high is None:
            assert self.half_width is not None
            return (-self.half_width,) * number, (self.half_width,) * number
        low, high = (ends * number if len(ends) == 1 else ends for ends in (self.low, self.high))
        if {len(low), len(high)} != {number}:
            raise ValueError(self.unsuitable(number))
        return low, high

    def unsuitable(self, inputs: int) -> str:
        """Return the message for networks of another number of inputs."""
        return (
            f"the box has {self.dimension} inputs, the networks have {inputs}; use one number for low and for high, or "
            "one for each input"
        )

    def on_grid(self, inputs: int) -> bool:
        """Return whether there are at most two inputs."""
        return inputs <= GRID_INPUTS


class Ball(Region):
    """All inputs of norm up to the radius."""

    kind: Literal["ball"] = "ball"
    radius: Size = Field(default=1.0, description="largest norm of the inputs")
    formula = "|x| <= radius"
    fewest = STENCIL + 1  # a stencil as long as the diameter would have only one position

    def bounds(self, inputs: int | None = None) -> Bounds:
        """Return the radius with both signs."""
        return (-self.radius,) * (inputs or 1), (self.radius,) * (inputs or 1)

    def on_grid(self, inputs: int) -> bool:
        """Return whether there is one input, for which a ball is an interval."""
        return inputs == 1


DOMAINS: dict[str, type[Domain]] = {"box": Box, "ball": Ball, "data": TrainingPoints}

OneDomain = Annotated[
    Annotated[Box | Ball | TrainingPoints, Field(discriminator="kind")],
    BeforeValidator(lambda table: with_tag(table, "kind")),
]
