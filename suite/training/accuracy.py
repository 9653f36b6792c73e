"""Accuracy: loss, accuracy or error, and success of networks during training."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from suite.catalog.domain import GRID_INPUTS, INTERVALS, Box
from suite.catalog.measures.training import DIVERGED, AccuracySettings, pictured_steps, recorded_steps
from suite.catalog.task import Task
from suite.nets.ensemble import Ensemble
from suite.nets.losses import HALF_SQUARE, Loss
from suite.nets.sample import sample_domain
from suite.training.observer import TrainingSetup
from suite.training.tasks import Data


def outputs_on(
    ensemble: Ensemble, data: Data, others: Sequence[Float[Tensor, "... inputs _"]] = ()
) -> list[Float[Tensor, "networks outputs _"]]:
    """Compute the outputs on the training set and on other points.

    Batch normalization uses the statistics of the training set for all of them.

    Args:
        ensemble: The networks, each with its own data.
        data: Data of every network.
        others: Other sets of points, separate for each network or shared by all.

    Returns:
        The outputs on the training set, then those on each of `others`.
    """
    train = data.train.inputs
    if ensemble.normalization != "batch":
        return [ensemble(train), *(ensemble(points) for points in others)]
    parts = [train, *(points.expand(len(train), *points.shape[-2:]) for points in others)]
    together = ensemble(torch.cat(parts, dim=2), reference=train.shape[2])
    return list(together.split([part.shape[2] for part in parts], dim=2))


def train_loss(ensemble: Ensemble, data: Data) -> Float[Tensor, " networks"]:
    """Compute the loss over the whole training set."""
    return data.loss.value(ensemble(data.train.inputs), data.train.labels)


def accuracy_of(
    outputs: Float[Tensor, "networks outputs points"], labels: Float[Tensor, "networks outputs points"]
) -> Float[Tensor, " networks"]:
    """Compute the share of points that are classified correctly, as `is_right` says."""
    return is_right(outputs, labels).float().mean(1)


def is_right(
    outputs: Float[Tensor, "networks outputs points"], labels: Float[Tensor, "networks outputs points"]
) -> Bool[Tensor, "networks points"]:
    """Return whether each point is classified correctly.

    With one output, the class is 1 if the output is above 0. With several outputs, the class is that of the largest
    output. A point with an output that is not finite counts as wrong.
    """
    if outputs.shape[1] == 1:
        right = torch.where(labels > 0, outputs > 0, outputs <= 0)[:, 0]  # labels are 0 and 1
    else:
        right = outputs.argmax(1) == labels.argmax(1)
    return right & outputs.isfinite().all(1)


def score_points(
    outputs: Float[Tensor, "networks outputs points"], labels: Float[Tensor, "networks outputs points"], loss: Loss
) -> Float[Tensor, "networks points"]:
    """Return the score of each point, whose mean is the accuracy or, for regressions, R^2.

    A regression's score is 1 minus the squared error over the variance of the labels (1 if they are all the same),
    averaged over outputs. Points at which an output is not finite have the score 0, or -inf in a regression.
    """
    if loss is not HALF_SQUARE:
        return is_right(outputs, labels).double()
    variance = variance_of(labels).nan_to_num(1.0)[..., None]
    error = ((outputs.double() - labels.double()).square() / variance).mean(1)
    return torch.where(outputs.isfinite().all(1), 1 - error, -torch.inf)


def error_of(
    outputs: Float[Tensor, "networks outputs points"], labels: Float[Tensor, "networks outputs points"]
) -> Float[Tensor, " networks"]:
    """Compute the mean squared error over points and outputs."""
    return (outputs - labels).square().mean((1, 2))


def r2_of(
    outputs: Float[Tensor, "networks outputs points"], labels: Float[Tensor, "networks outputs points"]
) -> Float[Tensor, " networks"]:
    """Compute R^2: 1 - (mean squared error / variance of the labels over the same points), averaged over outputs.

    It is 1 for exact outputs and 0 for the mean of the labels, has no lower limit, and is nan if an output's labels are
    all the same. It is computed in float64, since the error may be small against the variance.
    """
    error = (outputs.double() - labels.double()).square().mean(2)
    return (1 - error / variance_of(labels)).mean(1).float()


def variance_of(labels: Float[Tensor, "networks outputs points"]) -> Float64[Tensor, "networks outputs"]:
    """Compute the variance of the labels over points; nan, rather than a rounding error, if they are all the same."""
    varies = labels.amin(2) < labels.amax(2)
    return torch.where(varies, labels.double().var(dim=2, correction=0), torch.nan)


_FINITE = "finite"
"""Record of whether the outputs, the training loss and the parameters are finite."""

_LARGEST_GROWTH = 10.0
"""Training diverged if the loss after the last step exceeds the loss at step 0 by more than this factor."""


class Accuracy:
    """Loss, accuracy or error, success and divergence of networks at geometrically spaced steps of training.

    Quantities per network and recorded step: `train_loss` (cross-entropy in nats, or half the mean squared error);
    for classification, `train_accuracy`, `validation_accuracy` and `test_accuracy`; for regression,
    `validation_error` and `test_error`, the mean squared errors, and for those on the rows of a file also
    `validation_r2` and `test_r2`, 1 minus the error over the variance of the set's own labels, averaged over outputs.
    Quantities per network: `diverged`, 1 if the training diverged, else 0; `success`, 1 if the training did not diverge
    and, after the last step, the test accuracy is at least the threshold or the test error is at most the threshold;
    `steps_to_success`, the first recorded step at which the threshold is reached by finite outputs, nan if there is
    none. A training that diverges later keeps that step. For drawn tasks with two inputs and one output,
    `landscape`: the outputs on a grid over the plane, by rows, at a few of the recorded steps.

    Training diverged if, at any recorded step, an output on the training, validation or test set, the training loss or
    a parameter is not finite, or if the training loss after the last step exceeds ten times that of step 0.
    `suite.training.observer.observe` removes the values of networks whose training diverged.

    Batch normalization uses the statistics of the whole training set.

    Source: Yu & Zhang 2021, arXiv:2105.08911; Shin & Karniadakis 2019, arXiv:1907.09696, for the error. The
    criterion of divergence is our operational definition.
    """

    def __init__(self, networks: Ensemble, setup: TrainingSetup, settings: AccuracySettings) -> None:
        self.setup, self.settings = setup, settings
        self.stops = recorded_steps(settings.steps)
        self.plane, self.pictured = _plane(setup.task, networks), pictured_steps(settings.steps)
        self.seen: dict[str, list[Tensor]] = {}

    def look(self, networks: Ensemble, step: int) -> None:
        """Record the current loss and scores of all networks, and at some steps their outputs on the plane."""
        found = self._scores(networks)
        if self.plane is not None and step in self.pictured:
            _, boards = outputs_on(networks, self.setup.data, [self.plane])
            found["landscape"] = boards[:, 0]
        for name, value in found.items():
            self.seen.setdefault(name, []).append(value)

    def readings(self) -> dict[str, Tensor]:
        """Return the quantities that the class documents."""
        found = {name: torch.stack(values, dim=-1) for name, values in self.seen.items()}
        task = self.setup.task
        if task.regression:
            threshold = task.error if self.settings.max_error is None else self.settings.max_error
            assert threshold is not None
            reached = found["test_error"] <= threshold
        else:
            reached = found["test_accuracy"] >= self.settings.success
        finite = found.pop(_FINITE)
        reached &= finite
        loss = found["train_loss"]
        diverged = ~finite.all(-1) | (loss[..., -1] > _LARGEST_GROWTH * loss[..., 0])
        first = torch.tensor(self.stops, dtype=torch.float32, device=reached.device)[reached.int().argmax(-1)]
        found["success"] = (reached[..., -1] & ~diverged).float()
        found["steps_to_success"] = torch.where(reached.any(-1), first, torch.nan)
        found[DIVERGED] = diverged.float()
        return found

    def _scores(self, networks: Ensemble) -> dict[str, Float[Tensor, " networks"]]:
        data = self.setup.data
        train, validation, test = outputs_on(networks, data, [data.validation.inputs, data.test.inputs])
        loss = {"train_loss": data.loss.value(train, data.train.labels)}
        outputs = torch.stack([part.isfinite().all(2).all(1) for part in (train, validation, test)]).all(0)
        loss[_FINITE] = outputs & loss["train_loss"].isfinite() & networks.parameters.isfinite().all(1)
        if self.setup.task.regression:
            loss |= {
                "validation_error": error_of(validation, data.validation.labels),
                "test_error": error_of(test, data.test.labels),
            }
            if self.setup.task.has_r2:
                loss |= {
                    "validation_r2": r2_of(validation, data.validation.labels),
                    "test_r2": r2_of(test, data.test.labels),
                }
            return loss
        return loss | {
            "train_accuracy": accuracy_of(train, data.train.labels),
            "validation_accuracy": accuracy_of(validation, data.validation.labels),
            "test_accuracy": accuracy_of(test, data.test.labels),
        }


def _plane(task: Task, networks: Ensemble) -> Float[Tensor, "inputs points"] | None:
    """Return a grid over the task's part of the plane, or None unless it has one, with two inputs and one output."""
    if task.inputs != GRID_INPUTS or task.plane is None or networks.widths[-1] > 1:
        return None
    sample = sample_domain(GRID_INPUTS, 2 * task.plane / INTERVALS, 0, 0, Box(half_width=task.plane))
    return sample.points().to(networks.parameters)
