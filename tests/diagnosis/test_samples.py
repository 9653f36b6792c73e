"""Data of a diagnosis: which loss they have, the score of a constant, and errors."""

from math import log
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from suite.diagnosis.samples import make_samples
from suite.nets.losses import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, HALF_SQUARE
from suite.training.accuracy import score_points

X = np.tile(np.arange(12.0).reshape(6, 2), (2, 1))


@pytest.mark.parametrize(
    ("y", "outputs", "loss"),
    [
        (["a", "b", "c", "a", "b", "c"], 3, CROSS_ENTROPY),
        ([0, 1, 2, 0, 1, 2], 3, CROSS_ENTROPY),
        ([0, 1, 0, 1, 0, 1], 2, CROSS_ENTROPY),
        ([True, False] * 3, 1, BINARY_CROSS_ENTROPY),
        (np.array([0, 1] * 3)[:, None], 1, BINARY_CROSS_ENTROPY),
        ([1, 2, 3, 4, 5, 6], 1, HALF_SQUARE),
        ([0.5, 1, 2, 3, 4, 5], 1, HALF_SQUARE),
        (X, 2, HALF_SQUARE),
        (np.eye(3)[[0, 1, 2, 2, 1, 0]], 3, CROSS_ENTROPY),
        (pd.Series([0, 10, 2, 1, 3, 11], dtype=object), 12, CROSS_ENTROPY),
        (pd.Series([0.5, 1, 2, 3, 4, 5], dtype=object), 1, HALF_SQUARE),
        (torch.tensor([0.5, 1, 2, 3, 4, 5], dtype=torch.bfloat16).float(), 1, HALF_SQUARE),
    ],
)
def test_the_loss_follows_from_the_labels(y: Any, outputs: int, loss: object) -> None:
    samples = make_samples(X, y if len(y) == 12 else np.tile(np.asarray(y), (2,) + (1,) * (np.ndim(y) - 1)), outputs)
    assert samples.loss is loss
    assert samples.labels.shape == (outputs, 12)


def test_frames_and_tensors_are_data() -> None:
    first = make_samples(pd.DataFrame(X), pd.Series(["a", "b"] * 6), 2)
    second = make_samples(torch.tensor(X), torch.tensor([0, 1] * 6), 2)
    assert torch.equal(first.inputs, second.inputs)
    assert torch.equal(first.labels, second.labels)


def test_constants_have_the_share_of_the_largest_class_and_the_entropy() -> None:
    samples = make_samples(X, [0, 0, 0, 1, 1, 2] * 2, 3)
    assert samples.constant_score == 0.5
    assert samples.constant_loss == pytest.approx(0.5 * log(2) + log(3) / 3 + log(6) / 6)
    binary = make_samples(X, [0, 1, 1, 1, 1, 1] * 2, 1)
    assert binary.constant_score == pytest.approx(5 / 6)
    targets = make_samples(X, np.arange(12.0) ** 2 / 7, 1)
    assert targets.constant_loss == pytest.approx(np.var(np.arange(12.0) ** 2 / 7) / 2)
    mean = targets.labels.mean().expand(1, 1, 12)
    score = score_points(mean, targets.labels[None], targets.loss).mean()
    assert float(score) == pytest.approx(targets.constant_score, abs=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "outputs", "message"),
    [
        (X, [0, 1], 2, "y has 2 rows, and X has 12"),
        (X, ["a", "b", "c"] * 4, 2, "y has 3 classes, and the network has 2 outputs; give it one per class"),
        (X, X, 3, "y has 2 targets, and the network has 3 outputs"),
        (np.where(X == 4, np.nan, X), [0, 1] * 6, 2, "X: the value in row 2 of column 0 is missing or not finite"),
        (X.astype(str).astype(object) + "z", [0, 1] * 6, 2, "X: expected numbers, got object"),
        (X, ["a", None] * 6, 2, "y: row 1 is missing; remove it"),
        (X, None, 2, "y has 0 rows, and X has 12"),
        (pd.DataFrame(X).astype("Int64").mask(X == 4), [0, 1] * 6, 2, "X: the value in row 2 of column 0 is missing"),
        (X[:3], [0, 1, 0], 2, "X has 3 rows; at least 10 are needed to split them"),
        (1e200 * X, [0, 1] * 6, 2, "are too large to compute with; scale them"),
        (X.astype("datetime64[s]"), [0, 1] * 6, 2, "X: expected numbers, got datetime64"),
        (X[0], [0, 1], 2, r"X: expected an array \(rows, features\), got the shape \(2,\)"),
    ],
)
def test_wrong_data_give_errors(x: object, y: object, outputs: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_samples(x, y, outputs)


def test_whole_numbers_in_objects_keep_their_order() -> None:
    """Not that of their text, in which 10 comes before 2."""
    samples = make_samples(X, pd.Series(range(12), dtype=object), 12)
    assert samples.labels.argmax(0).tolist() == list(range(12))
