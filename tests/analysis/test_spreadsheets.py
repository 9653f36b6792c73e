"""Words in a CSV: no spreadsheet runs them, and they are read back as they were."""

import pytest

from suite.results.spreadsheets import as_cell, from_cell


@pytest.mark.parametrize("text", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "'=1", "''@x"])
def test_what_a_spreadsheet_would_run_has_an_apostrophe_before_it(text: str) -> None:
    """Which is taken off again, and no other."""
    assert as_cell(text) == f"'{text}"
    assert from_cell(as_cell(text)) == text


@pytest.mark.parametrize("text", ["V3 peaks.", "'quoted'", "a = b", "", "1-2"])
def test_other_text_is_left_as_it_is(text: str) -> None:
    """Both ways."""
    assert as_cell(text) == from_cell(text) == text
