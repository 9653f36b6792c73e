"""Linear models, which networks are compared with: ridge regression, and logistic regression for classes."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from suite.nets.losses import HALF_SQUARE, Loss
from suite.nets.moments import row_moments
from suite.training.tasks import Data

_PENALTIES = (10.0, 1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6)
"""Factors of half the sum of squared weights in the loss. Each logistic regression starts from the one before."""

_MAX_ITERATIONS = 300
"""Largest number of iterations of a logistic regression."""

_GRADIENT_TOLERANCE = 1e-5
"""Largest entry of the gradient at which iterations end."""

_CURVATURE = 0.1
"""Typical second derivative of a cross-entropy with respect to an output, by which coordinates are scaled."""


def fit_linear(
    data: Data, check_time: Callable[[], None] = lambda: None
) -> Float64[Tensor, "replicates outputs inputs_and_one"]:
    """Fit a linear model for each replicate.

    It minimizes the loss on the training set plus a penalty, a factor times half the sum of squared weights, for inputs
    that have mean 0 and variance 1 over the training set. Biases have no penalty. Of the factors 10, 1, ... 1e-6, the
    one with the lowest validation loss is used. Regressions are solved exactly, and classifications by L-BFGS.

    Args:
        data: The data of all replicates.
        check_time: A function that may raise an error to end the fit. It is called between the iterations.

    Returns:
        The weights, and as the last column the biases, for inputs that are not standardized.

    Source: Hoerl & Kennard 1970, Ridge regression.
    """
    return torch.cat([_fit(data[each : each + 1], check_time) for each in range(len(data.train.inputs))])


def linear_outputs(
    models: Float64[Tensor, "replicates outputs inputs_and_one"], points: Float[Tensor, "replicates inputs points"]
) -> Float64[Tensor, "replicates outputs points"]:
    """Compute the outputs of each replicate's linear model on its points."""
    return models[..., :-1] @ points.double() + models[..., -1:]


def _fit(data: Data, check_time: Callable[[], None]) -> Float64[Tensor, "1 outputs inputs_and_one"]:
    """Return the model of one replicate with the lowest validation loss."""
    check_time()
    points, labels = data.train.inputs[0].double(), data.train.labels[0].double()
    mean, deviation = row_moments(points)
    components = _principal_components(((points - mean) / deviation).numpy())
    regression = data.loss is HALF_SQUARE
    fitted = _ridge(components, labels) if regression else _logistic(components, labels, data.loss, check_time)
    models, losses = [], []
    for weights, bias in fitted:
        scaled = torch.from_numpy(weights @ components.basis.T) / deviation[:, 0]
        model = torch.cat([scaled, torch.from_numpy(bias) - scaled @ mean], dim=1)[None]
        outputs = linear_outputs(model, data.validation.inputs)
        models.append(model)
        losses.append(float(data.loss.value(outputs, data.validation.labels.double())))
    return models[int(np.argmin(losses))]


class _Components(NamedTuple):
    """The principal components of inputs (inputs, points) of mean 0.

    Attributes:
        basis: An orthonormal basis of the space in which the inputs vary, (inputs, components).
        values: The coordinates of the points, (components, points).
        variances: Their mean squares over points.
    """

    basis: NDArray[np.float64]
    values: NDArray[np.float64]
    variances: NDArray[np.float64]


_SMALLEST_VARIANCE = 1e-12
"""Components whose variance is a smaller share of the largest one are rounding errors and are left out."""


def _principal_components(inputs: NDArray[np.float64]) -> _Components:
    """Return the principal components, from the smaller of the two products of the inputs with themselves."""
    features, points = inputs.shape
    wide = features > points
    variances, vectors = np.linalg.eigh((inputs.T @ inputs if wide else inputs @ inputs.T) / points)
    chosen = variances > _SMALLEST_VARIANCE * max(variances[-1], np.finfo(np.float64).tiny)
    variances, vectors = variances[chosen], vectors[:, chosen]
    basis = inputs @ vectors / np.sqrt(points * variances) if wide else vectors
    return _Components(basis, basis.T @ inputs, variances)


_Weights = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Weights (outputs, components) and biases (outputs, 1)."""


def _ridge(components: _Components, labels: Tensor) -> Iterator[_Weights]:
    """Yield the exact solution for each penalty; the loss is half a mean over outputs and points."""
    targets = labels.numpy()
    outputs, points = targets.shape
    bias = targets.mean(axis=1, keepdims=True)
    products = (targets - bias) @ components.values.T / points
    for penalty in _PENALTIES:
        yield products / (components.variances + outputs * penalty), bias


def _logistic(
    components: _Components, labels: Tensor, loss: Loss, check_time: Callable[[], None]
) -> Iterator[_Weights]:
    """Yield the minimum of the cross-entropy for each penalty.

    Components are scaled so that the objective curves about equally in all directions, for which L-BFGS takes few
    iterations.
    """
    outputs, points = labels.shape
    design = torch.from_numpy(np.vstack([components.values, np.ones(points)]))
    weights = np.zeros((outputs, len(design)))
    for penalty in _PENALTIES:
        penalties = np.append(np.full(len(design) - 1, penalty), 0.0)
        scale = 1 / np.sqrt(_CURVATURE * np.append(components.variances, 1.0) + penalties)
        found = minimize(
            partial(_objective, design, labels, loss, torch.from_numpy(penalties), torch.from_numpy(scale)),
            (weights / scale).ravel(),
            method="L-BFGS-B",
            jac=True,
            callback=lambda _: check_time(),
            options={"maxiter": _MAX_ITERATIONS, "gtol": _GRADIENT_TOLERANCE},
        )
        weights = found.x.reshape(weights.shape) * scale
        yield weights[:, :-1], weights[:, -1:]


def _objective(
    design: Tensor, labels: Tensor, loss: Loss, penalties: Tensor, scale: Tensor, scaled: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return a loss with its penalty, and their gradient with respect to weights that are divided by a scale."""
    weights = torch.from_numpy(scaled).reshape(len(labels), len(design)) * scale
    outputs = (weights @ design)[None]
    value = loss.value(outputs, labels[None])[0] + (penalties * weights.square()).sum() / 2
    gradient = loss.gradient(outputs, labels[None])[0] @ design.T + penalties * weights
    return float(value), (gradient * scale).flatten().numpy()
