"""Settings that several measures share."""

from typing import Annotated, Literal

from pydantic import Field

from suite.catalog.limits import Count
from suite.catalog.settings import Settings

Draws = Annotated[Count, Field(description="number of random networks per member")]
_Arithmetic = Annotated[
    Literal["float64", "float32"],
    Field(
        description="precision of the forward pass; in float32, rounding dominates third differences of deep networks"
    ),
]


class NoSettings(Settings):
    """Settings of a measure without settings."""


class OnTheDomain(Settings):
    """Settings of a measure on sample points of the domain: a grid or, for more than two inputs, random lines."""

    draws: Draws
    step: float | None = Field(
        default=None,
        gt=0,
        description="distance of neighboring points; default: the step of v3, or 1/32 of the domain's side, or on data "
        "1/16 of the inputs' standard deviation",
    )
    lines: Count = Field(
        default=64,
        description="number of random lines through a box with more than two inputs, or of stencils in a ball",
    )


class InFloats(OnTheDomain):
    """Settings of a measure on the domain that supports float64 and float32."""

    dtype: _Arithmetic = "float64"
