"""The variances that an initialization gives to the weights and biases of each layer."""

from collections.abc import Sequence
from itertools import pairwise
from math import pi, sqrt

import numpy as np

from suite.catalog.activations import Activation, Array
from suite.catalog.initializations import (
    Auto,
    Critical,
    DataDependent,
    Glorot,
    He,
    Initialization,
    Lecun,
    NoVariancesError,
    Orthogonal,
    Pytorch,
    Siren,
    Sphere,
    Variance,
    VariancePreserving,
)
from suite.theory.mean_field import edge_of_chaos, is_stable, variance_preserving_weights

LayerVariances = tuple[tuple[float, float], ...]


def layer_variances(initialization: Initialization, activation: Activation, widths: Sequence[int]) -> LayerVariances:
    """Return (sigma_w^2, sigma_b^2) of every layer, the readout last.

    A weight's variance is sigma_w^2 / fan_in.

    Under `data_dependent`, the first layer's biases and the readout's weights also depend on data.

    Args:
        initialization: The scheme with its parameters.
        activation: The activation of the hidden layers; schemes that are made for an activation depend on it.
        widths: n_0 .. n_{L+1}.

    Raises:
        NoCriticalPointError: If the activation has no edge of chaos at this bias variance.
        NoVariancesError: If a plug-in's scheme gives invalid variances for some layers.
        TypeError: If the initialization has no rule for its variances.
    """
    fans = list(pairwise(widths))
    initialization = resolve_scheme(initialization, activation)
    if initialization.origin:
        return (*_plugin_variances(initialization, fans[:-1]), (1.0, 0.0))
    match initialization:
        case Pytorch():
            return tuple((1 / 3, 1 / (3 * fan_in)) for fan_in, _ in fans)
        case Glorot(bias_std=bias_std):
            balanced = [2 * fan_in / (fan_in + fan_out) for fan_in, fan_out in fans]
            return (*((weight, bias_std**2) for weight in balanced[:-1]), (balanced[-1], 0.0))
        case Sphere():
            return (*((fan_in / (fan_in + 1), 1 / (fan_in + 1)) for fan_in, _ in fans[:-1]), (1.0, 0.0))
        case Siren(omega=omega):
            first, *later = (omega**2 / (3 * fan_in) for fan_in, _ in fans)
            layers = [(first, first), *((2.0, bias) for bias in later)]
            return (*layers[: len(fans) - 1], (2 / omega**2, 1 / (3 * fans[-1][0])))
        case DataDependent():
            hidden = (2.0, 0.0)
        case VariancePreserving(bias_std=bias_std):
            hidden = (variance_preserving_weights(activation, bias_std**2), bias_std**2)
        case Critical(bias_std=bias_std) | Orthogonal(bias_std=bias_std):
            hidden = (edge_of_chaos(activation, bias_std**2).weight_variance, bias_std**2)
        case He(bias_std=bias_std):
            hidden = (2.0, bias_std**2)
        case Lecun(bias_std=bias_std):
            hidden = (1.0, bias_std**2)
        case Variance(weight_variance=weight_variance, bias_variance=bias_variance):
            hidden = (weight_variance, bias_variance)
        case _:
            raise TypeError(f"initialization {initialization.label}: no rule for its variances")
    return (*([hidden] * (len(fans) - 1)), (1.0, 0.0))


def resolve_scheme(initialization: Initialization, activation: Activation) -> Initialization:
    """Return the scheme that `auto` stands for with an activation, and every other scheme as it is."""
    if not isinstance(initialization, Auto):
        return initialization
    bias_std = initialization.bias_std
    return Critical(bias_std=bias_std) if is_stable(activation, bias_std**2) else VariancePreserving(bias_std=bias_std)


def _plugin_variances(initialization: Initialization, fans: Sequence[tuple[int, int]]) -> LayerVariances:
    """Return the variances of hidden layers from a plug-in; raise all errors together."""
    found: list[tuple[float, float]] = []
    errors: dict[str, None] = {}
    for layer, fan in enumerate(fans, 1):
        try:
            pair = initialization.layer_variance(*fan, layer, len(fans))
            assert pair is not None
            found.append(pair)
        except NoVariancesError as error:
            errors |= dict.fromkeys(error.faults)  # once, if the function does not know the layer
    if errors:
        raise NoVariancesError(*errors)
    return tuple(found)


def second_moment_at_data(distances: Array, inputs: int, noise_std: float) -> Array:
    """Compute E[relu(z)^2] of a data-dependent neuron at a point.

    z = w . (x - x_k) + |eps| with w ~ N(0, 2 / n_0) and eps ~ N(0, s^2), where x_k is the point at which the neuron is
    made active. With a^2 = 2 |x - x_k|^2 / n_0 and psi = atan2(s, a), the mean over the half plane is (a^2 + s^2)(1/2 +
    psi / pi) + a s / pi.

    Args:
        distances: |x - x_k|, any shape.
        inputs: n_0.
        noise_std: s.
    """
    a = distances * sqrt(2 / inputs)
    angle = np.arctan2(noise_std, a)
    moment: Array = (a**2 + noise_std**2) * (0.5 + angle / pi) + a * noise_std / pi
    return moment
