"""The tournament in words, from the table that a run has left."""

import csv
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from suite.tournament.groups import ALL

FILE = "tournament.csv"


def lines_of(study: str, folder: Path) -> Iterator[str]:
    """A line a contest: what tells the outcome best over all members, and the best baseline.

    Args:
        study: its name.
        folder: of its results; one without a tournament has no lines.
    """
    file = folder / FILE
    if not file.exists():
        return
    with file.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["group"] == ALL]
    for (outcome, training), contest in groupby(rows, key=lambda row: (row["outcome"], row["training"])):
        ranked = {row["predictor"]: row for row in contest if row["spearman"]}
        under = f" ({training})" if training else ""
        best = next((row for row in ranked.values() if row["kind"] == "measured"), None)
        if best is None:
            yield f"{study}: {outcome}{under}: nothing measured tells it"
            continue
        rival = ranked.get(best["baseline"])
        compared = f"; the best baseline, {best['baseline']}, {float(rival['spearman']):.2f}" if rival else ""
        low, high = (float(best[f"spearman_{end}"] or "nan") for end in ("low", "high"))
        yield (
            f"{study}: {outcome}{under}: told best by {best['predictor']}, rho {float(best['spearman']):.2f} "
            f"[{low:.2f}, {high:.2f}] over {best['members']} members{compared}"
        )
