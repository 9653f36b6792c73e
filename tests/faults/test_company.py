"""Runs at the same time in one folder: all end well, with the tables of a run that was alone."""

import shutil
import time
from pathlib import Path

import pytest

from tests.faults.mixed import STUDY, Undisturbed, again, assert_undisturbed, ended, finished, started, to_compute

pytestmark = pytest.mark.slow


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "time_of_many" in metafunc.fixturenames:
        metafunc.parametrize("time_of_many", range(6 if metafunc.config.getoption("--many") else 1))


def _assert_complete(results: Path, undisturbed: Undisturbed) -> None:
    """Every cell is whole, and a further run computes none."""
    assert_undisturbed(results, undisturbed)
    before = finished(results)
    assert to_compute(again(results)) == 0
    assert finished(results) == before
    assert_undisturbed(results, undisturbed)


@pytest.mark.usefixtures("only_with_many")
def test_two_runs_at_once_make_the_same_tables(time_of_many: int, undisturbed: Undisturbed, tmp_path: Path) -> None:
    """Started together, or the second while the first is in the middle of its work."""
    first = started(tmp_path)
    time.sleep(undisturbed.written[-1] * time_of_many / 6)
    second = started(tmp_path)

    outcomes = [ended(run) for run in (first, second)]

    assert [code for code, _ in outcomes] == [0, 0], outcomes
    _assert_complete(tmp_path, undisturbed)


def test_parts_and_the_whole_at_once_make_the_same_tables(
    time_of_many: int, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """Two parts and a run of everything, one process each but for the last."""
    parts = [started(tmp_path, "--shard", f"{part}/2", workers=1) for part in (1, 2)]

    outcomes = [ended(run) for run in (started(tmp_path), *parts)]

    assert [code for code, _ in outcomes] == [0, 0, 0], outcomes
    _assert_complete(tmp_path, undisturbed)


@pytest.mark.usefixtures("only_with_many")
def test_two_runs_that_only_write_tables_do_not_tear_them(
    time_of_many: int, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """All cells are there, so both come to the tables at once."""
    shutil.copytree(undisturbed.folder / "cells", tmp_path / STUDY / "cells")

    outcomes = [ended(run) for run in [started(tmp_path), started(tmp_path)]]

    assert [code for code, _ in outcomes] == [0, 0], outcomes
    _assert_complete(tmp_path, undisturbed)
