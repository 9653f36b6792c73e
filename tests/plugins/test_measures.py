"""A measure of a plug-in: tables, precision and claims treat it as they treat the suite's own."""

import pickle
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import suite
from suite.catalog.measures import MEASURES
from suite.catalog.quantities import QUANTITIES
from suite.cells.compute import compute
from suite.cells.resources import Resources
from suite.cells.sampling import cells_of
from suite.cli import app
from suite.plugins.loading import PlugInError
from suite.runs.run import compute_tables
from suite.spec.load import load_studies

runner = CliRunner()
HEAD = "import torch\nfrom suite.plugins import measure\n\n"
RANGE = (
    HEAD
    + '''@measure
def output_range(ensemble, points, share: float = 1.0):
    """Largest less smallest output over the domain, or a share of it."""
    outputs = ensemble(points)[:, 0]
    return share * (outputs.amax(1) - outputs.amin(1))

@measure(kind="frequency", more_is_better=False)
def small(ensemble, points):
    """Whether the output varies by less than 1."""
    outputs = ensemble(points)[:, 0]
    return outputs.amax(1) - outputs.amin(1) < 1
'''
)
SPEC = """
title = "Ranges"
seed = 1
[family]
width = 5
inputs = 2
depth = [1, 3]
activation = ["relu", "tanh"]
initialization = "he"
[measure.collapse]
draws = 6
step = 0.5
[measure.output_range]
draws = 6
step = 0.5
share = 0.5
[measure.small]
draws = 6
[[claim]]
says = "Outputs vary."
test = "level"
quantity = "output_range"
at_least = 0.0
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A study with both measures."""
    (tmp_path / "ranges.toml").write_text(SPEC)
    return tmp_path / "ranges.toml"


@pytest.mark.slow
def test_two_workers_give_the_same_numbers_as_one(loaded, spec, tmp_path):
    """Whichever cells they compute."""
    loaded(RANGE)
    (study,) = load_studies([spec])

    one, two = (compute_tables(study, tmp_path / str(number), Resources("cpu", workers=number)) for number in (1, 2))

    assert one.failures == two.failures == []
    assert two.measurements.equals(one.measurements)


def test_its_values_are_in_the_tables(loaded, spec, tmp_path):
    """With its parameter, summarised by its kind, and open to claims."""
    loaded(RANGE)
    (study,) = load_studies([spec])

    one = compute_tables(study, tmp_path / "one", Resources("cpu", workers=1))

    assert one.failures == []
    values = one.measurements.set_index(["member", "quantity", "draw"]).value.unstack("quantity")
    assert (values.output_range > 0).all()
    assert ((values.small == 1) == (values.output_range < 0.5)).all()  # half of the range
    assert (values.output_range * 2 >= values.output_std).all()
    from suite.analysis.verdicts import judge_results

    assert [verdict.verdict for verdict in judge_results(study.spec.claim, one)]


def test_a_spec_can_ask_for_a_precision(loaded, spec):
    """Of its one quantity."""
    loaded(RANGE)
    spec.write_text(SPEC.replace("[measure.small]\ndraws = 6", "[measure.small]\nprecision = 0.1"))

    assert load_studies([spec])[0].spec.measures["small"].precision == 0.1


def test_an_edit_changes_its_keys_and_no_others(loaded, spec):
    """Keys of other measures stay."""
    loaded(RANGE)
    before = cells_of(load_studies([spec])[0])
    assert all(cell.key for cell in before)
    loaded(RANGE + "# edited\n")
    after = cells_of(load_studies([spec])[0])

    for old, new in zip(before, after, strict=True):
        assert (old.key != new.key) == (old.name in ("output_range", "small"))


TWINS = """
title = "Twins"
seed = 1
[family]
width = 4
inputs = 2
depth = 2
activation = "twin"
initialization = "he"
[measure.twin]
draws = 4
"""


def test_an_edit_of_an_activation_of_the_same_name_changes_keys_too(loaded, spec):
    """An activation and a measure may share a name; cells of both hang on both files."""
    spec.write_text(TWINS)
    loaded(HEAD + "@measure\ndef twin(ensemble, points):\n    return ensemble(points)[:, 0, 0]\n", "measures.py")
    curve = (
        "import torch\nfrom suite.plugins import activation\n@activation\ndef twin(z):\n    return z + {} * z.sin()\n"
    )
    found = []
    for share in (0.5, 0.25):
        loaded(curve.format(share), "activations.py")
        found.append([cell.key for cell in cells_of(load_studies([spec])[0]) if cell.name == "twin"])

    assert not set(found[0]) & set(found[1])


def test_a_spec_loaded_before_an_edit_must_be_loaded_again(loaded, spec):
    """Its settings are of the older plug-in, and it would not be clear which of the two had computed."""
    loaded(RANGE)
    cells = cells_of(load_studies([spec])[0])
    loaded(RANGE + "# edited\n")

    with pytest.raises(
        ValueError, match="the plug-in of output_range has changed since the spec was loaded; load the spec"
    ):
        [cell.key for cell in cells]


def test_without_the_plug_in_the_spec_is_an_error(spec):
    """With its line."""
    with pytest.raises(suite.SpecError, match=r"ranges.toml:13: measure.output_range: unknown key"):
        load_studies([spec])


def test_a_worker_computes_with_the_text_that_it_was_sent(loaded, spec):
    """Also where work of an edited plug-in came in between, as on a cluster that serves two runs."""
    spec.write_text(SPEC.split("[measure.collapse]", maxsplit=1)[0] + "[measure.given]\ndraws = 2\nstep = 0.5\n")
    sent = []
    for value in (1, 2):
        loaded(HEAD + f"@measure\ndef given(ensemble, points):\n    return ensemble(points)[:, 0, 0] * 0 + {value}\n")
        cells = [cell for cell in cells_of(load_studies([spec])[0]) if cell.name == "given"]
        assert cells[0].key
        sent.append(pickle.dumps(cells[0]))

    received = [pickle.loads(each) for each in sent]

    assert [set(compute(cell)["given"]) for cell in received] == [{1.0}, {2.0}]


