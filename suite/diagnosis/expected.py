"""What theory expects of every layer of a wide network whose weights are independent."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan, sqrt

from suite.catalog.activations import Activation
from suite.nets.traced import Affine, Elementwise, Normalize, TracedNetwork
from suite.theory.correlation_map import covariance
from suite.theory.mean_field import second_moment, slope_moment

_SMALL = 1e-6
"""The distance 1 - c below which the correlation map is linear; above, differences from 1 are accurate."""


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


def expect_layers(
    network: TracedNetwork, variances: Sequence[tuple[float, float]], mean_square: float, cosine: float
) -> tuple[LayerTheory, ...]:
    """Compute what mean-field theory expects of every hidden layer.

    Weights and biases are independent, of mean 0. The variance of preactivations and the distance 1 - c of their
    correlation from 1 pass from layer to layer for a pair of points, and gradients pass back with the factor
    sigma_w^2 fan_out / fan_in E[phi'(z)^2] per layer.

    Args:
        network: A network.
        variances: (sigma_w^2, sigma_b^2) of every Linear layer, with factors of its inputs and outputs included.
        mean_square: The mean of |x|^2 / inputs.
        cosine: The mean product of two points divided by the mean of |x|^2.

    Returns:
        One entry per hidden layer; none if the network is not a chain of Linear layers, activations of the catalog,
        and layer or RMS normalization.

    Source: Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232.
    """
    if not _is_chain(network):
        return ()
    remaining = iter(variances)
    q, distance = mean_square, 1 - cosine
    signals: list[tuple[float, float]] = []
    factors: list[float] = []  # of the squared gradient, from behind a hidden layer's activation to its preactivations
    factor = 1.0
    for step in network.steps:
        match step:
            case Affine():
                weight, bias = next(remaining)
                fan_out, fan_in = network.parameters[step.weight].shape[1:]
                factor *= weight * fan_out / fan_in
                after = weight * q + bias
                q, distance = after, weight * q * distance / after if after else nan
            case Normalize():
                gain = _mean_square(network, step.gain, 1.0)
                shift = _mean_square(network, step.shift, 0.0)
                factor *= gain / q if q else nan
                distance *= gain / (gain + shift)
                q = gain + shift
            case Elementwise(straight=True):
                pass  # a factor that the variances include
            case Elementwise(entry=entry):
                assert entry is not None
                signals.append((q, distance))
                factors.append(factor)
                factor = slope_moment(entry, q) if isfinite(q) else nan
                q, distance = _activate(entry, q, distance)
    if not signals:
        return ()
    gradients = [1.0]
    for factor in reversed(factors[1:]):
        gradients.append(gradients[-1] * factor)
    return tuple(
        LayerTheory(sqrt(q), sqrt(q * distance), 1 - distance, sqrt(gradient))
        for (q, distance), gradient in zip(signals, reversed(gradients), strict=True)
    )


def _is_chain(network: TracedNetwork) -> bool:
    """Return whether theory covers every step, and each step takes the value of the one before."""
    hidden = set(map(id, network.hidden))
    for place, step in enumerate(network.steps):
        known = (
            isinstance(step, Affine)
            or (isinstance(step, Normalize) and step.kind != "batch" and place > 0)
            or (isinstance(step, Elementwise) and (step.straight or (step.entry is not None and id(step) in hidden)))
        )
        if step.sources != (place,) or not known:
            return False
    return True


def _mean_square(network: TracedNetwork, place: int | None, otherwise: float) -> float:
    return otherwise if place is None else float(network.parameters[place].square().mean())


def _activate(entry: Activation, q: float, distance: float) -> tuple[float, float]:
    """Return E[phi(z)^2] and the distance of the correlation from 1 behind an activation."""
    second = second_moment(entry, q)
    if not second > 0 or not isfinite(second) or not isfinite(distance):
        return second, nan
    if distance > _SMALL:
        return second, 1 - covariance(entry, q, 1 - min(distance, 2.0)) / second
    return second, distance * q * slope_moment(entry, q) / second
