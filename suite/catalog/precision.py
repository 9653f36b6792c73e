"""Settings by which a spec requests a precision instead of a number of draws."""

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from suite.catalog.limits import MOST
from suite.catalog.settings import Settings

DRAWS_A_CELL = 256
"""Number of draws that are computed and cached together."""

MAX_DRAWS = 65_536


class Precise(Settings):
    """Settings with `draws`, for which a spec may give a precision instead."""

    precision: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="instead of draws: target half-width of the 95% interval, absolute for frequencies and otherwise "
        "relative to the mean; draws are added until it is reached",
    )
    precision_of: str | None = Field(
        default=None,
        min_length=1,
        description="the quantity to which precision applies; default: the primary quantity of the measure",
    )
    max_draws: int = Field(
        default=MAX_DRAWS,
        ge=DRAWS_A_CELL,
        le=MOST,
        multiple_of=DRAWS_A_CELL,
        description="maximum number of draws of a member",
    )

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "Precise":
        given = self.model_fields_set
        if self.precision is not None and "draws" in given:
            raise _error_at_key("precision", "draws and precision exclude each other; set one of them")
        for key in ("precision_of", "max_draws"):
            if self.precision is None and key in given:
                raise _error_at_key(key, f"{key} has no effect without precision; add precision, or remove the key")
        return self

    @model_serializer(mode="wrap")
    def _drop_idle_key(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return the settings without the key that has no effect: `draws` or `max_draws`."""
        idle = "max_draws" if self.precision is None else "draws"
        return {key: value for key, value in write(self).items() if key != idle}


def _error_at_key(key: str, message: str) -> PydanticCustomError:
    """Return an error of a whole table that is reported at one of its keys."""
    return PydanticCustomError("precision", "{message}", {"message": message, "key": key})


def precision_asked(settings: Settings) -> float | None:
    """Return the precision that replaces a number of draws; None if there is none."""
    return settings.precision if isinstance(settings, Precise) else None
