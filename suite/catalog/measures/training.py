"""Training, and the measures that observe it."""

from collections.abc import Iterator
from itertools import product
from math import inf
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from suite.catalog.checks import Asked, Problem
from suite.catalog.limits import MOST, Count
from suite.catalog.measure import COSINE, POSITIVE, SHARE, Measure, Quantity, Shape
from suite.catalog.optimizers import Optimizer, Optimizers
from suite.catalog.settings import Axis, Settings
from suite.catalog.task import DrawnTask, Task
from suite.catalog.tasks import Tasks


def recorded_steps(steps: int) -> list[int]:
    """Return the recorded steps: 0, steps that grow by a factor of about sqrt(2), and the last."""
    return _growing(steps, 2)


def fine_steps(steps: int) -> list[int]:
    """Return the steps at which times to events are determined, which include the recorded steps.

    They are 0, steps that grow by a factor of about 2^(1/8), and the last.
    """
    return _growing(steps, 8)


def pictured_steps(steps: int) -> list[int]:
    """Return the recorded steps at which landscapes are stored: 0, up to three in between, and the last.

    Those in between are the nearest to 1/64, 1/16 and 1/4 of all steps, if they differ.
    """
    recorded = recorded_steps(steps)
    return sorted(
        {min(recorded, key=lambda step: abs(step - steps * share)) for share in (0, 1 / 64, 1 / 16, 1 / 4, 1)}
    )


def _growing(steps: int, doubling: int) -> list[int]:
    """Return 0, powers of 2^(1/doubling) rounded to whole steps, and the last step."""
    grown = {round(2 ** (power / doubling)) for power in range(doubling * steps.bit_length())}
    return sorted({0, steps} | {step for step in grown if step < steps})


DIVERGED = "diverged"
"""The quantity that is 1 for each network whose training diverged. Such a network has no other values of training."""

REPLICATES_A_CELL = 64
"""Number of replicates that are trained together in one cell."""


class AccuracySettings(Settings):
    """Settings of training."""

    if TYPE_CHECKING:  # type checkers cannot follow types that are created at run time
        task: tuple[Task, ...]
        optimizer: tuple[Optimizer, ...]
    else:
        task: Tasks = Field(description="the training task, with the sizes of its data sets")
        optimizer: Optimizers = Field(
            description="the optimizer; validation chooses among several learning rates, other lists are axes"
        )
    steps: Count = Field(description="number of optimizer steps")
    replicates: Count = Field(description="number of networks trained per member, each on its own data")
    success: float = Field(default=0.9, gt=0, le=1, description="minimum test accuracy that counts as success")
    max_error: float | None = Field(
        default=None,
        gt=0,
        description="for regressions, the maximum test error that counts as success; default: that of the task",
    )

    @property
    def draws(self) -> int:
        """The number of draws, which is that of replicates: replicate i is draw i of the member."""
        return self.replicates


def _cost(shape: Shape, settings: AccuracySettings) -> float:
    return 3.0 * shape.parameters * len(settings.optimizer) * settings.steps * settings.optimizer[0].batch


def _memory(shape: Shape, settings: AccuracySettings) -> int:
    buffers = 2 if shape.plain else 4
    held = buffers * sum(shape.widths[1:]) * settings.optimizer[0].batch + 5 * shape.parameters
    if shape.normalization == "batch":  # networks are evaluated on all points at once
        held += 2 * max(shape.widths) * shape.task_points
    return held


def _check(asked: Asked, settings: AccuracySettings) -> Iterator[Problem]:
    for task, optimizer in product(settings.task, settings.optimizer):
        yield from _check_task(asked, task)
        yield from _check_optimizer(asked, task, optimizer)
    for optimizer in settings.optimizer:
        yield from _check_schedule(optimizer, settings.steps)
    if settings.max_error is not None and not any(task.regression for task in settings.task):
        yield Problem("max_error applies only to regression tasks", "remove the key", ("max_error",), fatal=False)
    if "success" in settings.model_fields_set and all(task.regression for task in settings.task):
        message = "success applies only to tasks with classes"
        yield Problem(message, "remove the key, or set max_error", ("success",), fatal=False)


def _check_task(asked: Asked, task: Task) -> Iterator[Problem]:
    for network in asked.networks:
        if (network.widths[0], network.widths[-1]) != (task.inputs, task.outputs):
            yield Problem(
                f"{task.label} requires networks with inputs = {task.inputs} and outputs = {task.outputs}, "
                f"the family has inputs = {network.widths[0]} and outputs = {network.widths[-1]}",
                "change the family or the task",
                ("task", "name"),
            )
    if isinstance(task, DrawnTask) and task.available is not None and sum(task.points) > task.available:
        train, validation, test = task.points
        yield Problem(
            f"{task.name} has {task.available:,} samples, fewer than train + validation + test = "
            f"{train:,} + {validation:,} + {test:,}",
            "use fewer",
            ("task", "train"),
        )


