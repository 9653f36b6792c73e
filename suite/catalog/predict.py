"""The predictor ranking that a spec can request: outcomes of training and their predictors."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from suite.catalog.claims import Where
from suite.catalog.measures import MEASURES
from suite.catalog.quantities import QUANTITIES
from suite.catalog.settings import Axis, Settings

Outcome = Literal["test_accuracy", "success", "train_loss", "test_error", "steps_to_success"]

SHALLOWEST = 2
"""Smallest depth of a ranked member; members with one hidden layer are outliers in activation ratio and width."""

FEWEST = 5
"""Smallest number of members for which a ranking is computed."""

BASELINES = ("-depth", "middle_depth", "width", "parameters", "activation_ratio")
"""Baselines of every predictor ranking, which depend on the architecture alone."""


class Predict(Settings):
    """Which quantity, known before training, tells what will train."""

    outcome: Axis[Outcome] = Field(description="after training: what is to be told; a list makes a tournament of each")
    predictors: Axis[str] | None = Field(
        default=None, description="quantities of untrained networks; all that the study measures unless given"
    )
    statistic: Literal["mean", "median"] = Field(
        default="median", description="of the draws of a member, where a predictor is not a frequency"
    )
    where: Where = Field(default={}, description="axes with the values, one or a list, that the members must have")


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
