"""Points on curves in the plane, whose places along the curves are random."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite.catalog.curves import Circles, Curves, Moons, Spirals
from suite.catalog.dotted import load
from suite.nets.streams import block_size, draw_in_blocks

_Places = NDArray[np.float64]
"""Uniform numbers between 0 and 1 that say where on its curve each point is, (replicates, points)."""

_Numbers = NDArray[np.int64]
"""The numbers of the points in their set, (points,). Those of even number are of class 0, the others of class 1."""


def spirals(places: _Places, numbers: _Numbers, task: Spirals) -> NDArray[np.float64]:
    """Return points (replicates, 2, points) of two spirals, each the other's reflection in the origin.

    Source: Lang & Witbrock 1988, Learning to tell two spirals apart.
    """
    radius, angle = (1 + 12 * places) / 13, 2 * np.pi * task.turns * places
    return (1 - 2 * (numbers % 2)) * _at(radius, angle)


def circles(places: _Places, numbers: _Numbers, task: Circles) -> NDArray[np.float64]:
    """Return points (replicates, 2, points) of concentric circles; class 0 has the outermost, the third and so on."""
    classes = numbers % 2
    own = (task.rings + 1 - classes) // 2  # number of circles of the class
    ring = task.rings - classes - 2 * (numbers // 2 % own)
    return _at(ring / task.rings, 2 * np.pi * places)


def moons(places: _Places, numbers: _Numbers, task: Moons) -> NDArray[np.float64]:
    """Return points (replicates, 2, points) of two half circles, each the other's reflection in the origin."""
    first: NDArray[np.float64] = _at(1.0, np.pi * places) - np.array([[1 / 2], [1 / 4]])
    return (1 - 2 * (numbers % 2)) * first


def _at(radius: float | NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points (replicates, 2, points) in Cartesian coordinates."""
    points: NDArray[np.float64] = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return points


def draw_on_curves(task: Curves, seed: int, start: int, stop: int, number: int) -> tuple[Tensor, Tensor]:
    """Draw the first `number` points of the three sets on the task's curves, and their labels.

    The places, the noise and the wrong labels have streams of their own. Tasks that differ in other keys than the sizes
    therefore have points at the same places, and a smaller `label_noise` changes fewer of the same labels.

    Args:
        task: The task.
        seed: Seed of the study.
        start: First replicate.
        stop: One past the last replicate.
        number: Number of points, at least those of the training set.

    Returns:
        Inputs (replicates, 2, points) and labels 0 and 1 (replicates, 1, points).
    """
    sizes, function = task.points, load(task.function)
    train, points = sizes[0], sum(sizes)
    numbers = np.concatenate([np.arange(size) for size in sizes])[:number]

    def place(generator: np.random.Generator, replicates: int) -> Tensor:
        return torch.from_numpy(function(generator.random((replicates, points))[:, :number], numbers, task))

    def disturb(generator: np.random.Generator, replicates: int) -> Tensor:
        return torch.from_numpy(generator.standard_normal((replicates, 2, points))[..., :number])

    def mislabel(generator: np.random.Generator, replicates: int) -> Tensor:
        return torch.from_numpy(generator.random((replicates, 1, train)) < task.label_noise)

    purpose: dict[str, Any] = {"data": task.name, "sizes": sizes}
    size = block_size(2 * points)
    inputs = draw_in_blocks(place, seed, {**purpose, "part": "places"}, start, stop, size)
    if task.noise > 0:
        inputs = inputs + task.noise * draw_in_blocks(disturb, seed, {**purpose, "part": "noise"}, start, stop, size)
    labels = torch.from_numpy(numbers % 2).float().repeat(stop - start, 1, 1)
    if task.label_noise > 0:
        wrong = draw_in_blocks(mislabel, seed, {**purpose, "part": "labels"}, start, stop, size)
        labels[..., :train] = (labels[..., :train] - wrong.float()).abs()
    return inputs.float(), labels
