"""The report's tables, as text: what is compared, with its interval and its verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from suite.report.comparisons import WAITS
from suite.report.series import pick, with_series


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


def rank_correlations(predictors: pd.DataFrame) -> PageTable:
    """What orders members by test accuracy, by group, the strongest first."""
    heads = [
        "training",
        "members",
        "predictor",
        "statistic",
        "n",
        "rank correlation",
        "95% interval",
        "over -depth's",
        "95% interval",
    ]
    ordered = predictors.sort_values(["training", "members", "spearman"], ascending=[True, True, False])
    rows = [
        [
            row["training"],
            row["members"],
            row["predictor"],
            row["statistic"],
            str(row["n"]),
            _signed(row["spearman"]),
            _span(row, "ci_low", "ci_high"),
            _signed(row["over_depth"]),
            _span(row, "over_depth_low", "over_depth_high"),
        ]
        for row in _records(ordered)
    ]
    plain = all(not row[0] for row in rows)
    return PageTable(
        "What orders members by test accuracy?",
        "Spearman's rank correlation with mean test accuracy over members of depth 2 and more; 95% intervals by the "
        "bootstrap over members. The last two columns say by how much a predictor beats -depth on the same members. "
        "With all members pooled, part of a correlation may be one activation standing above another; within one, "
        "few members make coarse intervals.",
        heads[1:] if plain else heads,
        3 if plain else 4,
        [row[1:] if plain else row for row in rows],
    )


def bounds(table: pd.DataFrame) -> PageTable:
    """Success beside the trainability that bounds it, and whether it does."""
    violated = int((table["bound"] == "violated").sum())
    verdict = "The bound holds in every row." if not violated else f"The bound is violated in {violated} rows."
    rows = [
        [
            row["series"],
            row["bound"],
            f"{row['along']:g}",
            _number(row["theory"], "{:.4f}"),
            f"{row['trainability']:.4f} ({row['trainability_low']:.4f} to {row['trainability_high']:.4f})",
            f"{row['success']:.3f} ({row['success_low']:.3f} to {row['success_high']:.3f})",
            str(row["replicates"]),
            str(row["without"]),
        ]
        for row in _records(table)
    ]
    axis = str(table["axis"].iloc[0]) if len(table) else ""
    heads = [
        "networks",
        "success <= trainability",
        axis,
        "closed form",
        "trainability",
        "success rate",
        "replicates",
        "without",
    ]
    without = int(table["without"].sum())
    note = (
        f"{verdict} Wilson's 95% intervals in brackets. Replicate i starts from draw i: {without} of the replicates "
        "succeeded although their own network lacked what the task needs (the column without)."
    )
    return PageTable("Is success bounded by trainability?", note, heads, 2, rows)


LONG = 40
"""More comparisons of a kind than this are counted on the page; the file beside it has them all."""


def waits(table: pd.DataFrame) -> PageTable:
    """How long one setting waits, against one listed before it."""
    rows = []
    for row in _records(table[table["quantity"].isin(WAITS)]):
        shown = [row["axis"], f"{row['setting']} against {row['reference']}", row["at"], row["verdict"]]
        shown += [_number(row[name], "{:.0f}", "not reached") for name in ("of_setting", "of_reference")]
        rows.append([*shown, f"{row['p']:.2g}", f"{row['p_holm']:.2g}", f"{row['censored']} of {2 * row['n']}"])
    heads = ["axis", "setting", "all else alike", "phase 1 is", "median", "reference's", "p", "p, Holm", "censored"]
    note = (
        "Medians by Kaplan and Meier, in steps; p of the two-sided log-rank test by permutation, as it is and "
        "corrected for the number of rows. A verdict needs a corrected p of 0.05 or less. A run that diverged "
        "before it left phase 1 is censored too."
    )
    return PageTable("Which settings shorten phase 1?", note, heads, 4, rows)


def outcomes(table: pd.DataFrame) -> list[PageTable]:
    """What training ends at under one setting, against one listed before it, a table a quantity."""
    kept = table[~table["quantity"].isin(WAITS)]
    return [
        _counted(str(quantity), found) if len(found) > LONG else _listed(str(quantity), found)
        for quantity, found in kept.groupby("quantity", sort=False)
    ]


_PAIRED = (
    "Mean differences over replicates, which share their data, with 95% intervals (Student's t; Newcombe's for "
    "successes). A verdict needs a p of 0.05 or less after Holm's correction, and as many runs lost on both sides."
)


def _listed(quantity: str, table: pd.DataFrame) -> PageTable:
    rows = [
        [
            row["axis"],
            f"{row['setting']} against {row['reference']}",
            row["at"],
            row["verdict"],
            *(f"{row[name]:.4f}" for name in ("of_setting", "of_reference")),
            f"{row['difference']:+.4f} ({row['ci_low']:+.4f} to {row['ci_high']:+.4f})",
            _number(row["p_holm"], "{:.2g}"),
            str(row["n"]),
        ]
        for row in _records(table)
    ]
    heads = ["axis", "setting", "all else alike", "it is", "mean", "reference's", "difference", "p, Holm", "pairs"]
    return PageTable(f"One setting against another: {quantity.replace('_', ' ')}", _PAIRED, heads, 4, rows)


def _counted(quantity: str, table: pd.DataFrame) -> PageTable:
    rows = []
    for (axis, setting, reference), found in table.groupby(["axis", "setting", "reference"], sort=False):
        verdicts = found["verdict"].value_counts()
        counts = [str(verdicts.get(verdict, 0)) for verdict in ("higher", "lower", "undecided")]
        rows.append([str(axis), f"{setting} against {reference}", *counts, f"{found['difference'].mean():+.4f}"])
    heads = ["axis", "setting", "higher", "lower", "undecided", "mean difference"]
    note = f"{_PAIRED} Counted over all else alike; comparisons.csv has every one."
    return PageTable(f"One setting against another: {quantity.replace('_', ' ')}", note, heads, 2, rows)


def phases(table: pd.DataFrame) -> PageTable:
    """What features did in phase 1 and after it."""
    rows = [
        [
            row["series"],
            f"{row['along']:g}",
            str(row["layer"]),
            f"{row['start']:.3f}",
            f"{row['peak']:.3f} at {row['peak_step']}",
            _change(row, "in_phase_1", "in_low", "in_high"),
            _change(row, "after", "after_low", "after_high"),
            str(row["n"]),
        ]
        for row in _records(table)
    ]
    axis = str(table["axis"].iloc[0]) if len(table) else ""
    heads = ["networks", axis, "layer", "at the start", "peak", "change in phase 1", "change after it", "n"]
    note = (
        "Mean cosine of features over all pairs of samples. Phase 1 ends, network by network, where its loss falls "
        "below 0.9 of the chance level; features may begin to part before. 95% intervals by Student's t."
    )
    return PageTable("Do features grow alike in phase 1, and part after it?", note, heads, 1, rows)


def _change(row: dict[str, Any], value: str, low: str, high: str) -> str:
    return f"{row[value]:+.3f} ({row[low]:+.3f} to {row[high]:+.3f})"


Z_LIMIT = 4.0
"""Larger z-scores than this are called a departure from the law."""


def agreement(summary: pd.DataFrame, quantities: Sequence[str]) -> PageTable:
    """How far sampled quantities lie from their laws: z-scores where these mean something, else relatively."""
    named = with_series(summary)
    rows = []
    for quantity in quantities:
        found = named[(named["quantity"] == quantity) & named["theory"].notna()]
        for series, group in found.groupby("series", sort=False):
            scores, relative = group["z"].abs().dropna(), group["relative_difference"].abs().dropna()
            verdict = "" if scores.empty else "agrees" if scores.max() <= Z_LIMIT else "departs"
            verdict += " where tested" if verdict and len(scores) < len(group) else ""
            rows.append(
                [
                    quantity,
                    str(series),
                    verdict or ("finite width" if len(relative) else "undecided"),
                    str(len(group)),
                    f"{scores.max():.2f} of {len(scores)}" if len(scores) else "",
                    f"{100 * relative.max():.3g}% of {len(relative)}" if len(relative) else "",
                ]
            )
    heads = ["quantity", "networks", "verdict", "values", "largest |z|", "largest relative difference"]
    note = (
        f"z-scores where the law is exact or the network ten times wider than deep (agreement: {Z_LIMIT:g} or less); "
        "elsewhere the relative difference, which is finite width showing."
    )
    return PageTable("Sampled against theory", note, heads, 3, rows)


_OVERVIEW = {
    "v3": ("V3, mean; median", "{mean:.3g}; {median:.3g} ({ci_low:.3g} to {ci_high:.3g})"),
    "v3_over_rms": ("V3 / rms, mean; median", "{mean:.3g}; {median:.3g} ({ci_low:.3g} to {ci_high:.3g})"),
    "collapsed_relative": ("C2C, relative", "{mean:.3f} ({ci_low:.3f} to {ci_high:.3f})"),
    "collapsed_absolute": ("C2C, absolute", "{mean:.3f} ({ci_low:.3f} to {ci_high:.3f})"),
    "born_dead": ("born dead", "{mean:.4f} ({ci_low:.4f} to {ci_high:.4f})"),
    "phase1_steps": ("steps in phase 1, median", "{median:.0f} ({ci_low:.0f} to {ci_high:.0f})"),
    "test_accuracy": ("test accuracy", "{mean:.3f} ({ci_low:.3f} to {ci_high:.3f})"),
    "test_error": ("test error", "{mean:.3g} ({ci_low:.3g} to {ci_high:.3g})"),
    "success": ("success rate", "{mean:.2f} ({ci_low:.2f} to {ci_high:.2f})"),
}


def overview(summary: pd.DataFrame) -> PageTable:
    """One row a series and place on the main axis: the quantities that the study turns on."""
    rows: dict[tuple[str, float], dict[str, str]] = {}
    named = with_series(summary)
    for quantity, (title, pattern) in _OVERVIEW.items():
        for row in _records(pick(named, quantity)):
            cell = rows.setdefault((row["series"], row["along"]), {"parameters": f"{row['parameters']:,}"})
            shown = pattern if pd.notna(row["ci_low"]) and pd.notna(row["ci_high"]) else pattern.partition(" (")[0]
            known = pd.notna(row["median"] if quantity == "phase1_steps" else row["mean"])
            cell[title] = shown.format(**row) if known else ""
    titles = ["parameters", *(title for title, _ in _OVERVIEW.values() if any(title in cell for cell in rows.values()))]
    body = [
        [series, f"{along:g}", *(rows[series, along].get(title, "") for title in titles)]
        for series, along in sorted(rows)
    ]
    return PageTable("", "", ["members", str(named["axis"].iloc[0]), *titles], 1, body)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _span(row: dict[str, Any], low: str, high: str) -> str:
    return "none" if pd.isna(row[low]) else f"{_signed(row[low])} to {_signed(row[high])}"


def _signed(value: float) -> str:
    return "none" if pd.isna(value) else f"{value:+.2f}"


def _number(value: float, pattern: str, missing: str = "") -> str:
    return missing if pd.isna(value) else pattern.format(value)
