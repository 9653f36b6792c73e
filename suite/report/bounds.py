"""Whether trainability bounds the success of training, row by row."""

import numpy as np
import pandas as pd

from suite.report.series import pick, training_axes, with_series

COLUMNS = (
    "series",
    "axis",
    "along",
    "member",
    "theory",
    "trainability",
    "trainability_low",
    "trainability_high",
    "success",
    "success_low",
    "success_high",
    "replicates",
    "bound",
)


def bounds_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Success rate beside the trainability that bounds it from above, for each member and training setting.

    `bound` says "holds" where the success rate is at most the trainability; "holds within intervals" where it is
    above, but the two 95% intervals overlap; "violated" where they do not.

    Args:
        summary: of the study.

    Returns:
        A row a member and training setting that has both; empty where the study measures no trainability.
    """
    named = with_series(summary)
    able, success = pick(named, "trainability"), pick(named, "success")
    if able.empty or success.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    keys = ["member", *(axis for axis in training_axes(able) if able[axis].notna().any())]
    statistics = ["mean", "ci_low", "ci_high"]
    rows = success.merge(able[[*keys, *statistics, "theory"]], on=keys, suffixes=("_success", "_able"))
    slack = rows["mean_success"] - rows["mean_able"]
    apart = rows["ci_low_success"] > rows["ci_high_able"]
    bound = np.where(apart, "violated", np.where(slack > 0, "holds within intervals", "holds"))
    return pd.DataFrame(
        {
            "series": rows["series"],
            "axis": rows["axis"],
            "along": rows["along"],
            "member": rows["member"],
            "theory": rows["theory_able"] if "theory_able" in rows else rows["theory"],
            "trainability": rows["mean_able"],
            "trainability_low": rows["ci_low_able"],
            "trainability_high": rows["ci_high_able"],
            "success": rows["mean_success"],
            "success_low": rows["ci_low_success"],
            "success_high": rows["ci_high_success"],
            "replicates": rows["n"],
            "bound": bound,
        }
    )
