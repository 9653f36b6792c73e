"""Convert the parameters of a plug-in's function to keys of a spec.

The module also has the base classes and registration that all kinds of plug-in entries share.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self, cast, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError, create_model, model_validator
from pydantic_core import PydanticCustomError

from suite.catalog.settings import Choice
from suite.formatting import short_error
from suite.nets.torch_settings import standard_settings
from suite.plugins.loading import Plugin, PlugInError, declare, register, restore

_Function = Callable[..., Any]


class FromPlugin(BaseModel):
    """The base class of entries that plug-ins add to the catalog.

    An entry is sent to other processes together with its plug-in.

    Attributes:
        plugin: The plug-in.
        table: The dotted path of the catalog's table.
        entry: The name of the entry in the table.
    """

    plugin: ClassVar[Plugin]
    table: ClassVar[str]
    entry: ClassVar[str]

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how pickle restores the entry in a process that may not have loaded the plug-in."""
        return restore, (self.plugin, self.table, self.entry, dict(self.__dict__), set(self.model_fields_set))


class PluginChoice(FromPlugin, Choice):
    """An activation, initialization or task from a plug-in, tried with the parameters of a spec."""

    def try_out(self) -> None:
        """Evaluate the plug-in's function with these parameters.

        Raises:
            Exception: If the function cannot be used with these parameters.
        """
        raise NotImplementedError

    @model_validator(mode="after")
    def _usable(self) -> Self:
        try:
            with standard_settings():
                self.try_out()
        except PlugInError as error:
            message = str(error)
        except (Exception, SystemExit) as error:  # the plug-in's function may raise anything
            message = f"it fails ({short_error(error)}); correct the function, or its parameters"
        else:
            return self
        raise PydanticCustomError("own", "{message}", {"message": f"{self.label}: {message}"})


def make_decorator(
    kind: str, function: _Function | None, name: str | None, add: Callable[[Plugin, str, _Function], None]
) -> Any:
    """Return a decorator that declares a function, or, if a function is given, declare and return it.

    Args:
        kind: The kind of the entry, for messages.
        function: The decorated function, if the decorator is used without arguments.
        name: Its name in specs. Default: the function's own name.
        add: A function (plug-in, name, function) -> None that adds it to the catalog.
    """

    def decorate(decorated: _Function) -> _Function:
        called = _name_of(decorated, name)
        declare(kind, called, decorated, lambda plugin: add(plugin, called, decorated))
        return decorated

    return decorate if function is None else decorate(function)


def _name_of(function: _Function, given: str | None) -> str:
    """Return the given name or the function's own; raise PlugInError if it is not valid."""
    if not callable(function):
        raise PlugInError(f"{function!r} is not a function; decorate a function")
    if inspect.isclass(function):
        raise PlugInError(f"{function.__name__} is a class; give an object of it, and a name: name='mine'")
    name = given if given is not None else getattr(function, "__name__", None)
    if name is None or name == "<lambda>":
        what = "a lambda" if name else f"an object of {type(function).__name__}"
        raise PlugInError(f"{what} has no name; give one, name='mine', or define a function with def")
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii():
        raise PlugInError(f"{name!r} is not a valid name; use ASCII letters, digits and underscores")
    return name


def make_choice(
    base: type[PluginChoice],
    plugin: Plugin,
    name: str,
    function: _Function,
    taken: int,
    formula: str | None,
    told: Sequence[str] = (),
) -> Any:
    """Return a new catalog entry whose keys are a function's parameters.

    Args:
        base: The base class of the entry.
        plugin: The plug-in.
        name: The entry's name.
        function: The plug-in's function.
        taken: The number of leading parameters that the suite passes.
        formula: Formula that `list` shows. Default: the first line of the docstring.
        told: Names of parameters that the suite passes by name if the function has them.
    """
    fields = fields_of(function, name, taken, {base.tag, *names_in(base)}, told)
    fields[base.tag] = (Literal[name], name)
    summary = summary_of(function, name)
    entry = cast(Any, create_model(name, __base__=base, __doc__=f"{summary}.", **fields))
    entry.plugin, entry.entry, entry.origin, entry.formula = plugin, name, plugin.digest, formula or summary
    return entry


def register_choice(kind: str, table: dict[str, Any], entry: Any, stated: Mapping[str, Any]) -> None:
    """Add an entry to the catalog and, unless it requires parameters, try it with its defaults.

    Args:
        kind: The kind of the entry, for messages.
        table: The catalog's table.
        entry: The entry.
        stated: Keys that every spec must state, with values to try.

    Raises:
        PlugInError: If the name is taken, or the entry cannot be used.
    """
    register(entry.plugin, kind, entry.entry, [(table, entry)])
    if any(field.is_required() for key, field in entry.model_fields.items() if key not in stated):
        return
    try:
        entry(**stated)
    except ValidationError as error:
        raise PlugInError(error.errors()[0]["msg"]) from None


def names_in(model: type[BaseModel]) -> set[str]:
    """Return the names that a model uses: its attributes, its fields and its class variables."""
    return {*dir(model), *model.model_fields, *model.__class_vars__}


def fields_of(
    function: _Function, name: str, taken: int, reserved: set[str], told: Sequence[str] = ()
) -> dict[str, Any]:
    """Return a function's own parameters as pydantic fields.

    Args:
        function: The plug-in's function.
        name: Its name.
        taken: The number of leading parameters that the suite passes.
        reserved: Names that specs use for something else.
        told: Names of parameters that the suite passes by name, which are no keys.

    Returns:
        Pairs of a type and a field, by name. Empty if the function has no signature.

    Raises:
        PlugInError: If annotations cannot be evaluated, there are fewer than `taken` parameters, or one of the
            function's own parameters cannot be named in a spec, has a reserved name, or has no type that a spec can
            state.
    """
    try:
        signature = inspect.signature(getattr(function, "forward", function), eval_str=True)
    except ValueError:  # some functions that are written in C have no signature
        return {}
    except (NameError, TypeError) as error:
        raise PlugInError(f"{name}: its parameters cannot be read ({error}); correct their annotations") from None
    parameters = list(signature.parameters.values())
    if len(parameters) < taken:
        raise PlugInError(f"{name} takes {len(parameters)} arguments; give it {taken}, then its own parameters")
    fields: dict[str, Any] = {}
    for parameter in parameters[taken:]:
        key, kind = parameter.name, parameter.annotation
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise PlugInError(f"{name}: {parameter} cannot be a key of a spec; name each parameter")
        if key in told:
            continue
        if key in reserved or key.startswith(("_", "model_")):
            raise PlugInError(f"{name}: a spec has another use for {key}; give the parameter another name")
        plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        if plain not in (bool, int, float, str) and get_origin(plain) is not Literal:
            raise PlugInError(
                f"{name}: {key} needs a type that a spec can state (float, int, bool, str); write {key}: float = 1.0"
            )
        fields[key] = (kind, Field() if parameter.default is parameter.empty else Field(default=parameter.default))
    return fields


def summary_of(function: _Function, name: str) -> str:
    """Return the first line of a function's docstring, or a text with its name if there is none."""
    while isinstance(function, partial):
        function = function.func
    said = (inspect.getdoc(function) or "").strip().splitlines()
    return said[0].rstrip(".") if said else f"{name}, of a plug-in"
