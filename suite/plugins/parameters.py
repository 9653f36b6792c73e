"""From a function's parameters to the keys of a spec: their names, types and defaults."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Field, ValidationError, create_model, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from suite.catalog.settings import Choice
from suite.plugins.origins import Origin, PlugInError
from suite.plugins.sources import origin_now, restored

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


class OwnChoice(Travelling, Choice):
    """An entry of a catalog that a plug-in gives; it is tried with whatever parameters a spec gives it."""

    def try_out(self) -> None:
        """Uses what the plug-in gives; raises where it cannot be used so."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _usable(self) -> Self:
        """A spec that gives it parameters under which it is of no use is told so, with its line."""
        try:
            self.try_out()
        except (Exception, SystemExit) as error:  # whatever the plug-in's functions do
            what = " ".join(str(error).split())[:300]
            told = what
            if not isinstance(error, PlugInError):
                told = f"it fails ({type(error).__name__}: {what}); mend the function, or its parameters"
            raise PydanticCustomError("own", "{message}", {"message": f"{self.label}: {told}"}) from None
        return self


_Own = TypeVar("_Own", bound=OwnChoice)


def entry_of(base: type[_Own], name: str, function: Callable[..., Any], taken: int, formula: str | None) -> Any:
    """A catalog's entry whose keys are a function's parameters, from the plug-in that is being taken up.

    Args:
        base: what it is an entry of.
        name: its own.
        function: of the plug-in.
        taken: how many parameters come first that the suite itself gives.
        formula: for `list`; the first line of the docstring unless given.

    Raises:
        PlugInError: as of `fields_of`.
    """
    fields = fields_of(function, name, taken, {base.tag, *names_in(base)})
    fields[base.tag] = (Literal[name], name)
    summary = summary_of(function, name)
    entry = cast(Any, create_model(name, __base__=base, __doc__=f"{summary}.", **fields))
    entry.source, entry.entry, entry.formula = origin_now(), name, formula or summary
    entry.origin = entry.source.digest
    return entry


def try_defaults(entry: type[BaseModel], given: Mapping[str, Any]) -> None:
    """Tries an entry with its defaults, where it has them all.

    Args:
        entry: of a catalog.
        given: what a spec has to state anyway.

    Raises:
        PlugInError: it is of no use so.
    """
    if any(field.is_required() for key, field in entry.model_fields.items() if key not in given):
        return
    try:
        entry(**given)
    except ValidationError as error:
        raise PlugInError(error.errors()[0]["msg"]) from None


def names_in(model: type[BaseModel]) -> set[str]:
    """What a model has a use for: its attributes, its keys, and what is only declared of its class."""
    return {*dir(model), *model.model_fields, *model.__class_vars__}


def name_of(function: Callable[..., Any], given: str | None) -> str:
    """What specs call it: as is said, or as the function is named.

    Raises:
        PlugInError: it cannot be called, or nothing says its name.
    """
    if not callable(function):
        raise PlugInError(f"{function!r} is no function; decorate one")
    if inspect.isclass(function):
        raise PlugInError(f"{function.__name__} is a class; give an object of it, and a name: name={_EXAMPLE!r}")
    found = given if given is not None else getattr(function, "__name__", None)
    if found is None or found == "<lambda>":
        what = "a lambda" if found else f"an object of {type(function).__name__}"
        raise PlugInError(f"{what} has no name; say one, name={_EXAMPLE!r}, or define a function with def")
    if not isinstance(found, str) or not found.isidentifier() or not found.isascii():
        raise PlugInError(f"{found!r} is no name that a spec can state; take letters, digits and underscores")
    return found


_EXAMPLE = "mine"


def fields_of(function: Callable[..., Any], name: str, taken: int, reserved: set[str]) -> dict[str, Any]:
    """The keys that a function's parameters make, as pydantic declares them.

    Args:
        function: of the plug-in.
        name: its own.
        taken: how many parameters come first that the suite itself gives.
        reserved: names that the spec has a use for already.

    Raises:
        PlugInError: a parameter has no type, one that a spec cannot state, or a name that is reserved.
    """
    parameters, hints = _signature(function, name)
    if parameters is None:  # of a function in C, some of which say nothing
        return {}
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


def _signature(function: Callable[..., Any], name: str) -> tuple[list[inspect.Parameter] | None, dict[str, Any]]:
    """A function's parameters and their types; of an object, those of what it does when it is called."""
    said = function
    if not (isinstance(function, partial) or inspect.isroutine(function)):
        said = getattr(function, "forward", type(function).__call__.__get__(function))  # of a torch module, or another
    try:
        parameters = list(inspect.signature(said).parameters.values())
    except ValueError:
        return None, {}
    except TypeError as error:
        raise PlugInError(f"{name}: its parameters cannot be read ({error}); call it in a function of yours") from None
    try:
        return parameters, get_type_hints(_innermost(said), include_extras=True)
    except (NameError, TypeError) as error:
        raise PlugInError(f"{name}: its annotations cannot be read ({error}); mend them") from None


def _innermost(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, partial):
        function = function.func
    return function


def summary_of(function: Callable[..., Any], name: str) -> str:
    """What a function says of itself, in a line."""
    said = (inspect.getdoc(_innermost(function)) or "").strip().splitlines()
    return said[0].rstrip(".") if said else f"{name}, of a plug-in"


def _can_be_stated(kind: Any) -> bool:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind in _TYPES or get_origin(kind) is Literal
