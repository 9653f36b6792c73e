"""This module turns pydantic's errors into problems in terms of the spec."""

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
from suite.catalog.shown import shortened, shown, written
from suite.spec.locate import Path
from suite.spec.model import ADD_MEASURE, SpecFile
from suite.spec.problems import MAX_REPORTED, Problem, near_to, nearest, or_plugged_in


def problems_of(error: ValidationError, data: Any, file: str, lines: Mapping[Path, int | str]) -> list[Problem]:
    """Return the errors that pydantic found, each with its line and a hint.

    Args:
        error: The error from validating `data` as a SpecFile.
        data: The parsed TOML.
        file: The file's path, as reported.
        lines: The place of each key.

    Returns:
        The problems in the order of their lines, at most `MAX_REPORTED` + 1 of them.
    """
    located = []
    details = list(_with_keys_of_unknown_entries(error.errors(include_url=False)))
    for detail in details:
        key = detail.get("ctx", {}).get("key")  # checks of a whole table name the key that is wrong
        location = (*detail["loc"], key) if key else detail["loc"]
        path = path_in(data, location, missing=detail["type"] == "missing")
        located.append((line_of(path, lines), path, detail))
    found: dict[Problem, None] = {}
    for line, path, detail in sorted(located, key=lambda place: (isinstance(place[0], str), place[0])):
        given = _value_at(data, path)
        message = _format_bare_entry(detail, details, path, given) if isinstance(given, str) else ""
        found[Problem(file, line, dotted(path), message or format_error(detail))] = None
        if len(found) > MAX_REPORTED:  # wording thousands of messages is slow, and no more are shown
            break
    return list(found)


def _with_keys_of_unknown_entries(details: Iterable[Any]) -> Iterator[Any]:
    """Yield pydantic's errors, and those of unknown keys in tables that name an unknown entry.

    Pydantic does not check the keys of such tables.
    """
    for detail in details:
        yield detail
        if detail["type"] == "union_tag_invalid" and isinstance(detail["input"], dict):
            known = _keys_at(detail["loc"])
            for key in detail["input"].keys() - known:
                yield {"type": "extra_forbidden", "loc": (*detail["loc"], key), "input": detail["input"][key]}


def line_of(path: Sequence[str | int], lines: Mapping[Path, int | str]) -> int | str:
    """Return the line of a path or, if the file does not contain it, that of the closest table around it.

    If a change sets the path, its `--set` option takes the place of the line.
    """
    path = tuple(path)
    while path not in lines:
        path = path[:-1]
    return lines[path]


def dotted(path: Sequence[str | int]) -> str:
    """Return a path as TOML writes it, without positions in lists, which the line number identifies."""
    return ".".join(shortened(part) if _BARE.fullmatch(part) else shown(part) for part in path if isinstance(part, str))


_BARE = re.compile(r"[\w-]+", re.ASCII)
"""Keys that need no quotes."""


def path_in(data: Any, loc: Sequence[str | int], missing: bool = False) -> Path:
    """Return the path in the file of a location in the model.

    Union tags are not in the file. A position in an expanded list becomes that of the item from which it was expanded.

    Args:
        data: The parsed TOML.
        loc: The location, as pydantic gives it.
        missing: Whether the last key of the location is missing in the file; it is then part of the path.
    """
    path: Path = ()
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if isinstance(data, dict) and isinstance(part, str) and (part in data or (missing and last)):
            path, data = (*path, part), data.get(part)
        elif isinstance(data, list) and isinstance(part, int):
            place = _find_written_item(data, part) if path[-1] in _choice_keys() else part
            path, data = (*path, place), data[place]
    return path


def _find_written_item(items: Sequence[Any], entry: int) -> int:
    """Return the position of the item from which an entry was expanded.

    An item that contains lists gives several entries.
    """
    ends = accumulate(map(number_of_entries, items))
    return next(place for place, end in enumerate(ends) if entry < end)


