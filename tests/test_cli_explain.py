"""`explain`: what a study will compute, with numbers that are those of the run."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.catalog.measures import MEASURES
from suite.catalog.predict import BASELINES
from suite.cells.sampling import cells_of
from suite.cli import app
from suite.spec.files import shipped_specs
from suite.spec.load import load_studies
from tests.runs.tiny import SPECS

SPEC = """title = "What is it like?"
seed = 9
domain = { kind = "ball", radius = 2.0 }
[family]
parameters = 300
inputs = 2
depth = [1, 2, 4]
activation = ["relu", { name = "leaky_relu", slope = [0.1, 0.2] }]
normalization = ["none", "batch"]
[measure.v3]
draws = 600
step = 0.5
[measure.collapse]
precision = 0.05
[measure.feature_diversity]
[measure.accuracy]
task = { name = "checkerboard", squares = [2, 3], train = 64, test = 32 }
optimizer = { name = "adam", learning_rate = [0.01, 0.03], batch = 32 }
steps = 24
replicates = 5
"""


def explained(*arguments: str) -> str:
    """Return what the command prints."""
    done = CliRunner().invoke(app, ["explain", *arguments])
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.fixture
def text(tmp_path: Path) -> str:
    """Return the explanation of a spec with a bit of everything."""
    (tmp_path / "likeness.toml").write_text(SPEC)
    return explained(str(tmp_path / "likeness.toml"))


def test_members_are_listed_with_widths_and_exact_counts(text: str) -> None:
    """One row per member, with the axes that vary."""
    assert text.startswith("likeness: What is it like?\nseed 9; domain: ball(radius = 2)\n\n18 members:\n")
    assert re.search(r"\n  member +depth +activation +normalization +parameters +deviation from budget +widths", text)
    assert re.search(r"\n  relu-d1-\w+ +1 +relu +none +301 +\+0\.33% +2-75-1\n", text)
    assert re.search(r" +leaky_relu\(slope=0\.2\) +batch +30\d +[-+]0\.\d\d% +2-", text)


@pytest.mark.parametrize(
    ("domain", "shown"),
    [
        ('{ kind = "box", low = 0.0, high = 2.5 }', "box(low = 0, high = 2.5)"),
        ('{ kind = "box", low = [0.0, -1.0], high = 2.5 }', "box(low = [0, -1], high = 2.5)"),
    ],
)
def test_ends_of_a_box_are_shown(tmp_path: Path, domain: str, shown: str) -> None:
    """One number, or one for each input."""
    text = SPEC.replace('{ kind = "ball", radius = 2.0 }', domain)
    (tmp_path / "likeness.toml").write_text(text)

    assert f"domain: {shown}\n" in explained(str(tmp_path / "likeness.toml"))


def test_a_domain_of_data_has_no_lines(tmp_path: Path) -> None:
    """Nor other keys of its own; the step is shown where it is stated."""
    text = SPEC.replace('{ kind = "ball", radius = 2.0 }', '{ kind = "data" }').replace(
        "squares = [2, 3]", "squares = 2"
    )
    (tmp_path / "likeness.toml").write_text(text)

    shown = explained(str(tmp_path / "likeness.toml"))

    assert "; domain: data\n" in shown
    assert "lines = " not in shown
    assert "step = 0.5" in shown


def test_measures_are_listed_with_their_settings(text: str) -> None:
    """A precision target shows its keys in place of the number of draws, and how far the numbers may grow."""
    assert "  v3: variability: mean |third divided difference| of the output\n    draws = 600, step = 0.5, " in text
    assert "    10,800 networks in 54 cells\n" in text
    assert "precision = 0.05, max_draws = 65536" in text
    assert text.count("max_draws") == 1
    assert "    4,608 networks in 18 cells in the first sampling round, up to 65,536 draws per member\n" in text


def test_training_is_listed_with_tasks_and_optimizers(text: str) -> None:
    """Each task and optimizer in a line of its own."""
    assert "\n    task: checkerboard(train=64, test=32, squares=3)\n" in text
    assert "\n    optimizer: adam(learning_rate=0.03, batch=32)\n    360 trainings in 36 cells\n" in text


@pytest.mark.parametrize("file", [*shipped_specs().values(), *sorted(SPECS.glob("*.toml"))], ids=lambda file: file.stem)
def test_numbers_are_those_of_the_run(file: Path) -> None:
    """The numbers of members, cells and networks, and the claims' own sentences."""
    (study,) = load_studies([file])
    cells = cells_of(study)

    text = explained(str(file)).replace(",", "")

    assert f"\n{len(study.members)} member" in text
    assert f" {len(cells)} cell" in text
    for name in {cell.name for cell in cells} & MEASURES.keys():
        own = [cell for cell in cells if cell.name == name]
        networks = sum(cell.draws * len(cell.optimizers) for cell in own)
        block = text[text.index(f"\n  {name}: {MEASURES[name].summary}".replace(",", "")) :]
        found = re.search(r"\n    (\d+) (?:network|training)s? in (\d+) cells?[ \n]", block)
        assert found
        assert (int(found[1]), int(found[2])) == (networks, len(own))
    for claim in study.spec.claim:
        assert f"\n  {claim.test}: {claim.says}".replace(",", "") in text


def test_predictors_and_baselines_are_listed(tmp_path: Path) -> None:
    """A minus marks those of which less is expected to be better."""
    file = tmp_path / "likeness.toml"
    file.write_text(SPEC + '[predict]\noutcome = ["test_accuracy", "train_loss"]\n')

    text = explained(str(file))

    assert "\n11 predictors of test_accuracy, train_loss: v3, v3_over_rms, " in text
    assert ", -collapsed_relative, " in text
    assert f"\ncompared with 5 baselines: {', '.join(BASELINES)}\n" in text
    file.write_text(SPEC + '[predict]\noutcome = "success"\npredictors = ["v3", "collapsed_exact"]\n')
    assert "\n2 predictors of success: v3, -collapsed_exact\n" in explained(str(file))


def test_changes_and_a_tenth_are_explained(tmp_path: Path) -> None:
    """With --set and --quick the numbers are those of the changed study."""
    file = tmp_path / "likeness.toml"
    file.write_text(SPEC)

    text = explained(str(file), "--set", "measure.v3.draws=100", "--quick")

    assert text.startswith("likeness-set-draws-100-")
    assert "    draws = 10, step = 0.5, " in text
    assert "    180 networks in 18 cells\n" in text


def test_of_many_members_the_first_are_listed(tmp_path: Path) -> None:
    """A study may have thousands."""
    file = tmp_path / "many.toml"
    file.write_text(SPEC.replace("depth = [1, 2, 4]", f"depth = {list(range(1, 13))}"))

    text = explained(str(file))

    assert "\n72 members:\n" in text
    assert "\n  and 12 more\n" in text


def test_texts_of_a_spec_give_a_terminal_no_orders(tmp_path: Path) -> None:
    """What a terminal might obey in a title is written out."""
    (tmp_path / "odd.toml").write_text(SPEC.replace("What is", "\\u001b[2JWhat\\nis"))

    told = explained(str(tmp_path / "odd.toml"))

    assert "odd: \\x1b[2JWhat\\nis it like?\n" in told
    assert "\x1b" not in told
