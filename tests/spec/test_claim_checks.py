"""Tests of the check that claims can be judged; the claims that it rejects are in `broken.py`."""

from pathlib import Path

import pytest

from suite.spec.load import load_studies
from suite.spec.problems import SpecError

SPEC = """title = "Claims that can be judged"
seed = 3
[family]
parameters = 300
inputs = 2
depth = [1, 2, 4, 8, 12]
activation = ["relu", "abs"]
initialization = { scheme = "critical", bias_std = 0.1 }
[measure.v3]
draws = 16
step = 0.25
[measure.gradients]
draws = 16
[measure.dead_neurons]
draws = 16
[measure.snip]
draws = 16
[measure.trainability]
draws = 16
[measure.accuracy]
steps = 10
replicates = 4
task = { name = "checkerboard", squares = [2, 4], train = 64, test = 64 }
optimizer = { name = "sgd", learning_rate = 0.01, momentum = [0.0, 0.9], batch = 32 }
[[claim]]
says = "So."
"""


@pytest.mark.parametrize(
    "claim",
    [
        'test = "monotone"\nquantity = "test_accuracy"\nalong = "momentum"\ndirection = "rises"',
        'test = "peaks_inside"\nquantity = "v3"\nalong = "depth"\nwhere = { depth = [2, 4, 8] }',
        'test = "level"\nquantity = "parameter_gradient"\nlayer = 13\nat_least = 0',
        'test = "rank_correlation"\nfirst = "dead_fraction"\nsecond = "v3"\nlayer = 1\nat_least = 0',
        'test = "rank_correlation"\nfirst = "v3"\nsecond = "snip"\nat_most = 0\nwhere = { activation = "abs" }',
        'test = "predicts"\npredictor = "v3"\noutcome = "train_loss"\nbaseline = "-depth"',
        'test = "survival_shorter"\nquantity = "steps_to_success"\naxis = "squares"\nvalue = 2\nthan = 4',
        'test = "greater"\nquantity = "snip"\naxis = "squares"\nvalue = 2\nthan = 4',
        'test = "monotone"\nquantity = "input_gradient"\nalong = "squares"\ndirection = "rises"',
        'test = "greater"\nquantity = "trainability"\naxis = "squares"\nvalue = 2\nthan = 4',
        'test = "level"\nquantity = "steps_to_success"\nof = "draw"\nat_most = 100',
        'test = "agrees_with"\nquantity = "dead_fraction"\nlayer = 1\nz = 4',
    ],
)
def test_claims_that_can_be_judged_pass(claim: str, tmp_path: Path) -> None:
    """They use axes of training, layers of the readout, and the minimum numbers of members and values."""
    file = tmp_path / "fine.toml"
    file.write_text(f"{SPEC}{claim}\n")

    (study,) = load_studies([file])

    assert len(study.spec.claim) == 1


DATA_DEPENDENT = SPEC.replace('["relu", "abs"]', '"relu"').replace(
    '{ scheme = "critical", bias_std = 0.1 }', '["he", "data_dependent"]'
)


@pytest.mark.parametrize(
    ("claim", "passes"),
    [
        ('axis = "squares"\nvalue = 2\nthan = 4', True),
        ('axis = "squares"\nvalue = 2\nthan = 4\nwhere = { initialization = "data_dependent" }', True),
        ('axis = "squares"\nvalue = 2\nthan = 4\nwhere = { initialization = "he" }', False),
        ('axis = "momentum"\nvalue = 0.0\nthan = 0.9\nwhere = { initialization = "data_dependent" }', False),
    ],
)
def test_every_quantity_of_data_dependent_members_depends_on_the_task(claim: str, passes: bool, tmp_path: Path) -> None:
    """Their biases depend on training points; other members, and settings of the optimizer, have no such effect."""
    file = tmp_path / "data.toml"
    file.write_text(f'{DATA_DEPENDENT}test = "greater"\nquantity = "v3"\n{claim}\n')

    if passes:
        assert load_studies([file])
    else:
        with pytest.raises(SpecError, match=r"'v3' does not depend on (squares|momentum), a setting of training"):
            load_studies([file])
