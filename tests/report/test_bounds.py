"""Trainability as a bound of success: which rows are put side by side, and what is said of them."""

import numpy as np
import pandas as pd
import pytest

from suite.analysis.derive import bounds_table
from suite.analysis.series import training_axes
from suite.results.schema import BOUND_COLUMNS as COLUMNS


def row(quantity, mean, low, high, depth=1, task="absolute_value", rate=np.nan, theory=np.nan, n=100):
    return {
        "member": f"relu-d{depth}",
        "depth": depth,
        "activation": "relu",
        "initialization": "he",
        "quantity": quantity,
        "layer": pd.NA,
        "step": pd.NA,
        "task": task,
        "learning_rate": rate,
        "theory": theory,
        "mean": mean,
        "ci_low": low,
        "ci_high": high,
        "n": n,
    }


RAW = ("member", "quantity", "task", "learning_rate", "draw", "value")


def table(*rows, draws=()):
    """Of a summary, and of raw values that have its axes of training."""
    summary = pd.DataFrame(rows).astype({"step": "Int64", "layer": "Int64"})
    axes = {axis: np.nan for axis in training_axes(summary) if axis not in RAW}
    return bounds_table(summary, pd.DataFrame(draws, columns=RAW).assign(**axes))


def test_successes_are_counted_of_networks_without_what_the_task_needs():
    """Replicate i starts from draw i: here draws 0 and 2 succeed, of which draw 2 was not able to."""
    draws = [
        *(("relu-d1", "trainability", "absolute_value", np.nan, draw, able) for draw, able in enumerate([1, 1, 0, 0])),
        *(("relu-d1", "success", "absolute_value", 0.1, draw, done) for draw, done in enumerate([1, 0, 1])),
        *(("relu-d1", "success", "absolute_value", 0.3, draw, 1) for draw in range(3)),
    ]

    found = table(row("trainability", 0.7, 0.6, 0.8), row("success", 0.6, 0.5, 0.7, rate=0.1, n=3), draws=draws)

    assert list(found["without"]) == [1]


@pytest.mark.parametrize(
    ("success", "verdict"),
    [
        ((0.50, 0.40, 0.60), "holds"),
        ((0.70, 0.60, 0.80), "holds"),
        ((0.75, 0.65, 0.85), "holds within intervals"),
        ((0.90, 0.81, 0.95), "violated"),
        ((0.60, 0.30, 0.99), "holds"),
    ],
    ids=["below", "equal", "above", "apart", "uncertain"],
)
def test_the_bound_holds_is_within_doubt_or_is_violated(success, verdict):
    """Above the trainability of 0.7 (0.6 to 0.8) only an interval that does not meet this one is a violation."""
    found = table(row("trainability", 0.7, 0.6, 0.8, theory=0.71), row("success", *success, rate=0.1, n=40))

    (only,) = found.to_dict("records")
    assert only["bound"] == verdict
    assert (only["trainability"], only["trainability_low"], only["trainability_high"]) == (0.7, 0.6, 0.8)
    assert (only["success"], only["success_low"], only["success_high"]) == success
    assert (only["theory"], only["replicates"]) == (0.71, 40)


def test_rows_are_of_one_member_and_one_task():
    """Two of each: a task's success is bounded by that task's trainability."""
    found = table(
        *(row("trainability", share, share - 0.01, share + 0.01, depth, task) for depth, task, share in GRID),
        *(row("success", share - 0.1, 0.0, share, depth, task, rate=0.1) for depth, task, share in reversed(GRID)),
    )

    assert len(found) == 4
    assert (found["bound"] == "holds").all()
    np.testing.assert_allclose(found["trainability"] - found["success"], 0.1)
    assert set(found["along"]) == {1, 2}
    assert set(found["series"]) == {"absolute_value", "two_kinks"}


GRID = [(1, "absolute_value", 0.9), (1, "two_kinks", 0.5), (2, "absolute_value", 0.8), (2, "two_kinks", 0.3)]


def test_trainability_that_no_axis_of_training_changes_bounds_every_setting():
    """A momentum of its own does not give it rows of its own."""
    able = [row("trainability", 0.7, 0.6, 0.8) | {"momentum": np.nan}]
    success = [row("success", mean, mean - 0.05, mean + 0.05, rate=0.1) for mean in (0.5, 0.9)]
    found = table(*able, *(one | {"momentum": momentum} for one, momentum in zip(success, (0.0, 0.9), strict=True)))

    assert dict(zip(found["series"], found["bound"], strict=True)) == {
        "momentum 0": "holds",
        "momentum 0.9": "violated",
    }


@pytest.mark.parametrize("quantity", ["trainability", "success"])
def test_without_both_there_is_nothing_to_compare(quantity):
    """An empty table, with its columns."""
    found = table(row(quantity, 0.5, 0.4, 0.6))

    assert found.empty
    assert list(found.columns) == list(COLUMNS)


def test_the_tiny_study_has_a_row_a_member_and_task(results_of):
    """And the columns that are promised."""
    results = results_of("tiny_death")

    found = bounds_table(results.summary, results.measurements)

    assert list(found.columns) == list(COLUMNS)
    assert len(found) == 12 * 2
    assert set(found["bound"]) <= {"holds", "holds within intervals", "violated"}
    assert found["theory"].notna().sum() == 6 * 2
