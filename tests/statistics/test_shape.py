"""Tests of shapes know the curves that have them, and leave the others open."""

import numpy as np
import pytest

from suite.statistics.contrasts import Estimate, estimate
from suite.statistics.shape import (
    Curve,
    curve_of,
    curve_of_times,
    is_flat,
    is_rise,
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


def test_the_place_of_a_peak_is_one_that_is_established() -> None:
    """A larger value with a large error is none; among several, the largest value is the peak."""
    errors, draws = (0.1, 0.1, 5.0, 0.1), 100
    doubtful = curve_of([Estimate(v, e, draws=draws) for v, e in zip((0.0, 2.0, 3.0, 0.0), errors, strict=True)])
    turned = curve_of([Estimate(v, e, draws=draws) for v, e in zip((0.0, -2.0, -3.0, 0.0), errors, strict=True)])
    certain = curve_of([Estimate(v, e, draws=draws) for v, e in zip((0, 2, 3, 0), (0.1, 0.01, 0.2, 0.1), strict=True)])

    place, size, low, _ = size_of_peak(doubtful)
    assert (place, size, low > 0) == (1, 2.0, True)
    place, size, _, high = size_of_peak(turned, -1)
    assert (place, size, high < 0) == (1, -2.0, True)
    assert size_of_peak(certain)[:2] == (2, 3.0)


def test_the_interval_of_an_established_peak_excludes_no_change() -> None:
    """The test finds it at half of the level, as for a peak that is corrected together with the ends and dips."""
    generator, found = np.random.default_rng(4), 0
    for _ in range(200):
        values, errors = generator.normal(0, 2, 6), generator.exponential(1, 6)
        curve = curve_of([Estimate(v, e, 9, draws=10) for v, e in zip(values, errors, strict=True)])
        for sign in (1, -1):
            if p_of_peak(curve, sign) <= 0.025:
                found += 1
                _, _, low, high = size_of_peak(curve, sign)
                assert low > 0 if sign > 0 else high < 0
    assert found > 20


def test_few_draws_of_a_mean_have_at_least_the_error_of_many() -> None:
    """For as many draws; equal numbers and a larger error of its own change nothing."""
    few, many = Estimate(0.0, 0.01, 7, 8), Estimate(1.0, 0.1, 511, 512)
    expected = np.hypot(0.1 * np.sqrt(512 / 8), 0.1)

    assert np.ptp(curve_of([few, many]).interval(1, 0)) == pytest.approx(2 * 1.9646 * expected, rel=1e-3)
    assert p_of_ends(curve_of([few, many])) > 0.05 > p_of_ends(curve_of([Estimate(0.0, 0.01, 511, 512), many]))
    assert p_of_ends(curve_of([Estimate(0.0, 0.01, 63, 64), many])) < 1e-6
    wide = curve_of([Estimate(0.0, 3.0, 7, 8), many])
    assert np.ptp(wide.interval(1, 0)) == pytest.approx(2 * 2.3646 * np.hypot(3.0, 0.1), rel=1e-2)


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


def test_times_rise_or_fall_as_they_are_tested() -> None:
    """Their medians may be equal, or not reached at both ends."""
    often, seldom = np.repeat([8.0, np.inf], [28, 32]), np.repeat([8.0, np.inf], [2, 58])
    sooner, later = np.repeat([16.0, 32.0], [20, 40]), np.repeat([32.0, 64.0], [40, 20])

    for first, last in ((often, seldom), (sooner, later)):
        rise, fall = curve_of_times([first, last]), curve_of_times([last, first])
        assert rise.value[0] == rise.value[1]
        assert p_of_ends(rise) < 1e-4
        assert (is_rise(rise), is_rise(fall)) == (True, False)


def test_of_times_without_a_median_those_differ_that_are_shown_to() -> None:
    """The pair with the smallest p-value, the one with the shorter times first."""
    some, more, fewest = (np.repeat([8.0, np.inf], [events, 60 - events]) for events in (10, 28, 2))

    assert largest_difference(curve_of_times([some, more, fewest])) == (1, 2)


def test_settings_differ_if_the_largest_of_all_differences_does() -> None:
    """The pair is the one of the largest difference that is established, not one of a large error."""
    certain = [Estimate(value, 0.1, draws=100) for value in (0.0, 1.0)]
    doubtful = Estimate(5.0, 10.0, draws=100)

    curve = curve_of([*certain, doubtful])

    assert p_of_difference(curve) < 1e-6
    assert largest_difference(curve) == (0, 1)
    assert p_of_difference(known(0.0, 0.1, 0.2)) == 1.0
