"""The variance map of infinitely wide networks, its fixed point and its edge of chaos.

The notation follows Poole et al. 2016 (arXiv:1606.05340) and Murray, Abrol & Tanner 2021 (arXiv:2105.07741): Z is
standard normal, q is the variance of a preactivation, sigma_w^2 / fan_in is the variance of a weight, and sigma_b^2 is
the variance of a bias.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf, isfinite, log10, nan, sqrt

import numpy as np

from suite.catalog.activations import Activation
from suite.theory.gaussian import gaussian_mean

_ROUNDING = 1e-12
"""Largest difference from 1 that is treated as rounding."""

_MARGIN = 1e-9
"""The deviation of V'(q*) or V(q) / q from 1 that is attributed to rounding."""

_LARGEST_PACE = 10.0
"""Largest pace of an activation for which quadrature at large q is fast enough."""


class NoCriticalPointError(ValueError):
    """The error that no weight variance puts an activation at the edge of chaos."""


@dataclass(frozen=True)
class CriticalPoint:
    """An edge of chaos.

    Attributes:
        weight_variance: sigma_w^2.
        fixed_point: q*; nan if every variance (or none) is fixed, as for homogeneous activations.
        stability: V'(q*); above 1 the fixed point repels, and depth moves the variance away from it.
    """

    weight_variance: float
    fixed_point: float
    stability: float


@lru_cache(maxsize=4096)
def second_moment(activation: Activation, q: float) -> float:
    """Compute E[phi(sqrt(q) Z)^2]; nan if q is not finite."""
    if activation.homogeneous:
        return q * slope_moment(activation, q)
    if not isfinite(q):
        return nan
    return gaussian_mean(lambda z: activation.phi(z) ** 2, sqrt(q), activation.kinks, activation.pace)


@lru_cache(maxsize=4096)
def slope_moment(activation: Activation, q: float, k: int = 1) -> float:
    """Compute mu_k = E[phi'(sqrt(q) Z)^(2k)].

    At q = 0 it is the limit from above, which is the mean over both sides of a kink. It is nan if q is not finite.
    """
    if activation.homogeneous:
        return float(np.mean(activation.dphi(np.array([-1.0, 1.0])) ** (2 * k)))
    if not isfinite(q):
        return nan
    return gaussian_mean(
        lambda z: activation.dphi(z) ** (2 * k), max(sqrt(q), 1e-12), activation.kinks, activation.pace
    )


def slope_kurtosis(activation: Activation, q: float) -> float:
    """Compute mu_2 / mu_1^2; nan if the slopes vanish or overflow."""
    first, second = slope_moment(activation, q), slope_moment(activation, q, 2)
    return second / first / first if first > 0 and isfinite(first) else nan


def chi(activation: Activation, q: float, weight_variance: float) -> float:
    """Compute chi_1 = sigma_w^2 E[phi'(sqrt(q) Z)^2]; a layer multiplies small squared differences by it."""
    return weight_variance * slope_moment(activation, q)


def variance_map(activation: Activation, q: float, weight_variance: float, bias_variance: float) -> float:
    """Compute V(q) = sigma_w^2 E[phi(sqrt(q) Z)^2] + sigma_b^2, the variance in the next layer."""
    return weight_variance * second_moment(activation, q) + bias_variance


def variance_map_slope(activation: Activation, q: float, weight_variance: float) -> float:
    """Compute V'(q) = sigma_w^2 E[phi(sqrt(q) Z) phi'(sqrt(q) Z) Z] / sqrt(q).

    At q = 0 it is the limit from above, which is finite only if phi(0) = 0.
    """
    if activation.homogeneous:
        return weight_variance * slope_moment(activation, 1.0)
    if q == 0 and second_moment(activation, 0.0) == 0:
        return chi(activation, 0.0, weight_variance)  # to first order in q, V is chi_1 q
    std = max(sqrt(q), 1e-6)
    mean = gaussian_mean(lambda x: activation.phi(x) * activation.dphi(x) * x, std, activation.kinks, activation.pace)
    return weight_variance * mean / std**2


