"""The weights of one network beside the variances that schemes of initialization have."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np
import torch

from suite.catalog.activations import Activation, Array
from suite.nets.traced import Affine, Elementwise, Normalize, TracedNetwork
from suite.theory.gaussian import gaussian_mean
from suite.theory.mean_field import NoCriticalPointError, edge_of_chaos


@dataclass(frozen=True)
class LinearEvidence:
    """A Linear layer's weights, times the factors by which the network multiplies the layer's inputs and outputs.

    Attributes:
        name: The module's name.
        weight_variance: sigma_w^2, fan_in times the mean square of the weights.
        interval: Its 95% interval if the weights are independent.
        bias_variance: sigma_b^2, the mean square of the biases and of constants that are added to the outputs.
        bias_mean: The mean of the biases.
        preserving: The weight variance that preserves the variance of preactivations; nan for the readout.
        critical: The weight variance at the edge of chaos; nan if there is none.
        normalized: Whether its outputs are normalized, so that the scale of the weights has no effect.
    """

    name: str
    weight_variance: float
    interval: tuple[float, float]
    bias_variance: float
    bias_mean: float
    preserving: float
    critical: float
    normalized: bool


def phi_of(step: Elementwise, network: TracedNetwork) -> Callable[[Array], Array]:
    """Return an activation as a function of arrays; of activations with parameters, the mean over units."""
    if step.entry is not None:
        return step.entry.phi
    units = network.widths[step.sources[0]]

    def phi(z: Array) -> Array:
        points = torch.from_numpy(np.ascontiguousarray(z.reshape(1, 1, -1))).expand(1, units, -1)
        found: Array = step.function(points, [values[:1] for values in network.parameters])[0].mean(0).numpy()
        return found.reshape(z.shape)

    return phi


def preserving_variance(step: Elementwise, network: TracedNetwork) -> float:
    """Return sigma_w^2 = 1 / E[phi(Z)^2], which keeps preactivations at variance 1; inf if phi(Z) is 0."""
    phi = phi_of(step, network)
    second = gaussian_mean(lambda z: phi(z) ** 2, 1.0)
    return 1 / second if second > 0 else inf


def critical_variance(entry: Activation | None) -> float:
    """Return sigma_w^2 at the edge of chaos without biases; nan if there is none or the entry is None."""
    if entry is None:
        return nan
    try:
        return edge_of_chaos(entry, 0.0).weight_variance
    except NoCriticalPointError:
        return nan


def activation_of(network: TracedNetwork, step: Affine) -> Elementwise | None:
    """Return the activation whose outputs a Linear layer takes, or that follows the first Linear; None if none does."""
    place = step.sources[0]
    while place:
        source = network.steps[place - 1]
        if isinstance(source, Elementwise) and not source.straight:
            return source
        if isinstance(source, Affine):
            return None
        place = source.sources[0]
    return network.hidden[0] if network.hidden else None


def is_normalized(network: TracedNetwork, step: Affine) -> bool:
    """Return whether only a normalization takes the outputs of a Linear layer."""
    place = network.place_of(step)
    users = [other for other in network.steps if place in other.sources]
    return bool(users) and all(isinstance(other, Normalize) for other in users)


def measure_linear(network: TracedNetwork, step: Affine, number: int) -> LinearEvidence:
    """Return the evidence of a Linear layer's weights."""
    before, after = network.scales(step)
    weight = network.parameters[step.weight][0] * before * after
    squares = weight.square().flatten() * weight.shape[1]
    mean = float(squares.mean())
    half = 1.96 * float(squares.std()) / sqrt(len(squares)) if len(squares) > 1 else inf
    bias = network.parameters[step.bias] if step.bias is not None else weight.new_zeros(1, len(weight), 1)
    for each in network.straight_after(step):
        bias = each.function(bias, network.parameters)
    activation = activation_of(network, step) if number < len(network.linears) - 1 else None
    bias_variance = float(bias.square().mean())
    return LinearEvidence(
        name=step.name,
        weight_variance=mean,
        interval=(max(0.0, mean - half), mean + half),
        bias_variance=bias_variance,
        bias_mean=float(bias.mean()),
        preserving=preserving_variance(activation, network) if activation else nan,
        critical=critical_variance(activation.entry) if activation else nan,
        normalized=is_normalized(network, step),
    )
