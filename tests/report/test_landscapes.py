"""Landscapes: the board that is to be learned beside what was learned, and collapse as a number."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from suite.catalog.charts import CHARTS
from suite.catalog.tasks import Checkerboard
from suite.report.landscapes import draw_decision_boundary, draw_landscapes, true_board
from suite.results.folder import Results
from suite.training.tasks import checkerboard


def rows_of(chart: Any) -> list[dict[str, Any]]:
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


def boards_of(results: Results) -> tuple[Any, pd.DataFrame, Any]:
    """What charts of boards are drawn from: outputs over the plane, the summary and the tasks."""
    return results.landscapes, results.summary, results.run["spec"]["measure"]["accuracy"]["task"]


def landscapes_chart(landscapes: pd.DataFrame, summary: pd.DataFrame, tasks: Any = ()) -> Any:
    """Draw the landscapes as the page does."""
    return draw_landscapes(landscapes, summary, tasks, CHARTS["landscapes"])


def decision_boundary(landscapes: pd.DataFrame, summary: pd.DataFrame, tasks: Any = ()) -> Any:
    """Draw the decision boundaries as the page does."""
    return draw_decision_boundary(landscapes, summary, tasks, CHARTS["decision_boundary"])


@pytest.mark.parametrize("squares", [2, 3, 4])
def test_the_true_board_is_the_one_that_networks_are_trained_on(squares: int) -> None:
    """Red where the task's label is 1."""
    points = np.random.default_rng(0).uniform(-1, 1, size=(500, 2))
    task = Checkerboard(squares=squares, train=1, test=1)

    labels = checkerboard(torch.tensor(points.T)[None], task)[0, 0]

    assert ((true_board(points, squares) > 0) == (labels.numpy() == 1)).all()


def test_learned_boards_stand_beside_the_true_one(results_of: Callable[[str], Results]) -> None:
    """One in each row of trained networks, none among random ones."""
    results = results_of("tiny")
    rows = rows_of(landscapes_chart(*boards_of(results)))
    true = [row for row in rows if row["depth"] == "true"]

    assert {row["state"] for row in true} == {"trained"}
    assert {row["series"] for row in true} == {row["series"] for row in rows if row["state"] == "trained"}
    assert len({row["picture"] for row in true}) == 1
    assert not any(row["picture"] == true[0]["picture"] for row in rows if row["state"] == "random")


def test_a_collapsed_network_is_told_by_its_number(results_of: Callable[[str], Results]) -> None:
    """std / rms in the corner of random ones, 0 of a constant, also of one that is 0."""
    results = results_of("tiny")
    table = results.landscapes
    assert table is not None
    member = table["member"].iloc[0]
    here = (table["member"] == member) & (table["state"] == "random") & (table["draw"] == 0)
    for constant in (3.0, 0.0):
        chart = landscapes_chart(table.assign(value=table["value"].where(~here, constant)), results.summary)
        (row,) = [row for row in rows_of(chart) if row["member"] == member and row["state"] == "random"]
        assert row["label"] == "0"


def test_a_boundary_is_seen_to_form_from_the_first_step_to_the_true_board(results_of: Callable[[str], Results]) -> None:
    """Each row runs through all pictured steps; its last picture is the one among the learned boards."""
    results = results_of("tiny")
    rows = rows_of(decision_boundary(*boards_of(results)))
    learned = {
        row["member"]: row["picture"]
        for row in rows_of(landscapes_chart(*boards_of(results)))
        if row["member"] and not row["label"]
    }

    by_series = {
        series: [row for row in rows if row["network"] == series] for series in {row["network"] for row in rows}
    }

    assert len(by_series) == 9  # relu, tanh and leaky_relu at depths 1, 2 and 4
    for found in by_series.values():
        assert [row["step"] for row in found] == ["0", "1", "6", "24", "true"]
        assert found[3]["picture"] == learned[found[3]["member"]] != found[0]["picture"]


@pytest.mark.slow
def test_many_series_have_a_row_each(results_of: Callable[[str], Results]) -> None:
    """The member in the middle, where three rows for each would be too many."""
    results = results_of("tiny")
    table = results.landscapes
    assert table is not None
    many = pd.concat([table.assign(squares=squares) for squares in range(2, 7)])
    summary = pd.concat([results.summary.assign(squares=squares) for squares in range(2, 7)])

    rows = rows_of(decision_boundary(many, summary))

    assert len({row["network"] for row in rows}) == 15
    assert {row["network"].rpartition(" ")[2] for row in rows} == {"2"}


def test_a_regression_has_no_boundary(results_of: Callable[[str], Results]) -> None:
    """Its landscapes are shown all the same."""
    results = results_of("tiny")
    table = results.landscapes
    assert table is not None
    regression = results.summary[results.summary["quantity"] != "test_accuracy"]

    assert decision_boundary(table, regression) is None
    assert landscapes_chart(table, regression) is not None


def test_beside_a_regression_only_the_board_has_a_boundary(results_of: Callable[[str], Results]) -> None:
    """Rows of a task that has classes, in a study of both kinds."""
    results = results_of("tiny")
    table = results.landscapes
    assert table is not None
    both = pd.concat([table.assign(task=task) for task in ("board", "line")])
    trained = results.summary.assign(task="line")
    summary = pd.concat([results.summary.assign(task="board"), trained[trained["quantity"] != "test_accuracy"]])

    names = {row["network"] for row in rows_of(decision_boundary(both, summary))}

    assert names
    assert all("board" in name for name in names)
