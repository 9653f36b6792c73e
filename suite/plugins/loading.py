"""Load plug-ins, which are named files or installed modules, in this process and on workers.

Each entry that a plug-in adds to the catalog carries the plug-in, with the content of its file. A worker therefore
computes with the version that was read at the start, and results of an edited file are computed anew.
"""

import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.abc import SourceLoader
from importlib.metadata import entry_points
from importlib.util import find_spec, module_from_spec, spec_from_loader
from pathlib import Path
from traceback import walk_tb
from types import FunctionType
from typing import Any

from suite.catalog.dotted import load

_GROUP = "suite.plugins"
"""The group of the entry points by which installed packages name modules with plug-ins."""


class PlugInError(ValueError):
    """The error for a plug-in that cannot be used; the message says where, why and what to do."""


@dataclass(frozen=True)
class Plugin:
    """A file or an installed module that adds entries to the catalog.

    Attributes:
        name: The file's path as given, or the module's name.
        digest: The SHA-256 checksum of the file, or of all source files of the module's package.
        content: The file's bytes; None for an installed module.
    """

    name: str
    digest: str
    content: bytes | None = field(default=None, repr=False)

    @property
    def module(self) -> str:
        """The name under which the plug-in is imported as a module."""
        return self.name if self.content is None else f"suite_plugin_{self.digest[:16]}"

    def covers(self, module: str) -> bool:
        """Return whether the digest depends on a module.

        It depends on the plug-in's own module; for an installed plug-in, on all modules of its package.
        """
        return module == self.module if self.content is not None else _package(module) == _package(self.name)


_Add = Callable[[Plugin], None]
"""A function that adds a declared entry to the catalog, as part of the given plug-in."""

_loaded: dict[str, Plugin] = {}
_added: dict[str, dict[tuple[str, str], list[dict[str, Any]]]] = {}
"""By plug-in, then (kind, name): the catalog's tables to which the entry was added."""
_declared: dict[str, dict[tuple[str, str], _Add]] = {}
"""By module, then (kind, name): declarations of modules that may be imported before they are loaded."""
_loading: list[Plugin] = []
_failed: dict[str, str] = {}
"""By plug-in: the reason why this process could not load a plug-in that was sent to it."""


def load_plugin(path: str | Path) -> None:
    """Load a Python file, so that specs can name what its decorated functions add.

    If the file is loaded again after an edit, its new entries replace the old ones.

    Args:
        path: The file. Its code is executed, so load only files that you trust.

    Raises:
        PlugInError: If the file cannot be read or run, or adds nothing, or adds something that is not valid.
    """
    file = Path(path)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise PlugInError(f"{path}: cannot be read ({error.strerror}); name a Python file") from None
    files = (plugin.name for plugin in _loaded.values() if plugin.content is not None)
    name = next((name for name in files if Path(name).resolve() == file.resolve()), str(path))
    _load(Plugin(name, hashlib.sha256(content).hexdigest(), content))
    if name not in _added:
        unload(name)
        raise PlugInError(
            f"{path}: adds nothing, since no function of its own is decorated; put @activation, @initialization, "
            "@measure or @task, from suite.plugins, above one"
        )


@cache
def load_installed() -> None:
    """Load the modules that installed packages name as entry points of the group `suite.plugins`, once.

    Raises:
        PlugInError: If a module cannot be imported, or adds something that is not valid; the message names its package.
    """
    for point in sorted(entry_points(group=_GROUP), key=lambda point: (point.value, point.name)):
        try:
            _load(Plugin(point.module, _digest(point.module)))
        except PlugInError as error:
            package = point.dist.name if point.dist else _package(point.module)
            raise PlugInError(
                f"{error}; it belongs to the installed package {package}, whose plug-ins are always loaded: correct "
                f"it, or remove it: pip uninstall {package}"
            ) from error


def unload(name: str) -> None:
    """Remove from the catalog everything that a plug-in has added."""
    for (_, entry), tables in _added.pop(name, {}).items():
        for table in tables:
            del table[entry]
    _loaded.pop(name, None)


def loaded_plugins() -> list[Plugin]:
    """Return all loaded plug-ins, sorted by name."""
    return [_loaded[name] for name in sorted(_loaded)]


def load_all(plugins: Sequence[Plugin]) -> str | None:
    """Load the plug-ins of another process; return None, or the error message of the first that fails."""
    try:
        for plugin in plugins:
            _load(plugin)
    except PlugInError as error:
        return str(error)
    return None


def check_loaded() -> None:
    """Raise PlugInError if this process could not load a plug-in that it was sent."""
    if _failed:
        raise PlugInError(f"a worker cannot use a plug-in: {next(iter(_failed.values()))}")


def restore(plugin: Plugin, table: str, name: str, values: dict[str, Any], stated: set[str]) -> Any:
    """Return an entry of a plug-in with the values of a spec, in the process that it was sent to.

    If the plug-in cannot be loaded, the result is None, and `check_loaded` raises the error.

    Args:
        plugin: The plug-in.
        table: The dotted path of the catalog's table.
        name: The name of the entry in the table.
        values: The values of its keys.
        stated: The keys that the spec states.
    """
    try:
        _load(plugin)
        entry = load(table)[name]
        found = getattr(entry, "settings", entry).model_construct(stated, **values)
    except Exception as error:  # an error here would end the worker; `check_loaded` reports it instead
        _failed[plugin.name] = str(error) if isinstance(error, PlugInError) else _format_error(plugin, error)
        return None
    _failed.pop(plugin.name, None)
    return found


