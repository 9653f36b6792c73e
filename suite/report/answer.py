"""The top of the page: what each claim came to in plain words, and the one picture that answers the question."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import isfinite
from typing import Any

import pandas as pd

from suite.catalog import charts as catalog
from suite.catalog.charts import Shown
from suite.formatting import counted, p_in_words
from suite.report.page_tables import records
from suite.report.verdict_text import what_would_decide

_ESTIMATES = {
    "peaks_inside": "the least sure difference between a peak and an end is {}",
    "monotone": "the least sure step is one of {}",
    "greater": "the difference is {}",
    "rank_correlation": "Spearman's rho is {}",
    "level": "the value that decides is {}",
    "bounded_by": "the least room below the bound is {}",
    "agrees_with": "the largest deviation is {} of the law",
    "survival_shorter": "the log-rank test's z is {}",
}
"""What a test's estimate is of; of claims about every member or pair it is that of the one that decides."""

_IN_ERRORS = {
    "bounded_by": "the largest excess over the bound is {} standard errors",
    "agrees_with": "the largest deviation is {} standard errors",
}
"""The same where a claim allows for so many standard errors."""


_ON_AVERAGE = {"greater": "the average difference is {}", "level": "the average is {}"}
"""The same of families."""

_LEAST_SURE = {"greater": "the least sure pair's difference is {}"}
"""The same of more than one pair."""

_PAIR = 2


@dataclass(frozen=True)
class Told:
    """A claim's verdict in words.

    Attributes:
        verdict: holds, fails or undecided.
        claim: in its own words.
        grounds: what the verdict rests on.
        surprise: what was expected instead; empty where this was.
    """

    verdict: str
    claim: str
    grounds: str
    surprise: str


def told(verdicts: pd.DataFrame, claims: Sequence[Mapping[str, Any]] = ()) -> list[Told]:
    """Every claim with its verdict, in words.

    Args:
        verdicts: a row a claim.
        claims: as run.json has them, in the same order; by them it is told what was asked for.
    """
    return [
        Told(
            row["verdict"],
            row["claim"],
            _grounds(row, claim or {}),
            "" if row["verdict"] == row["expected"] else row["expected"],
        )
        for row, claim in zip_longest(records(verdicts), claims)
    ]


def summed(verdicts: pd.DataFrame) -> str:
    """All verdicts in one sentence; empty where there are none."""
    if verdicts.empty:
        return ""
    counts = Counter(verdicts["verdict"])
    several = {"holds": "hold", "fails": "fail", "undecided": "are undecided"}
    one = {"holds": "holds", "fails": "fails", "undecided": "is undecided"}
    parts = [f"{counts[name]} {(one if counts[name] == 1 else several)[name]}" for name in several if counts[name]]
    surprises = int((verdicts["verdict"] != verdicts["expected"]).sum())
    total = len(verdicts)
    as_expected = "none" if surprises == total > 1 else f"{surprises} not" if surprises else "all"
    if len(counts) == 1 and total > 1:
        return f"All {total} claims {several[next(iter(counts))]}; {as_expected} as expected."
    return f"Of {counted(total, 'claim')} {', '.join(parts)}; {as_expected} as expected."


def _grounds(row: Mapping[str, Any], claim: Mapping[str, Any]) -> str:
    if not row["members"]:
        return "The tables have nothing of it."
    value = f"{row['estimate']:.3g}"
    if pd.notna(row["ci_low"]) and pd.notna(row["ci_high"]):
        value += f" (95% interval {row['ci_low']:.3g} to {row['ci_high']:.3g})"
    known = _ESTIMATES | (_IN_ERRORS if "z" in claim else {})
    if claim.get("of") == "average":
        known |= _ON_AVERAGE
    elif row["members"] > _PAIR:
        known |= _LEAST_SURE
    sentence = known.get(row["test"], "the estimate is {}").format(value) + _asked(claim)
    sizes = counted(row["members"], "member")
    sizes += f" of {row['draws']:,} draws or more" if row["draws"] > 1 else ""
    sure = p_in_words(row["p"]) if isfinite(row["p"]) else "nothing speaks against it"
    needed = what_would_decide(row)
    return f"{sentence[0].upper()}{sentence[1:]}; {sizes}, {sure}." + (f" A{needed[1:]}." if needed else "")


def _asked(claim: Mapping[str, Any]) -> str:
    """What a claim asks of its estimate, where that is another number than 0, or is not told by the sign."""
    itself = claim.get("of") == "draw"
    if "at_least" in claim:
        return (
            f", {claim['at_least']:g} or more is claimed" if itself else f", more than {claim['at_least']:g} is claimed"
        )
    if "at_most" in claim:
        return (
            f", {claim['at_most']:g} or less is claimed" if itself else f", less than {claim['at_most']:g} is claimed"
        )
    if "z" in claim:
        beyond = f" beyond the margin of {claim['margin']:g}" if claim.get("margin") else ""
        return f", up to {claim['z']:g} are allowed{beyond}"
    if "relative" in claim:
        return f", up to {claim['relative']:g} is allowed"
    if claim.get("margin"):
        allowed = claim.get("test") == "bounded_by"
        return f", {-claim['margin']:g} is allowed" if allowed else f", more than {claim['margin']:g} is claimed"
    return f", {-claim['slack']:g} is allowed" if claim.get("slack") else ""


def picture(spec: Mapping[str, Any], charts: Iterable[str]) -> str | None:
    """The chart that answers a study's question.

    The one that the spec names; else one of what the first claim is about that has a chart: of both its quantities, or
    of the first; else the tournament; else what training came to; else the first chart of all. None where there are no
    charts.

    Args:
        spec: as run.json has it.
        charts: names of those that there are, in the order of the page.
    """
    drawn = list(charts)
    if spec.get("picture") in drawn:
        return str(spec["picture"])
    known = catalog.charts()
    shown = {name: known.get(name, Shown(())) for name in drawn}
    for claim in spec.get("claim", []):
        named = [claim[key] for key in ("quantity", "first", "second", "bound") if key in claim]
        both = [name for name, chart in shown.items() if chart.every and set(chart.quantities) == set(named)]
        some = [name for quantity in named for name, chart in shown.items() if quantity in chart.quantities]
        if both or some:
            return [*both, *some][0]
    return next((name for name in (*_ASKED_FIRST, *drawn) if name in drawn), None)


_ASKED_FIRST = ("tournament", "accuracy")
"""Of a study that claims nothing: which networks will train, if it asks that, and which did."""
