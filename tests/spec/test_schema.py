"""The JSON schema that editors check specs by."""

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from suite.catalog.activations import ACTIVATIONS
from suite.catalog.measures import MEASURES
from suite.spec.model import SpecFile
from suite.spec.schema import SCHEMA_FILE, schema_text, spec_schema, write
from tests.catalog.instances import REQUIRED
from tests.spec.broken import VALID

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.toml"))

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = spec_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def edited(edit: Edit) -> dict[str, Any]:
    """The valid spec's data after an edit."""
    data = tomllib.loads(VALID)
    edit(data)
    return data


def accepted(data: dict[str, Any]) -> bool:
    """Whether the model itself, the judge of last resort, takes the data."""
    try:
        SpecFile.model_validate(data)
    except ValidationError:
        return False
    return True


def test_the_file_beside_the_package_is_current():
    """Run `python -m suite.spec.schema` after a change of what specs may say."""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


def test_the_module_writes_the_file(tmp_path: Path):
    """Indented, with an end to its last line."""
    write(tmp_path / "schema.json")

    text = (tmp_path / "schema.json").read_text(encoding="utf-8")
    assert text == schema_text()
    assert text.startswith('{\n  "$schema": "https://json-schema.org/draft/2020-12/schema",\n')
    assert text.endswith("\n}\n")


def test_the_schema_needs_no_torch():
    """An editor's schema is made as fast as a spec is checked."""
    code = "import sys, suite.spec.schema as s; s.schema_text(); sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_the_specs_of_the_project_are_valid(validator: Draft202012Validator, file: Path):
    """And they name the schema in their first line."""
    text = file.read_text(encoding="utf-8")

    assert [error.message for error in validator.iter_errors(tomllib.loads(text))] == []
    assert text.startswith("#:schema ../suite/spec.schema.json\n")


@pytest.mark.parametrize(
    "edit",
    [
        lambda spec: spec.update(
            family=[spec["family"], {"width": [4, 8], "inputs": 2, "depth": 1, "activation": "abs"}]
        ),
        lambda spec: spec["family"].update(parameters=[500, 600], inputs=[2], outputs=[1, 2], depth=3),
        lambda spec: spec["family"].update(activation=["relu", {"name": "leaky_relu", "slope": [0.1, 0.2]}]),
        lambda spec: spec["family"].update(activation={"name": "tanh"}),
        lambda spec: spec["family"].update(initialization=["he", {"scheme": "variance", "weight_variance": [1, 2.5]}]),
        lambda spec: spec["family"].pop("initialization"),
        lambda spec: spec["family"].update(tolerance=0),
        lambda spec: spec["measure"]["accuracy"]["optimizer"].update(learning_rate=[0.01, 0.1], batch=[16, 32]),
        lambda spec: spec["measure"]["accuracy"].update(optimizer=[{"name": "sgd", "learning_rate": 0.1, "batch": 8}]),
        lambda spec: spec["measure"]["accuracy"]["task"].update(validation=32, squares=[2, 4]),
        lambda spec: spec["measure"].update(v3={"precision": 0.1}, collapse={"precision": 0.5, "max_draws": 512}),
        lambda spec: spec["measure"].update(v3={}, collapse={"dtype": "float32", "step": 0.5}, activation_ratio={}),
    ],
)
def test_what_the_model_takes_the_schema_takes(validator: Draft202012Validator, edit: Edit):
    """Lists as axes, bare names, tables, and keys left out."""
    data = edited(edit)

    assert accepted(data)
    assert [error.message for error in validator.iter_errors(data)] == []


@pytest.mark.parametrize(
    "edit",
    [
        lambda spec: spec.update(sead=1),
        lambda spec: spec.pop("title"),
        lambda spec: spec.update(title=3),
        lambda spec: spec.update(seed=-1),
        lambda spec: spec["family"].update(depths=3),
        lambda spec: spec["family"].update(depth=0),
        lambda spec: spec["family"].update(depth=[]),
        lambda spec: spec["family"].update(depth=[1, 1]),
        lambda spec: spec["family"].update(depth=[1, "2"]),
        lambda spec: spec["family"].update(inputs=True),
        lambda spec: spec["family"].update(width=8),
        lambda spec: spec["family"].pop("parameters"),
        lambda spec: spec["family"].update(activation="rellu"),
        lambda spec: spec["family"].update(activation=["relu", "rellu"]),
        lambda spec: spec["family"].update(activation={"slope": 0.1}),
        lambda spec: spec["family"].update(activation={"name": "elu", "alpha": 0}),
        lambda spec: spec["family"].update(activation={"name": "elu", "slope": 1.0}),
        lambda spec: spec["family"].update(initialization="variance"),
        lambda spec: spec["family"].update(initialization={"bias_std": 0.1}),
        lambda spec: spec.update(family=[]),
        lambda spec: spec.update(measure={}),
        lambda spec: spec["measure"].update(v4={}),
        lambda spec: spec["measure"]["v3"].update(draws="16"),
        lambda spec: spec["measure"]["v3"].update(draws=None),
        lambda spec: spec["measure"]["v3"].update(dtype="float16"),
        lambda spec: spec["measure"].update(v3={"precision": 0}),
        lambda spec: spec["measure"].update(v3={"precision": 0.1, "max_draws": 300}),
        lambda spec: spec["measure"]["accuracy"].update(precision=0.1),
        lambda spec: spec["measure"]["v3"].update(step=-0.25),
        lambda spec: spec["measure"]["accuracy"].pop("steps"),
        lambda spec: spec["measure"]["accuracy"].update(task="checkerboard"),
        lambda spec: spec["measure"]["accuracy"]["task"].pop("squares"),
        lambda spec: spec["measure"]["accuracy"]["optimizer"].update(learning_rate=[0.01, 0.0]),
        lambda spec: spec["measure"]["accuracy"]["optimizer"].update(momentum=0.9),
    ],
)
def test_what_the_schema_refuses_the_model_refuses(validator: Draft202012Validator, edit: Edit):
    """Unknown names and keys, wrong types, values out of range, what is missing or empty."""
    data = edited(edit)

    assert not validator.is_valid(data)
    assert not accepted(data)


def test_editors_are_told_every_name_and_what_every_key_means():
    """Bare names are offered, and each key and each entry of a catalog carries a sentence."""
    schema = spec_schema()
    definitions = schema["$defs"]

    one, listed = definitions["Family"]["properties"]["activation"]["anyOf"]
    assert one["anyOf"][0] == {"enum": [name for name in ACTIVATIONS if name not in REQUIRED]}
    assert listed["items"] == one
    assert set(definitions["Measures"]["properties"]) == set(MEASURES)
    keys = {
        (name, key): written
        for name, table in {**definitions, "": schema}.items()
        for key, written in table["properties"].items()
        if "const" not in written
    }
    assert [place for place, written in keys.items() if not written.get("description")] == []
    assert [name for name, table in definitions.items() if not table.get("description")] == []


def test_editors_are_not_offered_null():
    """TOML has no way to write it."""
    assert "null" not in schema_text()
