"""The data of the training tasks. Every replicate has its own data, which all members share."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.curves import Curves
from suite.catalog.datasets import Dataset
from suite.catalog.dotted import load
from suite.catalog.task import DrawnTask, Task
from suite.catalog.tasks import AbsoluteValue, Checkerboard, TwoKinks
from suite.nets.losses import LOSSES, Loss
from suite.nets.streams import block_size, draw_in_blocks
from suite.training.curves import draw_on_curves
from suite.training.datasets import make_sets


@dataclass(frozen=True)
class Points:
    """Inputs and labels of one data set per replicate."""

    inputs: Float[Tensor, "replicates inputs points"]
    labels: Float[Tensor, "replicates outputs points"]

    def to(self, device: torch.device | str) -> "Points":
        """Return the same points on another device."""
        return Points(self.inputs.to(device), self.labels.to(device))

    def __getitem__(self, replicates: slice) -> "Points":
        """Return the sets of some replicates."""
        return Points(self.inputs[replicates], self.labels[replicates])

    def repeat(self, times: int) -> "Points":
        """Return the sets of all replicates, repeated one after the other; a single set takes no further memory."""
        if times == 1:
            return self
        if len(self.inputs) == 1:
            return Points(self.inputs.expand(times, -1, -1), self.labels.expand(times, -1, -1))
        return Points(self.inputs.repeat(times, 1, 1), self.labels.repeat(times, 1, 1))


@dataclass(frozen=True)
class Data:
    """Training, validation and test sets of the replicates.

    Attributes:
        seed: Seed of the study, which determines the order of batches.
        loss: Loss that training minimizes.
        train: Training sets.
        validation: Validation sets.
        test: Test sets.
    """

    seed: int
    loss: Loss
    train: Points
    validation: Points
    test: Points

    def to(self, device: torch.device | str) -> "Data":
        """Return the same data on another device."""
        parts = (part.to(device) for part in (self.train, self.validation, self.test))
        return Data(self.seed, self.loss, *parts)

    def __getitem__(self, replicates: slice) -> "Data":
        """Return the data of some replicates."""
        parts = (part[replicates] for part in (self.train, self.validation, self.test))
        return Data(self.seed, self.loss, *parts)

    def repeat(self, times: int) -> "Data":
        """Return the data of all replicates, repeated one after the other."""
        parts = (part.repeat(times) for part in (self.train, self.validation, self.test))
        return Data(self.seed, self.loss, *parts)


def checkerboard(
    points: Float[Tensor, "replicates 2 points"], task: Checkerboard
) -> Float[Tensor, "replicates 1 points"]:
    """Return labels 0 and 1 of a board of k by k squares on [-1, 1]^2, with 0 in the corner at (-1, -1).

    Source: Yu & Zhang 2021, arXiv:2105.08911.
    """
    places = torch.floor((points + 1) * (task.squares / 2))
    return places.sum(dim=1, keepdim=True) % 2


def absolute_value(
    points: Float[Tensor, "replicates 1 points"], task: AbsoluteValue
) -> Float[Tensor, "replicates 1 points"]:
    """Return the distance of each point from 0.

    Source: Shin & Karniadakis 2019, arXiv:1907.09696.
    """
    return points.abs()


def two_kinks(points: Float[Tensor, "replicates 1 points"], task: TwoKinks) -> Float[Tensor, "replicates 1 points"]:
    """Return the absolute value up to x = 1, and from there a line that falls to 0 at sqrt 3.

    Source: Shin & Karniadakis 2019, arXiv:1907.09696.
    """
    return points.abs() - sqrt(3) / (sqrt(3) - 1) * (points - 1).clamp(min=0)


def make_data(
    task: Task, seed: int, start: int, stop: int, dtype: torch.dtype = torch.float32, judged: bool = True
) -> Data:
    """Make the data of replicates start .. stop: three disjoint sets each.

    Points are uniform in the box of the task. If the task has a fixed data set instead, each replicate shuffles it and
    takes the training set from the front and the other sets from the back. Tasks that differ only in `train` therefore
    have the same validation and test sets. Points on curves are drawn by `suite.training.curves.draw_on_curves`, and
    the rows of a file are split by `suite.training.datasets.choose_rows`.

    Args:
        task: The problem and the sizes of its sets.
        seed: Seed of the study.
        start: First replicate.
        stop: One past the last replicate.
        dtype: Type of points and labels. Both are computed in float32 and converted, so that all types agree on them.
        judged: Whether to make validation and test sets. Without them, which saves most of the time, both are empty
            and the training sets are the same.

    Raises:
        ValueError: If the sets need more points than the task has.
    """
    sizes = task.points if judged else (task.points[0], 0, 0)
    if isinstance(task, Dataset):
        inputs, labels = make_sets(task, seed, start, stop, sum(sizes), dtype)
    else:
        assert isinstance(task, DrawnTask)
        where = seed, start, stop, sum(sizes)
        if isinstance(task, Curves):
            inputs, labels = draw_on_curves(task, *where)
        else:
            inputs, labels = (_uniform if task.available is None else _chosen)(task, *where)
    parts = [
        Points(points.to(dtype).contiguous(), marks.to(dtype).contiguous())
        for points, marks in zip(inputs.split(sizes, dim=2), labels.split(sizes, dim=2), strict=True)
    ]
    return Data(seed, LOSSES[task.loss], *parts)


def _uniform(task: DrawnTask, seed: int, start: int, stop: int, number: int) -> tuple[Tensor, Tensor]:
    """Draw the first `number` points of the three sets, uniform in the task's box, and their labels."""
    sizes, half_width = task.points, task.half_width
    assert half_width is not None

    def draw(generator: np.random.Generator, replicates: int) -> Tensor:
        unit = generator.random((replicates, task.inputs, sum(sizes)), dtype=np.float32)[..., :number]
        return half_width * torch.from_numpy(2 * unit - 1)

    purpose: dict[str, Any] = {"data": task.name, "sizes": sizes, "inputs": task.inputs}
    inputs = draw_in_blocks(draw, seed, purpose, start, stop, block_size(task.inputs * sum(sizes)))
    return inputs, load(task.function)(inputs, task)


def _chosen(task: DrawnTask, seed: int, start: int, stop: int, number: int) -> tuple[Tensor, Tensor]:
    """Choose the first `number` points of the three sets from the fixed data set, without repetition."""
    available, asked = task.available, sum(task.points)
    assert available is not None
    if asked > available:
        raise ValueError(f"{task.name} has {available:,} points, the sets need {asked:,}; reduce their sizes")

    def draw(generator: np.random.Generator, replicates: int) -> Tensor:
        order = np.broadcast_to(np.arange(available), (replicates, available))
        return torch.from_numpy(generator.permuted(order, axis=1))

    orders = draw_in_blocks(draw, seed, {"data": task.name}, start, stop, block_size(available))
    places = torch.cat([orders[:, : task.train], orders[:, available - (asked - task.train) :]], dim=1)[:, :number]
    inputs, labels = (
        everything.index_select(1, places.flatten()).unflatten(1, places.shape).transpose(0, 1)
        for everything in load(task.function)()
    )
    return inputs, labels
