"""The predictor ranking that a spec can request: outcomes of training and their predictors."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from suite.catalog.measures import MEASURES
from suite.catalog.quantities import QUANTITIES
from suite.catalog.settings import Axis, Settings
from suite.catalog.where import Where

Outcome = Literal["test_accuracy", "success", "train_loss", "test_error", "test_r2", "steps_to_success"]

SHALLOWEST = 2
"""Smallest depth of a ranked member; members with one hidden layer are outliers in activation ratio and width."""

FEWEST = 5
"""Smallest number of members for which a ranking is computed."""

BASELINES = {
    "-depth": "number of hidden layers, with the opposite sign",
    "middle_depth": "closeness to the middle of the depths of the study, on a logarithmic scale",
    "width": "mean number of units in a hidden layer",
    "parameters": "number of parameters",
    "activation_ratio": "hidden activations per parameter",
}
"""Baselines of every predictor ranking, which depend on the architecture alone, and their meanings."""


class Predict(Settings):
    """Ranking of quantities by how well they predict the outcome of training."""

    outcome: Axis[Outcome] = Field(description="training outcome to predict; a list gives one ranking per outcome")
    predictors: Axis[str] | None = Field(
        default=None, description="quantities of untrained networks; default: all that the study measures"
    )
    statistic: Literal["mean", "median"] = Field(
        default="median", description="statistic over the draws of a member, for predictors that are not frequencies"
    )
    where: Where = Field(
        default={}, description="values of axes that select members; a value or a list of values per axis"
    )


def candidates(measures: Iterable[str]) -> list[str]:
    """Return the quantities of these measures that can be predictors, without the baselines.

    Predictors are known before training and have a sign.
    """
    return [
        name
        for measure in measures
        if MEASURES[measure].inputs != "training"
        for name in MEASURES[measure].quantities
        if QUANTITIES[name].sign and name not in BASELINES
    ]
