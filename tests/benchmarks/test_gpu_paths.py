"""The cells of every path use the whole catalog, and an entry that they do not use is named."""

from typing import Literal

import pytest

from benchmarks.gpu.paths import find_unused, path_cells
from suite.catalog.activations import ACTIVATIONS, Relu, SExp
from suite.catalog.tasks import TASKS, AbsoluteValue


def test_every_entry_is_used() -> None:
    """The catalog as it is."""
    cells = [path.cell for path in path_cells()]

    assert find_unused(cells) == []
    assert len({cell.key for cell in cells}) == len(cells)


def test_entries_without_a_cell_are_named() -> None:
    """Without any cell that is every entry; without the cells of one measure or activation it is that one."""
    cells = [path.cell for path in path_cells()]

    nothing = find_unused([])
    assert {"activation relu", "task digits", "normalization batch", "residual True", "optimizer sgd"} <= set(nothing)
    assert {"measure v3 in float32", "measure v3 in float64", "measure revival in float32"} <= set(nothing)
    assert find_unused(cell for cell in cells if cell.name != "ntk") == [
        "measure ntk in float32",
        "measure ntk in float64",
    ]
    assert find_unused(cell for cell in cells if cell.member.activation.name != "erf") == ["activation erf"]


def test_a_new_entry_is_used_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An activation of known parameters joins the paths; one with an unknown required parameter is an error."""

    class Twice(Relu):
        name: Literal["twice"] = "twice"  # type: ignore[assignment]

    monkeypatch.setitem(ACTIVATIONS, "twice", Twice)
    assert any(path.cell.member.activation.name == "twice" for path in path_cells())

    class Spicy(SExp):
        name: Literal["spicy"] = "spicy"  # type: ignore[assignment]
        heat: float

    monkeypatch.setitem(ACTIVATIONS, "spicy", Spicy)
    with pytest.raises(LookupError, match="spicy requires heat"):
        path_cells()


def test_a_new_task_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that is added to the catalog is in some cell."""

    class Another(AbsoluteValue):
        name: Literal["another"] = "another"  # type: ignore[assignment]

    monkeypatch.setitem(TASKS, "another", Another)

    assert any(path.cell.task and path.cell.task.name == "another" for path in path_cells())
