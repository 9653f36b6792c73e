"""Verdicts in words, as a table and as JSON."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

import pandas as pd

from suite.claims.judge import Verdict

COLUMNS = (
    "claim",
    "source",
    "test",
    "verdict",
    "expected",
    "estimate",
    "ci_low",
    "ci_high",
    "p",
    "draws",
    "members",
    "needed",
    "unit",
)


def verdicts_table(verdicts: Sequence[Verdict], source: str) -> pd.DataFrame:
    """One row a claim.

    Args:
        verdicts: of one study.
        source: the study's, for claims that name none.
    """
    return pd.DataFrame(
        [
            (
                found.claim.says,
                found.claim.source or source,
                found.claim.test,
                found.verdict,
                found.claim.expected,
                found.estimate,
                found.low,
                found.high,
                found.p,
                found.draws,
                found.members,
                found.needed,
                found.unit,
            )
            for found in verdicts
        ],
        columns=COLUMNS,
    )


def as_json(study: str, verdicts: Sequence[Verdict], source: str) -> list[dict[str, Any]]:
    """The same, with null for what there is none of."""
    rows: Any = verdicts_table(verdicts, source).to_dict("records")
    return [
        {"study": study}
        | {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in row.items()}
        for row in rows
    ]


def lines_of(study: str, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """A line a claim: the verdict, the claim in its own words, and the numbers."""
    for found in verdicts:
        surprise = f", expected {found.claim.expected}" if found.surprising else ""
        yield f"{study}: {found.verdict}{surprise}: {found.claim.says} ({numbers(found)})"


def numbers(found: Verdict) -> str:
    """What a verdict rests on, in words."""
    if not found.members:
        return "the tables have nothing of it"
    interval = f" [{found.low:.3g}, {found.high:.3g}]" if isfinite(found.low) and isfinite(found.high) else ""
    sizes = f"{found.members} members" + (f", {found.draws} draws" if found.draws else "")
    more = f"; about {found.needed:,.0f} {found.unit} would decide" if isfinite(found.needed) else ""
    p = "p < 0.0001" if found.p < 1e-4 else f"p = {found.p:.2g}"
    return f"{found.estimate:.3g}{interval}, {p}, {sizes}{more}"
