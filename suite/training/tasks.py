"""The training tasks' data: every replicate has its own, and all members share them."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.tasks import Checkerboard, Task
from suite.nets.losses import BINARY_CROSS_ENTROPY, Loss
from suite.nets.streams import block_size, draw_in_blocks


@dataclass(frozen=True)
class Points:
    """A data set of each replicate."""

    inputs: Float[Tensor, "replicates inputs points"]
    labels: Float[Tensor, "replicates outputs points"]

    def to(self, device: torch.device | str) -> "Points":
        """The same points on another device."""
        return Points(self.inputs.to(device), self.labels.to(device))

    def __getitem__(self, replicates: slice) -> "Points":
        """Some replicates' sets."""
        return Points(self.inputs[replicates], self.labels[replicates])


@dataclass(frozen=True)
class Data:
    """What the replicates are trained, chosen and judged on.

    Attributes:
        seed: the study's; the order of batches follows from it.
        loss: what training lowers.
    """

    seed: int
    loss: Loss
    train: Points
    validation: Points
    test: Points

    def to(self, device: torch.device | str) -> "Data":
        """The same data on another device."""
        parts = (part.to(device) for part in (self.train, self.validation, self.test))
        return Data(self.seed, self.loss, *parts)

    def __getitem__(self, replicates: slice) -> "Data":
        """Some replicates' data."""
        parts = (part[replicates] for part in (self.train, self.validation, self.test))
        return Data(self.seed, self.loss, *parts)


def checkerboard(
    points: Float[Tensor, "replicates 2 points"], task: Checkerboard
) -> Float[Tensor, "replicates 1 points"]:
    """Labels 0 and 1 of a board of k by k squares on [-1, 1]^2, 0 in the corner at (-1, -1).

    Source: Yu & Zhang 2021, arXiv:2105.08911.
    """
    places = torch.floor((points + 1) * (task.squares / 2))
    return places.sum(dim=1, keepdim=True) % 2


def make_data(task: Task, seed: int, start: int, stop: int, dtype: torch.dtype = torch.float32) -> Data:
    """The data of replicates start .. stop: points uniform on [-1, 1]^d, three separate sets.

    Args:
        task: the problem and the sizes of its sets.
        seed: the study's.
        start: first replicate.
        stop: one past the last.
        dtype: of points and labels; labels are decided in float32, so that precisions agree on them.
    """
    module, name = task.function.split(":")
    label: Callable[[Tensor, Task], Tensor] = getattr(import_module(module), name)
    sizes = task.points

    def draw(generator: np.random.Generator, replicates: int) -> Tensor:
        unit = generator.random((replicates, task.inputs, sum(sizes)), dtype=np.float32)
        return torch.from_numpy(2 * unit - 1)

    purpose: dict[str, Any] = {"data": task.name, "sizes": sizes, "inputs": task.inputs}
    inputs = draw_in_blocks(draw, seed, purpose, start, stop, block_size(task.inputs * sum(sizes)))
    labels = label(inputs, task)
    parts = [
        Points(points.to(dtype).contiguous(), marks.to(dtype).contiguous())
        for points, marks in zip(inputs.split(sizes, dim=2), labels.split(sizes, dim=2), strict=True)
    ]
    return Data(seed, BINARY_CROSS_ENTROPY, *parts)
