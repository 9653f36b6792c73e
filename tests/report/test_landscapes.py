"""Landscapes: the board that is to be learnt beside what was learnt, and collapse as a number."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from suite.catalog.tasks import Checkerboard
from suite.report.landscapes import landscapes_chart, true_board
from suite.runs.results import Results
from suite.training.tasks import checkerboard


def rows_of(chart: Any) -> list[dict[str, Any]]:
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


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
    rows = rows_of(results.charts["landscapes"])
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
        assert row["said"] == "0"