@lru_cache(maxsize=1024)
def fixed_point(activation: Activation, weight_variance: float, bias_variance: float) -> float:
    """Compute q*, the smallest attracting fixed point of the variance map V; nan if there is none.

    It is the point where V first falls below the diagonal, bracketed on a grid of q and bisected. It is 0 if phi(0) =
    0, sigma_b is 0 and V'(0) is at most 1. If V'(0) is above 1, the fixed point 0 repels, and the function returns the
    next one. For homogeneous activations, q* is sigma_b^2 / (1 - sigma_w^2 mu_1) below criticality, and there is none
    at or above it. Two fixed points within 6% of each other may be overlooked.
    """
    if activation.homogeneous:
        gap = 1 - chi(activation, 1.0, weight_variance)
        return bias_variance / gap if gap > _ROUNDING else nan

    def growth(q: float) -> float:
        return variance_map(activation, q, weight_variance, bias_variance) / q - 1

    if variance_map(activation, 0.0, weight_variance, bias_variance) == 0 and (
        chi(activation, 0.0, weight_variance) <= 1 + _ROUNDING
    ):
        return 0.0
    first = bias_variance / 2 or 1e-14
    last = 1e12 * max(1.0, bias_variance, weight_variance, _largest_kink_squared(activation))
    bracket = _first_fall(growth, first, last)
    return _bisect(growth, *bracket) if bracket else nan


def variance_preserving_weights(activation: Activation, bias_variance: float) -> float:
    """Compute sigma_w^2 = (1 - sigma_b^2) / E[phi(Z)^2], with which V(1) = 1; inf if phi(Z) is 0.

    The fixed point q = 1 attracts only if V'(1) < 1; for GELU and SiLU it repels.
    """
    second = second_moment(activation, 1.0)
    return (1 - bias_variance) / second if second > 0 else inf


@lru_cache(maxsize=1024)
def edge_of_chaos(activation: Activation, bias_variance: float) -> CriticalPoint:
    """Compute the weight variance at which chi_1 = sigma_w^2 E[phi'(sqrt(q*) Z)^2] is 1.

    With sigma_w^2 = 1 / E[phi'(sqrt(q) Z)^2], one equation remains, V(q) = q. Its smallest root is bracketed on a grid
    of q and bisected, since iterating V itself converges too slowly at criticality. Homogeneous activations have the
    same sigma_w^2 for every sigma_b.

    Raises:
        NoCriticalPointError: If the equation has no root, as for softplus.
    """
    if activation.homogeneous:
        weight_variance = 1 / slope_moment(activation, 1.0)
        return CriticalPoint(weight_variance, nan, 1.0)
    q = _smallest_root(activation, bias_variance)
    weight_variance = 1 / slope_moment(activation, q)
    return CriticalPoint(weight_variance, q, variance_map_slope(activation, q, weight_variance))


def is_stable(activation: Activation, bias_variance: float) -> bool:
    """Return whether there is an edge of chaos whose fixed point does not repel, that is V'(q*) <= 1.

    At q* = 0 the slope is 1, and the side above decides: the fixed point repels if V(q) > q where V first leaves the
    diagonal.
    """
    try:
        point = edge_of_chaos(activation, bias_variance)
    except NoCriticalPointError:
        return False
    if point.fixed_point != 0:
        return point.stability <= 1 + _MARGIN
    for q in map(float, np.geomspace(1e-6, 1.0, 25)):
        growth = variance_map(activation, q, point.weight_variance, bias_variance) / q
        if abs(growth - 1) > _MARGIN:
            return growth < 1
    return True


