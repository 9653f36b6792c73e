"""The sets of tasks whose points are the rows of a file: their splits, and the standardization of their columns."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite.catalog.datasets import Dataset, divide_classes
from suite.nets.streams import block_size, draw_in_blocks, stream
from suite.spec.data_files import read_rows
from suite.spec.table_checks import Rows

_VALUES_AT_A_TIME = 2**22
"""Number of values of the replicates that are standardized together."""


_Moments = tuple[Tensor, Tensor]
"""A mean and a standard deviation of each column."""


def choose_rows(task: Dataset, rows: Rows, seed: int, start: int, stop: int) -> NDArray[np.int64]:
    """Return the rows of the train, validation and test sets, one after the other, for each replicate.

    Every replicate shuffles the rows of each class, and takes those of the training set from the front and those of
    the test set from the back, with the same number of rows of each class in all replicates. With `fixed_test`, all
    replicates have the same test set. If a column of the file states the sets, all replicates have the same sets.

    Args:
        task: The task, whose file was read.
        rows: The rows of the file.
        seed: Seed of the study.
        start: First replicate.
        stop: One past the last replicate.

    Returns:
        Indices of rows, (replicates, points).
    """
    if rows.parts is not None:
        order = np.argsort(rows.parts, kind="stable")
        return np.broadcast_to(order, (stop - start, len(order)))
    classes = rows.labels if task.facts.classes else np.zeros(len(rows.labels), dtype=np.int64)
    members = [np.flatnonzero(classes == number) for number in range(int(classes.max()) + 1)]
    divided = divide_classes([len(own) for own in members], task.points)
    purpose: dict[str, Any] = {"split": task.facts.digest}
    if task.fixed_test:
        generator = stream(seed, test=True, **purpose)
        members = [generator.permutation(own) for own in members]
    *_, tests = divided
    shuffled = [len(own) - (test if task.fixed_test else 0) for own, test in zip(members, tests, strict=True)]

    def draw(generator: np.random.Generator, replicates: int) -> Tensor:
        found = []
        for own, moved in zip(members, shuffled, strict=True):
            order = np.broadcast_to(own, (replicates, len(own))).copy()
            order[:, :moved] = generator.permuted(order[:, :moved], axis=1)
            found.append(order)
        return torch.from_numpy(np.concatenate(found, axis=1))

    orders = draw_in_blocks(draw, seed, purpose, start, stop, block_size(len(classes))).numpy()
    firsts = np.cumsum([0, *map(len, members)])[:-1]
    train, validation, test = (
        np.concatenate([first + place for first, place in zip(firsts, places, strict=True)])
        for places in zip(*map(_places, map(len, members), zip(*divided, strict=True)), strict=True)
    )
    return orders[:, np.concatenate([train, validation, test])]


def _places(rows: int, sizes: tuple[int, ...]) -> tuple[NDArray[np.int64], ...]:
    """Return the places of the sets in the order of one class's rows."""
    train, validation, test = sizes
    return np.arange(train), np.arange(rows - test - validation, rows - test), np.arange(rows - test, rows)


def make_sets(
    task: Dataset, seed: int, start: int, stop: int, number: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Return the inputs and labels of the first `number` points of the three sets, for each replicate.

    Numbers are standardized with the mean and the standard deviation of the replicate's own training set. A column
    that is constant in it is only centered.

    Args:
        task: The task, whose file was read.
        seed: Seed of the study.
        start: First replicate.
        stop: One past the last replicate.
        number: Number of points.
        dtype: Type of the points and labels, which are computed in float64 and rounded to float32 first.

    Returns:
        Inputs (replicates, inputs, points) and labels (replicates, outputs, points).
    """
    rows, facts = read_rows(task), task.facts
    chosen = choose_rows(task, rows, seed, start, stop)
    train, _, _ = task.points
    labels = _encode_labels(rows.labels, len(facts.classes))
    numbers = facts.numbers if task.standardize else 0
    targets = labels.shape[1] if task.standardize and not facts.classes else 0
    inputs = torch.empty(len(chosen), rows.inputs.shape[1], number, dtype=dtype)
    marks = torch.empty(len(chosen), labels.shape[1], number, dtype=dtype)
    at_a_time = max(1, _VALUES_AT_A_TIME // (rows.inputs.shape[1] * chosen.shape[1]))
    for first in range(0, len(chosen), at_a_time):
        part = slice(first, first + at_a_time)
        inputs[part] = _standardized(rows.inputs, chosen[part], train, number, numbers)
        marks[part] = _standardized(labels, chosen[part], train, number, targets)
    return inputs, marks


def _encode_labels(labels: NDArray[Any], classes: int) -> NDArray[np.float64]:
    """Return the labels (rows, outputs): 0 and 1 for two classes, one column per class for more, or the targets."""
    if classes == 0:
        return labels
    shown = np.arange(classes) if classes > 2 else np.ones(1)
    columns: NDArray[np.float64] = (labels[:, None] == shown).astype(np.float64)
    return columns


def _standardized(
    values: NDArray[np.float64], chosen: NDArray[np.int64], train: int, number: int, columns: int
) -> Tensor:
    """Return some rows of some replicates, (replicates, columns, points), with the first columns standardized."""
    found = values[chosen[:, : max(number, train)]]
    if columns:
        mean, deviation = _moments(found[:, :train, :columns])
        found[..., :columns] = (found[..., :columns] - mean) / deviation
    return torch.from_numpy(found[:, :number]).float().transpose(1, 2)


def _moments(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and the standard deviation over points, (replicates, 1, columns), which is 1 instead of 0."""
    constant = values.min(axis=1, keepdims=True) == values.max(axis=1, keepdims=True)  # rounding gives a deviation
    return values.mean(axis=1, keepdims=True), np.where(constant, 1.0, values.std(axis=1, keepdims=True))


def moments_of(task: Dataset, seed: int, replicate: int) -> tuple[_Moments, _Moments | None]:
    """Return the mean and the standard deviation by which a replicate's inputs, and its targets, are standardized.

    They are 0 and 1 for inputs that are not standardized. There are none of the targets of a classification.
    """
    rows, facts = read_rows(task), task.facts
    chosen = choose_rows(task, rows, seed, replicate, replicate + 1)[:, : task.points[0]]
    mean, deviation = (make(len(facts.inputs), dtype=torch.float64) for make in (torch.zeros, torch.ones))
    numbers = facts.numbers if task.standardize else 0
    if numbers:
        found = _moments(rows.inputs[chosen][..., :numbers])
        mean[:numbers], deviation[:numbers] = (torch.from_numpy(values[0, 0]) for values in found)
    if facts.classes or not task.standardize:
        return (mean, deviation), None
    targets = _moments(rows.labels[chosen])
    return (mean, deviation), (torch.from_numpy(targets[0][0, 0]), torch.from_numpy(targets[1][0, 0]))
