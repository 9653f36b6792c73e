"""Draws are the first axis of every array; files of training cells keep the learning rates first."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite.cells.blocks import blocks_of
from suite.cells.cache import Cache, CachedCell, CellResult, cached_arrays, in_file_order
from suite.cells.cell import Cell
from suite.cells.sampling import cells_of
from suite.runs.tables import landscapes_table
from suite.spec.load import load_studies

SPEC = """
title = "Axes of cached arrays"
seed  = 1

[family]
width      = 4
inputs     = 2
depth      = 1
activation = "relu"

[measure.v3]
draws = 3

[measure.accuracy]
task       = { name = "checkerboard", squares = 2, train = 8, test = 8 }
optimizer  = { name = "adam", learning_rate = [0.01, 0.03], batch = 4 }
steps      = 1
replicates = 3
"""

DRAWS, RATES, STEPS, POINTS = 3, 2, 2, 33 * 33


@pytest.fixture
def cells(tmp_path: Path) -> list[Cell]:
    """The cells of a small study."""
    (tmp_path / "axes.toml").write_text(SPEC)
    (study,) = load_studies([tmp_path])
    return cells_of(study)


def _named(cells: list[Cell], name: str) -> Cell:
    (cell,) = (cell for cell in cells if cell.name == name)
    return cell


def _kept(store: Cache, cell: Cell) -> dict[str, CachedCell]:
    found = store.check(cell.key)
    assert found is not None
    return {cell.key: found}


def test_a_file_with_the_learning_rates_first_is_read_with_the_draws_first(cells: list[Cell], tmp_path: Path) -> None:
    """Earlier versions wrote such files; tables and landscapes show each value at its own draw and rate."""
    cell, store = _named(cells, "accuracy"), Cache(tmp_path / "cells")
    success = np.array([[0.0, 0.1, 0.2], [1.0, 1.1, 1.2]])  # rates, then draws
    boards = np.arange(RATES * DRAWS * POINTS * STEPS, dtype=np.float32).reshape(RATES, DRAWS, POINTS, STEPS)
    store.save(cell.key, CellResult({"success": success, "landscape": boards}, {}))

    shapes, read = cached_arrays(cells, _kept(store, cell))

    assert shapes[cell.key] == {"success": (DRAWS, RATES), "landscape": (DRAWS, RATES, POINTS, STEPS)}
    np.testing.assert_array_equal(read(cell.key, "success"), success.T)
    blocks = blocks_of([cell], shapes, read, ["learning_rate"])
    assert {block.training["learning_rate"]: block.values.ravel().tolist() for block in blocks} == {
        0.01: [0.0, 0.1, 0.2],
        0.03: [1.0, 1.1, 1.2],
    }
    table = landscapes_table([cell], shapes, read, [], ["learning_rate"])
    assert table is not None
    for rate, place in ((0.01, 0), (0.03, 1)):
        rows = table[(table["learning_rate"] == rate) & (table["step"] == 1)]
        np.testing.assert_array_equal(rows["value"], boards[place, 0, :, 1])


def test_training_cells_are_written_as_they_always_were(cells: list[Cell]) -> None:
    """With the learning rates first, so that earlier versions can read them; other cells with the draws first."""
    readings: dict[str, Any] = {"success": np.arange(6.0).reshape(DRAWS, RATES)}

    written = in_file_order(_named(cells, "accuracy"), readings)["success"]

    assert written.tolist() == [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]
    assert written.flags["C_CONTIGUOUS"]
    assert in_file_order(_named(cells, "v3"), readings)["success"].tolist() == readings["success"].tolist()


def test_arrays_of_measures_are_read_as_they_are_written(cells: list[Cell], tmp_path: Path) -> None:
    """Their files have the draws first."""
    cell, store = _named(cells, "v3"), Cache(tmp_path / "cells")
    store.save(cell.key, CellResult({"v3": np.arange(3.0)}, {}))

    shapes, read = cached_arrays(cells, _kept(store, cell))

    assert shapes == {cell.key: {"v3": (3,)}}
    assert read(cell.key, "v3").tolist() == [0.0, 1.0, 2.0]
