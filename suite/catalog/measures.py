"""The measures a spec can ask for: settings, quantities and the function that computes each."""

from dataclasses import dataclass
from math import isclose
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from suite.catalog.optimizers import Optimizer, Optimizers
from suite.catalog.settings import Settings
from suite.catalog.tasks import Task, Tasks

DEFAULT_STEP = 0.0625
"""V3's step: 33 points a side on [-1, 1]."""

GRID_INPUTS = 2
"""Up to this many inputs a regular grid is affordable; random lines serve above."""


def intervals_of(step: float) -> int:
    """How many steps make the domain's side of 2."""
    return round(2 / step)


def _divides_the_side(step: float) -> float:
    intervals = intervals_of(step)
    # A third difference spans three steps.
    if intervals < 3 or not isclose(intervals * step, 2, rel_tol=1e-12):
        raise PydanticCustomError(
            "step",
            "{step} does not divide the domain's side of 2 into 3 steps or more; take 2/n, such as {cure}",
            {"step": f"{step:g}", "cure": f"{2 / max(3, intervals):.17g}"},
        )
    return step


Step = Annotated[float, Field(gt=0), AfterValidator(_divides_the_side)]
Draws = Annotated[int, Field(ge=1, description="random networks a member")]
Precision = Annotated[
    Literal["float64", "float32"],
    Field(description="of the forward pass; third differences of float32 drown in rounding when nets are deep"),
]


class NoSettings(Settings):
    """A measure with nothing to set."""


class OnTheDomain(Settings):
    """Settings of a measure over sample points of the domain: a grid, or random lines above two inputs."""

    draws: Draws
    step: Step | None = Field(default=None, description="spacing of the points; v3's step, or 0.0625")
    lines: int = Field(default=64, ge=1, description="random lines through the domain, above two inputs")
    dtype: Precision = "float64"


class V3Settings(OnTheDomain):
    """Settings of the variability V3."""

    draws: Draws = 256


class CollapseSettings(OnTheDomain):
    """Settings of Collapse to Constant."""

    draws: Draws = 1024
    threshold: float = Field(default=0.1, gt=0, lt=1, description="tau, the share of its scale a constant may vary")


class GradientsSettings(OnTheDomain):
    """Settings of the gradients at initialisation; the domain's points serve where nothing is trained."""

    draws: Draws = 256


class AccuracySettings(Settings):
    """Settings of training."""

    if TYPE_CHECKING:  # a checker cannot follow types that are made at run time
        task: tuple[Task, ...]
        optimizer: tuple[Optimizer, ...]
    else:
        task: Tasks = Field(description="what is learnt, and from how much data")
        optimizer: Optimizers = Field(
            description="how it is learnt; of learning rates the best is chosen by validation, other lists are axes"
        )
    steps: int = Field(ge=1, description="optimiser steps")
    replicates: int = Field(ge=1, description="networks trained a member, each on data of its own")
    success: float = Field(default=0.9, gt=0, le=1, description="test accuracy that counts as success")

    @property
    def draws(self) -> int:
        """Replicate i is draw i of the member."""
        return self.replicates


class LandscapeSettings(OnTheDomain):
    """Settings of the landscapes, which every study of two inputs keeps for its report."""

    draws: Draws = 3
    step: Step | None = DEFAULT_STEP


@dataclass(frozen=True)
class Measure:
    """How a spec's [measure.name] is computed.

    Attributes:
        function: dotted path, module:name.
        settings: what the spec may set.
        sees: what a network is evaluated on besides its weights.
        quantities: what it returns, in the order of the tables.
        version: raised whenever the numbers change, so that stored results are computed anew.
        summary: one line for `list`.
        source: where it is from.
    """

    function: str
    settings: type[Settings]
    sees: Literal["nothing", "domain", "loss", "data"]
    quantities: tuple[str, ...]
    version: int
    summary: str
    source: str


MEASURES: dict[str, Measure] = {
    "activation_ratio": Measure(
        "suite.measures.activation_ratio:activation_ratio",
        NoSettings,
        sees="nothing",
        quantities=("activation_ratio",),
        version=1,
        summary="hidden activations per parameter",
        source="Yu & Zhang 2021",
    ),
    "v3": Measure(
        "suite.measures.v3:v3",
        V3Settings,
        sees="domain",
        quantities=(
            "v3",
            "v3_over_rms",
            "v3_exact",
            "v3_floor",
            "slope_variation",
            "breakpoints",
        ),
        version=1,
        summary="variability: mean |third divided difference| of the output, with its exact companions",
        source="Yu & Zhang 2021",
    ),
    "collapse": Measure(
        "suite.measures.collapse:collapse",
        CollapseSettings,
        sees="domain",
        quantities=(
            "output_std",
            "output_rms",
            "collapsed_relative",
            "collapsed_absolute",
            "collapsed_exact",
            "collapse_by_death",
            "collapse_by_bias",
            "collapse_by_norm",
            "collapse_by_angle",
        ),
        version=1,
        summary="Collapse to Constant: how often a random network's output hardly varies, and which way",
        source="Yu & Zhang 2021",
    ),
    "gradients": Measure(
        "suite.measures.gradients:gradients",
        GradientsSettings,
        sees="loss",
        quantities=("input_gradient", "parameter_gradient"),
        version=1,
        summary="gradients of the training loss at initialisation, by the input and by each layer",
        source="Yu & Zhang 2021",
    ),
    "accuracy": Measure(
        "suite.training.accuracy:accuracy",
        AccuracySettings,
        sees="data",
        quantities=(
            "train_loss",
            "train_accuracy",
            "validation_accuracy",
            "test_accuracy",
            "success",
            "steps_to_success",
        ),
        version=1,
        summary="training: loss and accuracy on the way, success and the steps to it",
        source="Yu & Zhang 2021",
    ),
}

LANDSCAPE = Measure(
    "suite.measures.landscape:landscape",
    LandscapeSettings,
    sees="domain",
    quantities=(),
    version=1,
    summary="outputs of a few random networks on a grid of the domain",
    source="Yu & Zhang 2021",
)
"""Not for a spec to ask: it serves the report."""


def recorded_steps(steps: int) -> list[int]:
    """The steps at which training is looked at: 0, then growing by about sqrt(2), and the last."""
    doubled = {round(2 ** (power / 2)) for power in range(2 * steps.bit_length())}
    return sorted({0, steps} | {step for step in doubled if step < steps})
