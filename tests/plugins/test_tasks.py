"""A task of a plug-in: of two classes, of more, and a regression; its data and its training."""

import pytest
import torch
from typer.testing import CliRunner

from suite.catalog.tasks import TASKS
from suite.cells.resources import Resources
from suite.cli import app
from suite.runs.run import compute_tables
from suite.spec.load import load_studies
from suite.training.tasks import make_data

runner = CliRunner()
HEAD = "import torch\nfrom suite.plugins import task\n\n"
MINE = (
    HEAD
    + '''@task(inputs=2, classes=2)
def disc(points, radius: float = 0.8):
    """Whether a point lies in a disc."""
    return points.square().sum(1) < radius**2

@task(inputs=2, classes=3, half_width=2.0)
def rings(points):
    """Which of three rings a point lies in."""
    return points.square().sum(1).sqrt().floor().clamp(max=2)

@task(inputs=1, error=0.05, half_width=3.0)
def wave(points, frequency: float = 1.0):
    """A sine."""
    return torch.sin(frequency * points[:, 0])
'''
)


def test_labels_are_those_of_the_function(loaded):
    """Zeros and ones; one-hot; values."""
    loaded(MINE)
    disc, rings, wave = (TASKS[name](train=300, test=50) for name in ("disc", "rings", "wave"))

    data = make_data(disc, 1, 0, 2)
    assert data.train.inputs.shape == (2, 2, 300)
    inside = data.train.inputs.square().sum(1, keepdim=True) < 0.64
    assert torch.equal(data.train.labels, inside.float())
    data = make_data(rings, 1, 0, 2)
    assert data.train.labels.shape == (2, 3, 300)
    assert torch.equal(data.train.labels.sum(1), torch.ones(2, 300))
    assert float(data.train.inputs.abs().max()) > 1.9
    data = make_data(wave, 1, 0, 2)
    torch.testing.assert_close(data.train.labels, torch.sin(data.train.inputs))
    assert wave.label_variance == pytest.approx(0.5 + 0.0233, abs=0.02)  # 1/2 - sin(6) / 12
    assert (wave.error, disc.classes, rings.classes, rings.outputs, wave.classes) == (0.05, 2, 3, 3, 0)


of_each_kind = pytest.mark.parametrize(
    ("task", "family", "quantity"),
    [
        ("{ name = 'disc', radius = [0.5, 0.8], train = 64, test = 64 }", "inputs = 2", "test_accuracy"),
        ("{ name = 'rings', train = 64, test = 64 }", "inputs = 2\noutputs = 3", "test_accuracy"),
        ("{ name = 'wave', train = 64, test = 64 }", "inputs = 1", "test_error"),
    ],
    ids=["two classes", "three", "regression"],
)


@of_each_kind
def test_networks_learn_it(loaded, tmp_path, task, family, quantity):
    """Better than at first."""
    loaded(MINE)

    results = compute_tables(study_of(tmp_path, task, family), tmp_path / "one", Resources("cpu", workers=1))

    assert results.failures == []
    means = results.measurements[results.measurements.quantity == quantity].groupby("step").value.mean()
    gained = means.iloc[-1] - means.iloc[0]
    assert gained < 0 if quantity == "test_error" else gained > 0


@pytest.mark.slow
@of_each_kind
def test_two_workers_give_the_same_numbers_as_one(loaded, tmp_path, task, family, quantity):
    """The same numbers."""
    loaded(MINE)
    study = study_of(tmp_path, task, family)

    two = compute_tables(study, tmp_path / "two", Resources("cpu", workers=2))
    one = compute_tables(study, tmp_path / "one", Resources("cpu", workers=1))

    assert two.failures == []
    assert quantity in set(two.measurements.quantity)
    assert two.measurements.equals(one.measurements)


def study_of(folder, task, family):
    """A study that trains on a task."""
    spec = folder / "mine.toml"
    training = "optimizer = { name = 'adam', learning_rate = [0.003, 0.01], batch = 32 }\nsteps = 60\nreplicates = 3\n"
    spec.write_text(
        f"title = 'Mine'\nseed = 1\n[family]\nwidth = 16\ndepth = 1\nactivation = 'relu'\n{family}\n"
        f"[measure.trainability]\ndraws = 4\n[measure.accuracy]\ntask = {task}\n{training}"
    )
    return load_studies([spec])[0]


FAULTY = [
    ("shape", "inputs=2, classes=2", "return points[:, :1] > 0", "it returns shape (2, 1, 4096)"),
    ("no class", "inputs=2, classes=2", "return points[:, 0]", "labels other than the classes 0 to 1"),
    ("company", "inputs=2, classes=2", "return points[:, 0] > points[:, 0].median()", "depends on other points"),
    (
        "chance",
        "inputs=2, classes=2",
        "return points[:, 0] > torch.rand((), generator=G) - 0.5",
        "is not deterministic",
    ),
    ("nothing", "inputs=2, classes=2", "return points[:, 0] > 5", "nothing to learn"),
    ("no values", "inputs=2, error=0.1", "return points[:, 0] > 0", "return finite floats"),
    ("both", "inputs=2, classes=2, error=0.1", "return points[:, 0] > 0", "give one of them"),
    ("neither", "inputs=2", "return points[:, 0] > 0", "give one of them"),
    ("one class", "inputs=2, classes=1", "return points[:, 0] > 0", "classes: expected an integer >= 2"),
]


@pytest.mark.parametrize(("says", "body", "fragment"), [case[1:] for case in FAULTY], ids=[case[0] for case in FAULTY])
def test_a_faulty_task_is_one_line_of_error_and_exit_code_2(written, says, body, fragment):
    """Nothing of it stays in the catalog."""
    file = written(f"{HEAD}G = torch.Generator()\n@task({says})\ndef mine(points):\n    {body}\n")

    done = runner.invoke(app, ["list", "--plugin", str(file)])

    assert done.exit_code == 2
    assert f"{file}:" in done.stderr
    assert fragment in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not {"mine"} & {*TASKS}
