"""Confidence intervals against scipy's and against their promised coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap

from suite.statistics.intervals import MOST_RESAMPLED, bootstrap_mean, bootstrap_median, clopper_pearson, wilson


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (0, 20), (3, 20), (20, 20), (500, 1024)])
def test_wilsons_interval_is_scipys(successes, trials):
    """Also at no and at all successes."""
    expected = binomtest(successes, trials).proportion_ci(method="wilson")

    low, high = wilson(np.array([float(successes)]), np.array([float(trials)]))

    assert (low[0], high[0]) == (pytest.approx(expected.low, abs=1e-12), pytest.approx(expected.high, abs=1e-12))


@given(trials=st.integers(1, 10_000), data=st.data())
def test_wilsons_interval_holds_the_frequency_and_stays_within_0_and_1(trials, data):
    """For every possible count."""
    successes = data.draw(st.integers(0, trials))

    low, high = wilson(np.array([float(successes)]), np.array([float(trials)]))

    assert 0 <= low[0] <= successes / trials <= high[0] <= 1
    assert low[0] < high[0]


def test_wilsons_interval_takes_columns():
    """One interval each."""
    low, high = wilson(np.array([1.0, 2, 3]), np.full(3, 4.0))

    assert low.shape == high.shape == (3,)
    assert (np.diff(low) > 0).all()


def test_the_bootstrap_covers_the_mean_about_95_times_in_100():
    """2,000 normal samples of 40, as columns.

    The percentile bootstrap at n = 40 covers 93.6%, with a standard error of 0.5% here: the bounds are 5
    standard errors wide, false-alarm rate 1e-6.
    """
    samples = np.random.default_rng(1).normal(3, 2, (40, 2000))

    low, high = bootstrap_mean(samples)

    covered = ((low <= 3) & (high >= 3)).mean()
    # All columns share their resamples, which adds the resampling's own error of about 0.3%.
    assert 0.905 < covered < 0.965


def test_the_bootstrap_of_the_mean_is_about_scipys():
    """2,000 resamples leave each end uncertain by about 5% of the interval's width."""
    sample = np.random.default_rng(2).lognormal(size=60)
    expected = bootstrap(
        (sample,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval

    low, high = bootstrap_mean(sample[:, None])

    width = expected.high - expected.low
    assert low[0] == pytest.approx(expected.low, abs=0.1 * width)
    assert high[0] == pytest.approx(expected.high, abs=0.1 * width)


def test_the_bootstrap_of_the_median_is_about_scipys():
    """An odd sample, whose median is one of its values."""
    sample = np.random.default_rng(4).normal(size=101)
    expected = bootstrap(
        (sample,), np.median, n_resamples=20_000, method="percentile", rng=np.random.default_rng(5)
    ).confidence_interval

    low, high = bootstrap_median(sample[:, None])

    width = expected.high - expected.low
    assert low[0] == pytest.approx(expected.low, abs=0.15 * width)
    assert high[0] == pytest.approx(expected.high, abs=0.15 * width)


def test_the_median_of_waits_that_often_never_ended_has_no_upper_end():
    """5 of 11 infinite: the upper end is infinite, the lower is not."""
    waits = np.array([1.0, 2, 3, 4, 5, 6, *[np.inf] * 5])[:, None]

    low, high = bootstrap_median(waits)

    assert 1 <= low[0] <= 6
    assert high[0] == np.inf


def test_columns_do_not_depend_on_each_other():
    """Each alone has the interval that it has beside others."""
    values = np.random.default_rng(6).normal(size=(30, 3))
    whole = bootstrap_mean(values)

    for column in range(3):
        alone = bootstrap_mean(values[:, [column]])
        np.testing.assert_allclose([alone.low[0], alone.high[0]], [whole.low[column], whole.high[column]], rtol=1e-12)


def test_batches_of_resamples_change_nothing(monkeypatch):
    """Seven resamples at a time."""
    values = np.random.default_rng(7).normal(size=(30, 2))
    median = bootstrap_median(values)
    monkeypatch.setattr("suite.statistics.intervals._VALUES_A_BATCH", 430)

    np.testing.assert_array_equal(bootstrap_median(values), median)


def test_of_many_rows_the_mean_has_the_interval_of_its_standard_error():
    """Groups of 48 and 49 of 50,000 skewed rows; 2,000 resamples leave each end uncertain by 3% of the width."""
    values = np.random.default_rng(9).lognormal(size=(50_000, 2))

    low, high = bootstrap_mean(values)

    error = 1.96 * values.std(axis=0) / np.sqrt(len(values))
    np.testing.assert_allclose(low, values.mean(axis=0) - error, atol=0.25 * error.max())
    np.testing.assert_allclose(high, values.mean(axis=0) + error, atol=0.25 * error.max())


@pytest.mark.parametrize("bootstrapped", [bootstrap_mean, bootstrap_median])
def test_one_row_more_than_are_resampled_one_by_one_changes_little(bootstrapped):
    """Of 1,024 rows and of 1,025 the intervals are about the same."""
    values = np.random.default_rng(10).normal(size=(MOST_RESAMPLED + 1, 3))

    fewer, more = bootstrapped(values[:-1]), bootstrapped(values)

    width = (fewer.high - fewer.low).max()
    np.testing.assert_allclose(more, fewer, atol=0.15 * width)


def test_of_many_waits_the_median_may_have_no_upper_end():
    """1,000 of 2,000 never ended: the lower end is a wait, the upper none."""
    waits = np.concatenate([np.arange(1.0, 1001), np.full(1000, np.inf)])[:, None]

    low, high = bootstrap_median(waits)

    assert 900 < low[0] < 1000
    assert high[0] == np.inf


def test_intervals_are_the_same_every_time():
    """The resamples have a seed of their own."""
    values = np.random.default_rng(8).normal(size=(30, 2))

    np.testing.assert_array_equal(bootstrap_mean(values), bootstrap_mean(values))
    np.testing.assert_array_equal(bootstrap_median(values), bootstrap_median(values))


def test_a_constant_sample_has_an_interval_of_no_width():
    """Both ends are the value."""
    low, high = bootstrap_mean(np.full((9, 1), 2.5))

    assert (low[0], high[0]) == (pytest.approx(2.5, rel=1e-15), pytest.approx(2.5, rel=1e-15))


@pytest.mark.parametrize(("events", "draws"), [(0, 8), (3, 8), (8, 8), (40, 4096)])
def test_clopper_and_pearsons_interval_is_scipys(events: int, draws: int) -> None:
    known = binomtest(events, draws).proportion_ci(0.95, method="exact")

    assert clopper_pearson(events, draws) == pytest.approx((known.low, known.high))
