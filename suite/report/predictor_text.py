"""Format the predictor ranking as lines of text, from the table that a run has written."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from suite.formatting import format_p_value
from suite.results.schema import ALL_MEMBERS, PREDICTORS
from suite.statistics.multiple_tests import ALPHA

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
    """Describe the first of the predictors, which are in descending order of rank correlation.

    A predictor is said to beat its best baseline only if its gain is significant after correction for the number of
    predictors (Holm).
    """
    if not ranked:
        return "no predictor has a rank correlation"
    best = ranked[0]
    better = [row for row in ranked if _is_established(row) and float(row["advantage"]) > 0]
    if better:
        first, *others = better
        also = f"; so do {', '.join(row['predictor'] for row in others)}" if others else ""
        return f"{first['predictor']} beats {first['baseline']}: {_format_numbers(first)}{also}"
    verb = "no predictor is shown to beat"
    if _is_established(best):
        verb = "no predictor beats"
    highest = f"highest rank correlation: {best['predictor']}, {_format_numbers(best)}"
    return f"{verb} {best['baseline']}; {highest}" if best["baseline"] else highest


def _is_established(row: Row) -> bool:
    return float(row["p_holm"] or "nan") <= ALPHA


def _format_numbers(row: Row) -> str:
    gain = ""
    if row["advantage"]:
        p = format_p_value(float(row["p_holm"] or "nan")).replace("p", "p (Holm)")
        gain = f", gain {_format_interval(row, 'advantage')}, {p}"
    return f"rho {_format_interval(row, 'spearman')}{gain}, {row['members']} members"


def _format_interval(row: Row, name: str) -> str:
    value, low, high = (float(row[key] or "nan") for key in (name, f"{name}_low", f"{name}_high"))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"
