"""From a function's parameters to the keys of a spec: their names, types and defaults."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

from suite.plugins.sources import Origin, PlugInError, restored

_TYPES = (bool, int, float, str)


class Travelling(BaseModel):
    """What a plug-in adds to a catalog: where it goes, the plug-in's text goes with it."""

    source: ClassVar[Origin]
    table: ClassVar[str]
    """Dotted path of the catalog's table."""
    entry: ClassVar[str]
    """Its name there."""

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is sent to another process, which may not have seen the plug-in."""
        return restored, (self.source, self.table, self.entry, dict(self.__dict__), set(self.model_fields_set))


def names_in(model: type[BaseModel]) -> set[str]:
    """What a model has a use for: its attributes, its keys, and what is only declared of its class."""
    return {*dir(model), *model.model_fields, *model.__class_vars__}


def fields_of(function: Callable[..., Any], taken: int, reserved: set[str]) -> dict[str, Any]:
    """The keys that a function's parameters make, as pydantic declares them.

    Args:
        function: of the plug-in.
        taken: how many parameters come first that the suite itself gives.
        reserved: names that the spec has a use for already.

    Raises:
        PlugInError: a parameter has no type, one that a spec cannot state, or a name that is reserved.
    """
    name = function.__name__
    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise PlugInError(f"{name}: its annotations cannot be read ({error}); mend them") from None
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) < taken:
        raise PlugInError(f"{name} takes {len(parameters)} arguments; give it {taken}, then its own parameters")
    fields: dict[str, Any] = {}
    for parameter in parameters[taken:]:
        key = parameter.name
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise PlugInError(f"{name}: {parameter} cannot be a key of a spec; name each parameter")
        if key in reserved or key.startswith(("_", "model_")):
            raise PlugInError(f"{name}: a spec has another use for {key}; give the parameter another name")
        if key not in hints or not _can_be_stated(hints[key]):
            raise PlugInError(
                f"{name}: {key} needs a type that a spec can state (float, int, bool, str); write {key}: float = 1.0"
            )
        default: FieldInfo = Field() if parameter.default is parameter.empty else Field(default=parameter.default)
        fields[key] = (hints[key], default)
    return fields


def summary_of(function: Callable[..., Any]) -> str:
    """What a function says of itself, in a line."""
    said = (inspect.getdoc(function) or "").strip().splitlines()
    return said[0].rstrip(".") if said else f"{function.__name__}, of a plug-in"


def _can_be_stated(kind: Any) -> bool:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind in _TYPES or get_origin(kind) is Literal
