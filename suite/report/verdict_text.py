"""Verdicts in words."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from suite.formatting import counted, p_in_words

Row = dict[str, Any]


def as_json(study: str, rows: Sequence[Row]) -> list[Row]:
    """The rows with their study, and null for what there is none of."""
    return [
        {"study": study}
        | {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in row.items()}
        for row in rows
    ]


def surprising(rows: Sequence[Row]) -> int:
    """How many verdicts are not the expected ones."""
    return sum(row["verdict"] != row["expected"] for row in rows)


def lines_of(study: str, rows: Sequence[Row]) -> Iterator[str]:
    """A line a claim: the verdict, the claim in its own words, and the numbers."""
    for row in rows:
        surprise = f", expected {row['expected']}" if row["verdict"] != row["expected"] else ""
        yield f"{study}: {row['verdict']}{surprise}: {row['claim']} ({_numbers(row)})"


_COME_TO = {"holds": "probably bear it out", "fails": "probably refute it", "": "decide"}
"""What more of them would do, by which way the numbers lean."""


def what_would_decide(row: Mapping[str, Any]) -> str:
    """How many more draws or members, and which way they would probably decide; nothing where that cannot be told."""
    if not isfinite(row["needed"]):
        return ""
    return f"about {row['needed']:,.0f} {row['unit']} would {_COME_TO[row['leaning']]}"


def _numbers(row: Row) -> str:
    """What a verdict rests on, in words."""
    if not row["members"]:
        return "the tables have nothing of it"
    low, high = row["ci_low"], row["ci_high"]
    interval = f" [{low:.3g}, {high:.3g}]" if isfinite(low) and isfinite(high) else ""
    sizes = counted(row["members"], "member") + (f", {row['draws']:,} draws" if row["draws"] > 1 else "")
    more = what_would_decide(row)
    return f"{row['estimate']:.3g}{interval}, {p_in_words(row['p'])}, {sizes}" + (f"; {more}" if more else "")
