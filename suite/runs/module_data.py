"""Data that a user passes to `suite.measure`: points, and labels with a loss."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from suite.nets.arrays import read_numbers
from suite.nets.losses import LOSSES, LossAt


def read_points(data: Any) -> Float[Tensor, "inputs points"]:
    """Return points of shape (points, inputs), as an array, a tensor or a frame, as columns in float64.

    Raises:
        ValueError: If they are not finite numbers with two axes.
    """
    found = torch.from_numpy(read_numbers(data, "data"))
    if found.ndim != 2 or not found.numel():
        raise ValueError(f"data: expected shape (points, inputs), got {tuple(found.shape)}")
    return found.T.contiguous()


def read_loss(points: Tensor | None, labels: Any, loss: str | None, outputs: int) -> LossAt:
    """Return a loss with the points and labels.

    Args:
        points: Points, as columns.
        labels: Classes (points,), or labels or targets (points,) or (points, outputs).
        loss: The name of the loss.
        outputs: The number of outputs of the networks.

    Raises:
        ValueError: If there are no labels or no loss, or they do not suit the networks.
    """
    if points is None or labels is None or loss is None:
        raise ValueError("labels and loss belong together; pass both, or none")
    if not isinstance(loss, str) or loss not in LOSSES:
        raise ValueError(f"loss: expected one of {', '.join(LOSSES)}, got {loss!r}")
    number = points.shape[1]
    found = torch.from_numpy(read_numbers(labels, "labels"))
    if loss == "cross_entropy" and found.ndim == 1:
        if len(found) != number or bool((found != found.round()).any() | (found < 0).any() | (found >= outputs).any()):
            raise ValueError(f"labels: expected {number} classes from 0 to {outputs - 1}, one for each output")
        found = torch.nn.functional.one_hot(found.long(), outputs).double()
    found = found[:, None] if found.ndim == 1 else found
    if found.shape != (number, outputs):
        raise ValueError(f"labels: expected shape ({number}, {outputs}), got {tuple(found.shape)}")
    if loss != "half_square" and bool(((found < 0) | (found > 1)).any()):
        raise ValueError(f"labels: expected numbers from 0 to 1 for {loss}")
    return LossAt(LOSSES[loss], points, found.T.contiguous())