@cache
def _choice_keys() -> frozenset[str]:
    """Return the keys that hold entries of a catalog."""
    keys: set[str] = set()
    pending: list[type[BaseModel]] = [SpecFile]
    while pending:
        model = pending.pop()
        keys |= {key for key, field in model.model_fields.items() if expands(field)}
        pending.extend(found for key in model.model_fields for found in _models_in(model, key))
    return frozenset(keys)


def format_error(detail: Any) -> str:
    """Return the message of one of pydantic's errors in terms of the spec, with a hint.

    Args:
        detail: The error, located in a SpecFile.
    """
    kind, context, given = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "extra_forbidden":
        return _format_unknown_key(detail["loc"], given)
    if kind == "missing":
        name = detail["loc"][-1]
        return f"{name} is missing; {_MISSING_TABLES.get(name, 'add it')}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _format_unknown_entry(context["discriminator"].strip("'"), detail)
    if kind == "model_attributes_type" and not _choice_keys().intersection(detail["loc"]):
        kind = "model_type"  # only entries of a catalog can be given by name alone
    if kind not in _EXPECTED and kind not in _BUILT_IN:
        return str(detail["msg"])  # the suite's own checks have complete messages
    return _format_expected(kind, context, given, detail["loc"])


_MISSING_TABLES = {"family": "add a [family] table", "measure": ADD_MEASURE}
"""Hints for the tables that every spec needs."""


def _format_expected(kind: str, context: Mapping[str, Any], given: Any, loc: Sequence[str | int]) -> str:
    """Return what was expected in place of a value, and a hint if one is known."""
    if kind not in _EXPECTED:
        return f"unexpected value {shown(given)}; run `python -m suite list` to see what a spec accepts"
    expected = _EXPECTED[kind].format(**{key: _format_limit(value) for key, value in context.items()})
    hint = ""
    if isinstance(given, str) and kind in ("int_type", "float_type", "bool_type") and _is_value(given):
        hint = "; remove the quotes"
    elif isinstance(given, str) and kind == "model_type":
        named = given.isprintable() and any(issubclass(model, Choice) for model in _models_at(loc))
        inside = f'name = "{shortened(given)}"' if named else "..."
        hint = f"; write {loc[-1]} = {{ {inside} }}"
    elif _is_table_list(given) and kind == "model_type":
        hint = f"; write [{dotted(loc)}] once"
    elif isinstance(given, dict) and loc[0] == "claims":
        hint = "; write [[claim]]"
    return f"expected {expected}, got {shown(given)}{hint}"


def _is_table_list(value: Any) -> bool:
    """Return whether a value is a list of tables, as [[key]] gives."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _header(key: str, given: Any) -> str:
    """Return the header of a top-level table under another key, such as [[family]] or [measure.v3]."""
    if key in ("family", "claim") and not isinstance(given, dict):
        return f"[[{key}]]"
    inner = next(iter(given), "") if key == "measure" and isinstance(given, dict) else ""
    return f"[{key}.{dotted([inner])}]" if inner else f"[{key}]"


def _value_at(data: Any, path: Path) -> Any:
    """Return the value at a path in the file; None if there is none."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _format_bare_entry(detail: Any, details: Iterable[Any], path: Path, name: str) -> str:
    """Return the message for an entry that is given by name alone, although it has required keys.

    The message names all missing keys and shows a table that has them. It is empty for any other error.

    Args:
        detail: The error that pydantic found.
        details: All errors of the file.
        path: The place of the name in the file.
        name: The name.
    """
    if detail["type"] != "missing":
        return ""
    here = tuple(detail["loc"][:-1])
    entry = next((model for model in _models_at(here) if issubclass(model, Choice) and _tag_of(model) == name), None)
    if entry is None:
        return ""
    missing = [each["loc"][-1] for each in details if each["type"] == "missing" and tuple(each["loc"][:-1]) == here]
    values = {key: _EXAMPLES.get(key, 1 if entry.model_fields[key].annotation is int else 1.0) for key in missing}
    table = written({"name": name, **values}).replace("'", '"')
    key = f"{path[-1]} = " if isinstance(path[-1], str) else ""
    verb = "is" if len(missing) == 1 else "are"
    return f"{' and '.join(filter(None, (', '.join(missing[:-1]), missing[-1])))} {verb} missing; write {key}{table}"


