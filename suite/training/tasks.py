"""The training tasks' data: every replicate has its own, and all members share them."""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import one_hot

from suite.catalog.dotted import load
from suite.catalog.tasks import AbsoluteValue, Checkerboard, Task, TwoKinks
from suite.nets.losses import LOSSES, Loss
from suite.nets.streams import block_size, draw_in_blocks

PIXEL_MEAN = 4.884164579855314
"""Over all pixels of all 1,797 digits, whose grey levels are 0 to 16."""

PIXEL_DEVIATION = 6.016787548672236
"""Standard deviation over the same."""


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

    def repeat(self, times: int) -> "Points":
        """All replicates' sets, so many times one after the other."""
        return Points(self.inputs.repeat(times, 1, 1), self.labels.repeat(times, 1, 1))


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

    def repeat(self, times: int) -> "Data":
        """All replicates' data, so many times one after the other."""
        parts = (part.repeat(times) for part in (self.train, self.validation, self.test))
        return Data(self.seed, self.loss, *parts)


def checkerboard(
    points: Float[Tensor, "replicates 2 points"], task: Checkerboard
) -> Float[Tensor, "replicates 1 points"]:
    """Labels 0 and 1 of a board of k by k squares on [-1, 1]^2, 0 in the corner at (-1, -1).

    Source: Yu & Zhang 2021, arXiv:2105.08911.
    """
    places = torch.floor((points + 1) * (task.squares / 2))
    return places.sum(dim=1, keepdim=True) % 2


def absolute_value(
    points: Float[Tensor, "replicates 1 points"], task: AbsoluteValue
) -> Float[Tensor, "replicates 1 points"]:
    """The points' distances from 0.

    Source: Shin & Karniadakis 2019, arXiv:1907.09696.
    """
    return points.abs()


def two_kinks(points: Float[Tensor, "replicates 1 points"], task: TwoKinks) -> Float[Tensor, "replicates 1 points"]:
    """The absolute value up to x = 1, from there a line down to 0 at sqrt 3.

    Source: Shin & Karniadakis 2019, arXiv:1907.09696.
    """
    return points.abs() - sqrt(3) / (sqrt(3) - 1) * (points - 1).clamp(min=0)


@lru_cache(maxsize=1)
def digits() -> tuple[Float[Tensor, "64 images"], Float[Tensor, "10 images"]]:
    """All images and their labels: pixels of mean 0 and mean square 1 over the whole set; digits one-hot.

    Source: Alpaydin & Kaynak 1998, the test part of their optical recognition of handwritten digits, as
    scikit-learn bundles it.
    """
    from sklearn.datasets import load_digits  # noqa: PLC0415  # slow to load, and the other tasks do without

    grey, shown = load_digits(return_X_y=True)
    pixels = torch.from_numpy((grey - PIXEL_MEAN) / PIXEL_DEVIATION)
    return pixels.T.float(), one_hot(torch.from_numpy(shown).long()).T.float()


def make_data(
    task: Task, seed: int, start: int, stop: int, dtype: torch.dtype = torch.float32, judged: bool = True
) -> Data:
    """The data of replicates start .. stop: three separate sets each.

    Points are uniform in the task's box. Where there is a limited number of them, each replicate puts all in a
    random order and takes the train set from its front, the others from its back: tasks that differ in `train`
    alone are judged on the same points.

    Args:
        task: the problem and the sizes of its sets.
        seed: the study's.
        start: first replicate.
        stop: one past the last.
        dtype: of points and labels; both are decided in float32, so that precisions agree on them.
        judged: whether validation and test sets are made; else they are empty, which saves most of the time, and the
            training sets are the same.

    Raises:
        ValueError: the sets take more points than there are.
    """
    sizes = task.points if judged else (task.train, 0, 0)
    inputs, labels = (_uniform if task.available is None else _chosen)(task, seed, start, stop, sum(sizes))
    parts = [
        Points(points.to(dtype).contiguous(), marks.to(dtype).contiguous())
        for points, marks in zip(inputs.split(sizes, dim=2), labels.split(sizes, dim=2), strict=True)
    ]
    return Data(seed, LOSSES[task.loss], *parts)


def _uniform(task: Task, seed: int, start: int, stop: int, number: int) -> tuple[Tensor, Tensor]:
    """The first so many points of the task's box and their labels, the three sets in a row."""
    sizes, half_width = task.points, task.half_width
    assert half_width is not None

    def draw(generator: np.random.Generator, replicates: int) -> Tensor:
        unit = generator.random((replicates, task.inputs, sum(sizes)), dtype=np.float32)[..., :number]
        return half_width * torch.from_numpy(2 * unit - 1)

    purpose: dict[str, Any] = {"data": task.name, "sizes": sizes, "inputs": task.inputs}
    inputs = draw_in_blocks(draw, seed, purpose, start, stop, block_size(task.inputs * sum(sizes)))
    return inputs, load(task.function)(inputs, task)


def _chosen(task: Task, seed: int, start: int, stop: int, number: int) -> tuple[Tensor, Tensor]:
    """So many of the task's points and their labels, the three sets in a row, no point twice in a replicate."""
    available, asked = task.available, sum(task.points)
    assert available is not None
    if asked > available:
        raise ValueError(f"{task.name} has {available:,} points, the sets take {asked:,}; make them smaller")

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
