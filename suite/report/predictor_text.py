"""Format the predictor ranking as lines of text, from the table that a run has written."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from math import isnan
from pathlib import Path
from typing import Any

from suite.formatting import format_p_value
from suite.results.schema import ALL_MEMBERS, PREDICTORS
from suite.statistics.multiple_tests import ALPHA

Row = Mapping[str, Any]
"""One row of predictors.csv, with cells as text or as numbers."""


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
        rows = list(csv.DictReader(lines))
    for (outcome, training), ranking in group_outcomes(rows):
        yield f"{study}: {outcome}{f' ({training})' if training else ''}: {describe_best(ranking)}"


def group_outcomes(rows: Sequence[Row]) -> Iterator[tuple[tuple[str, str], list[Row]]]:
    """Yield each outcome and training with the measured predictors that rank all members, the best one first.

    Args:
        rows: The table of the predictor ranking.
    """
    everyone = (row for row in rows if row["group"] == ALL_MEMBERS)
    for (outcome, training), ranking in groupby(everyone, key=lambda row: (row["outcome"], row["training"])):
        ranked = [row for row in ranking if not isnan(_number(row["spearman"])) and row["kind"] == "measured"]
        yield (outcome, training), ranked


def describe_best(ranked: Sequence[Row]) -> str:
    """Describe the first of the predictors, which are in descending order of rank correlation.

    A predictor is said to beat its best baseline only if its gain is significant after correction for the number of
    predictors (Holm).
    """
    if not ranked:
        return "no predictor has a rank correlation"
    best = ranked[0]
    better = beating_baselines(ranked)
    if better:
        first, *others = better
        also = ", ".join(f"{row['predictor']} beats {row['baseline']}" for row in others)
        return f"{first['predictor']} beats {first['baseline']}: {_format_numbers(first)}{f'; {also}' if also else ''}"
    highest = f"highest rank correlation: {best['predictor']}, {_format_numbers(best)}"
    return f"no predictor is shown to beat {best['baseline']}; {highest}" if best["baseline"] else highest


def beating_baselines(ranked: Sequence[Row]) -> list[Row]:
    """Return the predictors whose lead over their best baseline is established."""
    return [row for row in ranked if _is_established(row) and _number(row["advantage"]) > 0]


def _is_established(row: Row) -> bool:
    return _number(row["p_holm"]) <= ALPHA


def describe_predictor(row: Row) -> str:
    """Return the name of a predictor with its rank correlation, its gain over the best baseline, and the members."""
    over = f" over {row['baseline']}" if row["baseline"] else ""
    return f"{row['predictor']}, {_format_numbers(row).replace(', gain', f', gain{over}')}"


def _number(cell: Any) -> float:
    """Return a cell of the table as a number; nan if it is empty."""
    return float("nan") if cell == "" else float(cell)


def _format_numbers(row: Row) -> str:
    gain = ""
    if not isnan(_number(row["advantage"])):
        p = f", {format_p_value(_number(row['p_holm'])).replace('p', 'p (Holm)')}"
        gain = f", gain {_format_interval(row, 'advantage')}{p if _number(row['p_holm']) >= 0 else ''}"
    return f"rho {_format_interval(row, 'spearman')}{gain}, {row['members']} members"


def _format_interval(row: Row, name: str) -> str:
    value, low, high = (_number(row[key]) for key in (name, f"{name}_low", f"{name}_high"))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]".replace("-0.00", "0.00")
