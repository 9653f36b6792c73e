"""Cells that fail: recorded with their reason, the rest finished, and tried again by the next run."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import suite.cells.worker as computing
from suite.cells.cache import Readings
from suite.cells.cell import Cell
from suite.cells.worker import failure_from
from suite.cli import app
from tests.runs.tiny import BRIEF, assert_same_as_undisturbed

runner = CliRunner()


def _failing(monkeypatch: pytest.MonkeyPatch, *names: str, kind: type[BaseException] = ZeroDivisionError) -> None:
    """From now on the cells of some measures raise."""
    compute = computing.compute_blocks

    def sometimes(cell: Cell, *given: Any, **named: Any) -> Generator[None, None, Readings]:
        if cell.name in names or not names:
            raise kind(f"no {cell.name} today\nsecond line")
        return (yield from compute(cell, *given, **named))

    monkeypatch.setattr(computing, "compute_blocks", sometimes)


def _run(folder: Path) -> tuple[int, str]:
    done = runner.invoke(app, ["run", str(BRIEF), "--results", str(folder), "--workers", "1"])
    return done.exit_code, done.stderr


def test_a_failing_cell_is_recorded_and_the_rest_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Exit code 1, a line a cell, a table, a log, a place in the report; then, mended, the tables of any other run."""
    with monkeypatch.context() as context:
        _failing(context, "gradients")
        code, said = _run(tmp_path)
    folder = tmp_path / BRIEF.stem

    assert code == 1
    assert "failed: ZeroDivisionError: no gradients today" in said
    assert "18 cells failed (10 more than shown)" in said
    failures = pd.read_csv(folder / "failures.csv")
    assert set(failures["measure"]) == {"gradients"}
    assert len(failures) == 18
    assert "in sometimes" in (folder / "failures.log").read_text()
    summary = pd.read_csv(folder / "summary.csv")
    assert "gradients" not in set(summary["quantity"])
    assert {"test_error", "train_loss"} <= set(summary["quantity"])
    page = (folder / "report.html").read_text()
    assert "Failed cells" in page
    assert "no gradients today" in page

    code, said = _run(tmp_path)

    assert code == 0
    assert "18 cells to compute" in said
    assert not (folder / "failures.csv").exists()
    assert not (folder / "failures.log").exists()
    assert "Failed cells" not in (folder / "report.html").read_text()
    assert_same_as_undisturbed(tmp_path, tmp_path_factory)


def test_a_cell_that_would_leave_the_suite_is_one_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a plug-in's function might, with whatever exit code: the run has its own, and does the rest."""
    _failing(monkeypatch, "gradients", kind=SystemExit)

    code, said = _run(tmp_path)

    assert code == 1
    assert "failed: SystemExit: no gradients today" in said
    assert {"test_error"} <= set(pd.read_csv(tmp_path / BRIEF.stem / "summary.csv")["quantity"])


def test_a_study_of_which_everything_failed_has_no_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither new ones nor an earlier run's."""
    assert _run(tmp_path)[0] == 0
    for cell in (tmp_path / BRIEF.stem / "cells").iterdir():
        cell.unlink()
    _failing(monkeypatch)

    code, said = _run(tmp_path)

    assert code == 1
    assert "36 cells failed" in said
    assert sorted(file.name for file in (tmp_path / BRIEF.stem).iterdir()) == ["cells", "failures.csv", "failures.log"]


def test_an_error_without_words_has_its_type_as_reason() -> None:
    """And no colon behind it."""
    assert failure_from(KeyError()).reason == "KeyError"
    assert failure_from(ValueError("a\nb")).reason == "ValueError: a"
