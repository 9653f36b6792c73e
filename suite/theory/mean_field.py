"""The variance map of infinitely wide networks, its fixed point and its edge of chaos.

In the notation of Poole et al. 2016 (arXiv:1606.05340) and Murray, Abrol & Tanner 2021 (arXiv:2105.07741):
Z is standard normal, q the variance of a pre-activation, sigma_w^2 / fan_in the variance of a weight and
sigma_b^2 that of a bias.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf, isfinite, log10, nan, sqrt

import numpy as np

from suite.catalog.activations import Activation
from suite.theory.gaussian import gaussian_mean

_ROUNDING = 1e-12
"""What rounding may make of a 1."""

_QUICK = 10.0
"""How many times as quickly as the catalog's activations one bends whose quadrature takes long far out."""


class NoCriticalPointError(ValueError):
    """No weight variance puts this activation at the edge of chaos with the given bias variance."""


@dataclass(frozen=True)
class CriticalPoint:
    """An edge of chaos.

    Attributes:
        weight_variance: sigma_w^2.
        fixed_point: q*, nan where every variance (or none) is fixed, as for homogeneous activations.
        stability: V'(q*); above 1 the fixed point repels, and depth moves the variance away from it.
    """

    weight_variance: float
    fixed_point: float
    stability: float


@lru_cache(maxsize=4096)
def second_moment(activation: Activation, q: float) -> float:
    """E[phi(sqrt(q) Z)^2]."""
    if activation.homogeneous:
        return q * slope_moment(activation, q)
    return gaussian_mean(lambda z: activation.phi(z) ** 2, sqrt(q), activation.kinks, activation.pace)


@lru_cache(maxsize=4096)
def slope_moment(activation: Activation, q: float, k: int = 1) -> float:
    """mu_k = E[phi'(sqrt(q) Z)^(2k)]; at q = 0 its limit from above, which is the mean of both sides of a kink."""
    if activation.homogeneous:
        return float(np.mean(activation.dphi(np.array([-1.0, 1.0])) ** (2 * k)))
    return gaussian_mean(
        lambda z: activation.dphi(z) ** (2 * k), max(sqrt(q), 1e-12), activation.kinks, activation.pace
    )


def chi(activation: Activation, q: float, weight_variance: float) -> float:
    """chi_1 = sigma_w^2 E[phi'(sqrt(q) Z)^2]: by how much a layer stretches a small difference, squared."""
    return weight_variance * slope_moment(activation, q)


def variance_map(activation: Activation, q: float, weight_variance: float, bias_variance: float) -> float:
    """V(q) = sigma_w^2 E[phi(sqrt(q) Z)^2] + sigma_b^2, the pre-activations' variance one layer on."""
    return weight_variance * second_moment(activation, q) + bias_variance


def variance_map_slope(activation: Activation, q: float, weight_variance: float) -> float:
    """V'(q) = sigma_w^2 E[phi(sqrt(q) Z) phi'(sqrt(q) Z) Z] / sqrt(q); at q = 0 its limit from above.

    The limit is finite only where phi(0) = 0.
    """
    if activation.homogeneous:
        return weight_variance * slope_moment(activation, 1.0)
    std = max(sqrt(q), 1e-6)
    mean = gaussian_mean(lambda x: activation.phi(x) * activation.dphi(x) * x, std, activation.kinks, activation.pace)
    return weight_variance * mean / std**2


@lru_cache(maxsize=1024)
def fixed_point(activation: Activation, weight_variance: float, bias_variance: float) -> float:
    """q*, the smallest fixed point of the variance map V to which depth leads; nan if there is none.

    It is where V first falls below the diagonal, bracketed on a grid of q and bisected. So it is 0 where
    sigma_b = 0, phi(0) = 0 and V'(0) is at most 1; if V'(0) is above 1, the fixed point 0 repels, and the
    next one counts. Homogeneous activations have sigma_b^2 / (1 - sigma_w^2 mu_1) below criticality, and
    none from there on. A pair of fixed points within 6% of each other may be overlooked.
    """
    if activation.homogeneous:
        room = 1 - chi(activation, 1.0, weight_variance)
        return bias_variance / room if room > _ROUNDING else nan

    def growth(q: float) -> float:
        return variance_map(activation, q, weight_variance, bias_variance) / q - 1

    if variance_map(activation, 0.0, weight_variance, bias_variance) == 0 and (
        chi(activation, 0.0, weight_variance) <= 1 + _ROUNDING
    ):
        return 0.0
    first = bias_variance / 2 or 1e-14
    bracket = _first_fall(growth, first, 1e12 * max(1.0, bias_variance, weight_variance, _far(activation)))
    return _bisect(growth, *bracket) if bracket else nan


