"""The correlation of two inputs in an infinitely wide network, by layer, and its depth scales.

The notation follows Poole et al. 2016 (arXiv:1606.05340), Schoenholz et al. 2017 (arXiv:1611.01232) and Murray, Abrol &
Tanner 2021 (arXiv:2105.07741): u and v are the preactivations of one neuron at two inputs, jointly normal with variance
q and correlation c.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import asin, exp, inf, isfinite, isnan, log, nan, pi, sqrt

import numpy as np

from suite.catalog.activations import Activation, Array
from suite.theory.bivariate import pair_mean
from suite.theory.gaussian import gaussian_mean
from suite.theory.mean_field import chi, fixed_point, second_moment, slope_moment, variance_map, variance_map_slope

_SMALLEST = 1e-24
"""The variance at which the limit q -> 0 is evaluated."""

_ROUNDING = 1e-12
"""Largest difference from 1 that is treated as rounding."""

_CRITICAL = 1e-9
"""A rate within this distance of 1 counts as critical: depth scales beyond a billion layers are infinite."""


@dataclass(frozen=True)
class DepthScales:
    """The limits of variance and correlation at large depth, and the depth scales; nan if there is no q*.

    Attributes:
        fixed_point: q*.
        chi: chi_1 at q*.
        correlation: c*.
        xi_c: The number of layers over which the distance of a correlation from c* asymptotically falls by a factor of
            e.
        xi_q: The number of layers over which the distance of a variance from q* asymptotically falls by a factor of e.
    """

    fixed_point: float
    chi: float
    correlation: float
    xi_c: float
    xi_q: float


@lru_cache(maxsize=4096)
def covariance(activation: Activation, q: float, c: float) -> float:
    """Compute E[phi(u) phi(v)].

    For a positively homogeneous activation alpha z + beta |z| it is the arc-cosine kernel of Cho & Saul 2009, written
    for any two slopes: alpha^2 q c + beta^2 (2 q / pi) (sqrt(1 - c^2) + c asin c).

    Args:
        activation: phi.
        q: The variance, 0 or more.
        c: The correlation, from -1 to 1.
    """
    if activation.homogeneous:
        alpha, beta = _odd_and_even(activation)
        return q * (alpha**2 * c + beta**2 * 2 / pi * (sqrt((1 - c) * (1 + c)) + c * asin(c)))
    if q == 0 or c == 1:
        return second_moment(activation, q)
    if c == -1:
        return _mirrored(activation, activation.phi, q)
    return pair_mean(activation.phi, np.multiply, activation, q, c)


@lru_cache(maxsize=4096)
def slope_covariance(activation: Activation, q: float, c: float) -> float:
    """Compute E[phi'(u) phi'(v)]; at q = 0, its limit from above.

    For alpha z + beta |z| it is alpha^2 + beta^2 (2 / pi) asin c.

    Args:
        activation: phi.
        q: The variance, 0 or more.
        c: The correlation, from -1 to 1.
    """
    if activation.homogeneous:
        alpha, beta = _odd_and_even(activation)
        return alpha**2 + beta**2 * 2 / pi * asin(c)
    if c == 1:
        return slope_moment(activation, q)
    q = max(q, _SMALLEST)
    if c == -1:
        return _mirrored(activation, activation.dphi, q)
    return pair_mean(activation.dphi, np.multiply, activation, q, c)


def _mirrored(activation: Activation, function: Callable[[Array], Array], q: float) -> float:
    """Compute E[function(u) function(-u)]."""
    both_sides = (*activation.kinks, *(-kink for kink in activation.kinks))
    return gaussian_mean(lambda z: function(z) * function(-z), sqrt(q), both_sides, activation.pace)


def _odd_and_even(activation: Activation) -> tuple[float, float]:
    """Return alpha and beta of the positively homogeneous activation alpha z + beta |z|."""
    below, above = activation.dphi(np.array([-1.0, 1.0]))
    return float(above + below) / 2, float(above - below) / 2


def correlation_map(activation: Activation, c: float, q: float, weight_variance: float, bias_variance: float) -> float:
    """Compute R(c) = (sigma_w^2 E[phi(u) phi(v)] + sigma_b^2) / V(q), the correlation in the next layer.

    At q = 0, return the limit as q -> 0. If V(q) is 0, as of an activation that is flat around 0, return nan.
    """
    q = max(q, _SMALLEST)
    covaries = weight_variance * covariance(activation, q, c) + bias_variance
    variance = variance_map(activation, q, weight_variance, bias_variance)
    return float(np.clip(covaries / variance, -1.0, 1.0)) if variance else nan


def correlation_by_layer(
    activation: Activation, variances: Sequence[tuple[float, float]], mean_square: float, cosine: float
) -> list[float]:
    """Compute the correlation of two inputs' preactivations in hidden layers 1..L.

    The variance is iterated from layer to layer, too, so the inputs need not have the variance q*.

    Args:
        activation: The activation of every hidden layer.
        variances: (sigma_w^2, sigma_b^2) of each layer, the readout last; one hidden layer or more.
        mean_square: |x|^2 / n_0 of both inputs, above 0.
        cosine: The cosine of the angle between them.

    Returns:
        One correlation per hidden layer; nan in the layers after the variance overflows or vanishes.
    """
    (weight_variance, bias_variance), *later, _ = variances
    q = weight_variance * mean_square + bias_variance
    found = [(weight_variance * mean_square * cosine + bias_variance) / q]
    for weight_variance, bias_variance in later:
        known = isfinite(q) and not isnan(found[-1])
        found.append(correlation_map(activation, found[-1], q, weight_variance, bias_variance) if known else nan)
        q = variance_map(activation, q, weight_variance, bias_variance) if known else q
    return found


@lru_cache(maxsize=1024)
def correlation_fixed_point(activation: Activation, q: float, weight_variance: float, bias_variance: float) -> float:
    """Compute c*, the fixed point of R on [0, 1] that the correlation converges to with depth.

    R is convex on [0, 1], with R(0) >= 0 and R(1) = 1 (as a power series in c its coefficients are squares). If R'(1)
    <= 1, c* is therefore 1; otherwise it is the only root below 1 of (1 - R(c)) / (1 - c) = 1. This quotient keeps its
    precision as c -> 1, since 1 - R(c) is sigma_w^2 E[(phi(u) - phi(v))^2] / (2 V(q)). At q* = 0, if phi has no kink
    there, R is the identity and every c is a fixed point; the function then returns 1.

    Args:
        activation: phi.
        q: q*; nan gives nan.
        weight_variance: sigma_w^2.
        bias_variance: sigma_b^2.
    """
    from scipy.optimize import brentq  # noqa: PLC0415  # scipy takes longer to load than a spec takes to check

    if isnan(q):
        return nan
    q = max(q, _SMALLEST)
    mapped = variance_map(activation, q, weight_variance, bias_variance)
    if mapped == 0:  # flat around 0: the next layer is constant
        return nan
    share = weight_variance / mapped
    if share * q * slope_moment(activation, q) <= 1 + _ROUNDING:
        return 1.0

    def excess(log_distance: float) -> float:
        c = 1 - exp(log_distance)
        return share * pair_mean(activation.phi, _half_square, activation, q, c) / (1 - c) - 1

    nearest = log(_ROUNDING)
    if isnan(excess(nearest)):
        return nan
    if excess(nearest) <= 0:
        return 1.0
    return 1 - exp(brentq(excess, nearest, 0.0, xtol=1e-14)) if excess(0.0) < -_ROUNDING else 0.0


def _half_square(one: Array, other: Array) -> Array:
    return (one - other) ** 2 / 2


def depth_scales(
    activation: Activation, weight_variance: float, bias_variance: float, q: float | None = None
) -> DepthScales:
    """Compute q*, chi_1, c*, and the depth scales xi_c = -1 / ln chi(c*) and xi_q = -1 / ln |V'(q*)|.

    chi(c*) = R'(c*) = sigma_w^2 E[phi'(u) phi'(v)]. The scales are in layers, and infinite at criticality. If q* = 0,
    the variance decays to 0 together with the covariance, so R'(c*) is chi(c*) / V'(0), and correlations have no depth
    scale.

    Args:
        activation: phi.
        weight_variance: sigma_w^2.
        bias_variance: sigma_b^2.
        q: q* if it is known, for example at an edge of chaos with a repelling fixed point. Default: the attracting
            fixed point.

    Source: Schoenholz et al. 2017, arXiv:1611.01232.
    """
    q = fixed_point(activation, weight_variance, bias_variance) if q is None else q
    if isnan(q):
        return DepthScales(nan, nan, nan, nan, nan)
    c = correlation_fixed_point(activation, q, weight_variance, bias_variance)
    if isnan(c):
        rate = variance_map_slope(activation, q, weight_variance)
        return DepthScales(q, chi(activation, q, weight_variance), nan, nan, _layers(rate))
    some = max(q, _SMALLEST)
    growth = variance_map(activation, some, weight_variance, bias_variance) / some
    return DepthScales(
        fixed_point=q,
        chi=chi(activation, q, weight_variance),
        correlation=c,
        xi_c=_layers(weight_variance * slope_covariance(activation, q, c) / growth),
        xi_q=_layers(variance_map_slope(activation, q, weight_variance)),
    )


def _layers(rate: float) -> float:
    """Return the number of layers after which a factor of |rate| per layer amounts to a factor of 1 / e."""
    if rate == 0:
        return 0.0
    return -1 / log(abs(rate)) if abs(rate) < 1 - _CRITICAL else inf
