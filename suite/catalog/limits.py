"""Upper and lower limits of the values in a spec.

They are far beyond any practical use, so that a typing error is reported before it exhausts the machine.
"""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

MOST = 10**15
"""Largest count, of parameters, draws, steps or points; floating-point numbers represent all integers up to it."""

MOST_LISTED = 1_000
"""Maximum number of values in one list."""

MOST_ENTRIES = 10_000
"""Maximum number of catalog entries that the tables and lists of one key expand to."""

MOST_MEMBERS = 100_000
"""Maximum number of members of a study."""

MOST_CELLS = 1_000_000
"""Maximum number of cells of a study, before precision targets add any; each cell becomes a file."""

LARGEST, SMALLEST = 1e6, 1e-6
"""Limits of lengths and standard deviations; those of variances are their squares. All inverses stay finite."""

Count = Annotated[int, Field(ge=1, le=MOST)]


def _at_least(least: float) -> AfterValidator:
    """Return a validator that rejects values between 0 and `least`; 0 itself is allowed."""

    def check(value: float) -> float:
        if 0 < value < least:
            raise PydanticCustomError(
                "tiny", "expected a number >= {least}, got {value}", {"value": repr(value), "least": f"{least:g}"}
            )
        return value

    return AfterValidator(check)


Size = Annotated[float, Field(gt=0, le=LARGEST), _at_least(SMALLEST)]
"""A length or another positive number."""

SizeOrNone = Annotated[float, Field(ge=0, le=LARGEST), _at_least(SMALLEST)]
"""A length or another nonnegative number."""

SizeSquared = Annotated[float, Field(gt=0, le=LARGEST), _at_least(SMALLEST**2)]
"""A variance, or another positive number of the size of a squared length."""

SizeSquaredOrNone = Annotated[float, Field(ge=0, le=LARGEST), _at_least(SMALLEST**2)]
"""A variance, or another nonnegative number of the size of a squared length."""

FEWEST_PAIRS = 4
"""Smallest number of draws, or of pairs of replicates, that are compared; fewer give hardly any information."""
