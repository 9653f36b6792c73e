"""Format verdicts for the terminal, for the top of the page, and as the page's table."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from suite.formatting import capitalize, format_count, format_p_value
from suite.report.formatting import PageTable, number

Row = Mapping[str, Any]
"""One row of verdicts.csv."""


FORMS = {"holds": ("holds", "hold"), "fails": ("fails", "fail"), "undecided": ("is undecided", "are undecided")}
"""The verdict of one claim, and of several, as the verb of a sentence."""


def count_unmet(rows: Sequence[Row]) -> int:
    """Count the claims that do not have the expected verdict, or do not hold if the spec expects none."""
    return sum(row["verdict"] != (row["expected"] or "holds") for row in rows)


def is_control(row: Row) -> bool:
    """Return whether a claim is a control."""
    return bool(row["control"] == "yes")


def has_passed(row: Row) -> bool:
    """Return whether a control has the verdict that it must have."""
    return bool(row["verdict"] == row["expected"])


def name_verdict(row: Row) -> str:
    """Return the verdict of a claim; that of a control is whether it has the verdict that it must have."""
    if not is_control(row):
        return str(row["verdict"])
    return "control passed" if has_passed(row) else "control not passed"


def convert_to_json(study: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the rows with the name of their study, and null for numbers that are missing or infinite."""
    return [
        {"study": study}
        | {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in row.items()}
        for row in rows
    ]


def format_lines(study: str, rows: Sequence[Row]) -> Iterator[str]:
    """Yield one line per claim with the verdict, the claim as a sentence, and the numbers."""
    for row in rows:
        yield f"{study}: {name_verdict(row)}{_format_expected(row)}: {row['claim']} ({format_numbers(row)})"


def _format_expected(row: Row) -> str:
    """Return the verdict that a source states if the claim has another one, and that of a control in any case."""
    if is_control(row):
        must = "as it must" if has_passed(row) else f"must be {row['expected']}"
        return f" ({row['verdict']}, {must})"
    return f" (expected: {row['expected']})" if row["expected"] and row["verdict"] != row["expected"] else ""


def format_numbers(row: Row, power: bool = True) -> str:
    """Return the estimate with its interval, what the claim requires of it, p-values and sizes.

    Args:
        row: The row of the claim.
        power: Whether to add what an undecided claim would take to be decided.
    """
    if not row["members"]:
        return row["note"] or "the tables have no values for this claim"
    if isnan(row["estimate"]):
        return str(row["note"])
    required = f", required: {row['required']}" if row["required"] else ""
    parts = [
        f"{row['estimate_of']} = {row['estimate']:.3g}{_format_interval(row, ', 95% CI [{}, {}]')}{required}",
        *_format_p_values(row),
        _format_sizes(row),
        *([row["note"]] if row["note"] else []),
        *(_format_power(row) if power else []),
    ]
    return "; ".join(parts)


def _format_p_values(row: Row) -> list[str]:
    """Return the p-value of the estimate, and that corrected for all tests of the study."""
    if isnan(row["p"]):
        return []
    adjusted = f", p (Holm) {_format_alone(row['p_holm'], '= ')}" if isfinite(row["p_holm"]) else ""
    return [format_p_value(row["p"]) + adjusted]


def _format_power(row: Row) -> list[str]:
    """Return what an undecided claim would take to be decided."""
    if row["verdict"] != "undecided":
        return []
    found = []
    if isfinite(row["detectable"]):
        found.append(f"smallest effect with 80% power: {row['detectable']:.3g}")
    if isfinite(row["needed"]):
        against = "" if _is_as_claimed(row) else " to refute the claim"
        found.append(f"an effect as large as the estimate needs about {row['needed']:,.0f} {row['unit']}{against}")
    return found


def _is_as_claimed(row: Row) -> bool:
    """Return whether the estimate lies in the range that the claim states."""
    low, high = row["claimed_low"], row["claimed_high"]
    return not (row["estimate"] <= low or row["estimate"] >= high)


