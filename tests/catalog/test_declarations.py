"""Declarations of measures: no other module names a measure, and one declaration with one function adds one."""

import ast
import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from suite.catalog.checks import Asked, Problem
from suite.catalog.domain import Box
from suite.catalog.dotted import load
from suite.catalog.measure import Measure, Quantity, Shape
from suite.catalog.measures import LANDSCAPE, LANDSCAPES, MEASURES, STEP, TRAINING, problems_of
from suite.catalog.measures.settings import Draws, OnTheDomain
from suite.catalog.precision import Precise
from suite.catalog.quantities import QUANTITIES
from suite.cli import app
from suite.results.folder import Results
from suite.spec.load import load_studies
from tests.source import modules, names_in

OWNERS = ("catalog/measures", "catalog/charts", "measures", "training")
"""Where measures may be named: their declarations and those of charts, their functions, and training."""

OTHER_MEANINGS = {
    "catalog/predict.py": {"activation_ratio"},
    "results/schema.py": {"trainability"},
    "diagnosis/findings.py": {"collapse"},
    "diagnosis/severity.py": {"collapse"},
    "diagnosis/judgment.py": {"collapse"},
    "diagnosis/samples.py": {"accuracy"},
}
"""Literals that are the name of a baseline, a column, a finding or a score, too."""


def measures_named(code: str) -> set[str]:
    """Return the string literals of a module that equal the name of a measure."""
    return names_in(code, {*MEASURES, LANDSCAPES})


def settings_named(code: str) -> set[str]:
    """Return the settings classes of single measures that a module tests for with isinstance."""
    owned = {measure.settings.__name__ for name, measure in MEASURES.items() if name != TRAINING}
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    tested = [call.args[1] for call in calls if ast.unparse(call.func) == "isinstance"]
    return {node.id for each in tested for node in ast.walk(each) if isinstance(node, ast.Name)} & owned


def _others() -> Iterator[tuple[str, str]]:
    folders = tuple(f"{owner}/" for owner in OWNERS)
    return ((place, code) for place, code in modules() if not place.startswith(folders))


def test_no_other_module_names_a_measure() -> None:
    """Facts about a measure are in its declaration, which all others read."""
    found = {place: named for place, code in _others() if (named := measures_named(code))}
    tested = {place: named for place, code in _others() if (named := settings_named(code))}
    assert found == OTHER_MEANINGS
    assert tested == {}


def test_the_check_of_names_can_fail() -> None:
    """On a comparison, a key, and a test of the settings' type; not on a longer text."""
    assert measures_named('cost = 20 if cell.name == "jacobian" else 1') == {"jacobian"}
    assert measures_named('spec.measures.get("accuracy")') == {"accuracy"}
    assert measures_named('"add [measure.accuracy]"') == set()
    assert settings_named("isinstance(settings, A | JacobianSettings)") == {"JacobianSettings"}
    assert settings_named("settings: JacobianSettings") == set()


@pytest.mark.parametrize("name", [*MEASURES, LANDSCAPES])
def test_a_declaration_is_complete(name: str) -> None:
    """Cost and memory are above 0 and grow with the points, and quantities that it names are its own."""
    measure = LANDSCAPE if name == LANDSCAPES else MEASURES[name]

    assert measure.primary is None or measure.primary in measure.quantities
    assert issubclass(measure.settings, Precise) == (measure.primary is not None), (
        "a measure with `draws` needs settings derived from Precise, and a primary quantity; others need neither"
    )
    assert measure.inputs != "domain" or issubclass(measure.settings, OnTheDomain), (
        "a measure on the domain needs settings derived from OnTheDomain, which have its resolution"
    )
    for quantity in measure.quantities.values():
        assert set(quantity.ratio_of or ()) <= set(measure.quantities)
        assert (quantity.kind == "ratio") == (quantity.ratio_of is not None)
        assert quantity.theory is None or callable(load(quantity.theory))
    if name != TRAINING:
        few, many = (Shape((2, 8, 8, 1), 105, points) for points in (64, 1024))
        settings = measure.settings.model_construct(points=64)
        assert 0 < measure.cost(few, settings) <= measure.cost(many, settings)
        assert 0 < measure.memory(few, settings) <= measure.memory(many, settings)


def test_names_with_a_role_are_measures() -> None:
    """The one that trains, and the one that sets the step."""
    assert MEASURES[TRAINING].inputs == "training"
    assert "step" in MEASURES[STEP].settings.model_fields
    assert list(QUANTITIES) == [name for measure in MEASURES.values() for name in measure.quantities]


