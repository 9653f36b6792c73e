"""Tests of shapes know the curves that have them, and leave the others open."""

import numpy as np
import pytest

from suite.statistics.contrasts import Estimate, estimate
from suite.statistics.shape import (
    Curve,
    curve_of,
    curve_of_times,
    is_flat,
    largest_difference,
    p_of_difference,
    p_of_ends,
    p_of_peak,
    places_of_extreme,
    size_of_peak,
)


def known(*values: float, error: float = 1.0, largest: float = np.inf, shared: bool = False) -> Curve:
    """A curve of estimates with the same error, of many draws."""
    return curve_of([Estimate(value, error, draws=100) for value in values], largest=largest, shared=shared)


def test_the_ends_of_a_fall_differ_and_nothing_lies_above_or_below_both() -> None:
    """Whatever is between them."""
    fall = known(30.0, 20.0, 10.0)

    assert p_of_ends(fall) < 1e-9
    assert p_of_peak(fall, 1) > 0.5
    assert p_of_peak(fall, -1) > 0.5


def test_a_peak_exceeds_both_ends_at_the_place_of_the_largest_value() -> None:
    """Its distance is that from the higher end; of the places near it, those that cannot be told apart are named."""
    peak = known(0.0, 19.0, 20.0, 10.0, 5.0)

    assert p_of_peak(peak, 1) < 1e-9
    assert p_of_peak(peak, -1) > 0.5
    place, size, low, high = size_of_peak(peak, 1)
    assert (place, size) == (2, 15.0)
    assert low < 15.0 < high
    assert places_of_extreme(peak) == (1, 2)
    turned = known(0.0, -19.0, -20.0, -10.0, -5.0)
    assert p_of_peak(turned, -1) == p_of_peak(peak, 1)
    assert size_of_peak(turned, -1)[:2] == (2, -15.0)


def test_any_inner_place_may_be_the_peak_so_p_counts_them() -> None:
    """Three inner places triple the p-value of one."""
    one, three = known(0.0, 3.0, 0.0), known(0.0, 3.0, 0.0, 0.0, 0.0)

    assert p_of_peak(three, 1) == pytest.approx(3 * p_of_peak(one, 1))


def test_a_curve_is_flat_if_its_intervals_are_within_the_margin() -> None:
    """A curve that is only not shown to differ is not flat, and neither is one of unknown error."""
    assert is_flat(known(10.0, 10.1, 9.9, error=0.05), 0.5)
    assert not is_flat(known(10.0, 10.1, 9.9, error=1.0), 0.5)
    assert not is_flat(known(10.0, 10.0, error=np.inf), 0.5)


def test_draws_that_are_shared_have_the_largest_error_that_dependence_can_give() -> None:
    """The sum of both errors, where those of independent draws add as squares."""
    apart, shared = known(0.0, 3.0), known(0.0, 3.0, shared=True)

    assert np.ptp(apart.interval(1, 0)) == pytest.approx(np.sqrt(2) * 2 * 1.959964, rel=1e-6)
    assert np.ptp(shared.interval(1, 0)) == pytest.approx(2 * 2 * 1.959964, rel=1e-6)


def test_intervals_respect_the_range_of_what_they_estimate() -> None:
    """A difference of shares is 1 at most."""
    low, high = known(0.1, 0.9, error=0.4, largest=1.0).interval(1, 0)

    assert (low > -1, high) == (True, 1.0)


def test_equal_draws_have_the_error_of_those_that_they_are_compared_with() -> None:
    """For as many draws; of two places without an error nothing is established."""
    draws = np.random.default_rng(1).normal(1.0, 1.0, 50)
    equal, other = estimate(np.zeros(50), "mean"), estimate(draws, "mean")

    found, nothing = curve_of([equal, other]), curve_of([equal, estimate(np.ones(50), "mean")])

    assert np.ptp(found.interval(1, 0)) == pytest.approx(2 * 1.984467 * np.sqrt(2) * other.error, rel=1e-2)
    assert p_of_ends(found) < 1e-4
    assert p_of_ends(nothing) == 1.0


def test_exact_values_are_compared_directly() -> None:
    """They have no error."""
    exact = known(1.0, 3.0, 2.0, error=0.0)

    assert p_of_peak(exact, 1) == 0.0
    assert size_of_peak(exact)[1:] == (1.0, 1.0, 1.0)
    assert is_flat(known(2.0, 2.0, error=0.0), 0.0)


def test_times_that_are_censored_are_longer_than_all_others() -> None:
    """Many ties, and medians that are not reached, leave the order of the times."""
    early, late, never = np.repeat([8.0, 16.0], 8), np.repeat([64.0, np.inf], [12, 4]), np.full(16, np.inf)

    curve = curve_of_times([early, late, never])

    assert p_of_ends(curve) < 1e-4
    assert p_of_ends(curve_of_times([early, early])) == 1.0
    assert p_of_ends(curve_of_times([never, never])) == 1.0
    assert largest_difference(curve) == (0, 2)


def test_settings_differ_if_the_largest_of_all_differences_does() -> None:
    """The pair is the one of the largest difference that is established, not one of a large error."""
    certain = [Estimate(value, 0.1, draws=100) for value in (0.0, 1.0)]
    doubtful = Estimate(5.0, 10.0, draws=100)

    curve = curve_of([*certain, doubtful])

    assert p_of_difference(curve) < 1e-6
    assert largest_difference(curve) == (0, 1)
    assert p_of_difference(known(0.0, 0.1, 0.2)) == 1.0
