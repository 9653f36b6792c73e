"""The base classes of all tables of a spec: frozen, strict, and closed to unknown keys."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import product
from math import prod
from typing import Annotated, Any, ClassVar, TypeVar, Union

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from suite.catalog.limits import MOST_ENTRIES, MOST_LISTED
from suite.catalog.shown import shown

T = TypeVar("T")

_list_keys: dict[Any, tuple[str, ...]] = {}
"""The parameters of entries whose value can be a list, by the entry's name."""


class Settings(BaseModel):
    """A validated, immutable table of a spec. It coerces no values and allows no unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    origin: ClassVar[str] = ""
    """The digest of the plug-in that defines the table, on which results depend; empty for built-in tables."""


class Choice(Settings):
    """A named entry of a catalog with the parameters that the spec gives it."""

    tag: ClassVar[str] = "name"
    """The key that holds the entry's name."""
    axis: ClassVar[bool] = True
    """Whether a list in place of a parameter's value is an axis of the study."""
    list_keys: ClassVar[tuple[str, ...]] = ()
    """The parameters whose value can be a list, which is then one value rather than an axis."""
    other_names: ClassVar[tuple[str, ...]] = ()
    """Names of the entry in other libraries, for hints."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Record the parameters whose value can be a list, by the entry's name."""
        super().__pydantic_init_subclass__(**kwargs)
        if cls.list_keys:
            _list_keys[cls.model_fields[cls.tag].default] = cls.list_keys

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the entry's JSON schema; if lists are axes, every parameter may be a list."""
        written = handler.resolve_ref_schema(handler(schema))
        for key, parameter in written["properties"].items():
            if key not in (cls.tag, *cls.list_keys) and cls.axis:
                about = {word: parameter.pop(word) for word in _ABOUT if word in parameter}
                written["properties"][key] = about | _one_or_list(parameter)
        written["properties"][cls.tag].pop("default", None)
        required = [key for key in written.get("required", []) if key != cls.tag]
        summary, formula = written["description"], getattr(cls, "formula", None)
        if formula and formula != summary.removesuffix("."):  # a plug-in's formula may be its summary
            summary = f"{summary}\n\n{formula}"
        if cls.tag == "name":
            return written | {"description": summary, "required": ["name", *required]}
        written["properties"] = {"name": written["properties"][cls.tag], **written["properties"]}
        either = [{"required": ["name", *required]}, {"required": [cls.tag, *required]}]
        written.pop("required", None)
        return written | {"description": summary, "oneOf": either}

    @property
    def parameters(self) -> dict[str, Any]:
        """The entry's own parameters, in the order of its declaration."""
        return {key: value for key, value in self.model_dump().items() if key != self.tag}

    @property
    def label(self) -> str:
        """The entry as tables write it: ``leaky_relu(slope=0.1)``, or only its name; defaults are left out."""
        fields = type(self).model_fields
        stated = {key: value for key, value in self.parameters.items() if getattr(self, key) != fields[key].default}
        given = ", ".join(f"{key}={_written(value)}" for key, value in stated.items())
        name = getattr(self, self.tag)
        return f"{name}({given})" if given else str(name)


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return _written(value[0]) if len(value) == 1 else f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_written(each)}' for key, each in value.items())}}}"
    if isinstance(value, bool):
        return str(value).lower()
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)


_ABOUT = ("title", "description", "default")
"""Keywords of a JSON schema that describe a key rather than restrict its value."""


def _one_or_list(single: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [single, {"type": "array", "items": single, "minItems": 1, "uniqueItems": True}]}