_EXAMPLES = {
    "squares": 4,
    "rings": 3,
    "train": 1000,
    "test": 300,
    "learning_rate": 0.01,
    "batch": 100,
    "weight_variance": 2.0,
}
"""Values of required keys in hints; the value of all other keys is 1."""


def _is_value(text: str) -> bool:
    """Return whether a text holds a number, true or false, and so needs no quotes."""
    return text in ("true", "false") or bool(_NUMBER.fullmatch(text))


_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", re.ASCII)


def _format_unknown_key(loc: Sequence[str | int], given: Any) -> str:
    """Return the message for a key that its table does not have.

    Args:
        loc: The location of the key.
        given: Its value. If that is a table, the hint shows the header of the table.
    """
    name, table = str(loc[-1]), loc[:-1]
    if name in Precise.model_fields and loc[0] == "measure":
        precise = ", ".join(name for name, measure in MEASURES.items() if issubclass(measure.settings, Precise))
        return f"unknown key; use precision with measures that have draws ({precise}), and replicates with training"
    known = _keys_at(table)
    if not known:
        return "unknown key, this table has no settings; remove the key"
    if name in known:  # another entry that can stand here has this key
        return f"{table[-1]} does not accept this key; remove it"
    if (near := near_to(name, known)) and not table and (isinstance(given, dict) or _is_table_list(given)):
        return f"unknown key; did you mean {_header(near, given)}?"
    hint = nearest(name, known)
    return f"unknown key; {or_plugged_in(hint) if table == ('measure',) else hint}"


def _format_unknown_entry(tag: str, detail: Any) -> str:
    """Return the message for a table whose catalog entry is unknown or not named.

    Args:
        tag: The key that should hold the entry's name.
        detail: The error that pydantic found.
    """
    if detail["type"] == "union_tag_not_found":
        known = [
            str(model.model_fields[tag].default) for model in _models_at(detail["loc"]) if tag in model.model_fields
        ]
        key = "name" if tag in _OLDER_TAGS else tag
        return f"{key} is missing; add {key}, one of {', '.join(known)}"
    given = detail["input"]
    if isinstance(given, dict) and not isinstance(given.get(tag), str):
        return f"expected {_EXPECTED['string_type']}, got {shown(given.get(tag))}"
    name = detail["ctx"]["tag"]
    hint = nearest(name, [known.strip(" '") for known in detail["ctx"]["expected_tags"].split(",")])
    pluggable = _PLUGGABLE.intersection(detail["loc"])
    return f"{shown(name)} is not known; {or_plugged_in(hint) if pluggable else hint}"


_BUILT_IN = frozenset(get_args(core_schema.ErrorType))
"""The kinds of errors that pydantic itself defines."""


_PLUGGABLE = frozenset({"activation", "initialization", "task"})
"""The keys, besides [measure], that hold entries of catalogs to which plug-ins can add."""
_EXPECTED = {
    "int_type": "an integer",
    "bool_type": "true or false",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text in quotes",
    "string_too_short": "nonempty text",
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
"""The expected value, by the kind of error that pydantic finds."""


def _format_limit(value: object) -> str:
    """Format a limit as a spec would write it."""
    if isinstance(value, int):
        return f"{value:_}" if value >= 10_000 else str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) >= 10_000:
        return f"{value:_.0f}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _keys_at(loc: Sequence[str | int]) -> set[str]:
    """Return the keys that a table at a location of pydantic can have; an entry's name is under the key `name`."""
    models = _models_at(loc)
    tags = {model.tag for model in models if issubclass(model, Choice) and model.tag in _OLDER_TAGS}
    return {"name" if key in tags else key for model in models for key in model.model_fields}


_OLDER_TAGS = frozenset({"scheme", "kind"})
"""Keys that are accepted in place of `name`."""


def _models_at(loc: Sequence[str | int]) -> list[type[BaseModel]]:
    """Return the models that a table at a location of pydantic can be."""
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
    """Yield the models that the value of a key can contain."""
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