def declare(kind: str, name: str, function: Callable[..., Any], add: _Add) -> None:
    """Declare a decorated function, which is added to the catalog only when its plug-in is loaded.

    A function belongs to the module that defines it. Any other callable belongs to the plug-in that is being loaded.

    Args:
        kind: The kind of the entry, for messages, such as "an activation".
        name: Its name in specs.
        function: The decorated function.
        add: A function that adds it to the catalog.

    Raises:
        PlugInError: If the function is from a notebook's cell, or from a module that is not part of the plug-in, or if
            it is not valid.
    """
    plugin = _loading[-1] if _loading else None
    module = plugin.module if plugin else None
    if isinstance(function, FunctionType):
        module = function.__module__
        if module == "__main__" and "__file__" not in function.__globals__:
            raise PlugInError(
                "the decorators of suite.plugins need a file, not a notebook's cell; write the function to a file and "
                "load that: --plugin mine.py, or suite.plug_in('mine.py') in a notebook"
            )
        # importlib marks a module that is being imported: its declarations are its own, not this plug-in's
        imported_now = getattr(getattr(sys.modules.get(module), "__spec__", None), "_initializing", False)
        if plugin and not plugin.covers(module) and not imported_now:
            raise PlugInError(f"{name} is a function of {module}; define a function here that calls it")
    if plugin and plugin.content is not None and module == plugin.module:
        add(plugin)  # now, so that errors have the line in the file
    elif module:
        _declared.setdefault(module, {})[kind, name] = add


def register(plugin: Plugin, kind: str, name: str, entries: Sequence[tuple[dict[str, Any], Any]]) -> None:
    """Add an entry to tables of the catalog, under one name.

    Args:
        plugin: The plug-in that the entry is from.
        kind: The kind of the entry, for messages.
        name: Its name.
        entries: Pairs of a table and what to add to it, first the table that specs are read with.

    Raises:
        PlugInError: If the name is taken.
    """
    if any(name in table for table, _ in entries):
        owners = [owner for owner, added in _added.items() if any(name == taken for _, taken in added)]
        raise PlugInError(f"{(*owners, 'the suite')[0]} has {kind} {name} already; use another name")
    for table, entry in entries:
        table[name] = entry
        _added.setdefault(plugin.name, {}).setdefault((kind, name), []).append(table)


def _load(plugin: Plugin) -> None:
    """Load a plug-in, in place of an older version of it, unless this version is loaded already."""
    if _loaded.get(plugin.name) == plugin:
        return
    unload(plugin.name)
    _loading.append(plugin)
    try:
        _import_installed(plugin) if plugin.content is None else _run_file(plugin)
    except (Exception, SystemExit) as error:  # the plug-in may raise anything
        unload(plugin.name)
        raise PlugInError(_format_error(plugin, error)) from error
    finally:
        _loading.pop()
    _loaded[plugin.name] = plugin


class _ContentLoader(SourceLoader):
    """A loader of the bytes that were read, even if the file has changed since then."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin

    def get_filename(self, fullname: str) -> str:
        return self.plugin.name

    def get_data(self, path: str | bytes) -> bytes:
        return self.plugin.content or b""


def _run_file(plugin: Plugin) -> None:
    """Run the content of a file as a module."""
    spec = spec_from_loader(plugin.module, _ContentLoader(plugin), origin=plugin.name)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[plugin.module] = module_from_spec(spec)
    spec.loader.exec_module(module)


def _import_installed(plugin: Plugin) -> None:
    """Import an installed module, and add the declarations of all imported modules of its package."""
    if (found := _digest(plugin.name)) != plugin.digest:
        raise PlugInError(
            f"the installed version differs ({found[:12]}, expected {plugin.digest[:12]}); install the same here"
        )
    for module in _declared.keys() - sys.modules.keys():  # they declare again when they are imported again
        del _declared[module]
    import_module(plugin.name)
    package = [other for other in _loaded.values() if other.content is None and other.covers(plugin.name)]
    added = {key for other in package for key in _added.get(other.name, {})}
    for module, declarations in _declared.items():
        for key, add in declarations.items():
            if plugin.covers(module) and key not in added:
                add(plugin)


def _digest(module: str) -> str:
    """Return the SHA-256 checksum of all source files of the package that a module is in."""
    spec = find_spec(_package(module))
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    if spec and spec.origin and not files:
        files = [Path(spec.origin)]
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _package(module: str) -> str:
    return module.partition(".")[0]


def _format_error(plugin: Plugin, error: BaseException) -> str:
    """Format an error in one line: the file, the last line of it that was run, the error and a hint."""
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == plugin.name]
    line, what = lines[-1] if lines else None, str(error)
    if isinstance(error, SyntaxError) and error.filename == plugin.name:
        line, what = error.lineno, error.msg
    place = f"{plugin.name}:{line}" if line else plugin.name
    if isinstance(error, PlugInError):
        return f"{place}: {what}"
    return f"{place}: {type(error).__name__}: {' '.join(what.split())}; {_hint(plugin, error)}"


def _hint(plugin: Plugin, error: BaseException) -> str:
    is_file = plugin.content is not None
    if isinstance(error, ImportError):
        return "install it where this runs" + (", or put its code into this file" if is_file else "")
    return "correct it, or leave the plug-in out" if is_file else "correct it"
