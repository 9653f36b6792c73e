"""Losses of many networks at once, with their gradients with respect to the outputs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax


@dataclass(frozen=True)
class Loss:
    """A loss, which is a mean over points.

    Attributes:
        name: Name by which tasks choose it.
        value: Maps (outputs, labels), both of shape (draws, outputs, points), to one loss per network.
        gradient: Maps (outputs, labels) to the gradient of the loss with respect to the outputs.
    """

    name: str
    value: Callable[[Tensor, Tensor], Tensor]
    gradient: Callable[[Tensor, Tensor], Tensor]


def _binary_cross_entropy(outputs: Float[Tensor, "draws outputs points"], labels: Tensor) -> Float[Tensor, " draws"]:
    return binary_cross_entropy_with_logits(outputs, labels, reduction="none").mean((1, 2))


def _binary_cross_entropy_gradient(outputs: Tensor, labels: Tensor) -> Tensor:
    return torch.sigmoid(outputs).sub_(labels).div_(outputs[0].numel())


def _cross_entropy(outputs: Float[Tensor, "draws classes points"], labels: Tensor) -> Float[Tensor, " draws"]:
    return -(labels * log_softmax(outputs, dim=1)).sum(dim=1).mean(dim=1)


def _cross_entropy_gradient(outputs: Tensor, labels: Tensor) -> Tensor:
    return torch.softmax(outputs, dim=1).sub_(labels).div_(outputs.shape[2])


def _half_square(outputs: Tensor, labels: Tensor) -> Tensor:
    return ((outputs - labels) ** 2).mean((1, 2)) / 2


def _half_square_gradient(outputs: Tensor, labels: Tensor) -> Tensor:
    return (outputs - labels) / outputs[0].numel()


BINARY_CROSS_ENTROPY = Loss("binary_cross_entropy", _binary_cross_entropy, _binary_cross_entropy_gradient)
"""Cross-entropy of logits and labels 0 and 1, in nats, averaged over points and outputs."""

CROSS_ENTROPY = Loss("cross_entropy", _cross_entropy, _cross_entropy_gradient)
"""Cross-entropy of logits, one output per class, and one-hot labels, in nats, averaged over points."""

HALF_SQUARE = Loss("half_square", _half_square, _half_square_gradient)
"""Half the mean squared error over points and outputs. With labels of 0 it is mean f^2 / 2."""

LOSSES: dict[str, Loss] = {loss.name: loss for loss in (BINARY_CROSS_ENTROPY, CROSS_ENTROPY, HALF_SQUARE)}


class LossAt(NamedTuple):
    """A loss with the points and labels at which it is evaluated.

    Attributes:
        loss: The loss.
        points: Points, separate for each draw or shared by all.
        labels: One label per point and output, separate for each draw or shared by all.
    """

    loss: Loss
    points: Float[Tensor, "*draws inputs points"]
    labels: Float[Tensor, "*draws outputs points"]

    def of_each(self, draws: int) -> "LossAt":
        """Return the same loss with its points and labels expanded to the given number of draws."""
        points, labels = (some.expand(draws, *some.shape[-2:]) for some in (self.points, self.labels))
        return LossAt(self.loss, points, labels)
