"""How a study divides into cells is said in one place, for those who make them and those who count them."""

from collections import Counter
from pathlib import Path

from suite.cells.sampling import cells_of
from suite.spec.division import count_cells, divide
from suite.spec.load import Study, load_studies

SPEC = """
title = "Divided"
seed  = 1

[[family]]
width          = 4
inputs         = 1
depth          = [1, 2]
activation     = "relu"
initialization = ["he", "data_dependent"]

[measure.collapse]
precision = 0.1

[measure.dead_neurons]
draws = 600

[measure.gradients]
draws = 257

[measure.accuracy]
task       = [
  { name = "absolute_value", train = 8, test = 8 },
  { name = "two_kinks", train = 8, test = 8 },
]
optimizer  = { name = "sgd", learning_rate = [0.01, 0.03], momentum = [0.0, 0.9], batch = 4 }
steps      = 1
replicates = 65

[measure.revival]
"""


def _study(tmp_path: Path) -> Study:
    (tmp_path / "divided.toml").write_text(SPEC)
    (study,) = load_studies([tmp_path])
    return study


def test_cells_are_counted_as_they_are_made(tmp_path: Path) -> None:
    """By measure, with several tasks, optimizers, a precision, and members that are drawn for each task."""
    study = _study(tmp_path)

    assert count_cells(study.spec.measures, study.members, study.spec.domain) == Counter(
        cell.name for cell in cells_of(study)
    )


def test_a_measure_of_training_has_no_cells_of_its_own(tmp_path: Path) -> None:
    """It observes those of accuracy; their draws are cut into blocks that leave none out."""
    study = _study(tmp_path)
    divided = divide(study.spec.measures, study.members[0], study.spec.domain)
    portions = [portion for portion in divided if portion.name in ("accuracy", "revival")]

    assert {portion.name for portion in portions} == {"accuracy"}
    assert len(portions) == 4  # tasks by momenta
    assert [list(portion.blocks) for portion in portions] == 4 * [[(0, 64), (64, 65)]]
    assert [portion.cells for portion in portions] == 4 * [2]
