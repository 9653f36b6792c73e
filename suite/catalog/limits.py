"""How much a spec may ask for: far above any use, so that a slip of the pen is told before it fills the machine."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

MOST = 10**15
"""Of whatever is counted: parameters, draws, steps, points. Floating-point numbers count so far without a gap."""

MOST_LISTED = 1_000
"""Values in one list."""

MOST_ENTRIES = 10_000
"""Entries of a catalog that one key's tables and lists stand for."""

MOST_MEMBERS = 100_000
"""In a study."""

MOST_CELLS = 1_000_000
"""Of a study, before a precision adds any: each becomes a file."""

LARGEST, SMALLEST = 1e6, 1e-6
"""Of lengths and standard deviations, and of variances their squares: all inverses stay numbers."""

Count = Annotated[int, Field(ge=1, le=MOST)]


def _at_least(least: float) -> AfterValidator:
    """Of what is not 0."""

    def check(value: float) -> float:
        if 0 < value < least:
            raise PydanticCustomError(
                "tiny", "{value} is next to 0; give {least} or more", {"value": repr(value), "least": f"{least:g}"}
            )
        return value

    return AfterValidator(check)


Size = Annotated[float, Field(gt=0, le=LARGEST), _at_least(SMALLEST)]
"""A length, or whatever else is above 0."""

SizeOrNone = Annotated[float, Field(ge=0, le=LARGEST), _at_least(SMALLEST)]
"""The same, or 0."""

SizeSquared = Annotated[float, Field(gt=0, le=LARGEST), _at_least(SMALLEST**2)]
"""A variance, or what may be as small."""

SizeSquaredOrNone = Annotated[float, Field(ge=0, le=LARGEST), _at_least(SMALLEST**2)]
"""The same, or 0."""
