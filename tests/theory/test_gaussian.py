"""Means over a standard normal variable, against closed forms and an independent quadrature."""

from collections.abc import Callable
from itertools import pairwise
from math import asin, exp, pi, sqrt

import numpy as np
import pytest
from scipy.integrate import quad

from suite.catalog.activations import ACTIVATIONS, Activation, Array
from suite.theory.gaussian import gaussian_mean
from tests.catalog.instances import EVERY

STDS = [1e-6, 1e-3, 0.1, 0.5, 1.0, 3.9, 4.1, 10.0, 99.0, 101.0, 201.0, 700.0, 1e3]
over_stds = pytest.mark.parametrize("std", STDS)


def independent_mean(function: Callable[[float], float], std: float, kinks: tuple[float, ...] = ()) -> float:
    """The same mean by adaptive quadrature over the argument, split where activations bend."""
    half, bend = 13 * std, min(8.0, 6.5 * std)

    def integrand(x: float) -> float:
        return function(x) * exp(-((x / std) ** 2) / 2) / (std * sqrt(2 * pi))

    inside = {kink for kink in kinks if abs(kink) < half}
    edges = sorted({-half, -min(half, 8 * bend), -bend, 0.0, bend, min(half, 8 * bend), half} | inside)
    pieces = [quad(integrand, *ends, epsabs=0, epsrel=1e-12, limit=500)[0] for ends in pairwise(edges)]
    return sum(pieces)


@over_stds
@pytest.mark.parametrize(("power", "moment"), [(0, 1), (1, 0), (2, 1), (3, 0), (4, 3), (6, 15), (8, 105)])
def test_moments_of_the_normal_distribution(std: float, power: int, moment: int):
    """E (s Z)^2k = s^2k (2k - 1)!!, and 0 for odd powers."""
    mean = gaussian_mean(lambda x: x**power, std)

    assert mean / std**power == pytest.approx(moment, rel=1e-12, abs=1e-12)


@over_stds
def test_a_half_line_holds_half_of_the_second_moment(std: float):
    """E relu(s Z)^2 = s^2 / 2 and E relu(s Z) = s / sqrt(2 pi), whose kink must be a panel's edge."""
    assert gaussian_mean(lambda x: np.maximum(x, 0) ** 2, std, kinks=(0.0,)) == pytest.approx(std**2 / 2, rel=1e-12)
    assert gaussian_mean(lambda x: np.maximum(x, 0), std, kinks=(0.0,)) == pytest.approx(std / sqrt(2 * pi), rel=1e-12)


@pytest.mark.parametrize("kink", [-2.3, 0.77, 1.0])
def test_a_kink_that_is_no_edge_by_itself_is_made_one(kink: float):
    """P(Z > k) is an error function; without the kink, panels of sixteen nodes are wrong by far more."""
    from scipy.special import ndtr

    def step(x: Array) -> Array:
        return np.where(x > 2 * kink, 1.0, 0.0)

    assert gaussian_mean(step, 2.0, kinks=(2 * kink,)) == pytest.approx(float(ndtr(-kink)), rel=1e-12)


@over_stds
def test_the_sine_is_resolved_or_converged(std: float):
    """E sin(s Z)^2 = (1 - exp(-2 s^2)) / 2 and E cos(s Z) = exp(-s^2 / 2)."""
    squared = gaussian_mean(lambda x: np.sin(x) ** 2, std)

    assert squared == pytest.approx(-np.expm1(-2 * std**2) / 2, rel=1e-10)
    assert gaussian_mean(np.cos, std) == pytest.approx(exp(-(std**2) / 2), rel=1e-10, abs=1e-10)


@over_stds
def test_the_error_function_has_the_arc_sine_law(std: float):
    """E erf(sqrt(q) Z)^2 = (2 / pi) asin(2 q / (1 + 2 q)), and 4 / (pi sqrt(1 + 4 q)) for its slope."""
    erf, q = ACTIVATIONS["erf"](), std**2

    assert gaussian_mean(lambda x: erf.phi(x) ** 2, std) == pytest.approx(2 / pi * asin(2 * q / (1 + 2 * q)), rel=1e-8)
    assert gaussian_mean(lambda x: erf.dphi(x) ** 2, std) == pytest.approx(4 / pi / sqrt(1 + 4 * q), rel=1e-10)


@pytest.mark.parametrize("std", [1e-6, 0.3, 1.0, 7.0, 150.0, 1e3])
@pytest.mark.parametrize("activation", [entry for entry in EVERY if not entry.oscillating], ids=lambda a: a.name)
def test_every_activation_agrees_with_an_independent_quadrature(activation: Activation, std: float):
    """E phi^2 and E phi'^2; adaptive quadrature cannot follow the sine, which has its closed form above."""

    def at(function: Callable[[Array], Array]) -> Callable[[float], float]:
        return lambda x: float(function(np.array([x]))[0]) ** 2

    for function in (activation.phi, activation.dphi):
        mean = gaussian_mean(lambda x, function=function: function(x) ** 2, std, activation.kinks)
        assert mean == pytest.approx(independent_mean(at(function), std, activation.kinks), rel=1e-8)


def test_the_mean_of_no_spread_is_the_value_at_0():
    """std = 0 is a point."""
    assert gaussian_mean(lambda x: np.cos(x) + 2, 0.0) == 3.0


def test_means_are_linear_in_the_function():
    """Two functions with different kinks, at once and apart."""
    both = gaussian_mean(lambda x: np.abs(x - 1) + 3 * np.abs(x + 2), 1.7, kinks=(1.0, -2.0))

    apart = [gaussian_mean(lambda x, kink=kink: np.abs(x - kink), 1.7, kinks=(kink,)) for kink in (1.0, -2.0)]
    assert both == pytest.approx(apart[0] + 3 * apart[1], rel=1e-13)
