"""Losses of many networks at once: one number a network, its gradient by the outputs, and where it is taken."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax


@dataclass(frozen=True)
class Loss:
    """A mean over points.

    Attributes:
        value: (outputs, labels) -> one loss a network; both (draws, outputs, points).
        gradient: (outputs, labels) -> the loss's gradient by the outputs.
    """

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


BINARY_CROSS_ENTROPY = Loss(_binary_cross_entropy, _binary_cross_entropy_gradient)
"""Of labels 0 and 1 against logits, in nats; the mean over outputs too."""

CROSS_ENTROPY = Loss(_cross_entropy, _cross_entropy_gradient)
"""Of one-hot labels against the softmax of the outputs, one a class, in nats."""

HALF_SQUARE = Loss(_half_square, _half_square_gradient)
"""Half the mean squared error, over outputs too; with labels of 0, mean f^2 / 2."""

LOSSES: dict[str, Loss] = {
    "binary_cross_entropy": BINARY_CROSS_ENTROPY,
    "cross_entropy": CROSS_ENTROPY,
    "half_square": HALF_SQUARE,
}


class LossAt(NamedTuple):
    """A loss with the points it is taken over.

    Attributes:
        loss: one number a network.
        points: of each draw, or shared by all.
        labels: one a point and output, of each draw or shared.
    """

    loss: Loss
    points: Float[Tensor, "*draws inputs points"]
    labels: Float[Tensor, "*draws outputs points"]

    def of_each(self, draws: int) -> "LossAt":
        """The same with points and labels for each of so many draws."""
        points, labels = (some.expand(draws, *some.shape[-2:]) for some in (self.points, self.labels))
        return LossAt(self.loss, points, labels)
