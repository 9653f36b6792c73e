"""The tables of docs/ that follow from the models and catalogs, between two marks: `python docs/tables.py`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic.fields import FieldInfo

from suite.catalog.measures import MEASURES
from suite.catalog.predict import Predict
from suite.catalog.settings import Choice, Settings, expands
from suite.cli.entries import INPUTS, Entry, catalogs
from suite.cli.wording import as_toml, settable, values_of
from suite.spec.model import Family, SpecFile
from suite.spec.schema import Toml

DOCS = Path(__file__).parent
BEGIN, END = "<!-- made by python docs/tables.py; change the models instead -->", "<!-- up to here -->"

_TABLES = {
    "claim": "tables `[[claim]]`: [claims](#claims)",
    "predict": "a table: [`[predict]`](#predict)",
    "family": "a table, or tables `[[family]]`: [families](#family)",
    "domain": "a table: [domains](#domains)",
    "measure": "tables `[measure.NAME]`: [measures](#measures)",
    "where": "a table: for each axis, a value or a list",
    "activation": "name or table of [activations](#activations); or a list",
    "initialization": "name or table of [initializations](#initializations); or a list",
    "task": "name or table of [tasks](#tasks); or a list",
    "optimizer": "a table of [optimizers](#optimizers); or a list",
    "split": "a table with `train`, `validation` and `test`; of `table` also the name of a column",
}
"""What a key takes whose value is no single number or word, and where that is told."""


class Key(NamedTuple):
    """A key of a table, as a row tells of it."""

    name: str
    values: str
    default: str
    meaning: str


def _keys_of(model: type[Settings], tag: str = "") -> list[Key]:
    """The keys that a table of a spec takes besides the one that names its entry."""
    written = model.model_json_schema(mode="validation", schema_generator=Toml)["properties"]
    return [
        Key(
            f"`{key}`",
            _TABLES[key] if expands(field) or not values_of(written[key]) else _cell(values_of(written[key])),
            "required" if field.is_required() else _default(field),
            _cell(field.description or ""),
        )
        for key, field in settable(model, tag)
    ]


def _default(field: FieldInfo) -> str:
    value: Any = field.default[0] if isinstance(field.default, tuple) and len(field.default) == 1 else field.default
    if isinstance(value, Choice):
        value = {value.tag: getattr(value, value.tag), **value.parameters}
    elif isinstance(value, Settings):
        value = value.model_dump()
    if isinstance(value, dict) and value:
        return f"`{{ {', '.join(f'{key} = {as_toml(each)}' for key, each in value.items())} }}`"
    written = as_toml(value)
    return f"`{written}`" if written else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _formula(text: str) -> str:
    """In code's type where it is mathematics, so that no star or underscore is taken for emphasis."""
    return _cell(text) if "`" in text else f"`{_cell(text)}`"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> Iterator[str]:
    yield ""
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |".replace("|  |", "| |").replace("|  |", "| |")
    yield ""


_HEAD = ("key", "value", "default", "description")


def spec_reference() -> Iterator[str]:
    """Every table that a spec may hold, key by key."""
    yield "### The file"
    yield from _table(_HEAD, _keys_of(SpecFile))
    yield "### `[[family]]`"
    yield from _table(_HEAD, _keys_of(Family))
    yield "### `[predict]`"
    yield from _table(_HEAD, _keys_of(Predict))
    for title, entries in catalogs().items():
        yield f"### {title.capitalize()}"
        yield from _entries(title, entries)
        yield from _keys(entries)


def _entries(title: str, entries: Mapping[str, Entry]) -> Iterator[str]:
    shown = _cell if title == "measures" else _formula
    rows = ([f"`{name}`", shown(entry.formula), _cell(entry.about)] for name, entry in entries.items())
    heads = {"measures": ("measure", "description", "source"), "claims": ("test", "claim", "description")}
    yield from _table(heads.get(title, ("name", "formula", "description")), rows)


def _keys(entries: Mapping[str, Entry]) -> Iterator[str]:
    """Each key once for all entries in which it is the same."""
    having: dict[Key, list[str]] = {}
    for name, entry in entries.items():
        for key in _keys_of(entry.settings, entry.tag):
            having.setdefault(key, []).append(name)
    rows = [(key.name, _of(names, list(entries)), *key[1:]) for key, names in having.items()]
    if rows:
        yield from _table(("key", "of", *_HEAD[1:]), rows)


def _of(names: list[str], every: list[str]) -> str:
    others = [name for name in every if name not in names]
    if not others:
        return "all"
    few, start = (others, "all but ") if len(others) < len(names) else (names, "")
    return start + ", ".join(f"`{name}`" for name in few)


def _measures_table() -> Iterator[str]:
    """Yield the table of measures: what each computes, on which inputs, and its source."""
    rows = (
        [
            f"`{name}`",
            _cell(measure.summary),
            ", ".join(f"`{quantity}`" for quantity in measure.quantities),
            INPUTS[measure.inputs] + ("; no normalization or residual connections" if measure.plain else ""),
            measure.source,
        ]
        for name, measure in MEASURES.items()
    )
    yield from _table(("measure", "description", "quantities", "evaluated on", "source"), rows)


PAGES: dict[str, Callable[[], Iterator[str]]] = {"spec.md": spec_reference, "measures.md": _measures_table}
"""The pages with such a part, and what makes it."""


def current(page: str, text: str) -> str:
    """A page's text with its part made anew.

    Args:
        page: name of the file in docs/.
        text: what it holds, with both marks, one after the other.
    """
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = "\n".join(PAGES[page]()).strip("\n").replace("\n\n\n", "\n\n")
    return f"{before}{BEGIN}\n\n{lines}\n\n{END}{after}"


def write(docs: Path = DOCS) -> None:
    """Bring all pages up to date."""
    for page in PAGES:
        text = (docs / page).read_text(encoding="utf-8")
        (docs / page).write_text(current(page, text), encoding="utf-8")


if __name__ == "__main__":
    write()
