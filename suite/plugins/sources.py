"""Where plug-ins are from: files that are named, and modules that are installed; each is taken up once.

What a plug-in adds carries its origin, with the text of its file, so that whoever computes with it, a worker here or
elsewhere, runs what was read at the start, and an edited file makes new results.
"""

import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from suite.catalog.dotted import load
from suite.plugins.offers import Offer, check_own, told_of_borrowed
from suite.plugins.origins import Origin, PlugInError, digest_of, module_of, read, run, told

Function = TypeVar("Function", bound=Callable[..., Any])

GROUP = "suite.plugins"
"""Of the entry points by which an installed package offers modules with plug-ins."""


_taken: dict[str, Origin] = {}
_added: dict[str, list[tuple[dict[str, Any], str]]] = {}
"""By origin's name, the tables and names that it has added to."""
_spelt: dict[Path, str] = {}
"""How each file was first named: whatever else leads to it is the same plug-in."""
_offers: dict[tuple[str, str, str], Offer] = {}
"""By module, kind and name: the last of each, where a module was imported again."""
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
    digest, text = read(Path(path))
    origin = Origin(_name_of(Path(path)), digest, text)
    _take_up(origin)
    if not _added.get(origin.name):
        unplug(origin.name)
        others = told_of_borrowed(_borrowed(origin, sys.modules[module_of(origin)]))
        raise PlugInError(
            f"{path}: adds nothing, since no function of its own is decorated{others}; put @activation, "
            "@initialization, @measure or @task, from suite.plugins, above one"
        )


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
        PlugInError: one cannot be imported, or what it adds is not right; the message names its package.
    """
    for point in _points():
        try:
            _take_up(Origin(point.module, digest_of(point.module)))
        except PlugInError as error:
            package = point.dist.name if point.dist else point.module.partition(".")[0]
            raise PlugInError(
                f"{error}; it comes with the installed package {package}, whose plug-ins are taken up unasked: mend "
                f"that, or take it out: pip uninstall {package}"
            ) from error


def _points() -> list[EntryPoint]:
    return sorted(entry_points(group=GROUP), key=lambda point: (point.value, point.name))


def unplug(name: str) -> None:
    """Takes out of the catalog whatever a file, or a module, has added to it."""
    for table, entry in _added.pop(name, []):
        del table[entry]
    for offer in _offers.values():
        if offer.by == name:
            offer.by = None
    _taken.pop(name, None)


def plugged_in() -> dict[str, str]:
    """The digests of all that is taken up, by its name."""
    return {name: origin.digest for name, origin in sorted(_taken.items())}


def files() -> list[str]:
    """The files that are taken up, as they were named."""
    return [name for name, origin in _taken.items() if origin.text is not None]


def origin_now() -> Origin:
    """Of the plug-in that is being taken up, without which nothing is added."""
    return _current[-1]


def offered(what: str, name: str, function: Function, add: Callable[[], None]) -> Function:
    """Adds a decorated function of the plug-in that is being taken up; any other, imported or not, is left as it is.

    Args:
        what: it is, for messages.
        name: its own.
        function: what is decorated, and returned.
        add: adds it to the catalog; called now, or when the module that it stands in is taken up.

    Raises:
        PlugInError: it stands in no file, so that it could never be taken up; or it is not right.
    """
    module, in_file = _decorating()
    if not (_current or in_file):
        raise PlugInError(
            "the decorators of suite.plugins act in files that are plugged in; write the function to a file, and name "
            "that: --plugin mine.py, or suite.plug_in('mine.py') in a notebook"
        )
    offer = Offer(module, name, function, add)
    if not (_current and module == module_of(_current[-1])):
        _offers[module, what, name] = offer  # an ordinary function, unless what is taken up has it in the end
    elif _current[-1].text is None:
        _offers[module, what, name] = offer  # imported once, and taken up as often as need be
        _take(offer)
    else:
        _take(offer)  # of a text, which is run anew each time
    return function


def _take(offer: Offer) -> None:
    offer.add()
    offer.by = origin_now().name


def _decorating() -> tuple[str, bool]:
    """The module whose line decorates, and whether it is a file's, not a notebook's cell."""
    frame = sys._getframe(1)
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith("suite.plugins."):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__")), "__file__" in frame.f_globals


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
        _lacking[origin.name] = str(error) if isinstance(error, PlugInError) else told(origin, error)
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


def _take_up(origin: Origin) -> None:
    if (known := _taken.get(origin.name)) == origin:
        return
    if known:
        unplug(origin.name)
    for key in [key for key, offer in _offers.items() if offer.is_former()]:
        del _offers[key]
    _current.append(origin)
    try:
        module = run(origin)
        if borrowed := _borrowed(origin, module):
            check_own(origin, borrowed, [point.module for point in _points()])
        for offer in list(_offers.values()):
            if offer.by is None and offer.is_hashed_with(origin) and offer.is_reached_from(module):
                _take(offer)
    except (Exception, SystemExit) as error:  # whatever it does
        unplug(origin.name)
        raise PlugInError(told(origin, error)) from error
    finally:
        _current.pop()
    _taken[origin.name] = origin


def _borrowed(origin: Origin, module: ModuleType) -> list[Offer]:
    """What it imports that its digest is not of."""
    return [each for each in _offers.values() if each.is_reached_from(module) and not each.is_hashed_with(origin)]
