"""Verdicts in words: the lines of the terminal, the sentences at the top of the page, and the page's table."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import isfinite, isnan
from typing import Any

from suite.catalog.claims import CLAIMS, Claim
from suite.formatting import counted, p_in_words
from suite.report.formatting import PageTable, number

Row = Mapping[str, Any]
"""One row of verdicts.csv."""

_PAIR = 2


def count_unexpected(rows: Sequence[Row]) -> int:
    """Count the verdicts that are not the expected ones."""
    return sum(row["verdict"] != row["expected"] for row in rows)


def convert_to_json(study: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the rows with the name of their study, and null for numbers that are missing or infinite."""
    return [
        {"study": study}
        | {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in row.items()}
        for row in rows
    ]


def format_lines(study: str, rows: Sequence[Row]) -> Iterator[str]:
    """Yield one line per claim: the verdict, the claim in its own words, and the numbers."""
    for row in rows:
        surprise = f", expected {row['expected']}" if row["verdict"] != row["expected"] else ""
        yield f"{study}: {row['verdict']}{surprise}: {row['claim']} ({_numbers(row)})"


def _numbers(row: Row) -> str:
    if not row["members"]:
        return "the tables have nothing of it"
    interval = _interval(row, " [{}, {}]") if isfinite(row["ci_low"]) and isfinite(row["ci_high"]) else ""
    parts = [f"{_estimate(row)}{interval}, {p_in_words(row['p'])}, {_sizes(row, ', {} draws')}", _needed(row)]
    return "; ".join(filter(None, parts))


@dataclass(frozen=True)
class WordedVerdict:
    """A claim's verdict in words.

    Attributes:
        verdict: holds, fails or undecided.
        claim: The claim in its own words.
        grounds: What the verdict rests on.
        surprise: The verdict that was expected; empty if it is this one.
    """

    verdict: str
    claim: str
    grounds: str
    surprise: str


def word_verdicts(rows: Sequence[Row], claims: Sequence[Row] = ()) -> list[WordedVerdict]:
    """Return each claim with its verdict, in sentences.

    Args:
        rows: The verdicts.
        claims: The claims as run.json has them, in the same order, for what they ask of their estimates.
    """
    return [
        WordedVerdict(
            row["verdict"],
            row["claim"],
            _grounds(row, claim or {}),
            "" if row["verdict"] == row["expected"] else row["expected"],
        )
        for row, claim in zip_longest(rows, claims)
    ]


def _grounds(row: Row, claim: Row) -> str:
    if not row["members"]:
        return "The tables have nothing of it."
    kind = CLAIMS.get(row["test"], Claim)
    value = _estimate(row) + _interval(row, " (95% interval {} to {})")
    sentence = _phrase(kind, row, claim).format(value) + _threshold(kind, claim)
    sure = p_in_words(row["p"]) if isfinite(row["p"]) else "nothing speaks against it"
    needed = _needed(row)
    grounds = f"{_capitalized(sentence)}; {_sizes(row, ' of {} draws or more')}, {sure}."
    return grounds + (f" {_capitalized(needed)}." if needed else "")


def _phrase(kind: type[Claim], row: Row, claim: Row) -> str:
    """Return what the estimate of a claim is of."""
    if claim.get("of") == "average" and kind.estimate_of_average:
        return kind.estimate_of_average
    if claim.get("of") != "average" and row["members"] > _PAIR and kind.estimate_of_many:
        return kind.estimate_of_many
    return kind.estimate_in_errors if "z" in claim and kind.estimate_in_errors else kind.estimate


