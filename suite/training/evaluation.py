"""What networks make of their data: outputs with the right statistics, and how good they are."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from suite.nets.ensemble import Ensemble
from suite.training.tasks import Data


def outputs_on(
    ensemble: Ensemble, data: Data, others: Sequence[Float[Tensor, "... inputs _"]] = ()
) -> list[Float[Tensor, "networks outputs _"]]:
    """Outputs on the training set, then on other points; batch normalisation uses the training set's statistics.

    Args:
        ensemble: trained networks, each with data of its own.
        data: of every network.
        others: further points, of every network or shared.
    """
    train = data.train.inputs
    if ensemble.normalization != "batch":
        return [ensemble(train), *(ensemble(points) for points in others)]
    parts = [train, *(points.expand(len(train), *points.shape[-2:]) for points in others)]
    together = ensemble(torch.cat(parts, dim=2), reference=train.shape[2])
    return list(together.split([part.shape[2] for part in parts], dim=2))


def train_loss(ensemble: Ensemble, data: Data) -> Float[Tensor, " networks"]:
    """The loss over the whole training set."""
    return data.loss.value(ensemble(data.train.inputs), data.train.labels)


def accuracy_of(
    outputs: Float[Tensor, "networks outputs points"], labels: Float[Tensor, "networks outputs points"]
) -> Float[Tensor, " networks"]:
    """Share of points that are put into the right class; an output that is no number is in none."""
    if outputs.shape[1] == 1:
        right = torch.where(labels > 0, outputs > 0, outputs <= 0)[:, 0]  # labels are 0 and 1
    else:
        right = (outputs.argmax(1) == labels.argmax(1)) & outputs.isfinite().all(1)
    return right.float().mean(1)


def error_of(
    outputs: Float[Tensor, "networks outputs points"], labels: Float[Tensor, "networks outputs points"]
) -> Float[Tensor, " networks"]:
    """Mean squared error over points and outputs."""
    return (outputs - labels).square().mean((1, 2))
