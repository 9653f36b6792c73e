"""What suits a study badly, though it can be run: warnings, each at its line and key."""

from pathlib import Path

import pytest

from suite.spec.load import load_studies
from tests.spec.broken import VALID

RESIDUAL = {"inputs = 2": "inputs = 2\nresidual = [false, true]"}
THRESHOLD = {"steps = 10": "steps = 10\nmax_error = 0.1"}
REGRESSION = {"inputs = 2": "inputs = 1", '"checkerboard", squares = 2': '"absolute_value"'}
SUCCESS = REGRESSION | {"steps = 10": "steps = 10\nsuccess = 0.8"}
BOUND = {"replicates = 2": "replicates = 2\n\n[measure.trainability]"}
DECAY = BOUND | {"batch = 32": "batch = 32, weight_decay = 0.01"}
ADAMW = BOUND | {'"adam"': '"adamw"'}
LONG_WARMUP = {"batch = 32": "batch = 32, warmup = 11"}
NO_COSINE = {"batch = 32": 'batch = 32, schedule = "cosine", warmup = [0, 10]'}
MANY = {"draws = 16": "precision = 0.1\nmax_draws = 1_024_000_000_000"}
FEW_INPUTS = {"[measure.v3]": "[measure.jacobian_covariance]\n\n[measure.v3]"}
ONE_INPUT = FEW_INPUTS | REGRESSION
UNTRAINED = {VALID[VALID.index("[measure.accuracy]") :]: ""}
LINEAR = {"[measure.v3]": "[measure.naswot]\n\n[measure.v3]", '"relu"': '"identity"'}
SOME_DECAY = BOUND | {"batch = 32": "batch = 32, weight_decay = [0.0, 0.01]"}


def warned(folder: Path, edits: dict[str, str]) -> list[str]:
    """The warnings of an edited spec, without its file's name."""
    text = VALID
    for old, new in edits.items():
        assert text.count(old) == 1, f"{old!r} is not one place of the spec"
        text = text.replace(old, new)
    file = folder / "study.toml"
    file.write_text(text)
    (study,) = load_studies([file])
    assert all(warning.file == str(file) for warning in study.warnings)
    return [str(warning).removeprefix(f"{file}:") for warning in study.warnings]


@pytest.mark.parametrize(
    ("edits", "place", "fragment"),
    [
        (
            RESIDUAL,
            "7: family.residual: ",
            "members with one hidden layer have no residual connections; use depth = 2 or more",
        ),
        (THRESHOLD, "19: measure.accuracy.max_error: ", "max_error applies only to regression tasks; remove the key"),
        (
            SUCCESS,
            "19: measure.accuracy.success: ",
            "success applies only to tasks with classes; remove the key, or set max_error",
        ),
        (DECAY, "21: measure.trainability: ", "weight decay can revive dead neurons"),
        (SOME_DECAY, "21: measure.trainability: ", "weight decay can revive dead neurons"),
        (ADAMW, "21: measure.trainability: ", "weight decay can revive dead neurons"),
        (
            LONG_WARMUP,
            "17: measure.accuracy.optimizer.warmup: ",
            "warmup = 11 exceeds steps = 10; learning_rate is never reached; use a shorter warmup, or more steps",
        ),
        (
            NO_COSINE,
            "17: measure.accuracy.optimizer.warmup: ",
            "warmup = 10 leaves no step for schedule = cosine; use a shorter warmup, or more steps",
        ),
        (FEW_INPUTS, "11: measure.jacobian_covariance: ", "networks with 2 inputs have no score"),
        (ONE_INPUT, "11: measure.jacobian_covariance: ", "networks with 1 input have no score"),
        (LINEAR, "11: measure.naswot: ", "networks with the identity have no score"),
        (MANY, "13: measure.v3.max_draws: ", "the tables of up to 1,024,000,000,000 draws of 3 members can need"),
    ],
    ids=[
        "residual depth 1",
        "max_error of classes",
        "success of regressions",
        "weight decay",
        "some weight decay",
        "default weight decay of AdamW",
        "long warm-up",
        "no step for a cosine",
        "correlation over two inputs",
        "correlation over one input",
        "codes of the identity",
        "many draws",
    ],
)
def test_what_suits_badly_is_a_warning_at_its_line_and_key(
    edits: dict[str, str], place: str, fragment: str, tmp_path: Path
):
    """One warning, and a study that can be run."""
    (warning,) = warned(tmp_path, edits)

    assert warning.startswith(place)
    assert fragment in warning


def test_a_residual_family_of_several_is_named_by_its_own_line(tmp_path: Path):
    """The second family's key, not the first's, which is deep enough."""
    second = '[[family]]\nwidth = 8\ninputs = 2\ndepth = 1\nactivation = "tanh"\nresidual = true\n\n[measure.v3]'
    deep = {"[1, 2, 3]": "[2, 3]", "inputs = 2": "inputs = 2\nresidual = true"}

    (warning,) = warned(tmp_path, deep | {"[family]": "[[family]]", "[measure.v3]": second})

    assert warning.startswith("17: family.residual: ")


@pytest.mark.parametrize(
    "edits",
    [
        RESIDUAL | {"[1, 2, 3]": "[2, 3]"},
        REGRESSION | THRESHOLD,
        {"steps = 10": "steps = 10\nsuccess = 0.8"},
        BOUND,
        BOUND | {'"adam"': '"adamw"', "batch = 32": "batch = 32, weight_decay = 0.0"},
        {"batch = 32": "batch = 32, warmup = 10, clip = 1"},
        {"batch = 32": 'batch = 32, schedule = "cosine", warmup = 9'},
        {"draws = 16": "precision = 0.1"},
        {"batch = 32": "batch = 32, weight_decay = 0.01"},
        {"[measure.v3]": "[measure.naswot]\n\n[measure.v3]"},
        UNTRAINED | {"inputs = 2": "inputs = 3", "[measure.v3]": "[measure.jacobian_covariance]\n\n[measure.v3]"},
    ],
    ids=[
        "residual depth 2",
        "max_error of a regression",
        "success of classes",
        "no decay",
        "AdamW without decay",
        "warm-up of all steps",
        "one step for a cosine",
        "some precision",
        "no trainability",
        "codes of rectifiers",
        "correlation over three inputs",
    ],
)
def test_what_suits_well_is_not_warned_of(edits: dict[str, str], tmp_path: Path):
    """The same keys where they mean something."""
    assert warned(tmp_path, edits) == []
