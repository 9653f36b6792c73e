"""Data for a diagnosis: inputs, labels and the loss."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from suite.nets.arrays import read_array, read_numbers
from suite.nets.losses import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, HALF_SQUARE, LOSSES, Loss
from suite.nets.moments import row_moments
from suite.nets.streams import stream

_MOST_CLASSES = 20
"""Whole numbers with at most so many different values are classes."""

_FEWEST_ROWS = 10
_LARGEST = 1e50


@dataclass(frozen=True)
class Samples:
    """Inputs and labels, one point per column.

    Attributes:
        inputs: The inputs as the network gets them.
        labels: 0 and 1, one-hot classes, or targets.
        loss: The loss that training minimizes.
        columns: The names of the inputs.
    """

    inputs: Float[Tensor, "inputs points"]
    labels: Float[Tensor, "outputs points"]
    loss: Loss
    columns: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The number of points."""
        return self.inputs.shape[1]

    @property
    def regression(self) -> bool:
        """Whether the labels are numbers to predict."""
        return self.loss is HALF_SQUARE

    @property
    def is_constant(self) -> bool:
        """Whether all labels are the same."""
        return bool((self.labels == self.labels[:, :1]).all())

    @property
    def score_name(self) -> str:
        """The name of the score: accuracy or R^2."""
        return "R^2" if self.regression else "accuracy"

    @property
    def class_shares(self) -> Float[Tensor, " classes"]:
        """The share of the points in each class."""
        shares = self.labels.mean(dim=1)
        return torch.cat([1 - shares, shares]) if len(shares) == 1 else shares

    @property
    def constant_score(self) -> float:
        """The score of the best constant output: the share of the largest class, or an R^2 of 0."""
        if self.regression:
            return 0.0
        return float(self.class_shares.max())

    @property
    def constant_loss(self) -> float:
        """The loss of the best constant output."""
        if self.regression:
            return float(self.labels.var(dim=1, correction=0).mean()) / 2
        shares = self.class_shares
        return float(-torch.special.xlogy(shares, shares).sum())

    def subsample(self, number: int, seed: int = 0) -> "Samples":
        """Return `number` points that are chosen at random, or all if there are fewer."""
        if number >= self.number:
            return self
        places = torch.from_numpy(stream(seed, diagnosed=number).permutation(self.number)[:number])
        return replace(self, inputs=self.inputs[:, places], labels=self.labels[:, places])

    def standardized(self, what: Collection[str] = ("inputs",)) -> "Samples":
        """Return the points with inputs, or targets of a regression, of mean 0 and variance 1.

        Rows that are constant are only centered.

        Args:
            what: Any of "inputs" and "targets".
        """
        found = self
        if "inputs" in what:
            found = replace(found, inputs=standardize_rows(self.inputs))
        if "targets" in what and self.regression:
            found = replace(found, labels=standardize_rows(self.labels))
        return found


def standardize_rows(
    values: Float[Tensor, "*networks rows points"], number: int | None = None
) -> Float[Tensor, "*networks rows points"]:
    """Return rows with mean 0 and variance 1 over their first `number` points; constant rows are only centered."""
    mean, deviation = row_moments(values[..., :number])
    return (values - mean) / deviation


