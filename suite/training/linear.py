"""Linear models, which networks are compared with: ridge regression, and logistic regression for classes."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from suite.nets.losses import HALF_SQUARE, Loss
from suite.training.tasks import Data

_PENALTIES = (10.0, 1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5)
"""Factors of half the sum of squared weights in the loss. The strongest comes first; its minimum is quick to find."""

_ITERATIONS = 300
"""Largest number of iterations for each penalty."""

_GRADIENT = 1e-5
"""Largest entry of the gradient at which iterations end."""


def fit_linear(
    data: Data, check_time: Callable[[], None] = lambda: None
) -> Float64[Tensor, "replicates outputs inputs_and_one"]:
    """Fit a linear model for each replicate.

    It minimizes the loss on the training set plus a penalty, a factor times half the sum of squared weights, for inputs
    of mean 0 and variance 1 over the training set. Biases have no penalty. Of the factors 10, 1, ... 1e-5, it is the
    one after which the validation loss first rises. Regressions are solved exactly, classifications by L-BFGS.

    Args:
        data: The data of all replicates.
        check_time: A function that is called before each iteration and may raise an error.

    Returns:
        The weights, and as the last column the biases, for inputs as they are.

    Source: Hoerl & Kennard 1970, Ridge regression.
    """
    found = []
    for replicate in range(len(data.train.inputs)):
        check_time()
        one = data[replicate : replicate + 1]
        points = one.train.inputs[0]
        mean = points.mean(1, keepdim=True, dtype=torch.float64)
        varies = (points.amax(1) > points.amin(1))[:, None]
        deviation = torch.where(varies, points.double().std(1, keepdim=True, correction=0), 1.0)
        inputs, labels = ((points - mean) / deviation).numpy(), one.train.labels[0].double()
        models = (
            _ridge(inputs, labels) if data.loss is HALF_SQUARE else _logistic(inputs, labels, data.loss, check_time)
        )
        best, least = None, np.inf
        for standardized in models:
            weights = standardized[:, :-1] / deviation[:, 0]
            model = torch.cat([weights, standardized[:, -1:] - weights @ mean], dim=1)[None]
            outputs = linear_outputs(model, one.validation.inputs)
            loss = float(data.loss.value(outputs, one.validation.labels.double()))
            if best is not None and loss >= least:
                break
            best, least = model, loss
        assert best is not None
        found.append(best)
    return torch.cat(found)


def linear_outputs(
    models: Float64[Tensor, "replicates outputs inputs_and_one"], points: Float[Tensor, "replicates inputs points"]
) -> Float64[Tensor, "replicates outputs points"]:
    """Compute the outputs of each replicate's linear model on its points."""
    return models[..., :-1] @ points.double() + models[..., -1:]


def _ridge(inputs: NDArray[np.float64], labels: Tensor) -> Iterator[Tensor]:
    """Yield the weights and biases that minimize half the mean squared error and each penalty, exactly.

    The weights are Y X' (X X' + penalty)^-1 or, for more inputs than points, the same Y (X' X + penalty)^-1 X', where
    the loss is a mean over outputs and points.
    """
    (outputs, points), targets = labels.shape, labels.numpy()
    mean = targets.mean(1, keepdims=True)
    left, right = targets - mean, inputs.T / points
    narrow = len(inputs) <= points
    values, vectors = np.linalg.eigh(inputs @ right if narrow else right @ inputs)
    left = (left @ right if narrow else left) @ vectors
    for penalty in _PENALTIES:
        weights = left / (values.clip(min=0) + outputs * penalty) @ vectors.T
        yield torch.from_numpy(np.hstack([weights if narrow else weights @ right, mean]))


def _logistic(
    inputs: NDArray[np.float64], labels: Tensor, loss: Loss, check_time: Callable[[], None]
) -> Iterator[Tensor]:
    """Yield the weights and biases that minimize a cross-entropy and each penalty."""
    design = torch.from_numpy(np.vstack([inputs, np.ones(inputs.shape[1])]))
    shape = len(labels), len(design)
    penalized = torch.ones(shape, dtype=torch.float64)
    penalized[:, -1] = 0

    def objective(flat: NDArray[np.float64], penalty: float) -> tuple[float, NDArray[np.float64]]:
        weights = torch.from_numpy(flat).reshape(shape)
        outputs, shrinking = (weights @ design)[None], penalty * penalized * weights
        value = loss.value(outputs, labels[None])[0] + (shrinking * weights).sum() / 2
        gradient = loss.gradient(outputs, labels[None])[0] @ design.T + shrinking
        return float(value), gradient.flatten().numpy()

    flat = np.zeros(labels.shape[0] * design.shape[0])
    for penalty in _PENALTIES:
        flat = minimize(
            partial(objective, penalty=penalty),
            flat,
            method="L-BFGS-B",
            jac=True,
            callback=lambda _: check_time(),
            options={"maxiter": _ITERATIONS, "gtol": _GRADIENT},
        ).x
        yield torch.from_numpy(flat).reshape(shape).clone()
