"""The tournament in words, from the table that a run has left."""

import csv
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from suite.results.schema import ALL_MEMBERS as ALL
from suite.results.schema import PREDICTORS


def lines_of(study: str, folder: Path) -> Iterator[str]:
    """A line a contest: what tells the outcome best over all members, and the best baseline, first where it is as good.

    Args:
        study: its name.
        folder: of its results; one without a tournament has no lines.
    """
    file = folder / PREDICTORS
    if not file.exists():
        return
    with file.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["group"] == ALL]
    for (outcome, training), contest in groupby(rows, key=lambda row: (row["outcome"], row["training"])):
        ranked = {row["predictor"]: row for row in contest if row["spearman"]}
        under = f" ({training})" if training else ""
        best = next((row for row in ranked.values() if row["kind"] == "measured"), None)
        if best is None:
            yield f"{study}: {outcome}{under}: nothing that is measured orders the members"
            continue
        if not float(best["spearman_low"] or "nan") > 0:
            told = f"{best['predictor']}, rho {_number(best, 'spearman')} of {best['members']} members"
            yield f"{study}: {outcome}{under}: nothing that is measured tells it surely; the best is {told}"
            continue
        how_well = f"rho {_number(best, 'spearman')} of {best['members']} members"
        if best["advantage"]:
            how_well += f", {_number(best, 'advantage')} over {best['baseline']}"
        if best["advantage"] and float(best["advantage"]) <= 0:
            as_well = "better" if float(best["advantage_high"] or "nan") < 0 else "as well"
            rho = float(best["spearman"]) - float(best["advantage"])  # of the members that have the predictor
            yield (
                f"{study}: {outcome}{under}: {best['baseline']} alone tells it {as_well}, rho {rho:.2f}; of what is "
                f"measured, {best['predictor']} is best, {how_well}"
            )
        else:
            yield f"{study}: {outcome}{under}: told best by {best['predictor']}, {how_well}"


def _number(row: dict[str, str], name: str) -> str:
    value, low, high = (float(row[key] or "nan") for key in (name, f"{name}_low", f"{name}_high"))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"
