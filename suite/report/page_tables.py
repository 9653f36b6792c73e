"""Format the page's tables of a whole study: overview, agreement with theory, and precision targets."""

import re
from collections.abc import Sequence

import pandas as pd

from suite.analysis.agreement import MANY_DRAWS, Z_LIMIT
from suite.analysis.divergence import with_diverged
from suite.analysis.series import pick, with_series
from suite.catalog.charts.facts import OVERVIEW, THEORIES
from suite.catalog.measures.training import DIVERGED
from suite.formatting import format_count
from suite.report.formatting import PageTable, number, records

_INTERVAL = re.compile(r" \(.*?\)")


def tabulate_overview(summary: pd.DataFrame) -> PageTable:
    """Format the main quantities, one row per series and value of the main axis.

    Accuracies and errors are of the runs that did not diverge. If any did, the cells say how many did not.
    """
    rows: dict[tuple[str, float], dict[str, str]] = {}
    named = with_series(summary)
    shown = {quantity: with_diverged(pick(named, quantity), named) for quantity in OVERVIEW}
    if not shown[DIVERGED]["lost"].any():
        del shown[DIVERGED]
    for quantity, found in shown.items():
        column = OVERVIEW[quantity]
        for row in records(found):
            cell = rows.setdefault((row["series"], row["along"]), {"parameters": f"{row['parameters']:,}"})
            bounded = pd.notna(row["ci_low"]) and pd.notna(row["ci_high"])
            pattern = column.pattern if bounded else _INTERVAL.sub("", column.pattern)
            cell[column.title] = pattern.format(**row) if pd.notna(row[column.statistic]) else ""
            if cell[column.title] and row["runs"] and row["n"] < row["runs"]:
                cell[column.title] += f"; {row['n']} of {row['runs']} runs"
    known = {title for cell in rows.values() for title in cell}
    titles = ["parameters", *(column.title for column in OVERVIEW.values() if column.title in known)]
    body = [
        [series, f"{along:g}", *(rows[series, along].get(title, "") for title in titles)]
        for series, along in sorted(rows)
    ]
    return PageTable("", "", ["members", str(named["axis"].iloc[0]), *titles], 1, body)


def tabulate_agreement(table: pd.DataFrame, quantities: Sequence[str]) -> list[PageTable]:
    """Format how far sampled quantities lie from their theoretical values."""
    rows = [
        [
            row["quantity"],
            row["series"],
            row["verdict"],
            str(row["values"]),
            f"{row['largest_z']:.2f} ({format_count(row['tested'], 'value')})" if row["tested"] else "",
            _format_difference(row["largest_relative"], row["compared"], " of 1 - c" if row["limit"] == "yes" else ""),
        ]
        for row in records(table[table["quantity"].isin(quantities)])
    ]
    heads = ["quantity", "networks", "verdict", "values", "largest |z|", "largest relative difference"]
    note = " ".join(
        [
            "The z-score is given if the theory is exact or the network is at least ten times wider than deep; "
            f"|z| <= {Z_LIMIT:g} counts as agreement. Otherwise the relative difference is given, which is due to "
            f"finite width and chance. There is no verdict with fewer than {MANY_DRAWS} draws.",
            *(THEORIES[quantity].note for quantity in quantities if quantity in THEORIES),
        ]
    )
    return [PageTable("Samples and theory", note, heads, 3, rows)]


def _format_difference(largest: float, values: int, of: str) -> str:
    """Format the largest relative difference in percent, with the number of values that it is over."""
    return f"{100 * largest:.3g}%{of} ({format_count(values, 'value')})" if values else ""


def tabulate_precision(table: pd.DataFrame | None) -> PageTable:
    """Format the draws that each precision target required.

    The layer with the widest interval represents all layers.
    """
    rows = []
    if table is not None:
        settings = [name for name in table.columns if name not in _PRECISION_COLUMNS]
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
    heads = ["member", "quantity", "statistic", "reached", "note", "target", "half-width", "draws", "looks", "seconds"]
    about = (
        "Half-widths of 95% intervals: absolute for frequencies, otherwise relative to the mean; the largest over "
        "layers. Draws were added until the target or the limit was reached. Seconds are computing time."
    )
    return PageTable("Precision targets", about, heads, 5, rows)


_PRECISION_COLUMNS = {
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
"""Columns of precision.csv that are not training settings."""
