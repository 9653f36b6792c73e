"""Verdicts as rows of a table, and in words."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from suite.claims.judge import Verdict
from suite.claims.spreadsheets import from_cell
from suite.words import counted

Row = dict[str, Any]

COLUMNS: Mapping[str, type] = {
    "claim": str,
    "source": str,
    "test": str,
    "verdict": str,
    "expected": str,
    "estimate": float,
    "ci_low": float,
    "ci_high": float,
    "p": float,
    "draws": int,
    "members": int,
    "needed": float,
    "unit": str,
    "leaning": str,
}
"""Of verdicts.csv, with their types; an empty number is nan."""

FILE = "verdicts.csv"

_LATER = {"leaning": ""}
"""Columns that earlier runs have not written."""


def rows_of(verdicts: Sequence[Verdict], source: str) -> list[Row]:
    """One row a claim.

    Args:
        verdicts: of one study.
        source: the study's, for claims that name none.
    """
    return [
        {
            "claim": found.claim.says,
            "source": found.claim.source or source,
            "test": found.claim.test,
            "verdict": found.verdict,
            "expected": found.claim.expected,
            "estimate": found.estimate,
            "ci_low": found.low,
            "ci_high": found.high,
            "p": found.p,
            "draws": found.draws,
            "members": found.members,
            "needed": found.needed,
            "unit": found.unit,
            "leaning": found.leaning,
        }
        for found in verdicts
    ]


def kept_rows(folder: Path) -> list[Row]:
    """The rows that the last run has written; none where the study makes no claims."""
    file = folder / FILE
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return [
            {name: _read(row[name], kind) for name, kind in COLUMNS.items()}
            for row in (_LATER | found for found in csv.DictReader(lines))
        ]


def _read(cell: str, kind: type) -> Any:
    return from_cell(cell) if kind is str else kind(cell) if cell else float("nan")


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


def p_in_words(p: float) -> str:
    """A p-value, with its letter; nan is that of a claim which only is not refuted."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}" if isfinite(p) else "not refuted"


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
