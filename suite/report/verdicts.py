"""Format verdicts for the terminal, for the top of the page, and as the page's table."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from suite.formatting import format_count, format_p_value
from suite.report.formatting import PageTable, number

Row = Mapping[str, Any]
"""One row of verdicts.csv."""


def count_unexpected(rows: Sequence[Row]) -> int:
    """Count the verdicts that are not the expected ones."""
    return sum(map(_is_unexpected, rows))


def _is_unexpected(row: Row) -> bool:
    return bool(row["verdict"] != row["expected"])


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
        yield f"{study}: {row['verdict']}{_format_unexpected(row)}: {row['claim']} ({_format_numbers(row)})"


def _format_unexpected(row: Row) -> str:
    return f" (expected: {row['expected']})" if _is_unexpected(row) else ""


def _format_numbers(row: Row) -> str:
    if not row["members"]:
        return "the tables have no values for this claim"
    interval = _format_interval(row, " [{}, {}]") if isfinite(row["ci_low"]) and isfinite(row["ci_high"]) else ""
    label = f"{row['estimate_of']} " if row["estimate_of"] else ""
    parts = [
        f"{label}{_format_estimate(row)}{interval}, {format_p_value(row['p'])}, {_format_sizes(row)}",
        _format_needed(row),
    ]
    return "; ".join(filter(None, parts))


@dataclass(frozen=True)
class WordedVerdict:
    """A claim's verdict in words.

    Attributes:
        verdict: "holds", "fails" or "undecided".
        claim: The claim as a sentence.
        grounds: The numbers that the verdict is based on, in sentences.
        surprise: The expected verdict if it is a different one; otherwise empty.
    """

    verdict: str
    claim: str
    grounds: str
    surprise: str


def word_verdicts(rows: Sequence[Row]) -> list[WordedVerdict]:
    """Return each claim with its verdict and its grounds, in words."""
    return [
        WordedVerdict(
            row["verdict"], row["claim"], _format_grounds(row), row["expected"] if _is_unexpected(row) else ""
        )
        for row in rows
    ]


def _format_grounds(row: Row) -> str:
    if not row["members"]:
        return "The tables have no values for this claim."
    label = _capitalize(row["estimate_of"] or "estimate")
    interval = _format_interval(row, ", 95% CI [{}, {}]")
    required = f"; the claim requires {row['required']}" if row["required"] else ""
    grounds = f"{label}: {_format_estimate(row)}{interval}{required}. {_format_sizes(row)}; {format_p_value(row['p'])}."
    needed = _format_needed(row)
    return grounds + (f" {_capitalize(needed)}." if needed else "")


def sum_up(rows: Sequence[Row]) -> str:
    """Return one sentence that counts the verdicts, or an empty string if there are none."""
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
    return f"{format_count(total, 'claim')}: {', '.join(parts)}; {as_expected} as expected."


def tabulate_verdicts(rows: Sequence[Row]) -> PageTable:
    """Format every claim with its verdict and the numbers that the verdict is based on."""
    body = [
        [
            row["claim"],
            row["verdict"] + _format_unexpected(row),
            number(row["estimate"], "{:.3g}"),
            _format_interval(row, "{} to {}") or "none",
            format_p_value(row["p"]).removeprefix("p ").removeprefix("= "),  # the column is called p
            str(row["members"]),
            str(row["draws"]) if row["draws"] else "",
            "" if isnan(row["needed"]) else f"{row['needed']:,.0f} {row['unit']}, to {_LEANING[row['leaning']]}",
        ]
        for row in rows
    ]
    note = (
        "A claim holds or fails if p <= 0.05, corrected for the number of claims (Holm). Otherwise it is undecided, "
        "and the last column gives the total number of draws or members that would probably decide it. The 95% "
        "intervals are not corrected."
    )
    heads = ["claim", "verdict", "estimate", "95% interval", "p", "members", "draws", "needed"]
    return PageTable("Claims", note, heads, 2, body)


_LEANING = {"holds": "confirm it", "fails": "refute it", "": "decide"}
"""What more draws or members would do, by the verdict that the numbers lean to."""


def _format_estimate(row: Row) -> str:
    return f"{row['estimate']:.3g}"


def _format_interval(row: Row, pattern: str) -> str:
    """Format the ends of the interval with three significant digits; return an empty string without one."""
    if isnan(row["ci_low"]) or isnan(row["ci_high"]):
        return ""
    return pattern.format(f"{row['ci_low']:.3g}", f"{row['ci_high']:.3g}")


def _format_sizes(row: Row) -> str:
    """Format the number of members, and the number of draws if it is larger than one."""
    draws = f", {row['draws']:,} draws each" if row["draws"] > 1 else ""
    return format_count(row["members"], "member") + draws


def _format_needed(row: Row) -> str:
    """Format the number of draws or members that would probably decide the claim, and which way.

    It is a total, not an increment. The text is empty if the number is unknown.
    """
    if not isfinite(row["needed"]):
        return ""
    probably = "probably " if row["leaning"] else ""
    return f"about {row['needed']:,.0f} {row['unit']} would {probably}{_LEANING[row['leaning']]}"


def _capitalize(sentence: str) -> str:
    return f"{sentence[0].upper()}{sentence[1:]}"