def growth_above(activation: Activation, bias_variance: float) -> float:
    """Compute V(q) / q at the edge of chaos for q = 2 q*, or for q = 1 if q* is 0.

    A value above 1 means that variances above q* grow. If V'(q*) = 1 and V is convex around q*, as for an activation
    that is flat around 0, the fixed point attracts variances below it and repels those above it. For homogeneous
    activations the function returns 1: V is linear, there is no isolated fixed point, and each layer adds sigma_b^2
    without multiplying the variance.

    Raises:
        NoCriticalPointError: If there is no edge of chaos.
    """
    if activation.homogeneous:
        return 1.0
    point = edge_of_chaos(activation, bias_variance)
    q = 2 * point.fixed_point or 1.0
    return variance_map(activation, q, point.weight_variance, bias_variance) / q


def _smallest_root(activation: Activation, bias_variance: float) -> float:
    def excess(q: float) -> float:
        second, slope = second_moment(activation, q), slope_moment(activation, q)
        if slope == 0:  # phi is flat on this scale, so no weights are critical
            return inf if second > 0 else nan
        return second / slope + bias_variance - q

    if bias_variance == 0 and second_moment(activation, 0.0) == 0 and slope_moment(activation, 0.0) > 0:
        return 0.0
    first = bias_variance / 2 or 1e-8  # no root is below sigma_b^2
    # The root of gelu is near 80 sigma_b^4.
    near = max(1e4 * max(1.0, bias_variance) ** 2, 100 * _largest_kink_squared(activation))
    last = max(near, _search_limit(activation, bias_variance))
    if bracket := _first_fall(excess, first, near) or _first_fall(excess, near, last, density=4):
        return _bisect(excess, *bracket)
    raise NoCriticalPointError(
        f"no fixed point of the variance map up to {last:.0e} is critical at sigma_b^2 = {bias_variance:g}"
    )


def _search_limit(activation: Activation, bias_variance: float) -> float:
    """Return the largest q at which to search for a root.

    Up to this q, rounding of V(q) is small against sigma_b^2. The root of nearly homogeneous activations,
    such as elu with a small alpha, is near 2 pi (sigma_b^2 / alpha^2 + 1)^2. Activations that bend quickly take too
    long to integrate at large q, so the search does not extend there.
    """
    return 1e11 * bias_variance if activation.pace <= _LARGEST_PACE else 0.0


def _largest_kink_squared(activation: Activation) -> float:
    """Return the square of the largest kink.

    The roots of bounded activations lie within a few multiples of it.
    """
    return max((kink**2 for kink in activation.kinks), default=0.0)


def _first_fall(
    function: Callable[[float], float], first: float, last: float, density: int = 40
) -> tuple[float, float] | None:
    """Return the first two neighbors on a grid between which a function falls to 0 or below.

    The grid has `density` points per decade. Return None if there are no such neighbors.
    """
    if last <= first:
        return None
    low, before = first, function(first)
    for q in map(float, np.geomspace(first, last, ceil(density * log10(last / first)) + 1)[1:]):
        value = function(q)
        if value <= 0 < before:
            return low, q
        low, before = q, value
    return None


def _bisect(falling: Callable[[float], float], low: float, high: float) -> float:
    """Return the root between two ends to machine precision.

    Loading scipy's root finders takes longer than this.
    """
    while high - low > 4e-16 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def output_variance(activation: Activation, variances: Sequence[tuple[float, float]], mean_square: float) -> float:
    """Compute the variance that the variance map predicts for the output, over weights and inputs.

    Args:
        activation: The activation of every hidden layer.
        variances: (sigma_w^2, sigma_b^2) of each layer, the readout last.
        mean_square: The mean over the inputs of |x|^2 / n_0.
    """
    (weight_variance, bias_variance), *later = variances
    q = weight_variance * mean_square + bias_variance
    for weight_variance, bias_variance in later:
        q = variance_map(activation, q, weight_variance, bias_variance)
        if not isfinite(q):
            break
    return q