class _AxisSchema:
    """A schema that accepts a list in place of one value.

    Pydantic then holds a tuple of one value or more.
    """

    def __init__(self, distinct: bool = True) -> None:
        self.distinct = distinct

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        read = _as_tuple if self.distinct else _as_listed
        return core_schema.no_info_before_validator_function(read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        written = _one_or_list(handler(schema["schema"])["items"])
        if not self.distinct:
            del written["anyOf"][1]["uniqueItems"]
        return written


def _as_tuple(value: Any) -> tuple[Any, ...]:
    listed = _as_listed(value)
    return _distinct(listed) if isinstance(value, list) else listed


def _as_listed(value: Any) -> tuple[Any, ...]:
    if isinstance(value, tuple):
        return value
    if not isinstance(value, list):
        return (value,)
    if not value:
        raise PydanticCustomError("empty_axis", "the list is empty; add at least one value")
    if len(value) > MOST_LISTED:
        raise PydanticCustomError(
            "long_axis",
            "the list has {length} values, more than {most}; remove values from it",
            {"length": len(value), "most": MOST_LISTED},
        )
    return tuple(value)


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    found = _repeated(values)
    if found:
        item = found[0].label if isinstance(found[0], Choice) else shown(found[0])
        raise PydanticCustomError("repeated", "{item} is in the list twice; remove one", {"item": item})
    return values


def _repeated(values: tuple[Any, ...]) -> list[Any]:
    """Return the values that also occur earlier in the tuple."""
    try:
        seen: set[Any] = set()
        return [value for value in values if value in seen or seen.add(value)]  # type: ignore[func-returns-value]
    except TypeError:  # lists and tables are not hashable; they are invalid here and reported later
        return [value for place, value in enumerate(values) if value in values[:place]]


Axis = Annotated[tuple[T, ...], _AxisSchema()]
"""One value or a list of values; a list is an axis of the study."""

OneOrSeveral = Annotated[tuple[T, ...], _AxisSchema(distinct=False)]
"""One value or a list of values, which may be equal; a list is no axis."""


class _Expansion:
    """A schema that accepts a bare name in place of an entry's table, and a list in place of any value.

    `"relu"`, `["relu", "abs"]`, `{ name = "elu", alpha = [0.5, 1.0] }` and lists of such tables all become the tuple of
    single entries that they stand for. The catalog's table is read each time a value is validated, since plug-ins add
    to it.
    """

    def __init__(self, table: Mapping[str, type[Choice]]) -> None:
        self.table = table
        self.tag = next(iter(table.values())).tag

    def models(self) -> list[type[Choice]]:
        """Return the models of all current entries."""
        return list(self.table.values())

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._entries)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        table = handler(_entries_of(tuple(self.models())).core_schema)["items"]
        short = [name for name, entry in self.table.items() if not _required(entry)]
        return _one_or_list({"anyOf": [{"enum": short}, table]} if short else table)

    def _entries(self, value: Any) -> tuple[Any, ...]:
        found: tuple[Any, ...] = _entries_of(tuple(self.models())).validate_python(self._expand(value))
        return _distinct(found)

    def _expand(self, value: Any) -> tuple[Any, ...]:
        entries = [{self.tag: item} if isinstance(item, str) else with_tag(item, self.tag) for item in _as_tuple(value)]
        if (number := sum(map(number_of_entries, entries))) > MOST_ENTRIES:
            raise PydanticCustomError(
                "many_entries",
                "the lists give {number} entries, more than {most}; remove values from them",
                {"number": shown(number), "most": MOST_ENTRIES},
            )
        return tuple(single for entry in entries for single in entries_of(entry))


def with_tag(table: Any, tag: str) -> Any:
    """Return a table with its key `name` renamed to the key that the models use for the entry's name."""
    if tag == "name" or not isinstance(table, dict) or "name" not in table or tag in table:
        return table
    return {tag if key == "name" else key: value for key, value in table.items()}


@lru_cache(maxsize=64)
def _entries_of(models: tuple[type[Choice], ...]) -> TypeAdapter[Any]:
    """Return a validator of tuples of entries, each of any of the models."""
    union: Any = Union[models]  # noqa: UP007  # the members are known only at run time
    if len(models) > 1:
        union = Annotated[union, Field(discriminator=models[0].tag)]
    return TypeAdapter(tuple[union, ...])


def expands(field: FieldInfo) -> bool:
    """Return whether a model's field holds catalog entries, so one written table may expand to several."""
    return any(isinstance(note, _Expansion) for note in field.metadata)


def models_now(field: FieldInfo) -> Iterator[type[BaseModel]]:
    """Yield the models of the tables that a field accepts at present; plug-ins can add to them."""
    for note in field.metadata:
        if hasattr(note, "models"):
            yield from note.models()


def entries_of(entry: Any) -> list[Any]:
    """Return every table that an entry with axes among its values expands to."""
    if not isinstance(entry, dict):
        return [entry]
    kept = _lists_of(entry)
    values = ((value,) if key in kept else _as_tuple(value) for key, value in entry.items())
    return [dict(zip(entry, chosen, strict=True)) for chosen in product(*values)]


def number_of_entries(entry: Any) -> int:
    """Return the number of tables that an entry with axes among its values expands to."""
    if not isinstance(entry, dict):
        return 1
    axes = (value for key, value in entry.items() if key not in _lists_of(entry))
    return prod(len(value) for value in axes if isinstance(value, list) and value)


def _lists_of(entry: dict[Any, Any]) -> tuple[str, ...]:
    """Return the keys of an entry whose value can be a list."""
    name = entry.get("name")
    return _list_keys.get(name, ()) if isinstance(name, str) else ()


def _required(entry: type[Choice]) -> bool:
    return any(field.is_required() for field in entry.model_fields.values())


def choices_of(table: Mapping[str, type[Choice]]) -> Any:
    """Return the type of a value that selects entries of `table`, each by its bare name or as a table.

    Args:
        table: name -> the entry's settings; all share one tag.

    Returns:
        A type for a pydantic field; the field then holds a tuple of entries.
    """
    return Annotated[tuple[Any, ...], _Expansion(table)]