@dataclass(frozen=True)
class WordedVerdict:
    """A claim's verdict in words.

    Attributes:
        verdict: "holds", "fails" or "undecided"; for a control, "control passed" or "control not passed".
        claim: The claim as a sentence.
        grounds: The numbers that the verdict is based on.
        surprise: The verdict that the claim's source states, if it is a different one; otherwise empty.
    """

    verdict: str
    claim: str
    grounds: str
    surprise: str


def word_verdicts(rows: Sequence[Row]) -> list[WordedVerdict]:
    """Return each claim with its verdict and its grounds, in words."""
    return [
        WordedVerdict(name_verdict(row), row["claim"], capitalize(format_numbers(row)) + ".", _surprise(row))
        for row in rows
    ]


def _surprise(row: Row) -> str:
    if is_control(row):
        return "" if has_passed(row) else f"{row['expected']}, found: {row['verdict']}"
    return row["expected"] if row["expected"] not in ("", row["verdict"]) else ""


def sum_up(rows: Sequence[Row]) -> str:
    """Return one sentence that counts the verdicts, or an empty string if there are none."""
    if not rows:
        return ""
    claims, controls = ([row for row in rows if is_control(row) is which] for which in (False, True))
    counts = Counter(row["verdict"] for row in claims)
    parts = [f"{counts[name]} {FORMS[name][counts[name] != 1]}" for name in FORMS if counts[name]]
    sentences = [f"{format_count(len(claims), 'claim')}: {', '.join(parts)}."] if claims else []
    if controls:
        passed = sum(map(has_passed, controls))
        sentences.append(f"Controls passed: {passed} of {len(controls)}.")
    return " ".join(sentences)


def tabulate_verdicts(rows: Sequence[Row]) -> PageTable:
    """Format every claim with its verdict and the numbers that the verdict is based on."""
    body = [
        [
            row["claim"],
            name_verdict(row) + _format_expected(row),
            row["population"],
            row["estimate_of"],
            number(row["estimate"], "{:.3g}"),
            _format_interval(row, "{} to {}"),
            *(_format_alone(row[name]) for name in ("p", "p_holm")),
            str(row["members"]),
            str(row["draws"]) if row["draws"] else "",
            number(row["detectable"], "{:.3g}", ""),
            "" if isnan(row["needed"]) else f"{row['needed']:,.0f} {row['unit']}",
            row["note"],
        ]
        for row in rows
    ]
    note = (
        "A claim holds or fails if p (Holm), which is corrected for the parts of the claim and the number of claims, "
        "is at most 0.05. Otherwise it is undecided. The 95% interval and p are those of the estimate, without "
        "correction. A claim about the members is about the networks of this study; a claim about the family treats "
        "its members as a sample. 'detectable' is the smallest effect that the test finds with 80% power, and 'needed' "
        "the number of draws or members with which an effect as large as the estimate would be significant."
    )
    heads = ["claim", "verdict", "about the", "estimate of", "estimate", "95% interval", "p", "p (Holm)", "members"]
    heads += ["draws", "detectable", "needed", "note"]
    return PageTable("Claims", note, heads, 4, body)


def _format_alone(p: float, equal: str = "") -> str:
    """Format a p-value without its letter."""
    return "" if isnan(p) else format_p_value(p).removeprefix("p ").replace("= ", equal)


def _format_interval(row: Row, pattern: str) -> str:
    """Format the ends of the 95% interval with three significant digits; return an empty string without one."""
    if isnan(row["ci_low"]) or isnan(row["ci_high"]):
        return ""
    return pattern.format(f"{row['ci_low']:.3g}", f"{row['ci_high']:.3g}")


def _format_sizes(row: Row) -> str:
    """Format the number of members, and the number of draws or replicates if it is larger than one."""
    noun = "replicates" if row["unit"] == "replicates" else "draws"
    draws = f", {row['draws']:,} {noun} each" if row["draws"] > 1 else ""
    return format_count(row["members"], "member") + draws
