"""Words of a spec in a CSV: what a spreadsheet would run as a formula has an apostrophe before it."""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def as_cell(text: str) -> str:
    """A text as spreadsheets show it as text; most are left as they are."""
    return f"'{text}" if _FORMULA.match(text) else text


def from_cell(cell: str) -> str:
    """The text that a cell was made of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
