"""This module formats the output of `list`: all catalog entries with formula, settings and source."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from inspect import cleandoc
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from suite.catalog.activations import ACTIVATIONS
from suite.catalog.claims import CLAIMS, Claim
from suite.catalog.domain import DOMAINS
from suite.catalog.dotted import load
from suite.catalog.initializations import INITIALIZATIONS
from suite.catalog.measures import MEASURES, Measure
from suite.catalog.optimizers import OPTIMIZERS
from suite.catalog.precision import Precise
from suite.catalog.predict import BASELINES, Predict
from suite.catalog.quantities import QUANTITIES
from suite.catalog.settings import Choice, Settings
from suite.catalog.tasks import TASKS
from suite.cli.wording import in_words, key_of, settable
from suite.spec.model import Family, SpecFile

INPUTS = {
    "nothing": "the weights only",
    "domain": "random networks at sample points of the domain",
    "loss": "random networks at training points or, without training, at points of the domain",
    "task": "random networks on the domain of each training task",
    "pair": "random networks at one input, or at two inputs with a given angle",
    "training": "networks during the training of [measure.accuracy]",
}
"""Descriptions of what a measure evaluates networks on, by the name of its inputs."""

_SHARED = {*Precise.model_fields, *Claim.model_fields} - {"test"}
"""Settings that all claims share, or all measures that accept a precision target."""


@dataclass(frozen=True)
class Entry:
    """An entry of a catalog, which a spec can name.

    Attributes:
        name: The name that specs use.
        formula: One line with its formula or, for a measure, its summary.
        about: One more line: its summary or, for a measure, its source. It can be empty.
        settings: The model of its settings.
        tag: The key that holds the name in a table with its settings; empty for measures.
        function: The dotted path of the function that computes it, if its docstring is shown.
        facts: Further lines, which are shown if this entry alone is listed.
    """

    name: str
    formula: str
    about: str
    settings: type[Settings]
    tag: str = ""
    function: str | None = None
    facts: tuple[str, ...] = ()

    @property
    def takes(self) -> str:
        """Its own settings in one line: the required ones by name, the others with their defaults."""
        own = [(key, field) for key, field in settable(self.settings, self.tag) if key not in _SHARED]
        needs = [key for key, field in own if field.is_required()]
        others = [key_of(key, field) for key, field in own if not field.is_required()]
        if issubclass(self.settings, Precise):
            others = [f"{key} or precision" if key.startswith("draws") else key for key in others]
        parts = [f"{verb} {', '.join(keys)}" for verb, keys in (("required:", needs), ("optional:", others)) if keys]
        return "; ".join(parts)


def catalogs() -> dict[str, dict[str, Entry]]:
    """Return all entries, by the title of their catalog and by their name."""
    return {
        "measures": {name: _measure(name, measure) for name, measure in MEASURES.items()},
        "activations": _choices(ACTIVATIONS),
        "initializations": _choices(INITIALIZATIONS),
        "tasks": _choices(TASKS),
        "domains": _choices(DOMAINS),
        "optimizers": _choices(OPTIMIZERS),
        "claims": {
            name: Entry(name, claim.formula, _summary(claim), claim, "test", claim.function)
            for name, claim in CLAIMS.items()
        },
    }


def _measure(name: str, measure: Measure) -> Entry:
    formula = measure.summary + (f"; precision applies to {measure.primary}" if measure.primary else "")
    facts = [f"evaluated on: {INPUTS[measure.inputs]}"]
    if measure.plain:
        facts.append("defined only for networks without normalization and residual connections")
    facts += [f"quantity {quantity}: {_meaning(quantity)}" for quantity in measure.quantities]
    return Entry(name, formula, measure.source, measure.settings, function=measure.function, facts=tuple(facts))


def _meaning(quantity: str) -> str:
    """Return the meaning of a quantity with its kind and its index."""
    found = QUANTITIES.get(quantity)
    if found is None:
        return "no description"
    kinds = {"frequency": "a frequency", "time": "a time to event", "ratio": "a ratio of means over draws"}
    notes = [*([kinds[found.kind]] if found.kind in kinds else []), *(f"by {index}" for index in found.index)]
    return found.meaning + (f" ({', '.join(notes)})" if notes else "")


def _choices(table: Mapping[str, type[Choice]]) -> dict[str, Entry]:
    return {name: _choice(name, entry) for name, entry in table.items()}


def _choice(name: str, entry: type[Choice]) -> Entry:
    formula, about = getattr(entry, "formula", ""), _summary(entry)
    said = about.removesuffix(".") == formula  # a plug-in without a formula has its summary in place of it
    return Entry(name, formula, "" if said else about, entry, entry.tag)


def _summary(entry: type) -> str:
    """Return the first line of a docstring, which contains the source."""
    return cleandoc(entry.__doc__ or "").partition("\n")[0]


def overview() -> Iterator[str]:
    """Yield the lines of all catalogs: two per entry, with its formula, summary or source, and settings."""
    for title in catalogs():
        yield from catalog(title)
    yield "`list NAME` describes one of these, or a quantity."


def catalog(title: str) -> Iterator[str]:
    """Yield the lines of the catalog with this title."""
    yield title
    for entry in catalogs()[title].values():
        yield f"  {entry.name:<19} {entry.formula}"
        if about := ". ".join(part.removesuffix(".") for part in (entry.about, entry.takes) if part):
            yield f"  {'':<19}   {about}"


def names() -> list[str]:
    """Return the names that `list` accepts: entries, quantities and titles of catalogs."""
    found = catalogs()
    return list(dict.fromkeys([*(name for entries in found.values() for name in entries), *QUANTITIES, *found]))


def names_with_keys() -> list[str]:
    """Return the names that `list` describes: those of `names`, and keys and baselines."""
    return [*names(), *(key for model in _TABLES.values() for key in model.model_fields), *BASELINES]


def describe_name(name: str) -> Iterator[str]:
    """Yield all lines about a name.

    An entry is described once per catalog that contains it, and a quantity by the measures that compute it. The title
    of a catalog gives the lines of that catalog.
    """
    if name in catalogs():
        yield from catalog(name)
    for title, entries in catalogs().items():
        of_quantity = title == "measures" and name not in entries
        for entry in entries.values():
            if entry.name == name or (of_quantity and name in MEASURES[entry.name].quantities):
                yield from _describe_entry(title, entry)


def format_keys(name: str) -> Iterator[str]:
    """Yield a line for each table of a spec that has a key of this name, and one for a baseline of [predict]."""
    for table, model in _TABLES.items():
        if field := model.model_fields.get(name):
            yield f"{name} (a key of {table}): {field.description}; docs/spec.md documents every key"
    if name in BASELINES:
        yield f"{name} (a baseline of [predict]): {BASELINES[name]}; docs/predictors.md describes the baselines"


_TABLES: dict[str, type[BaseModel]] = {"the file": SpecFile, "[[family]]": Family, "[predict]": Predict}
"""The models of a spec's tables, by the names that `list` gives them."""


