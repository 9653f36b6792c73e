"""Where plug-ins are from: files that are named, and modules that are installed; each is taken up once.

What a plug-in adds carries its origin, with the text of its file, so that whoever computes with it, a worker here or
elsewhere, runs what was read at the start, and an edited file makes new results.
"""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.abc import SourceLoader
from importlib.metadata import EntryPoint, entry_points
from importlib.util import decode_source, find_spec, module_from_spec, spec_from_loader
from pathlib import Path
from traceback import walk_tb
from typing import Any

from suite.catalog.dotted import load

GROUP = "suite.plugins"
"""Of the entry points by which an installed package offers modules with plug-ins."""


class PlugInError(ValueError):
    """A plug-in cannot be used; the message says where it stands and what to do."""


@dataclass(frozen=True)
class Origin:
    """A source of plug-ins.

    Attributes:
        name: a file's path, as given; or a module's name.
        digest: of the file's content, or of the source files of the package that the module is in.
        text: of a file; None of what is installed.
    """

    name: str
    digest: str
    text: str | None = field(default=None, repr=False)


_taken: dict[str, Origin] = {}
_added: dict[str, list[tuple[dict[str, Any], str]]] = {}
"""By origin's name, the tables and names that it has added to."""
_spelt: dict[Path, str] = {}
"""How each file was first named: whatever else leads to it is the same plug-in."""
_current: list[Origin] = []
"""The one that is being taken up; a list, since it may be none."""
_lacking: dict[str, str] = {}
"""By origin's name, why this process could not take up what it was sent."""


def plug_in(path: str | Path) -> None:
    """Takes up a Python file: what its decorated functions name can then stand in specs.

    Taken up again after it was edited, it replaces what it had added.

    Args:
        path: the file. It is run, so name none that you would not run yourself.

    Raises:
        PlugInError: it cannot be read or run, or what it adds is not right.
    """
    try:
        content = Path(path).read_bytes()
        text = decode_source(content)
    except OSError as error:
        raise PlugInError(f"{path}: cannot be read ({error.strerror}); name a Python file") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        raise PlugInError(f"{path}: no Python text ({error}); name a Python file, in UTF-8") from None
    _take_up(Origin(_name_of(Path(path)), hashlib.sha256(content).hexdigest(), text))


def _name_of(path: Path) -> str:
    """As it was first given; in full, where another file was named so from another folder."""
    whole = path.resolve()
    if whole not in _spelt:
        _spelt[whole] = str(whole) if str(path) in _spelt.values() else str(path)
    return _spelt[whole]


@cache
def plug_in_installed() -> None:
    """Takes up the modules that installed packages offer as entry points of the group `suite.plugins`.

    Raises:
        PlugInError: one cannot be imported, or what it adds is not right.
    """
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.value, point.name)):
        _take_up(_installed(point))


def unplug(name: str) -> None:
    """Takes out of the catalog whatever a file, or a module, has added to it."""
    for table, entry in _added.pop(name, []):
        del table[entry]
    _taken.pop(name, None)


def plugged_in() -> dict[str, str]:
    """The digests of all that is taken up, by its name."""
    return {name: origin.digest for name, origin in sorted(_taken.items())}


def origin_now() -> Origin:
    """Of the plug-in that is being taken up.

    Raises:
        PlugInError: none is.
    """
    if not _current:
        raise PlugInError(
            "the decorators of suite.plugins act in files that are plugged in; write the function to a file, and name "
            "that: --plugin mine.py, or suite.plug_in('mine.py') in a notebook"
        )
    return _current[-1]


def add(what: str, name: str, entries: Sequence[tuple[dict[str, Any], Any]]) -> None:
    """Adds to the catalog's tables, under one name, what a plug-in says.

    Args:
        what: it is, for the message.
        name: its own.
        entries: tables and what to put there, the one that specs are read by first.

    Raises:
        PlugInError: there is one of that name, or it is no name.
    """
    origin = origin_now()
    if not name.isidentifier() or not name.isascii():
        raise PlugInError(f"{name!r} is no name that a spec can state; define a function with def, in plain letters")
    for table, _ in entries:
        if name in table:
            owner = next((place for place, added in _added.items() if any(n == name for _, n in added)), "the suite")
            raise PlugInError(f"{owner} has {what} {name} already; give yours another name")
    for table, entry in entries:
        table[name] = entry
        _added.setdefault(origin.name, []).append((table, name))


