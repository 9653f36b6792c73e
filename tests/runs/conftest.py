"""Small studies, from the TOML that a user would write."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from suite.cells.blocks import Block, blocks_of
from suite.cells.cache import Readings
from suite.cells.cell import Cell
from suite.spec.load import Study, load_studies

FAMILY = 'width = 6\ninputs = 2\ndepth = [1, 3]\nactivation = ["relu", "tanh"]'
MEASURES = """
[measure.activation_ratio]
[measure.v3]
draws = 20
step = 0.25
[measure.v3_limit]
draws = 20
[measure.collapse]
draws = 20
[measure.gradients]
draws = 20
[measure.grad_norm]
draws = 20
[measure.snip]
draws = 20
points = 16
[measure.grasp]
draws = 20
[measure.synflow]
draws = 20
[measure.fisher]
draws = 20
[measure.jacobian_covariance]
draws = 20
[measure.naswot]
draws = 20
points = 4
[measure.ntk]
draws = 20
points = 4
[measure.dead_neurons]
draws = 20
[measure.trainability]
draws = 20
[measure.correlation]
draws = 20
[measure.jacobian]
draws = 20
[measure.accuracy]
task = { name = "checkerboard", squares = 2, train = 64, test = 32 }
optimizer = { name = "adam", learning_rate = [0.003, 0.03], batch = 16 }
steps = 10
replicates = 20
[measure.feature_diversity]
points = 32
[measure.revival]
[measure.unit_activity]
"""
LINE = 'width = 6\ninputs = 1\ndepth = 2\nactivation = "relu"'
REGRESSION = """
[measure.accuracy]
task = { name = "absolute_value", train = 64, test = 32 }
optimizer = { name = "sgd", learning_rate = [0.003, 0.03], batch = 16 }
steps = 10
replicates = 20
"""


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Study]:
    """(family, measures, title, seed) -> a study."""

    def build(family: str = FAMILY, measures: str = MEASURES, title: str = "a study", seed: int = 1) -> Study:
        file = tmp_path / "small.toml"
        file.write_text(f'title = "{title}"\nseed = {seed}\n[family]\n{family}\n{measures}')
        (loaded,) = load_studies([file])
        return loaded

    return build


def blocks_in_memory(cells: Sequence[Cell], readings: dict[str, Readings], columns: Sequence[str]) -> list[Block]:
    """The blocks of cells whose readings are at hand, by their keys."""
    shapes = {key: {name: values.shape for name, values in found.items()} for key, found in readings.items()}
    return blocks_of(cells, shapes, lambda key, quantity: readings[key][quantity], columns)
