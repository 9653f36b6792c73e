"""The report's tables of verdicts: bounds that hold, phases, and one setting against another."""

from typing import Any

import pandas as pd

from suite.analysis.comparisons import WAITS
from suite.formatting import counted, p_in_words
from suite.report.page_tables import PageTable, number, records


def verdicts(table: pd.DataFrame) -> PageTable:
    """Every claim with its verdict and what that rests on."""
    rows = [
        [
            row["claim"],
            row["verdict"] + ("" if row["verdict"] == row["expected"] else f" (expected: {row['expected']})"),
            number(row["estimate"], "{:.3g}"),
            _ends(row),
            p_in_words(row["p"]).removeprefix("p ").removeprefix("= "),  # the column is called p
            str(row["members"]),
            str(row["draws"]) if row["draws"] else "",
            f"{row['needed']:,.0f} {row['unit']}, {_LEANING[row['leaning']]}" if pd.notna(row["needed"]) else "",
        ]
        for row in records(table)
    ]
    note = (
        "Each claim is tested by the statistic that its spec declares, which the estimate and its 95% interval are of; "
        "p is corrected for the number of claims (Holm). A claim holds, or fails, where p is 0.05 or less; elsewhere "
        "it is undecided, and the last column says what would probably decide, and which way."
    )
    heads = ["claim", "verdict", "estimate", "95% interval", "p", "members", "draws", "needed"]
    return PageTable("Claims", note, heads, 2, rows)


def _ends(row: dict[str, Any]) -> str:
    """An interval in as many digits as the estimate beside it."""
    return "none" if pd.isna(row["ci_low"]) else f"{row['ci_low']:.3g} to {row['ci_high']:.3g}"


_LEANING = {"holds": "to bear it out", "fails": "to refute it"}
"""What needs so many, by which way the numbers lean."""


def bounds(table: pd.DataFrame) -> PageTable:
    """Success beside the trainability that bounds it, and whether it does."""
    violated = int((table["bound"] == "violated").sum())
    verdict = f"The bound is violated in {counted(violated, 'row')}."
    if not violated:
        above = int((table["bound"] != "holds").sum())
        verdict = f"The bound holds in every row{f', in {above} of them within intervals' if above else ''}."
    rows = [
        [
            row["series"],
            row["bound"],
            f"{row['along']:g}",
            number(row["theory"], "{:.4f}"),
            f"{row['trainability']:.4f} ({row['trainability_low']:.4f} to {row['trainability_high']:.4f})",
            f"{row['success']:.3f} ({row['success_low']:.3f} to {row['success_high']:.3f})",
            str(row["replicates"]),
            str(row["without"]),
        ]
        for row in records(table)
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
    return PageTable("The bound, row by row", note, heads, 2, rows)


def precision(table: pd.DataFrame | None) -> PageTable:
    """What it took to know quantities as precisely as asked, the layer of the widest interval for all."""
    rows = []
    if table is not None:
        settings = [name for name in table.columns if name not in _PRECISION]
        keys = ["member", "measure", "quantity", *(name for name in settings if table[name].notna().any())]
        for _, found in table.groupby(keys, sort=False, dropna=False):
            row = records(found.sort_values("half_width", na_position="first").tail(1))[0]
            row |= {"reached": "yes" if (found["reached"] == "yes").all() else "no"}
            at = [f"{key} {row[key]}" for key in keys[3:] if pd.notna(row[key])]
            at += [f"layer {row['layer']:.0f}"] if len(found) > 1 else []
            note = row["note"] or next((str(other) for other in found["note"] if other), "")
            rows.append(
                [
                    row["member"],
                    ", ".join([row["quantity"], *at]),
                    row["statistic"],
                    row["reached"],
                    note,
                    f"{row['precision']:g}",
                    number(row["half_width"], "{:.3g}"),
                    f"{row['draws']:,}",
                    str(row["looks"]),
                    f"{row['seconds']:.1f}",
                ]
            )
    heads = ["member", "quantity", "statistic", "reached", "note", "asked", "half-width", "draws", "looks", "seconds"]
    about = (
        "Half-widths of 95% intervals: of frequencies absolute, else relative to the mean; of quantities with layers "
        "the widest. Draws were added until they were as tight as asked, or to the limit; seconds are of computing."
    )
    return PageTable("How many draws did the precision take?", about, heads, 5, rows)


_PRECISION = {
    "member",
    "measure",
    "quantity",
    "layer",
    "statistic",
    "precision",
    "half_width",
    "draws",
    "looks",
    "seconds",
    "reached",
    "note",
}
"""Columns of precision.csv that are no training settings."""


LONG = 40
"""More comparisons of a kind than this are counted on the page; the file beside it has them all."""


def waits(table: pd.DataFrame) -> PageTable:
    """How long one setting waits, against one listed before it."""
    rows = []
    for row in records(table[table["quantity"].isin(WAITS)]):
        shown = [row["axis"], f"{row['setting']} against {row['reference']}", row["at"], row["verdict"]]
        shown += [number(row[name], "{:.0f}", "not reached") for name in ("of_setting", "of_reference")]
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
            number(row["p_holm"], "{:.2g}"),
            str(row["n"]),
        ]
        for row in records(table)
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
        for row in records(table)
    ]
    axis = str(table["axis"].iloc[0]) if len(table) else ""
    heads = ["networks", axis, "layer", "at the start", "peak", "change in phase 1", "change after it", "n"]
    note = (
        "Mean cosine of features over all pairs of samples. Phase 1 ends, network by network, where its loss falls "
        "below 0.9 of the chance level; features may begin to part before. 95% intervals by Student's t."
    )
    return PageTable("Do features grow alike in phase 1, and part after it?", note, heads, 1, rows)


def _change(row: dict[str, Any], value: str, low: str, high: str) -> str:
    if pd.isna(row[low]):
        return number(row[value], "{:+.3f}", "none")
    return f"{row[value]:+.3f} ({row[low]:+.3f} to {row[high]:+.3f})"