def restored(origin: Origin, path: str, name: str, values: dict[str, Any], stated: set[str]) -> Any:
    """What a plug-in added, with a spec's values, as it arrives at a worker; None where that could not take it up.

    Args:
        origin: of the plug-in.
        path: dotted, of the catalog's table.
        name: in it.
        values: of its keys.
        stated: those that the spec states.
    """
    try:
        _take_up(origin)
        entry = load(path)[name]
        found = getattr(entry, "settings", entry).model_construct(stated, **values)
    except Exception as error:  # whatever it is, the work that comes with it cannot be read otherwise
        _lacking[origin.name] = str(error) if isinstance(error, PlugInError) else _told(origin, error)
        return None
    _lacking.pop(origin.name, None)
    return found


def check_taken_up() -> None:
    """Raises PlugInError where this process lacks a plug-in that it was sent work of."""
    if _lacking:
        raise PlugInError(f"a worker cannot use a plug-in: {next(iter(_lacking.values()))}")


def take_up_all(origins: Sequence[Origin]) -> str | None:
    """Takes up what another process has; why not, if it cannot."""
    try:
        for origin in origins:
            _take_up(origin)
    except PlugInError as error:
        return str(error)
    return None


def origins() -> list[Origin]:
    """All that is taken up, to be sent to those who are to compute with it."""
    return list(_taken.values())


class _Text(SourceLoader):
    """Runs the text that was read, wherever its file may be."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin

    def get_filename(self, fullname: str) -> str:
        """Of tracebacks."""
        return self.origin.name

    def get_data(self, path: str | bytes) -> bytes:
        """The text, encoded as Python is unless it says otherwise."""
        return (self.origin.text or "").encode()


def _take_up(origin: Origin) -> None:
    if (known := _taken.get(origin.name)) == origin:
        return
    if known:
        unplug(origin.name)
    _current.append(origin)
    try:
        if origin.text is None:
            _import_installed(origin)
        else:
            module = f"suite_plugin_{origin.digest[:16]}"
            spec = spec_from_loader(module, _Text(origin), origin=origin.name)
            assert spec is not None
            assert spec.loader is not None
            sys.modules[module] = module_from_spec(spec)
            spec.loader.exec_module(sys.modules[module])
    except (Exception, SystemExit) as error:  # whatever it does
        unplug(origin.name)
        raise PlugInError(_told(origin, error)) from error
    finally:
        _current.pop()
    _taken[origin.name] = origin


def _import_installed(origin: Origin) -> None:
    """Imports a module, which must be the same here as where its origin was written down."""
    if (found := _digest(origin.name)) != origin.digest:
        raise PlugInError(
            f"what is installed is not the same ({found[:12]} for {origin.digest[:12]}); install the same here"
        )
    load(f"{origin.name}:__name__")


def _installed(point: EntryPoint) -> Origin:
    return Origin(point.module, _digest(point.module))


def _digest(module: str) -> str:
    """Of all source files of the package that a module is in; of none where there is no such package."""
    spec = find_spec(module.partition(".")[0])
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    if spec and spec.origin and not files:
        files = [Path(spec.origin)]
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _told(origin: Origin, error: BaseException) -> str:
    """An error in a line: the plug-in's file, the line of it that was run last, what is wrong, and what to do."""
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == origin.name]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    place = f"{origin.name}:{line}" if line else origin.name
    if isinstance(error, PlugInError):
        return f"{place}: {error}"
    what = " ".join((error.msg if isinstance(error, SyntaxError) else str(error)).split())
    cure = "install it where this runs" if isinstance(error, ImportError) else "mend it, or leave the plug-in out"
    return f"{place}: {type(error).__name__}: {what}; {cure}"
