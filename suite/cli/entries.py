"""What a spec can name, as `list` tells it: entries of every catalog with formula, settings and source."""

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
from suite.catalog.predict import Predict
from suite.catalog.quantities import QUANTITIES
from suite.catalog.settings import Choice, Settings
from suite.catalog.tasks import TASKS
from suite.cli.wording import in_words, key_of, settable
from suite.spec.model import Family, SpecFile

INPUTS = {
    "nothing": "weights alone",
    "domain": "random networks on the domain's sample",
    "loss": "random networks at training points, or at the domain's where nothing is trained",
    "task": "random networks on the domain of each training task",
    "pair": "random networks at an input, or at two of an angle given",
    "training": "networks while they train, as [measure.accuracy] says",
}
"""What a measure evaluates networks on, in words."""

_SHARED = {*Precise.model_fields, *Claim.model_fields} - {"test"}
"""Settings that all claims have, or all measures whose draws may be added until a precision is reached."""


@dataclass(frozen=True)
class Entry:
    """Something that a spec can name.

    Attributes:
        name: as specs write it.
        formula: one line.
        about: what else is to be said in a line: its summary, or its source.
        settings: what it takes.
        tag: the key that holds the name where settings are written beside it; empty of measures.
        function: dotted path of what computes it, if that says more.
        facts: further lines, for who asks for this entry alone.
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
        """Its own settings in a line: those it needs by name, the others with what they are unless given."""
        own = [(key, field) for key, field in settable(self.settings, self.tag) if key not in _SHARED]
        needs = [key for key, field in own if field.is_required()]
        others = [key_of(key, field) for key, field in own if not field.is_required()]
        if issubclass(self.settings, Precise):
            others = [f"{key} or precision" if key.startswith("draws") else key for key in others]
        parts = [f"{verb} {', '.join(keys)}" for verb, keys in (("needs", needs), ("takes", others)) if keys]
        return "; ".join(parts)


def catalogs() -> dict[str, dict[str, Entry]]:
    """Every entry by the title of its catalog and its name."""
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
    formula = measure.summary + (f"; precision is of {measure.primary}" if measure.primary else "")
    facts = [f"looks at: {INPUTS[measure.inputs]}"]
    if measure.plain:
        facts.append("defined for networks without normalization and residual connections")
    facts += [f"quantity {quantity}: {_meaning(quantity)}" for quantity in measure.quantities]
    return Entry(name, formula, measure.source, measure.settings, function=measure.function, facts=tuple(facts))


def _meaning(quantity: str) -> str:
    found = QUANTITIES.get(quantity)
    if found is None:
        return "its meaning is nowhere told"
    kinds = {"frequency": "a frequency", "time": "a wait", "ratio": "a ratio of means over draws"}
    notes = [*([kinds[found.kind]] if found.kind in kinds else []), *(f"by {index}" for index in found.index)]
    return found.meaning + (f" ({', '.join(notes)})" if notes else "")


def _choices(table: Mapping[str, type[Choice]]) -> dict[str, Entry]:
    return {name: _choice(name, entry) for name, entry in table.items()}


def _choice(name: str, entry: type[Choice]) -> Entry:
    formula, about = getattr(entry, "formula", ""), _summary(entry)
    said = about.removesuffix(".") == formula  # a plug-in's, which gives no formula, has its summary for one
    return Entry(name, formula, "" if said else about, entry, entry.tag)


def _summary(entry: type) -> str:
    """The first line of a docstring, which names the source, too."""
    return cleandoc(entry.__doc__ or "").partition("\n")[0]


def overview() -> Iterator[str]:
    """Every catalog: a line of formula for each entry, and one of what it is, what it takes and where it is from."""
    for title in catalogs():
        yield from catalog(title)
    yield "`list NAME` says more of one of these, or of a quantity."


def catalog(title: str) -> Iterator[str]:
    """The part of the overview that stands under one of its titles."""
    yield title
    for entry in catalogs()[title].values():
        yield f"  {entry.name:<19} {entry.formula}"
        if about := ". ".join(part.removesuffix(".") for part in (entry.about, entry.takes) if part):
            yield f"  {'':<19}   {about}"


def names() -> list[str]:
    """Whatever `list` can be asked for: entries, quantities, and titles of catalogs."""
    found = catalogs()
    return list(dict.fromkeys([*(name for entries in found.values() for name in entries), *QUANTITIES, *found]))


def told(name: str) -> Iterator[str]:
    """All there is to say of a name: once for each catalog that has it; of a quantity, by the measures that give it.

    Of a catalog, its part of the overview.
    """
    if name in catalogs():
        yield from catalog(name)
    for title, entries in catalogs().items():
        of_quantity = title == "measures" and name not in entries
        for entry in entries.values():
            if entry.name == name or (of_quantity and name in MEASURES[entry.name].quantities):
                yield from _told(title, entry)


def format_keys(name: str) -> Iterator[str]:
    """A line for each table of a spec that has a key of this name, which is no entry, and where keys are told of."""
    for table, model in _TABLES.items():
        if field := model.model_fields.get(name):
            yield f"{name} (a key of {table}): {field.description}; docs/spec.md tells of every key"


_TABLES: dict[str, type[BaseModel]] = {"the file": SpecFile, "[[family]]": Family, "[predict]": Predict}


def _told(title: str, entry: Entry) -> Iterator[str]:
    yield f"{entry.name} ({title}): {entry.formula}"
    yield from (f"  {line}" for line in (entry.about, *entry.facts) if line)
    yield from in_words(entry.settings, entry.tag, entry.name)
    if text := for_authors(documentation(entry.function)) if entry.function else _rest(entry.settings):
        yield ""
        yield from (f"  {line}".rstrip() for line in text.splitlines())


_OF_THE_CALL = re.compile(r"(?:^|\n)(?:Args|Raises):\n(?:(?: +[^\n]*)?\n)*(?=\S|\Z)")
"""What a docstring says of the arguments of a Python function, and of what it raises."""

_SHAPE = re.compile(r", ?\((?:draws|networks),[^)]*\)(?=[,;:.]|$)|\((?:draws|networks),[^)]*\),? ", re.MULTILINE)
"""The shape of an array, which tables of results do not have."""


def for_authors(text: str) -> str:
    """A docstring as the author of a spec reads it: without a call's arguments, and with what it gives in plain view.

    Args:
        text: with sections as the suite writes them.
    """
    told = _OF_THE_CALL.sub("\n", f"{text}\n").replace("\nReturns:\n", "\nGives:\n").replace("`settings.", "`")
    return _SHAPE.sub("", told).strip()


def _rest(entry: type) -> str:
    """What a docstring says after its first line."""
    return cleandoc(entry.__doc__ or "").partition("\n")[2].strip()


def documentation(path: str) -> str:
    """The docstring of what a dotted path names, read from its source: to load the module may take seconds.

    Args:
        path: module:name.
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
    """For what has no source to read: it is loaded after all."""
    try:
        function: Any = load(path)
    except (ImportError, AttributeError):
        return ""
    return cleandoc(function.__doc__ or "")
