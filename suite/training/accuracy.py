"""The measure of training: loss and accuracy on the way, success, and what was learned."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures import DEFAULT_STEP, GRID_INPUTS, AccuracySettings, recorded_steps
from suite.nets.ensemble import Ensemble
from suite.nets.sample import sample_domain
from suite.training.tasks import Data, Points
from suite.training.trainer import train


def accuracy(
    ensemble: Ensemble, domain: Data, settings: AccuracySettings
) -> dict[str, Float[Tensor, "rates draws ..."]]:
    """Trains each draw from its initial weights under every learning rate and records how it goes.

    Args:
        ensemble: one network a replicate, in float32.
        domain: the replicates' data.
        settings: optimisers alike but for the learning rate; steps; the accuracy that counts as success.

    Returns:
        First axis the learning rates, second the draws. With a last axis of recorded steps, which grow
        geometrically: `train_loss` (cross-entropy, nats), `train_accuracy`, `validation_accuracy`,
        `test_accuracy`. Without: `success`, 1 where the last test accuracy is at or above the threshold;
        `steps_to_success`, the first recorded step where it is, nan where none is; and for two inputs
        `landscape`, with a last axis of grid points: what the networks learned.

    Source: Yu & Zhang 2021, arXiv:2105.08911.
    """
    rates = len(settings.optimizer)
    replicas = ensemble[torch.arange(ensemble.draws).repeat(rates)]
    stops = recorded_steps(settings.steps)
    history: dict[str, list[Tensor]] = {}
    for _ in train(replicas, domain, settings.optimizer, stops):
        for name, value in _state(replicas, domain).items():
            history.setdefault(name, []).append(value.unflatten(0, (rates, -1)))
    readings = {name: torch.stack(values, dim=-1) for name, values in history.items()}
    reached = readings["test_accuracy"] >= settings.success
    first = torch.tensor(stops, dtype=torch.float32, device=reached.device)[reached.int().argmax(-1)]
    readings["success"] = reached[..., -1].float()
    readings["steps_to_success"] = torch.where(reached.any(-1), first, torch.nan)
    if ensemble.widths[0] == GRID_INPUTS:
        grid = sample_domain(GRID_INPUTS, DEFAULT_STEP, 0, 0).points().to(ensemble.parameters)
        readings["landscape"] = replicas(grid)[:, 0].unflatten(0, (rates, -1))
    return readings


def _state(ensemble: Ensemble, data: Data) -> dict[str, Float[Tensor, " networks"]]:
    """Loss and accuracies of all networks as they are now."""
    groups = ensemble.draws // data.train.inputs.shape[0]

    def outputs_and_labels(points: Points) -> tuple[Tensor, Tensor]:
        return ensemble(points.inputs.repeat(groups, 1, 1)), points.labels.repeat(groups, 1, 1)

    on_train = outputs_and_labels(data.train)
    return {
        "train_loss": data.loss.value(*on_train),
        "train_accuracy": _accuracy(*on_train),
        "validation_accuracy": _accuracy(*outputs_and_labels(data.validation)),
        "test_accuracy": _accuracy(*outputs_and_labels(data.test)),
    }


def _accuracy(
    outputs: Float[Tensor, "draws 1 points"], labels: Float[Tensor, "draws 1 points"]
) -> Float[Tensor, " draws"]:
    """Share of points on the right side; an output that is no number is on neither."""
    right = torch.where(labels > 0, outputs > 0, outputs <= 0)  # labels are 0 and 1
    return right.float().mean((1, 2))
