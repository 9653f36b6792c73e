"""Estimates of computing time: from recorded times, from trials of a few cells, and for several processes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from suite.cells.cache import Cache, CachedCell
from suite.cells.cell import Cell
from suite.cells.sampling import cells_of
from suite.runs import estimate
from suite.runs.estimate import Estimate, estimate_cells, estimate_wall_time
from suite.spec.load import load_studies

SPEC = """title = "estimated"
seed = 4
[family]
parameters = 2000
inputs = 2
depth = [2, 3, 4, 6, 8, 12, 16, 24]
activation = ["relu", "tanh", "abs"]
[measure.v3]
draws = 512
[measure.collapse]
draws = 512
[measure.correlation]
draws = 256
[measure.accuracy]
task = { name = "checkerboard", squares = 4, train = 256, test = 256 }
optimizer = { name = "sgd", learning_rate = 0.1, batch = 64 }
steps = 4000
replicates = 8
"""


@pytest.fixture
def cells(tmp_path: Path) -> list[Cell]:
    """The cells of a study of 24 members of equal cost, whose times differ."""
    file = tmp_path / "estimated.toml"
    file.write_text(SPEC)
    return cells_of(load_studies([file])[0])


def _seconds(cell: Cell) -> float:
    """Return synthetic times: a constant per cell, rates of measure, activation and depth, and recorded steps."""
    depth = cell.member.depth * (3 if cell.member.activation.name == "tanh" else 1)
    if cell.trains:
        return 0.3 + depth * (0.002 * max(cell.steps) + 0.05 * len(cell.steps))
    return 0.001 + cell.draws * depth * {"v3": 1e-3, "collapse": 2e-4, "correlation": 1e-6}.get(cell.name, 1e-5)


def _total(estimates: dict[str, Estimate], cells: Sequence[Cell], name: str) -> tuple[float, float]:
    own = [cell for cell in cells if cell.name == name]
    return sum(estimates[cell.key].seconds for cell in own), sum(map(_seconds, own))


def _nothing(*_: object) -> None:
    """Announce nothing."""


def test_trials_of_a_few_cells_tell_the_time_of_all(cells: list[Cell], monkeypatch: pytest.MonkeyPatch) -> None:
    """Within 30% per measure, although the times of members of equal cost differ by a factor of 36."""
    tried = []

    def measure(part: Sequence[Cell]) -> list[Estimate | None]:
        tried.extend(part)
        clock[0] += sum(map(_seconds, part))
        return [Estimate(_seconds(cell), 100.0) for cell in part]

    clock = [0.0]
    monkeypatch.setattr(estimate, "_measure", measure)
    monkeypatch.setattr(estimate, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    estimates = estimate_cells(cells, {}, 1, _nothing)

    for name in ("v3", "collapse", "accuracy"):
        found, expected = _total(estimates, cells, name)
        assert found == pytest.approx(expected, rel=0.3)
    assert sum(map(_seconds, tried)) < 0.1 * sum(map(_seconds, cells))


def test_short_trainings_tell_the_time_of_a_long_one(cells: list[Cell], monkeypatch: pytest.MonkeyPatch) -> None:
    """Although a larger share of their steps is recorded."""
    monkeypatch.setattr(estimate, "_measure", lambda part: [Estimate(_seconds(cell), 100.0) for cell in part])
    training = next(cell for cell in cells if cell.trains)

    found = estimate._try_training(training)

    assert found is not None
    assert found.seconds == pytest.approx(_seconds(training), rel=1e-6)


def test_a_cell_takes_as_long_as_others_of_its_member(cells: list[Cell], tmp_path: Path) -> None:
    """By recorded times of other draws; nothing is tried."""
    cached = {
        cell.key: CachedCell({}, {"seconds": _seconds(cell)}, "", 1000, Cache(tmp_path))
        for cell in cells
        if cell.start == 0 and cell.name == "v3"
    }
    only = [cell for cell in cells if cell.name == "v3"]

    estimates = estimate_cells(only, cached, 1, _nothing)

    assert set(estimates) == {cell.key for cell in only if cell.start > 0}
    for cell in only:
        if cell.start > 0:
            assert estimates[cell.key].seconds == pytest.approx(_seconds(cell))


def test_a_measure_whose_trials_fail_has_no_estimate(cells: list[Cell], monkeypatch: pytest.MonkeyPatch) -> None:
    """The others have theirs."""

    def measure(part: Sequence[Cell]) -> list[Estimate | None]:
        return [None if cell.name == "collapse" else Estimate(_seconds(cell), 100.0) for cell in part]

    monkeypatch.setattr(estimate, "_measure", measure)
    estimates = estimate_cells(cells, {}, 1, _nothing)

    assert {cell.name for cell in cells if cell.key not in estimates} == {"collapse"}


def test_the_wall_time_is_that_of_the_last_process(cells: list[Cell]) -> None:
    """Three equal cells take as long as two of them with two processes, and as one with three."""
    one = next(cell for cell in cells if cell.name == "v3")
    three = [replace(one, start=start, stop=start + 256) for start in (0, 256, 512)]
    estimates = {cell.key: Estimate(10.0, 1.0) for cell in three}

    times = [estimate_wall_time(three, estimates, workers) for workers in (1, 2, 3, 4)]

    assert times == pytest.approx([30, 20, 10, 10], abs=0.1)