def test_a_study_loaded_before_the_plug_in_stays_as_it_is(loaded, spec):
    """As in a notebook, where plug-ins may come later."""
    spec.write_text(SPEC.split("[measure.output_range]", maxsplit=1)[0])
    (study,) = load_studies([spec])
    loaded(RANGE)

    assert list(study.spec.measures) == ["collapse"]


FAULTY = [
    ("shape", "return ensemble(points)", "returns shape (5, 1, 9) for 5 networks; return one number for each, (5,)"),
    ("no tensor", "return 1.0", "returns float"),
    ("dtype", "return ensemble(points)[:, 0].argmax(1)", "returns torch.int64"),
    ("company", "v = ensemble(points)[:, 0, 0]; return v - v.mean()", "depends on the others"),
    ("chance", "return torch.rand(ensemble.draws, generator=G)", "is not deterministic"),
    ("a change", "ensemble.parameters.mul_(2); return ensemble(points)[:, 0, 0]", "changes the networks"),
    ("its own error", "return ensemble.nothing", "has no attribute 'nothing'"),
]


@pytest.mark.parametrize(("body", "fragment"), [case[1:] for case in FAULTY], ids=[case[0] for case in FAULTY])
def test_a_faulty_measure_is_one_line_of_error_and_exit_code_2(written, body, fragment):
    """It says what the measure returns and what to return; nothing of it stays in the catalog."""
    file = written(f"{HEAD}G = torch.Generator()\n@measure\ndef mine(ensemble, points):\n    {body}\n")

    done = runner.invoke(app, ["list", "--plugin", str(file)])

    assert done.exit_code == 2
    assert f"{file}:" in done.stderr
    assert fragment in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not {"mine"} & {*MEASURES, *QUANTITIES}


def test_a_frequency_is_of_zeros_and_ones(written):
    """And there are two kinds of measures."""
    for kind, fragment in (
        ("frequency", "returns numbers other than 0 and 1"),
        ("freq", "'freq' is not a kind of measure"),
    ):
        head = f"{HEAD}@measure(kind={kind!r})\n"
        file = written(f"{head}def mine(ensemble, points):\n    return ensemble(points)[:, 0, 0]\n")

        with pytest.raises(PlugInError, match=fragment):
            suite.plug_in(file)


@pytest.mark.parametrize("key", ["plugin", "entry", "declaration", "table", "origin"])
def test_names_of_its_class_are_no_parameters(written, key):
    """They are sent to workers with the settings."""
    file = written(
        f"{HEAD}@measure\ndef mine(ensemble, points, {key}: str = ''):\n    return ensemble(points)[:, 0, 0]\n"
    )

    with pytest.raises(PlugInError, match=f"a spec has another use for {key}"):
        suite.plug_in(file)


@pytest.mark.parametrize("key", ["replicates", "steps", "step", "lines", "draws", "max_draws", "dtype"])
def test_keys_that_the_suite_knows_by_name_are_no_parameters(written, key):
    """A quick run would shrink them, and a key of a cell leave them out: one value would pass for another."""
    file = written(
        f"{HEAD}@measure\ndef mine(ensemble, points, {key}: int = 2):\n    return ensemble(points)[:, 0, 0]\n"
    )

    with pytest.raises(PlugInError, match=f"a spec has another use for {key}; give the parameter another name"):
        suite.plug_in(file)


def test_names_of_measures_and_quantities_are_taken(written):
    """Quantities, too: tables have one column of them."""
    for name in ("v3", "output_std"):
        file = written(f"{HEAD}@measure\ndef {name}(ensemble, points):\n    return ensemble(points)[:, 0, 0]\n")

        done = runner.invoke(app, ["list", "--plugin", str(file)])

        assert done.exit_code == 2
        assert f"the suite has a measure {name} already" in done.stderr


@pytest.mark.parametrize("name", ["landscape", "theory", "depth", "middle_depth", "activation", "draw", "copy"])
def test_a_name_that_means_something_else_is_an_error(written, name):
    """In reports, among predictors, as axes or columns, or in the class of its settings."""
    file = written(f"{HEAD}@measure\ndef {name}(ensemble, points):\n    return ensemble(points)[:, 0, 0]\n")

    with pytest.raises(PlugInError, match=f"{name} is a reserved name; use another name"):
        suite.plug_in(file)


def test_a_function_without_a_name_is_an_error(written):
    """A spec could not state it."""
    file = written(f"{HEAD}measure(lambda ensemble, points: ensemble(points)[:, 0, 0])\n")

    with pytest.raises(PlugInError, match=r"mine.py:4: a lambda has no name; give one, name='mine'"):
        suite.plug_in(file)


def test_a_measure_gets_the_points_of_the_domain(loaded, spec, tmp_path):
    """All of the grid's."""
    loaded(HEAD + "@measure\ndef seen(ensemble, points):\n    return ensemble(points)[:, 0, 0] * 0 + points.shape[1]\n")
    text = SPEC.split("[measure.output_range]", maxsplit=1)[0] + "[measure.seen]\ndraws = 2\nstep = 0.5\n"
    spec.write_text(text)

    results = compute_tables(load_studies([spec])[0], tmp_path / "results", Resources("cpu", workers=1))

    seen = results.measurements[results.measurements.quantity == "seen"].value
    assert set(seen) == {25.0}
    assert torch.get_default_dtype() == torch.float32
