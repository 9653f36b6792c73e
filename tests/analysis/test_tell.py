"""Verdicts in words."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import nct, t, ttest_1samp

from suite.analysis.verdicts import judge, rows_of
from suite.catalog.claims import Claim, Level
from suite.formatting import format_p_value
from suite.report.verdicts import format_lines
from suite.results.folder import Results
from suite.results.schema import VERDICTS
from tests.analysis.simulated import member, tables_of

DRAWS = np.linspace(-1, 1, 40) + 0.1


def row_of(claim: Claim, draws: np.ndarray = DRAWS) -> dict[str, Any]:
    (row,) = rows_of(judge([claim], tables_of([member("v3", draws, depth=1)])), "")
    return row


@pytest.mark.parametrize("bound", [{"at_least": 0.0}, {"at_most": 0.0}])
def test_undecided_gives_the_power_there_was(bound: dict[str, float]) -> None:
    """The mean is above 0, by too little to be sure; the power of Student's test follows from the noncentral t."""
    claim = Level.model_validate({"says": "It is so.", "quantity": "v3", **bound})

    row = row_of(claim)

    error = DRAWS.std(ddof=1) / np.sqrt(40)
    assert row["verdict"] == "undecided"
    assert nct.sf(t.isf(0.025, 39), 39, row["detectable"] / error) == pytest.approx(0.8)
    line = next(format_lines("study", [row]))
    assert (
        f"; smallest effect with 80% power: {row['detectable']:.3g}; an effect as large as the estimate needs " in line
    )
    assert ", 40 draws each; " in line


@pytest.mark.parametrize("bound", [-9.0, 9.0])
def test_what_is_decided_needs_no_more_draws(bound: float) -> None:
    assert np.isnan(row_of(Level(says="It is so.", quantity="v3", at_least=bound))["needed"])


def test_p_is_that_of_the_interval_and_holms_is_beside_it() -> None:
    """With three claims p is multiplied by up to three; the interval and p agree on whether 0 is excluded."""
    draws = DRAWS + 0.12
    claims = [Level(says=f"Claim {place}.", quantity="v3", at_least=0.0) for place in range(3)]

    row, *_ = rows_of(judge(claims, tables_of([member("v3", draws, depth=1)])), "")

    assert row["p"] == pytest.approx(ttest_1samp(draws, 0.0).pvalue)
    assert row["p_holm"] == pytest.approx(3 * row["p"])
    assert (row["p"] < 0.05) == (row["ci_low"] > 0)
    assert row["verdict"] == "undecided"


def test_rows_of_an_earlier_version_can_be_shown(tmp_path: Path) -> None:
    """Columns that it did not write are empty."""
    row = row_of(Level(says="It is so.", quantity="v3", at_least=0.0))
    for name in ("p_holm", "detectable", "control", "estimate_of", "required", "note"):
        del row[name]
    with (tmp_path / VERDICTS).open("w", newline="") as file:
        table = csv.DictWriter(file, row)
        table.writeheader()
        table.writerow(row)

    (kept,) = Results(tmp_path).verdict_rows

    assert "an effect as large as the estimate needs about" in next(format_lines("study", [kept]))


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0, "p < 0.0001"),
        (0.000099, "p < 0.0001"),
        (0.0001, "p = 0.0001"),
        (0.0321, "p = 0.032"),
        (1.0, "p = 1"),
    ],
)
def test_a_p_value_is_told_as_far_as_it_is_known(p: float, words: str) -> None:
    """Very small ones only as that."""
    assert format_p_value(p) == words
