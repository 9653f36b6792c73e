"""What theory expects of every layer of a wide network whose weights are independent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, nan, sqrt

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from suite.catalog.activations import Activation
from suite.nets.traced import Affine, Elementwise, Normalize, TracedNetwork
from suite.theory.correlation_map import covariance
from suite.theory.gaussian import gaussian_mean
from suite.theory.mean_field import second_moment, slope_moment

_PAIRS, _FEW_PAIRS = 200, 12
"""Pairs of points that pass through the network; few of them if means over two variables take a quadrature."""

_LARGEST = 1e6
"""The second moment of preactivations above which means of activations that are not homogeneous are not computed."""

_SMALL = 1e-6
"""The distance 1 - c below which the correlation map is linear; above, differences from 1 are accurate."""

_OFF_CENTER, _STANDARD_ERRORS = 0.1, 4
"""The biases' mean is ignored if its square is at most this share of the variance of preactivations, or if it is within
so many standard errors of 0.
"""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LayerTheory:
    """A hidden layer of an infinitely wide network; numbers are nan where they overflow.

    Attributes:
        size: The root mean square of preactivations.
        variation: Their standard deviation over points.
        cosine: The mean cosine between pairs of points.
        gradient: The root mean square of gradients divided by that of the last hidden layer.
    """

    size: float
    variation: float
    cosine: float
    gradient: float


@dataclass
class _Pairs:
    """Pairs of points at one place of the network.

    Attributes:
        q: The second moment of each point of each pair, (2, pairs).
        half: Half the mean squared difference of each pair.
        mean: The mean over units, which is 0 except after an activation.
    """

    q: Array
    half: Array
    mean: Array


def choose_pairs(inputs: Float[Tensor, "inputs points"], few: bool, seed: int = 0) -> tuple[Array, Array]:
    """Return the mean squares (2, pairs) and half the mean squared differences (pairs,) of pairs of points.

    Pairs are quantiles of many random pairs by their cosine, scaled to the mean square of all points.
    """
    generator = np.random.default_rng(seed)
    number = inputs.shape[1]
    first = generator.integers(number, size=4_000)
    second = (first + generator.integers(1, max(number, 2), size=4_000)) % number
    size = inputs.square().mean(0).numpy()
    half = (inputs[:, first] - inputs[:, second]).square().mean(0).numpy() / 2
    with np.errstate(all="ignore"):
        cosine = ((size[first] + size[second]) / 2 - half) / np.sqrt(size[first] * size[second])
    order = np.argsort(cosine, kind="stable")
    pairs = _FEW_PAIRS if few else _PAIRS
    chosen = order[((np.arange(pairs) + 0.5) / pairs * len(order)).astype(int)]
    q = np.stack([size[first[chosen]], size[second[chosen]]])
    scale = size.mean() / q.mean() if q.mean() > 0 else 1.0
    return scale * q, scale * half[chosen]


def expect_layers(
    network: TracedNetwork, moments: Sequence[tuple[float, float, float]], inputs: Float[Tensor, "inputs points"]
) -> tuple[LayerTheory, ...]:
    """Compute what mean-field theory expects of every hidden layer.

    Weights and biases are independent, of mean 0. Pairs of points pass through the network: their second moments, and
    half the mean squared difference of their preactivations. Gradients pass back with the factor
    sigma_w^2 fan_out / fan_in E[phi'(z)^2] per layer.

    Args:
        network: A network.
        moments: (sigma_w^2, sigma_b^2, mean of the biases) of every Linear layer, with factors of its outputs included.
        inputs: The points as the first Linear layer gets them.

    Returns:
        One entry per hidden layer; none if the network is not a chain of Linear layers, activations of the catalog,
        and layer or RMS normalization, or if the biases have a mean that matters.

    Source: Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232.
    """
    if not _is_chain(network) or not network.hidden or inputs.shape[1] < 2:
        return ()
    few = any(step.entry is not None and not step.entry.homogeneous for step in network.hidden)
    q, half = choose_pairs(inputs, few)
    at = _Pairs(q, half, np.zeros_like(q))
    remaining = iter(moments)
    signals: list[_Pairs] = []
    factors: list[Array] = []  # of the squared gradient, from behind a hidden layer's activation to its preactivations
    factor = np.ones_like(q)
    with np.errstate(all="ignore"):
        for step in network.steps:
            match step:
                case Affine():
                    weight, bias, bias_mean = next(remaining)
                    fan_out, fan_in = network.parameters[step.weight].shape[1:]
                    factor = factor * weight * fan_out / fan_in
                    q = weight * at.q + bias
                    chance = _STANDARD_ERRORS**2 * (bias - bias_mean**2) / fan_out
                    if bias_mean**2 > max(_OFF_CENTER * float(q.mean()), chance):
                        return ()
                    at = _Pairs(q, weight * at.half, np.zeros_like(q))
                case Normalize():
                    at, scale = _normalize(network, step, at)
                    factor = factor * scale
                case Elementwise(straight=False, entry=entry):
                    assert entry is not None
                    signals.append(at)
                    factors.append(factor)
                    if not entry.homogeneous:
                        at = _Pairs(np.where(at.q <= _LARGEST, at.q, nan), at.half, at.mean)
                    factor = _each(lambda q, entry=entry: slope_moment(entry, q), at.q)  # type: ignore[misc]
                    at = _activate(entry, at)
        return _summarize(signals, factors, inputs.shape[1])


def _summarize(signals: Sequence[_Pairs], factors: Sequence[Array], number: int) -> tuple[LayerTheory, ...]:
    """Return the means over pairs of what passes forward, and of the gradients that pass back."""
    gradients = [np.ones_like(signals[0].q)]
    for factor in reversed(factors[1:]):
        gradients.append(gradients[-1] * factor)
    found = []
    for pairs, gradient in zip(signals, reversed(gradients), strict=True):
        size, half = float(pairs.q.mean()), float(pairs.half.mean()) * (number - 1) / number
        products = pairs.q.mean(0) - pairs.half
        cosine = float(np.mean(products / np.sqrt(pairs.q[0] * pairs.q[1])))
        found.append(LayerTheory(sqrt(size), sqrt(max(half, 0.0)), cosine, sqrt(float(gradient.mean()))))
    return tuple(found)


def _is_chain(network: TracedNetwork) -> bool:
    """Return whether theory covers every step, and each step takes the value of the one before."""
    hidden = set(map(id, network.hidden))
    for place, step in enumerate(network.steps):
        known = (
            isinstance(step, Affine)
            or (isinstance(step, Normalize) and step.kind != "batch" and place > 0)
            or (isinstance(step, Elementwise) and (step.straight or step.output))
            or (isinstance(step, Elementwise) and step.entry is not None and id(step) in hidden)
        )
        if step.sources != (place,) or not known:
            return False
    return True


def _normalize(network: TracedNetwork, step: Normalize, at: _Pairs) -> tuple[_Pairs, Array]:
    """Return the pairs after a normalization, and the factor of the squared gradient."""
    gain, shift = (
        otherwise if place is None else float(network.parameters[place].square().mean())
        for place, otherwise in ((step.gain, 1.0), (step.shift, 0.0))
    )
    center = at.mean if step.kind == "layer" else np.zeros_like(at.mean)
    scale = gain / (at.q - center**2 + step.eps)
    # half the difference of u / s and v / t, for centered products u v = (u^2 + v^2) / 2 - half
    centered = at.q - center**2
    half = at.half - (center[0] - center[1]) ** 2 / 2
    ratio = np.sqrt(scale[0] * scale[1])
    after = (np.sqrt(scale[0] * centered[0]) - np.sqrt(scale[1] * centered[1])) ** 2 / 2
    angle = half - (np.sqrt(centered[0]) - np.sqrt(centered[1])) ** 2 / 2
    return _Pairs(scale * centered + shift, after + ratio * np.maximum(angle, 0.0), np.zeros_like(at.q)), scale


def _each(function: Callable[[float], float], values: Array) -> Array:
    """Return a function of each value; nan where the value is not finite."""
    return np.array([function(value) if isfinite(value) else nan for value in values.flat]).reshape(values.shape)


def _activate(entry: Activation, at: _Pairs) -> _Pairs:
    """Return the pairs after an activation.

    For points of different second moments, the part of the difference that is due to their angle is computed at the
    geometric mean of the two, which is exact for homogeneous activations.
    """
    after = _each(lambda q: second_moment(entry, q), at.q)
    mean = _each(lambda q: gaussian_mean(entry.phi, sqrt(q), entry.kinks, entry.pace), at.q)
    middle = np.sqrt(at.q[0] * at.q[1])
    angle = np.maximum(at.half - (np.sqrt(at.q[0]) - np.sqrt(at.q[1])) ** 2 / 2, 0.0)  # q (1 - c)
    turned = np.array([_turn(entry, q, d) for q, d in zip(middle, angle, strict=True)])
    radial = after.mean(0) - _each(lambda q: second_moment(entry, q), middle)
    return _Pairs(after, turned + np.maximum(radial, 0.0), mean)


def _turn(entry: Activation, q: float, angle: float) -> float:
    """Return E[(phi(u) - phi(v))^2] / 2 for u and v of variance q whose covariance is q - angle."""
    if not (isfinite(q) and isfinite(angle)):
        return nan
    if q == 0 or angle <= _SMALL * q:
        return angle * slope_moment(entry, q)
    return max(second_moment(entry, q) - covariance(entry, q, 1 - min(angle / q, 2.0)), 0.0)
