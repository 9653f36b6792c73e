"""The tournament that a spec can ask for: an outcome of training, and the quantities that are to tell it."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from suite.catalog.claims import Where
from suite.catalog.measures import MEASURES
from suite.catalog.quantities import QUANTITIES
from suite.catalog.settings import Axis, Settings

Outcome = Literal["test_accuracy", "success", "train_loss", "test_error", "steps_to_success"]

SHALLOWEST = 2
"""Members of one hidden layer are outliers in activation ratio and width, and stay out."""

FEWEST = 5
"""Members of whose order something can be said."""

BASELINES = ("-depth", "middle_depth", "width", "parameters", "activation_ratio")
"""What the architecture alone tells, and every tournament has."""


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
    """These measures' quantities that are known before training and say something of networks, baselines apart."""
    return [
        name
        for measure in measures
        if MEASURES[measure].inputs != "training"
        for name in MEASURES[measure].quantities
        if QUANTITIES[name].sign and name not in BASELINES
    ]
