"""Which quantity, known before training, orders members by what they learn: rank correlations over members."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from suite.report.series import joined, pick, training_axes
from suite.statistics.rank import rank_advantage, rank_correlation

OUTCOME = "test_accuracy"
SHALLOWEST = 2
"""Members of one hidden layer are outliers in activation ratio and width, and stay out of trends."""

COLUMNS = ("training", "members", "predictor", "statistic", "spearman", "ci_low", "ci_high", "n")
_ADVANTAGE = ("over_depth", "over_depth_low", "over_depth_high")

_MEASURED = {
    "v3": ("mean", "median"),
    "v3_over_rms": ("mean", "median"),
    "slope_variation": ("mean", "median"),
    "v3_exact": ("mean", "median"),
    "collapsed_relative": ("mean",),
    "collapsed_absolute": ("mean",),
    "born_dead": ("mean",),
    "correlation": ("mean",),
    "input_gradient": ("median",),
    "activation_ratio": ("mean",),
}
_FALLING = ("collapsed_relative", "collapsed_absolute", "born_dead", "correlation")
"""Quantities that should order members the other way round: their negative is the predictor."""

_LAYERED = ("correlation",)
"""Quantities with a value for each layer: that of the last hidden one is the predictor."""


def predictors_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Spearman's rho of each predictor with mean test accuracy after training, over members of depth 2 and more.

    V3 is heavy-tailed, so its mean and its median stand side by side. -depth, the width
    and the activation ratio are the trivial predictors that a measured one has to beat.

    Args:
        summary: of the study.

    Returns:
        A row a predictor, for all members and for each activation's, and each setting of the training if the
        study has several: `spearman` with its 95% interval, by the bootstrap over the n members, and
        `over_depth`, by how much it exceeds -depth's, with the interval of that difference on the same resamples.
        Empty where nothing was trained.
    """
    outcomes = pick(summary, OUTCOME)
    outcomes = outcomes[outcomes["depth"] >= SHALLOWEST]
    rows = []
    for setting, trained in outcomes.groupby(joined(outcomes, training_axes(summary))):
        accuracy = trained.set_index("member")["mean"]
        shallow = -trained.set_index("member")["depth"].astype(float)
        activations = trained.set_index("member")["activation"].astype(str)
        groups = {"all": accuracy.index}
        if activations.nunique() > 1:
            groups |= {str(name): group.index for name, group in activations.groupby(activations)}
        for name, members in groups.items():
            for predictor, statistic, values in _predictors(summary, trained):
                x, rival, y = (
                    np.asarray(column.reindex(members), dtype=np.float64) for column in (values, shallow, accuracy)
                )
                advantage = rank_advantage(x, rival, y)[:3] if predictor != "-depth" else (np.nan,) * 3
                rows.append((setting, name, predictor, statistic, *rank_correlation(x, y), *advantage))
    return pd.DataFrame(rows, columns=[*COLUMNS, *_ADVANTAGE])


def _predictors(summary: pd.DataFrame, trained: pd.DataFrame) -> Iterator[tuple[str, str, "pd.Series[float]"]]:
    """Each predictor by name and statistic, one value a member."""
    yield "-depth", "exact", -trained.set_index("member")["depth"].astype(float)
    ratios = pick(summary, "activation_ratio").drop_duplicates("member").set_index("member")
    if len(ratios):
        yield "width", "mean", ratios["mean"] * ratios["parameters"] / ratios["depth"].astype(float)
    for quantity, statistics in _MEASURED.items():
        rows = pick(summary, quantity)
        if quantity in _LAYERED:
            rows = rows[rows["layer"] == rows["depth"]]
        axes = [axis for axis in training_axes(summary) if rows[axis].notna().any()]
        if axes:  # measured on each task: only the task at hand may predict its outcome
            rows = rows.merge(trained[["member", *axes]].drop_duplicates(), on=["member", *axes])
        rows = rows.drop_duplicates("member").set_index("member")
        for statistic in statistics if len(rows) else ():
            sign = -1 if quantity in _FALLING else 1
            yield f"{'-' if sign < 0 else ''}{quantity}", statistic, sign * rows[statistic].astype(float)
