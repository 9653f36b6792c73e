"""Verdicts in words."""

import csv
from pathlib import Path

import numpy as np
import pytest

from suite.analysis.verdicts import judge, rows_of
from suite.catalog.claims import Level
from suite.formatting import format_p_value
from suite.report.verdicts import format_lines
from suite.results.folder import Results
from suite.results.schema import VERDICTS
from tests.analysis.simulated import member, tables_of

DRAWS = np.linspace(-1, 1, 40) + 0.1
LEANING = [({"at_least": 0.0}, "holds", "confirm it"), ({"at_most": 0.0}, "fails", "refute it")]


@pytest.mark.parametrize(("bound", "leaning", "words"), LEANING)
def test_undecided_says_which_way_it_leans(bound: dict[str, float], leaning: str, words: str) -> None:
    """The mean is above 0, by too little to be sure."""
    claim = Level.model_validate({"says": "It is so.", "quantity": "v3", **bound})

    rows = rows_of(judge([claim], tables_of([member("v3", DRAWS, depth=1)])), "")

    assert (rows[0]["verdict"], rows[0]["leaning"]) == ("undecided", leaning)
    line = next(format_lines("study", rows))
    assert f"draws would probably {words})" in line
    assert ", 1 member, 40 draws each; about " in line


@pytest.mark.parametrize("bound", [-9.0, 9.0, 0.1])
def test_what_is_decided_or_leans_nowhere_says_nothing_of_it(bound: float) -> None:
    """Far below the mean, far above, and the mean itself."""
    claim = Level(says="It is so.", quantity="v3", at_least=bound)

    (row,) = rows_of(judge([claim], tables_of([member("v3", DRAWS.round(3), depth=1)])), "")

    assert row["leaning"] == ""


def test_tables_of_before_say_nothing_of_it(tmp_path: Path) -> None:
    """Rows that an earlier version has kept can be told still."""
    claim = Level(says="It is so.", quantity="v3", at_least=0.0)
    (row,) = rows_of(judge([claim], tables_of([member("v3", DRAWS, depth=1)])), "")
    for name in ("leaning", "estimate_of", "required"):
        del row[name]
    with (tmp_path / VERDICTS).open("w", newline="") as file:
        table = csv.DictWriter(file, row)
        table.writeheader()
        table.writerow(row)

    (kept,) = Results(tmp_path).verdict_rows

    assert kept["leaning"] == ""
    assert "draws would decide)" in next(format_lines("study", [kept]))


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0, "p < 0.0001"),
        (0.000099, "p < 0.0001"),
        (0.0001, "p = 0.0001"),
        (0.0321, "p = 0.032"),
        (1.0, "p = 1"),
        (np.nan, "not refuted"),
    ],
)
def test_a_p_value_is_told_as_far_as_it_is_known(p: float, words: str) -> None:
    """Very small ones only as that; there is none of what holds since nothing refutes it."""
    assert format_p_value(p) == words
