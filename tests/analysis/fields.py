"""Studies made up for a tournament: members whose quantities and outcomes are given."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from suite.analysis.points import Tables
from tests.analysis.simulated import Row, member, tables_of

DEPTHS = (1, 2, 3, 4, 6, 8, 12)
Draws = Callable[[int, str], Any]
"""(depth, activation) -> the draws of a member."""


def study(
    quantities: dict[str, Draws],
    depths: Sequence[int] = DEPTHS,
    activations: Sequence[str] = ("relu", "abs"),
    training: Sequence[dict[str, Any]] = ({},),
) -> Tables:
    """The tables of a run; outcomes are the same under each setting of the training."""
    rows: list[Row] = []
    for activation in activations:
        for depth in depths:
            axes = {"depth": depth, "activation": activation, "initialization": "critical"}
            unset = dict.fromkeys(training[0], np.nan)
            for name, draws in quantities.items():
                trained = name.startswith(("test_", "train_", "success", "steps_"))
                for setting in training if trained else [unset]:
                    rows.append(member(name, np.atleast_1d(draws(depth, activation)), **axes, **setting))
    tables = tables_of(rows)
    names = {(row["depth"], row["activation"]): row["member"] for row in tables.summary.to_dict("records")}
    members = pd.DataFrame(
        [
            {
                "member": f"{activation}-d{depth}",
                "depth": depth,
                "activation": activation,
                "initialization": "critical",
                "parameters": 1000 + depth,
                "widths": " ".join(["2", *[str(60 // depth)] * depth, "1"]),
            }
            for depth, activation in names
        ]
    )
    return _named(tables, members)


def _named(tables: Tables, members: pd.DataFrame) -> Tables:
    """Members by depth and activation alone, whatever their training."""

    def short(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(member=[f"{a}-d{d}" for a, d in zip(frame["activation"], frame["depth"], strict=True)])

    return Tables(short(tables.summary), lambda quantities: short(tables.values_of(quantities)), members)
