"""What a spec may set of each measure."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from suite.catalog.limits import MOST, Count, Size
from suite.catalog.optimizers import Optimizer, Optimizers
from suite.catalog.precision import Precise
from suite.catalog.settings import Axis, Settings
from suite.catalog.tasks import Task, Tasks

REPLICATES_A_CELL = 64
"""Replicates are trained, and kept, in blocks of so many."""

Draws = Annotated[Count, Field(description="random networks a member")]
Arithmetic = Annotated[
    Literal["float64", "float32"],
    Field(description="of the forward pass; third differences of float32 drown in rounding when nets are deep"),
]


class NoSettings(Settings):
    """A measure with nothing to set."""


class OnTheDomain(Settings):
    """Settings of a measure over sample points of the domain: a grid, or random lines above two inputs."""

    draws: Draws
    step: float | None = Field(
        default=None, gt=0, description="spacing of the points; v3's step, or a 32nd of the domain's side"
    )
    lines: Count = Field(
        default=64, description="random lines through a box of more than two inputs; stencils in a ball by them"
    )


class InFloats(OnTheDomain):
    """Settings of such a measure that may be taken in either precision of floating-point numbers."""

    dtype: Arithmetic = "float64"


class V3Settings(InFloats, Precise):
    """Settings of the variability V3."""

    draws: Draws = 256


class V3LimitSettings(OnTheDomain):
    """Settings of V3's limit."""

    draws: Draws = 256


class CollapseSettings(InFloats, Precise):
    """Settings of Collapse to Constant."""

    draws: Draws = 1024
    threshold: float = Field(default=0.1, gt=0, lt=1, description="tau, the share of its scale a constant may vary")


class GradientsSettings(InFloats, Precise):
    """Settings of the gradients at initialisation; the domain's points serve where nothing is trained."""

    draws: Draws = 256


MOST_SCORED = 10_000
"""Points of a zero-cost score, some of which hold kernels of points by points."""


FEWEST_CORRELATED = 3
"""Inputs that gradients correlate by: of two, centred, the correlation is 1 or -1 always; of one there is none."""


class ScoreSettings(InFloats, Precise):
    """Settings of a zero-cost score: on a batch of training points, or of the domain's where nothing is trained."""

    draws: Draws = 256
    points: int = Field(
        default=64,
        ge=2,
        le=MOST_SCORED,
        description="points that it looks at, at most: the first of the training set, or even ones of the domain's",
    )


class SynflowSettings(Precise):
    """Settings of SynFlow, which looks at weights alone."""

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
    steps: Count = Field(description="optimiser steps")
    replicates: Count = Field(description="networks trained a member, each on data of its own")
    success: float = Field(default=0.9, gt=0, le=1, description="test accuracy that counts as success")
    max_error: float | None = Field(
        default=None,
        gt=0,
        description="of regressions, the test error up to which is success; the task's own unless given",
    )

    @property
    def draws(self) -> int:
        """Replicate i is draw i of the member."""
        return self.replicates


class DeadNeuronsSettings(InFloats, Precise):
    """Settings of dead neurons; the domain's points serve where death cannot be decided exactly."""

    draws: Draws = 1024


class TrainabilitySettings(InFloats, Precise):
    """Settings of trainability, which counts dead neurons."""

    draws: Draws = 1024


InputVariance = Annotated[
    Size | None,
    Field(description="|x|^2 / n_0 of the inputs; the fixed point q* unless given, or 1 where there is none"),
]


class CorrelationSettings(Precise):
    """Settings of the correlation of two inputs, layer after layer."""

    draws: Draws = 256
    cosine: float = Field(default=0.5, ge=-1, le=1, description="c_0, of the two inputs")
    input_variance: InputVariance = None


class JacobianSettings(Precise):
    """Settings of the Jacobian's moments."""

    draws: Draws = 64
    input_variance: InputVariance = None


def _in_order(layers: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(layers))


Layers = Annotated[Axis[Count], AfterValidator(_in_order)]


class FeatureDiversitySettings(Settings):
    """Settings of feature diversity, which is looked at while [measure.accuracy] trains."""

    layers: Layers | None = Field(
        default=None, description="hidden layers whose features are compared; the last one unless given"
    )
    points: int = Field(default=500, ge=2, le=MOST, description="training points, at most, whose features are compared")


class RevivalSettings(Settings):
    """Settings of revivals, which are looked at while [measure.accuracy] trains."""


class LandscapeSettings(InFloats):
    """Settings of the landscapes, which every study of two inputs keeps for its report."""

    draws: Draws = 3
