"""Lay out the claims of a study as a forest plot: estimate, interval and the range that was claimed, one row each."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isfinite, isnan

from suite.formatting import format_count
from suite.report.verdicts import Row, WordedVerdict, has_passed, is_control, word_verdicts

_MARGIN = 0.08
"""Share of a row's axis that is empty at each end."""


@dataclass(frozen=True)
class Plot:
    """The drawing of one claim on its own axis; places are percentages of the axis.

    Attributes:
        estimate: The place of the estimate.
        interval: The ends of the 95% confidence interval; None if there is none.
        claimed: The ends of the range that was claimed; None if the claim states none.
        limits: The place and the value of each end of the claimed range on the axis.
        words: The same as text.
    """

    estimate: float
    interval: tuple[float, float] | None
    claimed: tuple[float, float] | None
    limits: list[tuple[float, str]]
    words: str


@dataclass(frozen=True)
class PlottedClaim:
    """One row of the forest plot.

    Attributes:
        worded: The verdict in words.
        look: The verdict by which the row is colored; a control that passed looks as a claim that holds.
        plot: The drawing; None if the claim has no estimate.
        similar: Claims that differ from this one only in the members that they are about, with the same verdict.
        fold: One line on them.
    """

    worded: WordedVerdict
    look: str
    plot: Plot | None
    similar: list["PlottedClaim"] = field(default_factory=list)
    fold: str = ""


@dataclass(frozen=True)
class ClaimGroup:
    """The claims about the same quantities.

    Attributes:
        title: The quantities; empty if they are unknown.
        claims: The rows.
    """

    title: str
    claims: list[PlottedClaim]


def group_claims(rows: Sequence[Row]) -> list[ClaimGroup]:
    """Group the claims by the quantities that they are about, those that answer the question first.

    Of claims with the same test, quantities and verdict, only the first is shown; the others are folded.

    Args:
        rows: The rows of verdicts.csv.
    """
    groups: dict[str, dict[tuple[str, ...], list[PlottedClaim]]] = {}
    worded = zip(rows, word_verdicts(rows), strict=True)
    for row, words in sorted(worded, key=lambda pair: pair[0]["answers"] != "yes"):
        claim = _plot_claim(row, words)
        alike = (row["test"], row["estimate_of"], row["verdict"], row["control"])
        groups.setdefault(row["quantities"], {}).setdefault(alike, []).append(claim)
    return [
        ClaimGroup(quantities, [_fold(first, others) for first, *others in found.values()])
        for quantities, found in groups.items()
    ]


def _fold(claim: PlottedClaim, similar: list[PlottedClaim]) -> PlottedClaim:
    """Return a claim with similar ones folded under it."""
    fold = f"{claim.worded.verdict}: {format_count(len(similar), 'similar claim')}" if similar else ""
    return replace(claim, similar=similar, fold=fold)


def _plot_claim(row: Row, worded: WordedVerdict) -> PlottedClaim:
    """Return a claim's row of the forest plot."""
    look = row["verdict"]
    if is_control(row):
        look = "holds" if has_passed(row) else "fails"
    return PlottedClaim(worded, look, plot_row(row))


def plot_row(row: Row) -> Plot | None:
    """Return the drawing of a claim, on an axis that has its estimate, its interval and the claimed range.

    Args:
        row: A row of verdicts.csv.
    """
    estimate, low, high = float(row["estimate"]), float(row["ci_low"]), float(row["ci_high"])
    if not row["members"] or not isfinite(estimate):
        return None
    ends = (row["claimed_low"] + 0.0, row["claimed_high"] + 0.0)  # -0.0 becomes 0.0
    values = [value for value in (estimate, low, high, *ends) if isfinite(value)]
    start, end = min(values), max(values)
    width = (end - start) or abs(end) or 1.0
    start, end = start - _MARGIN * width, end + _MARGIN * width

    def place(value: float) -> float:
        return round(100 * (min(max(value, start), end) - start) / (end - start), 2)

    interval = None if isnan(low) or isnan(high) else (place(low), place(high))
    claimed = None
    if any(map(isfinite, ends)):
        claimed = (place(ends[0]) if isfinite(ends[0]) else 0.0, place(ends[1]) if isfinite(ends[1]) else 100.0)
    limits = [(place(value), f"{value:.3g}") for value in dict.fromkeys(ends) if isfinite(value)]
    words = f"estimate {estimate:.3g}"
    words += f", 95% interval {low:.3g} to {high:.3g}" if interval else ""
    words += f", claimed {_format_range(*ends)}" if claimed else ""
    return Plot(place(estimate), interval, claimed, limits, words)


def _format_range(low: float, high: float) -> str:
    """Format a range of which one end may be open."""
    if isfinite(low) and isfinite(high):
        return f"{low:.3g} to {high:.3g}"
    return f"{low:.3g} or more" if isfinite(low) else f"{high:.3g} or less"
