"""The page's table of precision: a row a member and quantity, the widest layer for all."""

from collections.abc import Callable

import pandas as pd

from suite.report.page_tables import tabulate_precision
from suite.results.folder import Results


def row(half_width, layer=None, reached="yes", note="", **others):
    return {
        "member": "relu-d2",
        "measure": "correlation",
        "quantity": "correlation",
        "learning_rate": None,
        "layer": layer,
        "statistic": "mean",
        "precision": 0.05,
        "half_width": half_width,
        "draws": 1024,
        "looks": 3,
        "seconds": 0.26,
        "reached": reached,
        "note": note,
    } | others


def rows(*given):
    return tabulate_precision(pd.DataFrame(given)).rows


def test_of_layers_the_widest_interval_is_shown():
    """One that cannot be told is shown last of all; a layer that was not reached is told."""
    (shown,) = rows(row(0.01, 1), row(0.049, 2), row(None, 3, "no", "no draw is finite"))

    assert shown == [
        "relu-d2",
        "correlation, layer 2",
        "mean",
        "no",
        "no draw is finite",
        "0.05",
        "0.049",
        "1,024",
        "3",
        "0.3",
    ]


def test_of_layers_that_fall_short_the_widest_ones_note_is_shown():
    """Not all of them in one line."""
    (shown,) = rows(row(0.2, 1, "no", "about 20,000 draws needed"), row(0.1, 2, "no", "about 5,000 draws needed"))

    assert shown[4] == "about 20,000 draws needed"


def test_tasks_have_rows_of_their_own():
    """Named by what the study varies."""
    shown = rows(row(0.01, task="two_kinks"), row(0.02, task="absolute_value"))

    assert [line[1] for line in shown] == ["correlation, task two_kinks", "correlation, task absolute_value"]


def test_a_study_that_asks_for_no_precision_has_no_table():
    """Nothing to show."""
    assert tabulate_precision(None).rows == []


def test_missing_notes_of_a_run_are_empty(results_of: Callable[[str], Results]):
    """The table on the page shows an empty cell, not nan."""
    notes = [cells[4] for cells in tabulate_precision(results_of("tiny_precise").precision).rows]

    assert "" in notes
    assert "nan" not in notes
