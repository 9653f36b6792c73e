"""Whatever a key of a spec is given: what is wrong is told in the suite's words, with its line and a hint."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from typer.testing import CliRunner

from suite.catalog.activations import ACTIVATIONS
from suite.catalog.claims import CLAIMS
from suite.catalog.domain import DOMAINS
from suite.catalog.initializations import INITIALIZATIONS
from suite.catalog.measures import MEASURES
from suite.catalog.optimizers import OPTIMIZERS
from suite.catalog.predict import Predict
from suite.catalog.tasks import TASKS
from suite.cli import app
from suite.spec.load import load_studies
from suite.spec.messages import format_error
from suite.spec.model import Family, SpecFile
from suite.spec.problems import SpecError

Table = dict[str, Any]

TASK = {"name": "checkerboard", "squares": 2, "train": 64, "test": 64}
OPTIMIZER = {"name": "adam", "learning_rate": 0.01, "batch": 32}
ACCURACY = {"task": TASK, "optimizer": OPTIMIZER, "steps": 10, "replicates": 2}
FAMILY = {"parameters": 500, "inputs": 2, "depth": [1, 2, 3], "activation": "relu"}
BASE = {"title": "A study", "seed": 7, "family": FAMILY, "measure": {"v3": {"draws": 16, "step": 0.25}}}

WRONG = [
    *("-3", "1.5", "1e400", "nan", "true", '"some text"', '""', "1979-05-27", "07:32:00", "99999999999999999999"),
    *("[]", '[1, "a"]', "[[]]", "[{ a = 1 }]", "{}", "{ a = [1, 1] }", '{ scheme = "he" }', "{ name = 3 }"),
    *('{ name = "elu", alpha = "x" }', '{ kind = "box", radius = 1.0 }', "{ test = [] }", "[true, 1979-05-27]"),
]
"""As TOML has them; most keys can be given none of these, some keys one or two."""

PYDANTIC = re.compile(r"Input|Value error|pydantic|should be|valid |instance|Assertion|dict\\b|tuple|None|datetime")
PYTHON = re.compile(r"\bTrue\b|\bFalse\b|'\w+': ")
HINTS = (
    *("use ", "set ", "add ", "remove ", "write ", "change ", "choose ", "lower ", "raise ", "reword "),
    *("did you mean ", "entries of a plug-in need --plugin FILE"),
)
"""What the end of a message begins with."""


@dataclass(frozen=True)
class Raw:
    """A value that is TOML already."""

    text: str


def toml(value: Any) -> str:
    """A value as TOML has it, in one line."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {toml(each)}' for key, each in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return value.text if isinstance(value, Raw) else json.dumps(value)


def catalogs() -> Iterator[tuple[Table, tuple[str, ...], type[BaseModel]]]:
    """Specs in which a table names an entry, where that table stands, and the entry."""
    for key, catalog in (("activation", ACTIVATIONS), ("initialization", INITIALIZATIONS)):
        for name, entry in catalog.items():
            yield BASE | {"family": FAMILY | {key: {entry.tag: name}}}, ("family", key), entry
    for name, entry in DOMAINS.items():
        yield BASE | {"domain": {entry.tag: name}}, ("domain",), entry
    for key, catalog, rest in (("task", TASKS, TASK), ("optimizer", OPTIMIZERS, OPTIMIZER)):
        for name, entry in catalog.items():
            given = {each: value for each, value in rest.items() if each in entry.model_fields} | {entry.tag: name}
            measure = {"accuracy": ACCURACY | {key: given}}
            yield BASE | {"measure": measure}, ("measure", "accuracy", key), entry


def tables() -> Iterator[tuple[Table, tuple[str, ...], type[BaseModel]]]:
    """Specs, the place of a table in each, and the model of what it may say: together every table there is."""
    yield BASE, (), SpecFile
    yield BASE, ("family",), Family
    trained = BASE | {"measure": {"v3": {}, "accuracy": ACCURACY}}
    yield trained | {"predict": {"outcome": "test_accuracy"}}, ("predict",), Predict
    for name, measure in MEASURES.items():
        yield BASE | {"measure": {name: ACCURACY if name == "accuracy" else {}}}, ("measure", name), measure.settings
    yield from catalogs()
    about = {"quantity": "v3", "first": "v3", "second": "v3_floor", "along": "depth", "axis": "depth", "value": 1}
    about |= {"than": 2, "direction": "rises", "bound": "v3_floor", "says": "It is so."}
    about |= {"predictor": "v3", "outcome": "test_accuracy", "baseline": "-depth"}
    for name, claim in CLAIMS.items():
        known = {key: value for key, value in about.items() if key in claim.model_fields} | {"test": name}
        bound = {"at_least": 0.1} if "at_least" in claim.model_fields else {}
        yield BASE | {"claim": known | bound}, ("claim",), claim


