"""This module describes settings: each key with its default, its meaning and the values it takes."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.fields import FieldInfo

from suite.catalog.settings import Settings
from suite.spec.schema import Toml

_KINDS = {"integer": "an integer", "number": "a number", "string": "text", "boolean": "true or false"}
_LIMITS = {
    "minimum": ">= {}",
    "exclusiveMinimum": "> {}",
    "maximum": "<= {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "a multiple of {}",
}
_UNREACHED = 10**6
"""Limits from this size on are left out, because no spec comes near them; the error message states them."""


def settable(model: type[Settings], tag: str) -> Iterator[tuple[str, FieldInfo]]:
    """Return the keys and fields of a table of a spec, without the key that holds its entry's name."""
    return ((key, field) for key, field in model.model_fields.items() if key != tag)


def key_of(key: str, field: FieldInfo) -> str:
    """Return a key with its default, as in `draws = 256`, or the key alone if no default can be written."""
    written = as_toml(field.default)
    return f"{key} = {written}" if written else key


def as_toml(value: Any) -> str:
    """Return a value as a spec writes it; empty unless it is a number, a boolean or nonempty text."""
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value:
        return f'"{value}"'
    return str(value) if isinstance(value, int | float) else ""


def in_words(model: type[Settings], tag: str, name: str) -> Iterator[str]:
    """Yield a heading and one line per setting; without settings, one line that shows the table.

    Args:
        model: The model of the settings.
        tag: The key that holds the entry's name; empty for measures.
        name: The entry's name.
    """
    schema = model.model_json_schema(mode="validation", schema_generator=Toml)
    lines = [(key_of(key, field), field, values_of(schema["properties"][key])) for key, field in settable(model, tag)]
    if not lines:
        yield "  no settings" + ("" if tag else f": [measure.{name}]")
        return
    yield f"  settings of [measure.{name}]:" if not tag else "  settings:"
    width = max(len(key) for key, _, _ in lines)
    for key, field, values in lines:
        needed = "required: " if field.is_required() else ""
        yield f"    {key:<{width}}  {needed}{'; '.join(part for part in (field.description, values) if part)}"


def values_of(written: Mapping[str, Any]) -> str:
    """Return a description of the values that a key takes, from its JSON schema; empty for tables."""
    if "anyOf" in written:
        single, *others = written["anyOf"]
        words = values_of(single)
        return f"{words}; or a list" if words and any(other.get("type") == "array" for other in others) else words
    if "enum" in written:
        return " or ".join(filter(None, map(as_toml, written["enum"])))
    kinds = written.get("type", ())
    if isinstance(kinds, list):
        return " or ".join(_KINDS[kind] for kind in kinds)
    if kinds not in _KINDS:
        return ""
    limits = [
        words.format(f"{written[key]:g}" if isinstance(written[key], float) else written[key])
        for key, words in _LIMITS.items()
        if key in written and abs(written[key]) < _UNREACHED
    ]
    joined = " and ".join(limits).replace(" and a multiple", ", a multiple")
    return f"{_KINDS[written['type']]} {joined}".rstrip()