FUNCTION = '''
"""A measure of a test, and its theory."""

import numpy as np
import torch

from suite.theory.quantities import Theory


def layer_size(ensemble, domain, settings):
    """Number of units of each hidden layer, `settings.times` over."""
    sizes = ensemble.parameters.new_tensor(ensemble.widths[1:-1]) * settings.times
    return {"layer_size": sizes.expand(ensemble.draws, -1)}


def theory(network, settings, domain, task):
    """Count them."""
    return Theory(np.array(network.widths[1:-1], dtype=float) * settings.times, exact=True)
'''


class LayerSizeSettings(Precise):
    """Settings of the size of layers."""

    draws: Draws = 8
    times: float = 1.0


def _check(asked: Asked, settings: LayerSizeSettings) -> Iterator[Problem]:
    if any(network.widths[1] == 3 for network in asked.networks):
        yield Problem("layers of 3 units are too narrow", "use another width")


LAYER_SIZE = Measure(
    "layer_size_of_a_test:layer_size",
    LayerSizeSettings,
    inputs="nothing",
    quantities={"layer_size": Quantity("units of a layer", index=("layer",), theory="layer_size_of_a_test:theory")},
    version=1,
    summary="units of each hidden layer",
    source="this test",
    primary="layer_size",
    checks=_check,
)

SPEC = """
title = "Sizes"
seed = 1
[family]
width = [4, 8]
inputs = 2
depth = 2
activation = "relu"
[measure.layer_size]
times = 2.0
[[claim]]
says = "Sizes agree with the theory."
test = "agrees_with"
quantity = "layer_size"
relative = 0.1
[[claim]]
says = "Wider networks have wider layers."
test = "monotone"
quantity = "layer_size"
along = "width"
direction = "rises"
layer = 2
[[claim]]
says = "No layer has more than 16 units."
test = "level"
quantity = "layer_size"
at_most = 16.0
of = "draw"
layer = 2
[[claim]]
says = "No layer has more than 8 units."
test = "level"
quantity = "layer_size"
at_most = 8.0
of = "draw"
layer = 2
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of a measure that is registered for this test alone."""
    (tmp_path / "layer_size_of_a_test.py").write_text(FUNCTION)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    monkeypatch.setitem(MEASURES, "layer_size", LAYER_SIZE)
    monkeypatch.setitem(QUANTITIES, "layer_size", LAYER_SIZE.quantities["layer_size"])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sizes.toml").write_text(SPEC)
    return tmp_path / "sizes.toml"


def test_one_declaration_and_one_function_add_a_measure(spec: Path) -> None:
    """From TOML to tables with the theory, a chart and verdicts; `list`, `plan` and the schema know it, too.

    Its draws are all equal, which establishes nothing about their means; claims about every draw are decided.
    """
    from suite.spec.schema import spec_schema

    def invoke(*arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "layer_size" in json.dumps(spec_schema())
    listed = invoke("list", "layer_size")
    assert "units of each hidden layer" in listed
    assert "units of a layer (by layer)" in listed
    assert "Number of units of each hidden layer" in listed
    assert "layer_size" in invoke("plan", str(spec))
    ran = invoke("run", str(spec), "--workers", "1")

    results = Results(Path("results/sizes"))
    raw = results.measurements
    assert set(raw.layer) == {1, 2}
    assert len(raw) == 2 * 8 * 2
    np.testing.assert_array_equal(raw.value, np.where(raw.width == 4, 8.0, 16.0))
    summary = results.summary
    np.testing.assert_array_equal(summary.theory, summary["mean"])
    verdicts = ["undecided", "undecided", "holds", "fails"]
    assert list(results.verdicts["verdict"]) == verdicts
    assert [line.split(": ")[1] for line in ran.splitlines() if line.startswith("sizes: ")][:4] == verdicts
    page = Path("results/sizes/report.html").read_text()
    assert "Measured: layer_size</h2>" in page
    assert "units of each hidden layer (this test)" in page.lower()


def test_checks_of_a_declaration_serve_specs_and_modules(spec: Path) -> None:
    """One wording of what is wrong; the hint is for whom it is."""
    import torch

    import suite
    from suite.spec.problems import SpecError

    spec.write_text(SPEC.replace("[4, 8]", "[3, 8]"))
    with pytest.raises(SpecError, match="layers of 3 units are too narrow; use another width"):
        load_studies([spec])
    with torch.random.fork_rng():
        module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    with pytest.raises(ValueError, match="layers of 3 units are too narrow; remove the measure"):
        suite.measure(module, "layer_size")
    assert not list(problems_of("layer_size", LayerSizeSettings(), Asked([], Box())))