def _check_optimizer(asked: Asked, task: Task, optimizer: Optimizer) -> Iterator[Problem]:
    train, _, _ = task.points
    if optimizer.batch > train:
        yield Problem(
            f"batch = {optimizer.batch} is larger than the training set of {train:,} points",
            "use a smaller batch, or more training points",
            ("optimizer", "batch"),
        )
    if optimizer.batch == 1 and any(network.normalization == "batch" for network in asked.networks):
        yield Problem(
            "batch normalization is constant for a batch of one point",
            "raise batch, or remove the normalization",
            ("optimizer", "batch"),
        )


def _check_schedule(optimizer: Optimizer, steps: int) -> Iterator[Problem]:
    """Yield a warning if the training ends before the learning rate has its value, or before the cosine starts."""
    if optimizer.warmup > steps:
        message = f"warmup = {optimizer.warmup:,} exceeds steps = {steps:,}; learning_rate is never reached"
    elif optimizer.warmup == steps and optimizer.schedule != "constant":
        message = f"warmup = {optimizer.warmup:,} leaves no step for schedule = {optimizer.schedule}"
    else:
        return
    yield Problem(message, "use a shorter warmup, or more steps", ("optimizer", "warmup"), fatal=False)


ACCURACY = Measure(
    "suite.training.accuracy:Accuracy",
    AccuracySettings,
    inputs="training",
    quantities={
        "train_loss": Quantity(
            "loss on the training set: cross-entropy, or half the mean squared error",
            index=("step",),
            sign=-1,
            limits=POSITIVE,
        ),
        "train_accuracy": Quantity("accuracy on the training set", index=("step",), limits=SHARE),
        "validation_accuracy": Quantity(
            "accuracy on the validation set", index=("step",), selects_rate=True, limits=SHARE
        ),
        "test_accuracy": Quantity("accuracy on the test set", index=("step",), limits=SHARE),
        "validation_error": Quantity(
            "mean squared error on the validation set (regressions)",
            index=("step",),
            sign=-1,
            selects_rate=True,
            limits=POSITIVE,
        ),
        "test_error": Quantity(
            "mean squared error on the test set (regressions)", index=("step",), sign=-1, limits=POSITIVE
        ),
        "validation_r2": Quantity(
            "R^2 on the validation set (regressions on data files)", index=("step",), limits=(-inf, 1.0)
        ),
        "test_r2": Quantity(
            "R^2 on the test set (regressions on data files): 1 - squared error / variance of its labels, mean over "
            "outputs",
            index=("step",),
            limits=(-inf, 1.0),
        ),
        "success": Quantity(
            "test_accuracy >= success, or for regressions test_error <= max_error, after the last step; 0 if diverged",
            "frequency",
        ),
        "steps_to_success": Quantity(
            "first recorded step that reaches the threshold, even if later steps do not", "time", sign=-1
        ),
        DIVERGED: Quantity(
            "an output, loss or parameter is not finite, or the last loss exceeds ten times the first",
            "frequency",
            sign=-1,
        ),
    },
    version=4,
    summary="training: loss and accuracy during training, success, steps to success, and divergence",
    source="Yu & Zhang 2021",
    cost=_cost,
    memory=_memory,
    checks=_check,
    layerwise=False,
    cell_draws=REPLICATES_A_CELL,
    draws_key="replicates",
)


def _in_order(layers: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(layers))


class FeatureDiversitySettings(Settings):
    """Settings of feature diversity, which is measured during the training of [measure.accuracy]."""

    layers: Annotated[Axis[Count], AfterValidator(_in_order)] | None = Field(
        default=None, description="hidden layers whose features are compared; default: the last one"
    )
    points: int = Field(
        default=500, ge=2, le=MOST, description="maximum number of training points whose features are compared"
    )


def _chosen_layers(depth: int, settings: FeatureDiversitySettings) -> tuple[int, ...]:
    return settings.layers or (depth,)


