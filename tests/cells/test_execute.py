"""Computing a study: what is announced and when, and which cells are computed together."""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path

import pytest

from suite.cells.cache import Cache
from suite.cells.cell import Cell
from suite.cells.compute import compute
from suite.cells.execute import compute_study, execute
from suite.cells.executor import Executor
from suite.cells.resources import Resources
from suite.cells.sampling import cells_of
from suite.cells.tasks import tasks_of
from suite.cells.worker import compute_and_save
from suite.native.build import TORCH
from suite.nets.initialization import draw_parameters
from suite.spec.load import Study, load_studies


@pytest.mark.parametrize(("device", "announced"), [("auto", 1), ("cpu", 1), ("cuda", 0)])
def test_cells_are_announced_before_an_executor_is_opened(
    study: Callable[..., Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, announced: int
) -> None:
    """Connecting to a cluster or checking a GPU may take a minute; a device that is missing is reported first."""
    calls: list[int] = []

    def fail(_: Resources) -> None:
        raise ValueError("no executor")

    monkeypatch.setattr("suite.cells.execute.open_executor", fail)
    with pytest.raises(ValueError, match="no executor"):
        compute_study(
            study(),
            Cache(tmp_path / "cells"),
            Resources(device),
            announce=lambda _study, cells, missing: calls.append(len(missing)) or (lambda *_: None),
        )

    assert len(calls) == announced
    assert not (tmp_path / "cells").exists()


DRAWN_TOGETHER = """title = "together"
seed = 3
[family]
width = 6
inputs = 2
depth = [2, 3]
activation = "relu"
[measure.v3]
draws = 256
step = 0.5
[measure.correlation]
draws = 256
[measure.jacobian]
draws = 64
"""


@pytest.fixture
def together(tmp_path: Path) -> tuple[Study, list[Cell]]:
    """A study whose cells of V3 and of the correlation have the same draws, and its cells."""
    file = tmp_path / "together.toml"
    file.write_text(DRAWN_TOGETHER)
    (study,) = load_studies([file])
    return study, cells_of(study)


def test_a_cell_that_is_mostly_drawing_joins_the_costliest_of_the_same_draws(together) -> None:
    """Two members: the correlation joins V3, while landscapes and the Jacobian have other draws."""
    _, cells = together

    tasks = [[cell.name for cell in task] for task in tasks_of(cells)]

    assert sorted(tasks) == [["jacobian"]] * 2 + [["landscape"]] * 2 + [["v3", "correlation"]] * 2
    assert {cell.key for task in tasks_of(cells) for cell in task} == {cell.key for cell in cells}
    assert all(len({cell.member.name for cell in task}) == 1 for task in tasks_of(cells))


def test_cells_of_one_task_have_the_same_numbers_as_alone_and_draw_once(together, tmp_path: Path, monkeypatch) -> None:
    """Every byte of their arrays is the same, and every block of networks is drawn once."""
    _, cells = together
    (task,) = (task for task in tasks_of(cells) if len(task) == 2 and task[0].member.depth == 3)
    alone = [compute(cell) for cell in task]
    blocks = []

    def draw(*arguments, **keywords):
        blocks.append(arguments[5:7])
        return draw_parameters(*arguments, **keywords)

    monkeypatch.setattr("suite.training.networks.draw_parameters", draw)
    seconds = compute_and_save(task, tmp_path, "cpu")

    assert blocks == [(start, start + 64) for start in range(0, 256, 64)]
    cache = Cache(tmp_path)
    for cell, readings, took in zip(task, alone, seconds, strict=True):
        found = cache.check(cell.key)
        assert found is not None
        assert found.provenance["seconds"] == took > 0
        assert set(found.shapes) == set(readings)
        for name, values in readings.items():
            assert cache.read(cell.key, name).tobytes() == values.tobytes()


def test_a_cell_that_fails_leaves_the_others_of_its_task(together, tmp_path: Path, monkeypatch) -> None:
    """The failure is the outcome of that cell alone."""
    _, cells = together
    task = next(task for task in tasks_of(cells) if len(task) == 2)

    def fail(*_: object) -> None:
        raise FloatingPointError("no numbers")

    monkeypatch.setattr("suite.measures.v3.v3", fail)
    failed, saved = compute_and_save(task, tmp_path, "cpu")

    assert failed.reason == "FloatingPointError: no numbers"
    assert saved > 0
    assert [Cache(tmp_path).check(cell.key) is not None for cell in task] == [False, True]


class _Deadly(Executor):
    """An executor whose worker dies with every task that contains V3."""

    deaths = (BrokenExecutor,)
    device = "cpu"
    kernels = TORCH

    def submit(self, work, task):
        future = Future()
        if any(cell.name == "v3" for cell in task):
            future.set_exception(BrokenExecutor())
        else:
            future.set_result(work(task))
        return future

    def at_once(self) -> int:
        return 2

    def end(self, at_once: bool) -> None:
        """Do nothing."""


def test_a_cell_that_ends_its_worker_does_not_take_others_of_its_task_along(together, tmp_path: Path) -> None:
    """After a death the cells of a task are run one by one."""
    _, cells = together
    cache, finished = Cache(tmp_path), []

    failures = execute(cells, cache, _Deadly(), lambda cell, _: finished.append(cell))

    assert {cell.name for cell in cells if cell.key in failures} == {"v3"}
    assert all((cache.check(cell.key) is None) == (cell.name == "v3") for cell in cells)
    assert sorted(cell.key for cell in finished) == sorted(cell.key for cell in cells)
