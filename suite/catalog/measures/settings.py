"""The settings that several measures share."""

from typing import Annotated, Literal

from pydantic import Field

from suite.catalog.limits import Count
from suite.catalog.settings import Settings

Draws = Annotated[Count, Field(description="random networks a member")]
_Arithmetic = Annotated[
    Literal["float64", "float32"],
    Field(description="of the forward pass; third differences of float32 drown in rounding when nets are deep"),
]


class NoSettings(Settings):
    """A measure with nothing to set."""


class OnTheDomain(Settings):
    """Settings of a measure over sample points of the domain: a grid, or random lines above two inputs."""

    draws: Draws
    step: float | None = Field(
        default=None, gt=0, description="spacing of the points; v3's step, or a 32nd of the domain's side"
    )
    lines: Count = Field(
        default=64, description="random lines through a box of more than two inputs; stencils in a ball by them"
    )


class InFloats(OnTheDomain):
    """Settings of such a measure that may be taken in either precision of floating-point numbers."""

    dtype: _Arithmetic = "float64"
