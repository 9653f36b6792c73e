"""Turns pydantic's findings into problems in the words of a spec's author."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import core_schema

from suite.catalog.measures import MEASURES
from suite.catalog.precision import Precise
from suite.catalog.settings import Choice, expands, models_now, number_of_entries
from suite.catalog.shown import shortened, shown
from suite.spec.locate import Path
from suite.spec.model import SpecFile
from suite.spec.problems import MOST_TOLD, Problem, nearest, or_plugged_in


def problems_of(error: ValidationError, data: Any, file: str, lines: Mapping[Path, int | str]) -> list[Problem]:
    """Every fault that pydantic found, each with its line and a hint; of a great many, one more than are told.

    Args:
        error: from validating `data` as a SpecFile.
        data: the parsed TOML.
        file: its path, as reported.
        lines: where its keys stand.
    """
    located = []
    for detail in _with_keys_of_unknown_entries(error.errors(include_url=False)):
        key = detail.get("ctx", {}).get("key")  # of a table's own check: which of its keys is meant
        location = (*detail["loc"], key) if key else detail["loc"]
        path = path_in(data, location, missing=detail["type"] == "missing")
        located.append((line_of(path, lines), path, detail))
    found: dict[Problem, None] = {}
    for line, path, detail in sorted(located, key=lambda place: (isinstance(place[0], str), place[0])):
        found[Problem(file, line, dotted(path), worded(detail))] = None
        if len(found) > MOST_TOLD:  # a message may take longer than all else, and no more of them are told
            break
    return list(found)


def _with_keys_of_unknown_entries(details: Iterable[Any]) -> Iterator[Any]:
    """Yield pydantic's findings, and the unknown keys of tables that name an unknown entry, which it does not check."""
    for detail in details:
        yield detail
        if detail["type"] == "union_tag_invalid" and isinstance(detail["input"], dict):
            known = _keys_at(detail["loc"])
            for key in detail["input"].keys() - known:
                yield {"type": "extra_forbidden", "loc": (*detail["loc"], key), "input": detail["input"][key]}


def line_of(path: Sequence[str | int], lines: Mapping[Path, int | str]) -> int | str:
    """The line of a path, or of the closest table around it that the file writes out; or the change that sets it."""
    path = tuple(path)
    while path not in lines:
        path = path[:-1]
    return lines[path]


def dotted(path: Sequence[str | int]) -> str:
    """A path as TOML writes it; places in lists are left out, since the line tells them."""
    return ".".join(shortened(part) if _BARE.fullmatch(part) else shown(part) for part in path if isinstance(part, str))


_BARE = re.compile(r"[\w-]+", re.ASCII)
"""A key that needs no quotes."""


def path_in(data: Any, loc: Sequence[str | int], missing: bool = False) -> Path:
    """The part of a location in the model that stands in the file: union tags and expanded lists do not."""
    path: Path = ()
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if isinstance(data, dict) and isinstance(part, str) and (part in data or (missing and last)):
            path, data = (*path, part), data.get(part)
        elif isinstance(data, list) and isinstance(part, int):
            place = _written_place(data, part) if path[-1] in _choice_keys() else part
            path, data = (*path, place), data[place]
    return path


def _written_place(items: Sequence[Any], entry: int) -> int:
    """Which item of a list stands for an entry, where items with lists inside stand for several."""
    ends = accumulate(map(number_of_entries, items))
    return next(place for place, end in enumerate(ends) if entry < end)


@cache
def _choice_keys() -> frozenset[str]:
    """The keys that hold entries of a catalog."""
    keys: set[str] = set()
    pending: list[type[BaseModel]] = [SpecFile]
    while pending:
        model = pending.pop()
        keys |= {key for key, field in model.model_fields.items() if expands(field)}
        pending.extend(found for key in model.model_fields for found in _models_in(model, key))
    return frozenset(keys)


def worded(detail: Any) -> str:
    """Return what pydantic found in the words of a spec, with a hint; its location is that of a SpecFile."""
    kind, context, given = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "extra_forbidden":
        return _unknown_key(detail["loc"])
    if kind == "missing":
        name = detail["loc"][-1]
        return f"{name} is missing; {_MISSING_TABLES.get(name, 'add it')}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _unnamed(context["discriminator"].strip("'"), detail)
    if kind == "model_attributes_type" and not _choice_keys().intersection(detail["loc"]):
        kind = "model_type"  # no catalog's entry, which a bare name could pick
    if kind not in _EXPECTED and kind not in _BUILT_IN:
        return str(detail["msg"])  # a check of the suite's own, which says what to do
    return _expected(kind, context, given, detail["loc"])


_MISSING_TABLES = {"family": "add a [family] table", "measure": "add a table such as [measure.v3]"}
"""Hints for tables that each spec needs."""