def wrong(document: Table, place: tuple[str, ...], key: str, value: str) -> str:
    """The spec with a value at a key, in lines of its own as far as tables go."""
    changed = json.loads(json.dumps(document))
    table = changed
    for part in place:
        table = table[part]
    table[key] = Raw(value)
    return "".join(f"{name} = {toml(each)}\n" for name, each in changed.items())


CASES = [
    pytest.param(document, place, model, id=f"{'.'.join(place) or 'spec'}-{model.__name__}")
    for document, place, model in tables()
]


def assert_told(line: str, file: Path) -> None:
    """file:line, no phrase of the validator's, no value as Python writes it, and what was expected or a hint."""
    assert re.match(rf"{re.escape(str(file))}:\d+: ", line), line
    told = line.removeprefix(str(file))
    assert not PYDANTIC.search(told), line
    assert not PYTHON.search(told), line
    assert ": expected " in told or told.rpartition("; ")[2].startswith(HINTS), line


@pytest.mark.parametrize(("document", "place", "model"), CASES)
def test_a_wrong_value_is_told_in_the_suites_words(
    document: Table, place: tuple[str, ...], model: type[BaseModel], tmp_path: Path
) -> None:
    """At every key of every table, of every kind."""
    file = tmp_path / "study.toml"
    for key in model.model_fields:
        refused = 0
        for value in WRONG:
            file.write_text(wrong(document, place, key, value))
            try:
                load_studies([file])
            except SpecError as error:
                refused += 1
                for line in str(error).splitlines():
                    assert_told(line, file)
        assert refused >= len(WRONG) // 2, key


@pytest.mark.parametrize(("document", "place", "model"), CASES)
def test_check_ends_with_these_lines(
    document: Table, place: tuple[str, ...], model: type[BaseModel], tmp_path: Path
) -> None:
    """And with exit code 2, without a traceback."""
    file = tmp_path / "study.toml"
    file.write_text(wrong(document, place, next(reversed(model.model_fields), "nothing"), WRONG[-1]))

    done = CliRunner().invoke(app, ["check", str(file)])

    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)
    assert done.stdout == ""
    for line in done.stderr.splitlines():
        assert_told(line, file)


def test_a_sound_spec_is_what_they_are_made_from(tmp_path: Path) -> None:
    """What is wrong came by the value."""
    file = tmp_path / "study.toml"
    file.write_text(wrong(BASE, (), "seed", "8"))

    assert CliRunner().invoke(app, ["check", str(file)]).exit_code == 0


def test_a_phrase_of_the_validators_would_be_found() -> None:
    """As it words a fault by itself; and one that nobody has thought of is told without it, too."""
    with pytest.raises(ValidationError) as found:
        TypeAdapter(complex).validate_python("x")
    (detail,) = found.value.errors()

    assert PYDANTIC.search(detail["msg"])
    assert (
        format_error({**detail, "loc": ("title",)})
        == "unexpected value 'x'; run `python -m suite list` to see what a spec accepts"
    )


@pytest.mark.parametrize(
    ("axis", "table", "hint"),
    [
        ("initialization", '{ scheme = "he" }', 'use "he"'),
        ("initialization", '{ scheme = "he", bias_std = 0.1 }', 'use "he(bias_std=0.1)"'),
        ("activation", '{ name = "leaky_relu", slope = 0.1 }', 'use "leaky_relu(slope=0.1)"'),
        ("activation", '{ name = "elu", alpha = [0.5, 1.0] }', 'use text such as "leaky_relu(slope=0.1)"'),
        ("depth", "{ a = 1 }", 'use text such as "leaky_relu(slope=0.1)"'),
    ],
)
@pytest.mark.parametrize("key", ["value", "than", "where"])
def test_a_table_in_place_of_an_axis_value_is_told_as_tables_of_results_name_it(
    key: str, axis: str, table: str, hint: str, tmp_path: Path
) -> None:
    """A family is given entries as tables; a claim names them as results do."""
    claim = {"test": "greater", "says": "So.", "quantity": "v3", "axis": axis, "value": "a", "than": "b"}
    given = f"{{ {axis} = {table} }}" if key == "where" else table
    file = tmp_path / "study.toml"
    file.write_text(wrong(BASE | {"claim": claim}, ("claim",), key, given))

    done = CliRunner().invoke(app, ["check", str(file)])

    assert done.exit_code == 2
    assert any(
        "as written in results tables" in line and line.endswith(f"; {hint}") for line in done.stderr.splitlines()
    )