def _describe_entry(title: str, entry: Entry) -> Iterator[str]:
    """Yield the lines about an entry: formula, facts, settings and the docstring that documents it."""
    yield f"{entry.name} ({title}): {entry.formula}"
    yield from (f"  {line}" for line in (entry.about, *entry.facts) if line)
    yield from in_words(entry.settings, entry.tag, entry.name)
    if text := for_authors(documentation(entry.function)) if entry.function else _rest(entry.settings):
        yield ""
        yield from (f"  {line}".rstrip() for line in text.splitlines())


_CALL_SECTIONS = re.compile(r"(?:^|\n)(?:Args|Raises):\n(?:(?: +[^\n]*)?\n)*(?=\S|\Z)")
"""The sections of a docstring about the arguments of a function and the errors that it raises."""

_SHAPE = re.compile(r", ?\((?:draws|networks),[^)]*\)(?=[,;:.]|$)|\((?:draws|networks),[^)]*\),? ", re.MULTILINE)
"""Shapes of arrays, which do not apply to the tables of results."""


def for_authors(text: str) -> str:
    """Return a docstring for authors of specs, without arguments, errors and array shapes.

    The section "Returns" is renamed to "Quantities".

    Args:
        text: The docstring, in Google style.
    """
    adapted = (
        _CALL_SECTIONS.sub("\n", f"{text}\n").replace("\nReturns:\n", "\nQuantities:\n").replace("`settings.", "`")
    )
    return _SHAPE.sub("", adapted).strip()


def _rest(entry: type) -> str:
    """Return a docstring without its first line."""
    return cleandoc(entry.__doc__ or "").partition("\n")[2].strip()


def documentation(path: str) -> str:
    """Return the docstring of a function or class.

    It is read from the source if possible, since importing the module can take seconds.

    Args:
        path: The dotted path, of the form `module:name`.
    """
    module, name = path.split(":")
    try:
        found = find_spec(module)
        tree = (
            ast.parse(Path(found.origin).read_text(encoding="utf-8")) if found and found.origin else ast.Module([], [])
        )
    except (ImportError, OSError, SyntaxError, ValueError):
        tree = ast.Module([], [])
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return ast.get_docstring(node) or ""
    return _loaded_documentation(path)


def _loaded_documentation(path: str) -> str:
    """Return the docstring of an object whose source cannot be read, by importing it; empty if that fails."""
    try:
        function: Any = load(path)
    except (ImportError, AttributeError):
        return ""
    return cleandoc(function.__doc__ or "")
