"""The precision table: how tight the intervals became that a spec asked to be tight, and what it took."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from suite.catalog.quantities import QUANTITIES
from suite.cells.rounds import Aim

STATISTIC = {"value": "mean", "frequency": "frequency", "ratio": "ratio of means"}


def precision_table(aims: Sequence[Aim]) -> pd.DataFrame | None:
    """One row a member, quantity and layer: `half_width` beside the `precision` asked, and `draws`, `looks`, `seconds`.

    Half the 95% interval is absolute of a frequency, else relative to the mean. `reached` says yes or no, `note` why
    not, or why to doubt it. Draws, looks and seconds are of all of a member's layers together.
    """
    if not aims:
        return None
    table = pd.DataFrame([row for aim in aims for row in _rows(aim)])
    return table.astype({"layer": "Int64"})


def _rows(aim: Aim) -> Iterator[dict[str, Any]]:
    cell, found, block = aim.cells[0], aim.found, aim.block
    known: dict[str, Any] = {"member": cell.member.name, "measure": cell.name, "quantity": aim.quantity}
    known |= dict.fromkeys(aim.training) | (block.training if block else {})
    statistic = STATISTIC[QUANTITIES[aim.quantity].kind]
    effort = {"draws": aim.draws, "looks": aim.looks, "seconds": round(aim.seconds, 2)}
    if found is None or block is None:
        note = "these networks have none" if aim.done else "draws have failed"
        outcome = {"half_width": np.nan, **effort, "reached": "no", "note": note}
        yield {**known, "layer": None, "statistic": statistic, "precision": aim.precision, **outcome}
        return
    failed = "" if aim.done else "draws have failed"
    needed, reached = found.needed(aim.precision), found.reached(aim.precision)
    for place, half in enumerate(found.half_width):
        yield {
            **known,
            "layer": block.places["layer"][place] if "layer" in block.places else None,
            "statistic": statistic,
            "precision": aim.precision,
            "half_width": half if np.isfinite(half) else np.nan,
            **effort,
            "reached": "yes" if reached[place] else "no",
            "note": "; ".join(
                part
                for part in (_note(bool(reached[place]), bool(found.doubtful[place]), half, needed[place]), failed)
                if part
            ),
        }


def _note(reached: bool, doubtful: bool, half_width: float, needed: float) -> str:
    if np.isnan(half_width):
        return "no draw is a finite number"
    if np.isinf(half_width):
        return "no relative width: the mean is 0 or too large"
    foreseen = "" if reached else f"about {float(f'{needed:.2g}'):,.0f} draws needed"
    carried = "few draws carry the mean, its interval may be too narrow" if doubtful else ""
    if doubtful and half_width == 0:
        carried = "all draws are alike; what is unlike them may be too rare to have been drawn"
    return "; ".join(part for part in (foreseen, carried) if part)
