"""Tables follow from the spec alone: not from the order of work, nor from how many do it."""

import hashlib
from pathlib import Path

import pytest

from suite.cells.cell import Cell, MeasuringCell, TrainingCell
from suite.cells.execute import CellCallback
from suite.cells.resources import Resources
from suite.runs.run import run_study
from suite.spec.load import load_studies
from tests.faults.mixed import SPEC, Undisturbed, assert_undisturbed

pytestmark = pytest.mark.slow


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "order" in metafunc.fixturenames:
        many = metafunc.config.getoption("--many")
        metafunc.parametrize(
            ("workers", "order"), [(n, order) for n in (1, 2, 3) for order in range(4)] if many else [(3, 1)]
        )


def test_any_order_and_any_number_of_workers_give_the_same_tables(
    workers: int, order: int, undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells are started in an order that is shuffled; the undisturbed run had two workers, and the costliest first."""
    shuffled: list[str] = []

    def chance(cell: Cell) -> float:
        return float(int(hashlib.sha256(f"{order} {cell.key}".encode()).hexdigest()[:12], 16))

    for kind in (MeasuringCell, TrainingCell):
        monkeypatch.setattr(kind, "cost", property(chance))
    (study,) = load_studies([SPEC])

    def announce(*_: object) -> CellCallback:
        return lambda cell, _: shuffled.append((cell.name, cell.start))

    run_study(study, tmp_path, Resources(workers=workers), announce)

    assert shuffled != sorted(shuffled)
    assert len(shuffled) == undisturbed.computed
    assert_undisturbed(tmp_path, undisturbed)
