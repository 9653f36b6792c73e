"""Count the training runs that diverged, beside the statistics of the other runs."""

import pandas as pd

from suite.analysis.series import training_axes
from suite.catalog.measures.training import DIVERGED


def with_diverged(rows: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Return rows of a summary with the columns `lost` and `runs`.

    They are the number of training runs that diverged and the number of all runs, under the row's own member and
    training setting; 0 for quantities of untrained networks. The rows keep their order and index.

    Args:
        rows: Some rows of the summary.
        summary: The whole summary.
    """
    counts = summary[summary["quantity"] == DIVERGED]
    if counts.empty:
        return rows.assign(lost=0, runs=0)
    keys = ["member", "learning_rate", *training_axes(summary)]
    numbers = counts[keys].assign(lost=(counts["n"] * counts["mean"]).round(), runs=counts["n"])
    found = rows[keys].merge(numbers, on=keys, how="left")[["lost", "runs"]].fillna(0).astype(int)
    return rows.assign(lost=found["lost"].to_numpy(), runs=found["runs"].to_numpy())