@lru_cache(maxsize=1024)
def edge_of_chaos(activation: Activation, bias_variance: float) -> CriticalPoint:
    """The weight variance at which chi_1 = sigma_w^2 E[phi'(sqrt(q*) Z)^2] is 1.

    Writing sigma_w^2 as 1 / E[phi'(sqrt(q) Z)^2] leaves one equation, V(q) = q, whose smallest root is
    bracketed on a grid of q and bisected; iterating V itself stalls at criticality.
    Homogeneous activations have the same sigma_w^2 for every sigma_b.

    Raises:
        NoCriticalPointError: the equation has no root, as for softplus.
    """
    if activation.homogeneous:
        weight_variance = 1 / slope_moment(activation, 1.0)
        return CriticalPoint(weight_variance, nan, 1.0)
    q = _smallest_root(activation, bias_variance)
    weight_variance = 1 / slope_moment(activation, q)
    return CriticalPoint(weight_variance, q, variance_map_slope(activation, q, weight_variance))


def growth_above(activation: Activation, bias_variance: float) -> float:
    """V(q) / q at the edge of chaos, for q = 2 q*, or q = 1 where q* is 0: above 1 where what starts above q* grows.

    A fixed point with V'(q*) = 1 about which V is convex, as of an activation that is flat around 0, holds
    variances below it and lets go of those above. Where V is linear there is no fixed point to speak of, and
    what it grows by, sigma_b^2, does not multiply: 1.

    Raises:
        NoCriticalPointError: there is no edge of chaos.
    """
    if activation.homogeneous:
        return 1.0
    point = edge_of_chaos(activation, bias_variance)
    q = 2 * point.fixed_point or 1.0
    return variance_map(activation, q, point.weight_variance, bias_variance) / q


def _smallest_root(activation: Activation, bias_variance: float) -> float:
    def excess(q: float) -> float:
        second, slope = second_moment(activation, q), slope_moment(activation, q)
        if slope == 0:  # flat as far as q reaches: no weights are critical
            return inf if second > 0 else nan
        return second / slope + bias_variance - q

    if bias_variance == 0 and second_moment(activation, 0.0) == 0 and slope_moment(activation, 0.0) > 0:
        return 0.0
    first = bias_variance / 2 or 1e-8  # no root is below sigma_b^2
    near = max(1e4 * max(1.0, bias_variance) ** 2, 100 * _far(activation))  # gelu's root is near 80 sigma_b^4
    last = max(near, _furthest(activation, bias_variance))
    if bracket := _first_fall(excess, first, near) or _first_fall(excess, near, last, density=4):
        return _bisect(excess, *bracket)
    raise NoCriticalPointError(
        f"no fixed point of the variance map up to {last:.0e} is critical at sigma_b^2 = {bias_variance:g}"
    )


def _furthest(activation: Activation, bias_variance: float) -> float:
    """How far out a root is worth looking for: where rounding moves V(q) by no more than some of sigma_b^2.

    Lines that lean a little, as elu at a small alpha, have theirs near 2 pi (sigma_b^2 / alpha^2 + 1)^2. What bends
    quickly takes long out there, and is not looked at.
    """
    return 1e11 * bias_variance if activation.pace <= _QUICK else 0.0


def _far(activation: Activation) -> float:
    """The square of the kink furthest out: bounded activations have their roots within some multiples of it."""
    return max((kink**2 for kink in activation.kinks), default=0.0)


def _first_fall(
    function: Callable[[float], float], first: float, last: float, density: int = 40
) -> tuple[float, float] | None:
    """The first two neighbors of a grid, of so many points a decade, between which a function falls to 0 or below."""
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
    """The root between two ends, to the last bits; scipy's finders take longer to load than this to run."""
    while high - low > 4e-16 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def output_variance(activation: Activation, variances: Sequence[tuple[float, float]], mean_square: float) -> float:
    """The variance that the variance map predicts for the output, over weights and inputs.

    Args:
        activation: of every hidden layer.
        variances: (sigma_w^2, sigma_b^2) of each layer, the readout last.
        mean_square: mean over the inputs of |x|^2 / n_0.
    """
    (weight_variance, bias_variance), *later = variances
    q = weight_variance * mean_square + bias_variance
    for weight_variance, bias_variance in later:
        q = variance_map(activation, q, weight_variance, bias_variance)
        if not isfinite(q):
            break
    return q
