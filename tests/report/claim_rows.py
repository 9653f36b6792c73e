"""Rows of verdicts.csv that tests of the page and of its sentences are made from."""

from typing import Any

from suite.results.schema import VERDICT_COLUMNS

NAN = float("nan")

_EMPTY: dict[type, Any] = {str: "", int: 0, float: NAN}

ROW: dict[str, Any] = {name: _EMPTY[kind] for name, kind in VERDICT_COLUMNS.items()} | {
    "claim": "V3 peaks.",
    "test": "peaks_inside",
    "verdict": "holds",
    "control": "no",
    "answers": "no",
    "population": "members",
    "quantities": "v3",
    "estimate": 78.13,
    "ci_low": 72.25,
    "ci_high": 84.01,
    "p": 1e-9,
    "p_holm": 1e-8,
    "draws": 512,
    "members": 22,
    "unit": "draws",
    "estimate_of": "smallest difference between the peak and an end",
}
"""A claim that holds, with every column of the table."""


def claim_row(**columns: Any) -> dict[str, Any]:
    """Return the row of a claim that holds, with other values of some columns."""
    assert columns.keys() <= VERDICT_COLUMNS.keys()
    return ROW | columns