def _expected(kind: str, context: Mapping[str, Any], given: Any, loc: Sequence[str | int]) -> str:
    """Return what was expected in place of a value, and a hint if one is known."""
    if kind not in _EXPECTED:
        return f"unexpected value {shown(given)}; `python -m suite list` says what a spec takes"
    expected = _EXPECTED[kind].format(**{key: _limit(value) for key, value in context.items()})
    hint = ""
    if isinstance(given, str) and kind in ("int_type", "float_type", "bool_type") and _is_value(given):
        hint = "; remove the quotes"
    elif isinstance(given, str) and kind == "model_type":
        named = given.isprintable() and any(issubclass(model, Choice) for model in _models_at(loc))
        inside = f'name = "{shortened(given)}"' if named else "..."
        hint = f"; write {loc[-1]} = {{ {inside} }}"
    return f"expected {expected}, got {shown(given)}{hint}"


def _is_value(text: str) -> bool:
    """Return whether a text is a number or a truth value in quotes."""
    return text in ("true", "false") or bool(_NUMBER.fullmatch(text))


_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", re.ASCII)


def _unknown_key(loc: Sequence[str | int]) -> str:
    """Of a key that its table has not."""
    name, table = str(loc[-1]), loc[:-1]
    if name in Precise.model_fields and loc[0] == "measure":
        precise = ", ".join(name for name, measure in MEASURES.items() if issubclass(measure.settings, Precise))
        return f"unknown key; precision is of measures with draws ({precise}); training takes replicates"
    known = _keys_at(table)
    if not known:
        return "unknown key, there is nothing to set in this table; leave it empty"
    if name in known:  # by another entry, whose keys are known here as well
        return f"{table[-1]} does not take this key; remove it"
    hint = nearest(name, known)
    return f"unknown key; {or_plugged_in(hint) if table == ('measure',) else hint}"


def _unnamed(tag: str, detail: Any) -> str:
    """Of an entry of a catalog that is not known, or that nothing names.

    Args:
        tag: the key that should hold its name.
        detail: what pydantic found.
    """
    if detail["type"] == "union_tag_not_found":
        known = [
            str(model.model_fields[tag].default) for model in _models_at(detail["loc"]) if tag in model.model_fields
        ]
        return f"{tag} is missing; add {tag}, one of {', '.join(known)}"
    given = detail["input"]
    if isinstance(given, dict) and not isinstance(given.get(tag), str):
        return f"expected {_EXPECTED['string_type']}, got {shown(given.get(tag))}"
    name = detail["ctx"]["tag"]
    hint = nearest(name, [known.strip(" '") for known in detail["ctx"]["expected_tags"].split(",")])
    pluggable = _PLUGGABLE.intersection(detail["loc"])
    return f"{shown(name)} is not known; {or_plugged_in(hint) if pluggable else hint}"


_BUILT_IN = frozenset(get_args(core_schema.ErrorType))
"""Kinds of errors that pydantic itself finds and words."""


_PLUGGABLE = frozenset({"activation", "initialization", "task"})
"""Keys that hold entries of catalogs that plug-ins can add to; besides these, [measure]."""
_EXPECTED = {
    "int_type": "an integer",
    "bool_type": "true or false",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text in quotes",
    "string_too_short": "some text",
    "greater_than": "a number > {gt}",
    "greater_than_equal": "a number >= {ge}",
    "multiple_of": "a multiple of {multiple_of}",
    "less_than": "a number < {lt}",
    "less_than_equal": "a number <= {le}",
    "literal_error": "{expected}",
    "model_type": "a table",
    "model_attributes_type": "a name or a table",
    "dict_type": "a table such as {{ depth = 8 }}",
    "tuple_type": "a value or a list of values",
}
"""What is expected in place of a wrong value, by the kind of error that pydantic finds."""


def _limit(value: object) -> str:
    """A limit as a spec would write it."""
    if isinstance(value, int):
        return f"{value:_}" if value >= 10_000 else str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) >= 10_000:
        return f"{value:_.0f}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _keys_at(loc: Sequence[str | int]) -> set[str]:
    """The keys that a table at pydantic's location may have."""
    return {key for model in _models_at(loc) for key in model.model_fields}


def _models_at(loc: Sequence[str | int]) -> list[type[BaseModel]]:
    """What a table at pydantic's location may be."""
    models: list[type[BaseModel]] = [SpecFile]
    for part in loc:
        if not isinstance(part, str):
            continue
        inner = [found for model in models if part in model.model_fields for found in _models_in(model, part)]
        tagged: list[type[BaseModel]] = [
            model for model in models if issubclass(model, Choice) and _tag_of(model) == part
        ]
        models = inner or tagged or models
    return models


def _models_in(model: type[BaseModel], key: str) -> Iterator[type[BaseModel]]:
    field = model.model_fields[key]
    yield from models_now(field)
    pending: list[Any] = [field.annotation]
    while pending:
        annotation = pending.pop(0)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        pending.extend(get_args(annotation))


def _tag_of(model: type[Choice]) -> str:
    return str(model.model_fields[model.tag].default)
