"""Escape text in CSV files that a spreadsheet would run as a formula, by an apostrophe."""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def as_cell(text: str) -> str:
    """Return the CSV cell for a text, with an apostrophe before it if it looks like a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def from_cell(cell: str) -> str:
    """Return the text of a CSV cell that `as_cell` made."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
