"""Tables of the page, and the format of numbers in their cells."""

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

from suite.formatting import format_count

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PageTable:
    """A table of the page.

    Attributes:
        title: Its heading; empty if it has none.
        note: The meaning of its columns.
        heads: Titles of the columns.
        words: Number of columns, from the left, that hold words; the rest hold numbers.
        rows: The text of each cell.
    """

    title: str
    note: str
    heads: list[str]
    words: int
    rows: list[list[str]]


def records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the rows of a table as dictionaries by the name of the column."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def span(row: dict[str, Any], low: str, high: str) -> str:
    """Format an interval with signed ends, or return "none" if there is none."""
    return "none" if isnan(row[low]) else f"{signed(row[low])} to {signed(row[high])}"


def signed(value: float) -> str:
    """Format a number with its sign and two decimals, or return "none" if it is nan."""
    return "none" if isnan(value) else f"{value:+.2f}"


def number(value: float, pattern: str, missing: str = "") -> str:
    """Format a number, or return the text for a missing one if it is nan."""
    return missing if isnan(value) else pattern.format(value)


def count_diverged(run: dict[str, Any]) -> str:
    """Return a sentence with the number of training runs that diverged; empty if there are none.

    Args:
        run: The content of run.json.
    """
    trained = run.get("trained", {"lost": 0})
    if not trained["lost"]:
        return ""
    sentence = f"{trained['lost']:,} of {format_count(trained['runs'], 'training run')} diverged"
    if trained["runs"] == trained["selected_runs"]:
        return sentence
    return f"{sentence}, {trained['selected_lost']:,} of {trained['selected_runs']:,} at the selected learning rates"