def _threshold(kind: type[Claim], claim: Row) -> str:
    """Return what a claim asks of its estimate, where that is not told by the estimate's sign."""
    itself = claim.get("of") == "draw"
    for key, more in (("at_least", "more"), ("at_most", "less")):
        if key in claim:
            bound = f"{claim[key]:g}"
            return f", {bound} or {more} is claimed" if itself else f", {more} than {bound} is claimed"
    if "z" in claim:
        beyond = f" beyond the margin of {claim['margin']:g}" if claim.get("margin") else ""
        return f", up to {claim['z']:g} are allowed{beyond}"
    if "relative" in claim:
        return f", up to {claim['relative']:g} is allowed"
    if claim.get("margin"):
        margin = claim["margin"]
        return f", {-margin:g} is allowed" if kind.margin_is_slack else f", more than {margin:g} is claimed"
    return f", {-claim['slack']:g} is allowed" if claim.get("slack") else ""


def sum_up(rows: Sequence[Row]) -> str:
    """Return all verdicts in one sentence; empty if there are none."""
    if not rows:
        return ""
    counts = Counter(row["verdict"] for row in rows)
    several = {"holds": "hold", "fails": "fail", "undecided": "are undecided"}
    one = {"holds": "holds", "fails": "fails", "undecided": "is undecided"}
    parts = [f"{counts[name]} {(one if counts[name] == 1 else several)[name]}" for name in several if counts[name]]
    unexpected = count_unexpected(rows)
    total = len(rows)
    as_expected = "none" if unexpected == total > 1 else f"{unexpected} not" if unexpected else "all"
    if len(counts) == 1 and total > 1:
        return f"All {total} claims {several[next(iter(counts))]}; {as_expected} as expected."
    return f"Of {counted(total, 'claim')} {', '.join(parts)}; {as_expected} as expected."


def tabulate_verdicts(rows: Sequence[Row]) -> PageTable:
    """Format every claim with its verdict and the numbers that it rests on."""
    body = [
        [
            row["claim"],
            row["verdict"] + ("" if row["verdict"] == row["expected"] else f" (expected: {row['expected']})"),
            number(row["estimate"], "{:.3g}"),
            _interval(row, "{} to {}") or "none",
            p_in_words(row["p"]).removeprefix("p ").removeprefix("= "),  # the column is called p
            str(row["members"]),
            str(row["draws"]) if row["draws"] else "",
            "" if isnan(row["needed"]) else f"{row['needed']:,.0f} {row['unit']}, to {_LEANING[row['leaning']]}",
        ]
        for row in rows
    ]
    note = (
        "Each claim is tested by the statistic that its spec declares, which the estimate and its 95% interval are of; "
        "p is corrected for the number of claims (Holm). A claim holds, or fails, where p is 0.05 or less; elsewhere "
        "it is undecided, and the last column says what would probably decide, and which way."
    )
    heads = ["claim", "verdict", "estimate", "95% interval", "p", "members", "draws", "needed"]
    return PageTable("Claims", note, heads, 2, body)


_LEANING = {"holds": "bear it out", "fails": "refute it", "": "decide"}
"""What more draws or members would do, by the verdict that the numbers lean to."""


def _estimate(row: Row) -> str:
    return f"{row['estimate']:.3g}"


def _interval(row: Row, pattern: str) -> str:
    """Format the ends of the interval, in as many digits as the estimate; return nothing if there is none."""
    if isnan(row["ci_low"]) or isnan(row["ci_high"]):
        return ""
    return pattern.format(f"{row['ci_low']:.3g}", f"{row['ci_high']:.3g}")


def _sizes(row: Row, draws: str) -> str:
    """Format the numbers of members and, by a pattern, of draws."""
    return counted(row["members"], "member") + (draws.format(f"{row['draws']:,}") if row["draws"] > 1 else "")


def _needed(row: Row) -> str:
    """Format how many more draws or members would probably decide, and which way; nothing if that is unknown."""
    if not isfinite(row["needed"]):
        return ""
    probably = "probably " if row["leaning"] else ""
    return f"about {row['needed']:,.0f} {row['unit']} would {probably}{_LEANING[row['leaning']]}"


def _capitalized(sentence: str) -> str:
    return f"{sentence[0].upper()}{sentence[1:]}"
