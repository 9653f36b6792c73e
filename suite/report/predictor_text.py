"""Format the predictor ranking as lines of text, from the table that a run has written."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from suite.results.schema import ALL_MEMBERS, PREDICTORS

Row = Mapping[str, str]


def format_predictors(study: str, folder: Path) -> Iterator[str]:
    """Yield one line per outcome and training, with the predictor that has the highest rank correlation.

    The line also has its gain over the best baseline.

    Args:
        study: The name of the study.
        folder: Its results. There are no lines if it has no predictor ranking.
    """
    file = folder / PREDICTORS
    if not file.exists():
        return
    with file.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["group"] == ALL_MEMBERS]
    for (outcome, training), ranking in groupby(rows, key=lambda row: (row["outcome"], row["training"])):
        measured = [row for row in ranking if row["spearman"] and row["kind"] == "measured"]
        yield f"{study}: {outcome}{f' ({training})' if training else ''}: {_format_best(measured)}"


def _format_best(ranked: Sequence[Row]) -> str:
    """Describe the first of the predictors, which are in descending order of rank correlation."""
    if not ranked:
        return "no predictor has a rank correlation"
    best = ranked[0]
    gain = f", gain {_format_interval(best, 'advantage')}" if best["advantage"] else ""
    numbers = f"{best['predictor']}, {_format_interval(best, 'spearman')}{gain}, {best['members']} members"
    if not float(best["spearman_low"] or "nan") > 0:
        return f"no predictor is shown to predict it; highest rank correlation: {numbers}"
    better = [row for row in ranked if float(row["advantage_low"] or "nan") > 0]
    if best in better or not gain:
        over = f" (gain over {best['baseline']})" if gain else ""
        return f"best predictor: {numbers}{over}"
    if better:
        others = ", ".join(f"{row['predictor']} ({row['baseline']})" for row in better)
        return f"highest rank correlation: {numbers}; shown to beat a baseline: {others}"
    if float(best["advantage_high"] or "nan") < 0:
        return f"{best['baseline']} predicts it better than {numbers}"
    return f"no predictor is shown to beat {best['baseline']}; highest rank correlation: {numbers}"


def _format_interval(row: Row, name: str) -> str:
    value, low, high = (float(row[key] or "nan") for key in (name, f"{name}_low", f"{name}_high"))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"
