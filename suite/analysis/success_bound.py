"""Whether trainability bounds the success of training, row by row."""

import numpy as np
import pandas as pd

from suite.analysis.series import pick, selected, training_axes, with_series
from suite.catalog.charts.facts import BOUND
from suite.results.schema import BOUND_COLUMNS


def bounds_table(summary: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Success rate beside the trainability that bounds it from above, for each member and training setting.

    `bound` says "holds" where the success rate is at most the trainability; "holds within intervals" where it is
    above, but the two 95% intervals overlap; "violated" where they do not. `without` counts the replicates that
    succeeded although draw i, from which replicate i starts, lacks what the task needs: none where death is
    decided exactly. Sampled death counts too many, and so may claim some.

    Args:
        summary: of the study.
        values: raw values of trainability and success.

    Returns:
        A row a member and training setting that has both; empty where the study measures no trainability.
    """
    named = with_series(summary)
    able, success = pick(named, BOUND.bound), pick(named, BOUND.outcome)
    if able.empty or success.empty:
        return pd.DataFrame(columns=list(BOUND_COLUMNS))
    keys = ["member", *(axis for axis in training_axes(able) if able[axis].notna().any())]
    statistics = ["mean", "ci_low", "ci_high"]
    rows = success.merge(able[[*keys, *statistics, "theory"]], on=keys, suffixes=("_success", "_able"))
    slack = rows["mean_success"] - rows["mean_able"]
    apart = rows["ci_low_success"] > rows["ci_high_able"]
    bound = np.where(apart, "violated", np.where(slack > 0, "holds within intervals", "holds"))
    settings = ["member", *training_axes(summary)]
    return pd.DataFrame(
        {
            "series": rows["series"],
            "axis": rows["axis"],
            "along": rows["along"],
            "member": rows["member"],
            "theory": rows["theory_able"],
            BOUND.bound: rows["mean_able"],
            f"{BOUND.bound}_low": rows["ci_low_able"],
            f"{BOUND.bound}_high": rows["ci_high_able"],
            BOUND.outcome: rows["mean_success"],
            f"{BOUND.outcome}_low": rows["ci_low_success"],
            f"{BOUND.outcome}_high": rows["ci_high_success"],
            "replicates": rows["n"],
            "without": _successes_without(summary, values, keys, settings, rows),
            "bound": bound,
        }
    )


def _successes_without(
    summary: pd.DataFrame, values: pd.DataFrame, keys: list[str], settings: list[str], rows: pd.DataFrame
) -> list[int]:
    """Replicates of each row that succeeded from a network without what the task needs."""
    able = values.loc[values["quantity"] == BOUND.bound, [*keys, "draw", "value"]]
    done = selected(values, summary, BOUND.outcome)[[*settings, "draw", "value"]]
    joined = done.merge(able, on=[*keys, "draw"], suffixes=("_success", "_able"))
    broken = joined[(joined["value_success"] == 1) & (joined["value_able"] == 0)]
    places = [tuple(place) for place in broken[settings].astype(str).itertuples(index=False)]
    return [places.count(tuple(row)) for row in rows[settings].astype(str).itertuples(index=False)]
