"""What `check` says of claims that could never be judged, and that it lets the others pass."""

from pathlib import Path

import pytest

from suite.spec.load import load_studies

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
[measure.accuracy]
steps = 10
replicates = 2
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
        'test = "rank_correlation"\nfirst = "v3"\nsecond = "train_loss"\nat_most = 0\nwhere = { activation = "abs" }',
        'test = "survival_shorter"\nquantity = "steps_to_success"\naxis = "squares"\nvalue = 2\nthan = 4',
        'test = "level"\nquantity = "steps_to_success"\nof = "draw"\nat_most = 100',
        'test = "agrees_with"\nquantity = "dead_fraction"\nlayer = 1\nz = 4',
    ],
)
def test_what_can_be_judged_passes(claim: str, tmp_path: Path) -> None:
    """Axes of the training, layers of the readout, and just as many members and values as are needed."""
    file = tmp_path / "fine.toml"
    file.write_text(f"{SPEC}{claim}\n")

    (study,) = load_studies([file])

    assert len(study.spec.claim) == 1