def _check_features(asked: Asked, settings: FeatureDiversitySettings) -> Iterator[Problem]:
    if asked.training is None:
        return
    shallowest = min((network.depth for network in asked.networks), default=0)
    if settings.layers and asked.networks and max(settings.layers) > shallowest:
        yield Problem(
            f"there is no hidden layer {max(settings.layers)} in networks of depth {shallowest}",
            "use layers that all members have",
            ("layers",),
        )
    for task in asked.training.task:
        if task.regression:
            yield Problem(
                f"feature_diversity requires a task with classes, {task.label} is a regression",
                "use a task with classes, or remove the measure",
            )


FEATURE_DIVERSITY = Measure(
    "suite.training.features:FeatureDiversity",
    FeatureDiversitySettings,
    inputs="training",
    quantities={
        "feature_cosine": Quantity(
            "mean cosine of features over pairs of samples",
            index=("layer", "step"),
            layers=_chosen_layers,
            limits=COSINE,
        ),
        "feature_cosine_within": Quantity(
            "mean cosine of features over pairs of samples of one class",
            index=("layer", "step"),
            layers=_chosen_layers,
            limits=COSINE,
        ),
        "feature_cosine_between": Quantity(
            "mean cosine of features over pairs of samples of two classes",
            index=("layer", "step"),
            layers=_chosen_layers,
            limits=COSINE,
        ),
        "feature_change_phase1": Quantity(
            "change of feature_cosine in phase 1, per network",
            index=("layer",),
            layers=_chosen_layers,
            limits=(-2.0, 2.0),
        ),
        "feature_change_phase2": Quantity(
            "change of feature_cosine after phase 1, for networks that left phase 1",
            index=("layer",),
            layers=_chosen_layers,
            limits=(-2.0, 2.0),
        ),
        "leading_share": Quantity(
            "share of a layer's weight change in its leading direction, sigma_1^2 / |W_t - W_0|_F^2",
            index=("layer", "step"),
            layers=_chosen_layers,
            limits=SHARE,
        ),
        "phase1_steps": Quantity("first step at which the training loss is below 0.9 of its chance level", "time"),
    },
    version=4,
    summary="similarity of the samples' features during training, and the end of phase 1",
    source="Liu et al. 2021",
    checks=_check_features,
)


class RevivalSettings(Settings):
    """Settings of revival, which is measured during the training of [measure.accuracy]."""


REVIVAL = Measure(
    "suite.training.revival:Revival",
    RevivalSettings,
    inputs="training",
    quantities={
        "revivable": Quantity(
            "number of tentatively dead neurons at the start, on the training points", limits=POSITIVE
        ),
        "revived": Quantity(
            "number of tentatively dead neurons at the start that are active at a step",
            index=("step",),
            limits=POSITIVE,
        ),
        "revived_permanent": Quantity(
            "number of permanently dead neurons at the start that are active at a step",
            index=("step",),
            limits=POSITIVE,
        ),
    },
    version=2,
    summary="dead neurons that become active again during training",
    source="Shin & Karniadakis 2019",
    plain=True,
)


class UnitActivitySettings(Settings):
    """Settings of unit activity, which is measured during the training of [measure.accuracy]."""

    dormant_threshold: float = Field(
        default=0.025,
        ge=0,
        lt=1,
        description="tau, the maximum mean |h| of a dormant unit, relative to the layer's average",
    )
    saturation_margin: float = Field(
        default=0.1,
        gt=0,
        lt=0.5,
        description="distance from a bound of the activation, relative to that of its bounds, of saturated values",
    )


def _check_activity(asked: Asked, settings: UnitActivitySettings) -> Iterator[Problem]:
    bounded = any(network.activation.bounds for network in asked.networks)
    if "saturation_margin" in settings.model_fields_set and asked.networks and not bounded:
        yield Problem(
            "saturation_margin applies only to increasing activations with two bounds, such as tanh and sigmoid",
            "remove the key",
            ("saturation_margin",),
            fatal=False,
        )


UNIT_ACTIVITY = Measure(
    "suite.training.activity:UnitActivity",
    UnitActivitySettings,
    inputs="training",
    quantities={
        "dead_share": Quantity(
            "share of units whose activation is the same at all training points",
            index=("layer", "step"),
            sign=-1,
            limits=SHARE,
        ),
        "dormant_share": Quantity(
            "share of units whose mean |activation| is at most dormant_threshold times the layer's average",
            index=("layer", "step"),
            sign=-1,
            limits=SHARE,
        ),
        "saturated_share": Quantity(
            "share of activations within saturation_margin of a bound (sigmoid, tanh, erf, htanh)",
            index=("layer", "step"),
            sign=-1,
            limits=SHARE,
        ),
    },
    version=1,
    summary="dead and dormant units and saturated activations, by layer during training",
    source="Sokar et al. 2023",
    checks=_check_activity,
)
