"""The report's tables, as text: agreement with theory, and the overview."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from suite.analysis.series import pick, with_series
from suite.formatting import counted


@dataclass(frozen=True)
class PageTable:
    """A table of the page.

    Attributes:
        title: its heading; empty where it has none of its own.
        note: what its columns say.
        heads: titles of the columns.
        words: how many columns from the left hold words; the rest hold numbers.
        rows: text, cell by cell.
    """

    title: str
    note: str
    heads: list[str]
    words: int
    rows: list[list[str]]


Z_LIMIT = 4.0
"""Larger z-scores than this are called a departure from the law."""

MANY_DRAWS = 100
"""Of fewer the standard errors of heavy-tailed quantities are too small for a verdict by z-scores of that size."""


_LIMITS = ("correlation",)
"""Quantities whose law is that of infinite width, whatever the network."""

_ROUNDING = 1e-12
"""A cosine that is closer to 1 than this differs from it by rounding alone."""

_LAWS = {
    "correlation": " The law is the limit of infinite width. Networks of finite width deviate from it, the more the "
    "deeper they are for their width, so that a deviation is to be expected and speaks against neither: with enough "
    "draws z shows it, too, and the verdict then is finite width. The relative difference is that of 1 - c, the "
    "cosine's distance from 1: near 1 cosines that differ by 1% may be as far as 0.01 and 0.00001 from it.",
    "jacobian_mean": " The laws are exact at these widths for ReLU and other homogeneous activations under Gaussian or "
    "orthogonal weights. For others they take what holds at infinite width, from which finite networks are "
    "expected to deviate.",
    "dead_fraction": " The laws are exact at every width.",
}
"""What they are, by the quantity whose table says it."""


def agreement(summary: pd.DataFrame, quantities: Sequence[str]) -> PageTable:
    """How far sampled quantities lie from their laws: z-scores where these mean something, else relatively."""
    named = with_series(summary)
    rows = []
    for quantity in quantities:
        found = named[(named["quantity"] == quantity) & named["theory"].notna()]
        of = " of 1 - c" if quantity in _LIMITS else ""
        for series, group in found.groupby("series", sort=False):
            scores, relative = group["z"].abs().dropna(), _relative(group, quantity)
            departs = "finite width" if quantity in _LIMITS else "departs"
            verdict = "" if scores.empty else "agrees" if scores.max() <= Z_LIMIT else departs
            if verdict and len(scores) < len(group):
                verdict += f" where tested ({len(scores)} of {len(group)})"
            if group["n"].min() < MANY_DRAWS:
                verdict = "too few draws"
            rows.append(
                [
                    quantity,
                    str(series),
                    verdict or ("finite width" if len(relative) else "undecided"),
                    str(len(group)),
                    f"{scores.max():.2f} ({counted(len(scores), 'value')})" if len(scores) else "",
                    f"{100 * relative.max():.3g}%{of} ({counted(len(relative), 'value')})" if len(relative) else "",
                ]
            )
    heads = ["quantity", "networks", "verdict", "values", "largest |z|", "largest relative difference"]
    note = (
        f"z-scores where the law is exact or the network ten times wider than deep (agreement: {Z_LIMIT:g} or less); "
        "elsewhere the relative difference, which is finite width showing, and chance. Of fewer than "
        f"{MANY_DRAWS} draws neither says anything." + "".join(_LAWS.get(quantity, "") for quantity in quantities)
    )
    return PageTable("Sampled against theory", note, heads, 3, rows)


def _relative(group: pd.DataFrame, quantity: str) -> "pd.Series[float]":
    """Sizes of the relative differences, where z says nothing; of cosines those of their distance from 1."""
    if quantity not in _LIMITS:
        return group["relative_difference"].abs().dropna()
    untested = group[group["z"].isna() & (1 - group["theory"] > _ROUNDING)]
    return ((untested["theory"] - untested["mean"]) / (1 - untested["theory"])).abs().dropna()


_OVERVIEW = {
    "v3": ("V3, mean; median", "{mean:.3g} ({ci_low:.3g} to {ci_high:.3g}); {median:.3g}"),
    "v3_over_rms": ("V3 / rms, mean; median", "{mean:.3g} ({ci_low:.3g} to {ci_high:.3g}); {median:.3g}"),
    "collapsed_relative": ("C2C, relative", "{mean:.3f} ({ci_low:.3f} to {ci_high:.3f})"),
    "collapsed_absolute": ("C2C, absolute", "{mean:.3f} ({ci_low:.3f} to {ci_high:.3f})"),
    "born_dead": ("born dead", "{mean:.4f} ({ci_low:.4f} to {ci_high:.4f})"),
    "phase1_steps": ("steps in phase 1, median", "{median:.0f} ({ci_low:.0f} to {ci_high:.0f})"),
    "test_accuracy": ("test accuracy", "{mean:.3f} ({ci_low:.3f} to {ci_high:.3f})"),
    "test_error": ("test error", "{mean:.3g} ({ci_low:.3g} to {ci_high:.3g})"),
    "success": ("success rate", "{mean:.2f} ({ci_low:.2f} to {ci_high:.2f})"),
}

_INTERVAL = re.compile(r" \(.*?\)")


def overview(summary: pd.DataFrame) -> PageTable:
    """One row a series and place on the main axis: the quantities that the study turns on."""
    rows: dict[tuple[str, float], dict[str, str]] = {}
    named = with_series(summary)
    for quantity, (title, pattern) in _OVERVIEW.items():
        for row in records(pick(named, quantity)):
            cell = rows.setdefault((row["series"], row["along"]), {"parameters": f"{row['parameters']:,}"})
            bounded = pd.notna(row["ci_low"]) and pd.notna(row["ci_high"])
            shown = pattern if bounded else _INTERVAL.sub("", pattern)
            known = pd.notna(row["median"] if quantity == "phase1_steps" else row["mean"])
            cell[title] = shown.format(**row) if known else ""
    titles = ["parameters", *(title for title, _ in _OVERVIEW.values() if any(title in cell for cell in rows.values()))]
    body = [
        [series, f"{along:g}", *(rows[series, along].get(title, "") for title in titles)]
        for series, along in sorted(rows)
    ]
    return PageTable("", "", ["members", str(named["axis"].iloc[0]), *titles], 1, body)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table's rows by name."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def span(row: dict[str, Any], low: str, high: str) -> str:
    """An interval of signed numbers, or none."""
    return "none" if pd.isna(row[low]) else f"{signed(row[low])} to {signed(row[high])}"


def signed(value: float) -> str:
    """A number with its sign, or none."""
    return "none" if pd.isna(value) else f"{value:+.2f}"


def number(value: float, pattern: str, missing: str = "") -> str:
    """A number, or what stands for a missing one."""
    return missing if pd.isna(value) else pattern.format(value)
