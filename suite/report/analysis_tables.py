"""Format the analysis tables of bounds, phases and comparisons of settings as tables of the page."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from suite.analysis.comparisons import count_comparisons
from suite.catalog.charts.facts import BOUND
from suite.formatting import format_count
from suite.report.formatting import PageTable, number, records


def tabulate_bounds(table: pd.DataFrame, _quantities: Sequence[str] = ()) -> list[PageTable]:
    """Format the success rate beside the trainability that bounds it, and whether the bound holds."""
    violated = int((table["bound"] == "violated").sum())
    verdict = f"The bound is violated in {format_count(violated, 'row')}."
    if not violated:
        above = int((table["bound"] != "holds").sum())
        verdict = f"The bound holds in every row{f' ({above} of them within intervals)' if above else ''}."
    rows = [
        [
            row["series"],
            row["bound"],
            f"{row['along']:g}",
            number(row["theory"], "{:.4f}"),
            _format_with_interval(row, BOUND.bound, ".4f"),
            _format_with_interval(row, BOUND.outcome, ".3f"),
            str(row["replicates"]),
            str(row["without"]),
        ]
        for row in records(table)
    ]
    axis = str(table["axis"].iloc[0]) if len(table) else ""
    heads = [
        "networks",
        f"{BOUND.outcome} <= {BOUND.bound}",
        axis,
        "theoretical value",
        BOUND.bound,
        "success rate",
        "replicates",
        "success with too few live neurons",
    ]
    without = int(table["without"].sum())
    note = (
        f"{verdict} Wilson's 95% intervals in parentheses. Replicate i starts from draw i: {without} of the replicates "
        "succeeded although their own network had too few live neurons (last column)."
    )
    return [PageTable("Success and its bound", note, heads, 2, rows)]


def _format_with_interval(row: dict[str, Any], name: str, pattern: str) -> str:
    """Format a value with its 95% interval in parentheses."""
    value, low, high = (format(row[key], pattern) for key in (name, f"{name}_low", f"{name}_high"))
    return f"{value} ({low} to {high})"


def tabulate_phases(table: pd.DataFrame, _quantities: Sequence[str] = ()) -> list[PageTable]:
    """Format how features change in phase 1 and after it."""
    rows = [
        [
            row["series"],
            f"{row['along']:g}",
            str(row["layer"]),
            number(row["start"], "{:.3f}"),
            number(row["peak"], f"{{:.3f}} at {row['peak_step']}"),
            _format_change(row, "in_phase_1", "in_low", "in_high"),
            _format_change(row, "after", "after_low", "after_high"),
            str(row["n"]),
        ]
        for row in records(table)
    ]
    axis = str(table["axis"].iloc[0]) if len(table) else ""
    heads = ["networks", axis, "layer", "start", "peak", "change in phase 1", "change after phase 1", "n"]
    note = (
        "Mean cosine of features over all pairs of samples. For each network, phase 1 ends when its loss falls below "
        "0.9 of the chance level. 95% intervals by Student's t. Batch normalization uses the statistics of the "
        "compared samples."
    )
    return [PageTable("Change of feature similarity in and after phase 1", note, heads, 1, rows)]


def _format_change(row: dict[str, Any], value: str, low: str, high: str) -> str:
    """Format a change with its 95% interval in parentheses, if it has one."""
    if pd.isna(row[low]):
        return number(row[value], "{:+.3f}", "none")
    return f"{row[value]:+.3f} ({row[low]:+.3f} to {row[high]:+.3f})"


LONG = 40
"""Largest number of comparisons of a quantity that the page lists; more are only counted there."""


def tabulate_times(table: pd.DataFrame, quantities: Sequence[str]) -> list[PageTable]:
    """Format the comparisons of times to event between a setting and a reference that is listed before it.

    Args:
        table: Comparisons of settings.
        quantities: The times to event that are shown.
    """
    rows = []
    for row in records(table[table["quantity"].isin(quantities)]):
        shown = [row["axis"], f"{row['setting']} against {row['reference']}", row["at"], row["verdict"]]
        shown += [number(row[name], "{:.0f}", "not reached") for name in ("of_setting", "of_reference")]
        rows.append([*shown, f"{row['p']:.2g}", f"{row['p_holm']:.2g}", f"{row['censored']} of {2 * row['n']}"])
    heads = ["axis", "setting", "other axes", "phase 1", "median", "reference", "p", "p (Holm)", "censored"]
    note = (
        "Kaplan-Meier medians in steps; p-values of the two-sided log-rank test by permutation, uncorrected and "
        "corrected for the number of rows (Holm). A verdict requires a corrected p <= 0.05. Runs that diverge "
        "before they leave phase 1 are censored."
    )
    return [PageTable("Which settings shorten phase 1?", note, heads, 4, rows)]


def tabulate_outcomes(table: pd.DataFrame, quantities: Sequence[str]) -> list[PageTable]:
    """Format the comparisons of training outcomes between a setting and a reference listed before it.

    Args:
        table: Comparisons of settings.
        quantities: The outcomes that are shown, one table each.
    """
    selected = table[table["quantity"].isin(quantities)]
    return [
        _tabulate_counts(str(quantity), found) if len(found) > LONG else _tabulate_comparisons(str(quantity), found)
        for quantity, found in selected.groupby("quantity", sort=False)
    ]


_PAIRED = (
    "Mean differences over replicates, which share their data, with 95% intervals and p-values that are not corrected "
    "(Student's t; for success and divergence Tango's interval and McNemar's test). A verdict requires p (Holm) <= "
    "0.05, which is corrected for all comparisons of the quantity. Diverged runs are failures in success, and are left "
    "out of accuracies and errors, with their pairs. If their numbers differ between the two settings, the remaining "
    "runs are a selection, and accuracies and errors are not tested."
)


def _tabulate_comparisons(quantity: str, table: pd.DataFrame) -> PageTable:
    """Format a table with one row per comparison, without undecided ones of equal means unless all are like that."""
    equal = (table["verdict"] == "undecided") & (table["of_setting"].round(4) == table["of_reference"].round(4))
    equal &= table["diverged_runs"] == ""
    omitted = 0 if equal.all() else int(equal.sum())
    note = _PAIRED
    if omitted:
        table = table[~equal]
        number_of = format_count(omitted, "undecided comparison")
        note += f" {number_of} of equal means {'is' if omitted == 1 else 'are'} only in comparisons.csv."
    diverged = bool((table["diverged_runs"] != "").any())
    rows = [
        [
            row["axis"],
            f"{row['setting']} against {row['reference']}",
            row["at"],
            row["verdict"],
            *(number(row[name], "{:.4f}") for name in ("of_setting", "of_reference")),
            _format_difference(row),
            *(number(row[name], "{:.2g}") for name in ("p", "p_holm")),
            str(row["n"]),
            *([row["diverged_runs"]] if diverged else []),
        ]
        for row in records(table)
    ]
    heads = ["axis", "setting", "other axes", "verdict", "mean", "reference", "difference", "p", "p (Holm)"]
    heads += ["pairs", "diverged runs"] if diverged else ["pairs"]
    return PageTable(f"Comparison of settings: {quantity.replace('_', ' ')}", note, heads, 4, rows)


def _format_difference(row: dict[str, Any]) -> str:
    """Format the difference of two means with its 95% interval in parentheses, as far as they exist."""
    interval = number(row["ci_low"], f" ({{:+.4f}} to {row['ci_high']:+.4f})")
    return number(row["difference"], "{:+.4f}") + interval


def _tabulate_counts(quantity: str, table: pd.DataFrame) -> PageTable:
    """Format a table that counts the verdicts of comparisons over all other axes."""
    names = ["higher", "lower", "undecided", *(["diverged_runs"] if (table["diverged_runs"] != "").any() else [])]
    rows = [
        [
            row["axis"],
            f"{row['setting']} against {row['reference']}",
            *(str(row[name]) for name in names),
            number(row["difference"], "{:+.4f}"),
        ]
        for row in records(count_comparisons(table))
    ]
    heads = ["axis", "setting", *(name.replace("diverged_", "with diverged ") for name in names), "mean difference"]
    note = f"{_PAIRED} Verdicts are counted over all other axes; comparisons.csv lists every comparison."
    return PageTable(f"Comparison of settings: {quantity.replace('_', ' ')}", note, heads, 2, rows)
