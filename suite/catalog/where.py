"""Values of axes as a spec states them, to select members or to compare them."""

from typing import Annotated, Any

from pydantic import AfterValidator, TypeAdapter, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from suite.catalog.activations import ACTIVATIONS
from suite.catalog.initializations import INITIALIZATIONS
from suite.catalog.settings import Axis, choices_of
from suite.catalog.shown import shown


def _scalar(value: Any) -> Any:
    if isinstance(value, dict):
        label = _label(value)
        raise PydanticCustomError(
            "table",
            "expected the value as written in results tables, got the table {value}; use {label}",
            {"value": shown(value), "label": f'"{label}"' if label else 'text such as "leaky_relu(slope=0.1)"'},
        )
    if not isinstance(value, bool | int | float | str):
        raise PydanticCustomError(
            "scalar",
            "expected a number, text in quotes, true or false, got {value}",
            {"value": shown(value)},
        )
    return value


def _label(table: dict[str, Any]) -> str:
    """Return the label that tables of results use for a catalog entry's table; empty for any other table."""
    for catalog in (ACTIVATIONS, INITIALIZATIONS):
        try:
            found = TypeAdapter(choices_of(catalog)).validate_python(table)
        except (ValidationError, PydanticCustomError):
            continue
        if len(found) == 1:
            return str(found[0].label)
    return ""


Scalar = Annotated[Any, AfterValidator(_scalar), WithJsonSchema({"type": ["boolean", "number", "string"]})]
Where = dict[str, Axis[Scalar]]