def make_samples(x: Any, y: Any, outputs: int, loss: str | None = None) -> Samples:
    """Return data for a network with a number of outputs.

    Args:
        x: Inputs (rows, features): an array, a frame or a tensor of numbers.
        y: Labels (rows,): classes as text, booleans or whole numbers; or targets (rows,) or (rows, outputs).
        outputs: The number of outputs of the network.
        loss: "cross_entropy", "binary_cross_entropy" or "half_square". Default: it follows from the labels.

    Raises:
        ValueError: If shapes, values or the loss do not suit each other.
    """
    inputs = read_numbers(x, "X")
    if inputs.ndim != 2 or not inputs.size:
        raise ValueError(f"X: expected an array (rows, features), got the shape {inputs.shape}")
    if len(inputs) < _FEWEST_ROWS:
        raise ValueError(f"X has {len(inputs)} rows; at least {_FEWEST_ROWS} are needed to split them")
    if np.abs(inputs).max() > _LARGEST:
        raise ValueError(f"X: values of up to {np.abs(inputs).max():.3g} are too large to compute with; scale them")
    given = read_array(y)
    if given.ndim == 0 or len(given) != len(inputs):
        number = len(given) if given.ndim else 0
        raise ValueError(f"y has {number} rows, and X has {len(inputs)}; pass one label for each row")
    if loss is not None and loss not in LOSSES:
        raise ValueError(f"loss: expected one of {', '.join(LOSSES)}, got {loss!r}")
    chosen = LOSSES[loss] if loss else _loss_for(given, outputs)
    labels = _targets(given, outputs) if chosen is HALF_SQUARE else _classes(given, outputs, chosen)
    columns = tuple(map(str, getattr(x, "columns", range(inputs.shape[1]))))
    return Samples(torch.from_numpy(inputs.T.copy()), torch.from_numpy(labels), chosen, columns)


def _is_one_hot(given: NDArray[Any], outputs: int) -> bool:
    """Return whether labels are rows of zeros with a single one, a column for each class."""
    if given.ndim != 2 or given.shape[1] != outputs or outputs < 2 or given.dtype.kind not in "iufb":
        return False
    return bool(np.isin(given, (0, 1)).all() and (given.sum(axis=1) == 1).all())


def _loss_for(given: NDArray[Any], outputs: int) -> Loss:
    """Return the loss that suits labels: cross-entropy for text, booleans and a few whole numbers."""
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.ndim == 2:
        return CROSS_ENTROPY if _is_one_hot(given, outputs) else HALF_SQUARE
    if given.dtype.kind in "fiu":
        whole = bool((given == np.round(given)).all())
        if not whole or len(np.unique(given)) > max(_MOST_CLASSES, outputs):
            return HALF_SQUARE
        if outputs == 1 and len(np.unique(given)) > 2:
            return HALF_SQUARE
    return BINARY_CROSS_ENTROPY if outputs == 1 else CROSS_ENTROPY


def _targets(given: NDArray[Any], outputs: int) -> NDArray[np.float64]:
    found = read_numbers(given, "y").reshape(len(given), -1).T
    if len(found) != outputs:
        raise ValueError(f"y has {len(found)} targets, and the network has {outputs} outputs")
    return np.ascontiguousarray(found)


def _classes(given: NDArray[Any], outputs: int, loss: Loss) -> NDArray[np.float64]:
    if loss is CROSS_ENTROPY and _is_one_hot(given, outputs):
        return np.ascontiguousarray(given.T.astype(np.float64))
    flat = given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given
    if flat.ndim != 1:
        raise ValueError(
            f"y: expected classes (rows,), got the shape {given.shape}; use loss='half_square' for targets"
        )
    missing = pd.isna(flat)
    if missing.any():
        raise ValueError(f"y: row {int(np.argmax(missing))} is missing; remove it")
    names, places = np.unique(flat.astype(str) if flat.dtype.kind == "O" else flat, return_inverse=True)
    if loss is BINARY_CROSS_ENTROPY:
        if outputs != 1:
            raise ValueError(f"binary_cross_entropy needs one output, and the network has {outputs}; use cross_entropy")
        if len(names) > 2:
            raise ValueError(f"y has {len(names)} classes, and the network has {outputs} output; give it one per class")
        return (places if len(names) == 2 else (flat == names[-1]) * 1.0).astype(np.float64)[None]
    numeric = flat.dtype.kind in "iuf"
    if numeric and not bool((names == np.round(names)).all()):
        raise ValueError(f"y: expected classes, got {names[0]:g}; use loss='half_square' for targets")
    numbers = numeric and names[0] >= 0 and names[-1] < outputs
    if not numbers and len(names) > outputs:
        raise ValueError(f"y has {len(names)} classes, and the network has {outputs} outputs; give it one per class")
    codes = flat.astype(int) if numbers else places
    return np.ascontiguousarray((np.arange(outputs)[:, None] == codes).astype(np.float64))
