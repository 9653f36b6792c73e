"""Summaries over draws: what is counted, left out or censored."""

import numpy as np
import pytest
from scipy.stats import binomtest

from suite.statistics.summary import STATISTICS, summarise

NAN, INF = np.nan, np.inf


def one(values, kind):
    """The summary of a single column, as plain numbers."""
    return {name: numbers.item() for name, numbers in summarise(np.array(values, dtype=float)[:, None], kind).items()}


@pytest.mark.parametrize("kind", ["value", "frequency", "time"])
def test_every_kind_has_every_statistic(kind):
    """One number a column."""
    found = summarise(np.ones((5, 3)), kind)

    assert set(found) == set(STATISTICS)
    assert {numbers.shape for numbers in found.values()} == {(3,)}


def test_values_have_numpys_statistics():
    """The standard deviation with n - 1, quantiles interpolated, an interval around the mean."""
    values = np.random.default_rng(1).lognormal(size=(50, 2))

    found = summarise(values, "value")

    np.testing.assert_array_equal(found["n"], [50, 50])
    np.testing.assert_allclose(found["mean"], values.mean(0))
    np.testing.assert_allclose(found["std"], values.std(0, ddof=1))
    for name, level in (("median", 0.5), ("q05", 0.05), ("q95", 0.95)):
        np.testing.assert_allclose(found[name], np.quantile(values, level, axis=0))
    assert (found["ci_low"] < found["mean"]).all()
    assert (found["mean"] < found["ci_high"]).all()


def test_draws_that_are_no_numbers_are_left_out_and_not_counted():
    """nan and both infinities; the rest is summarised as if they had never been."""
    complete = [1.0, 2, 4, 8]

    assert one([NAN, 1, 2, INF, 4, 8, -INF], "value") == one(complete, "value")
    assert one(complete, "value")["n"] == 4


def test_a_column_with_gaps_leaves_its_neighbours_alone():
    """Draws missing in one column count in the others."""
    values = np.array([[1.0, NAN], [2, 5], [4, 7], [8, 9]])

    found = summarise(values, "value")

    assert found["n"].tolist() == [4, 3]
    assert found["mean"].tolist() == [3.75, 7]
    for place in range(2):
        alone = one(values[:, place], "value")
        assert {name: numbers[place] for name, numbers in found.items()} == pytest.approx(alone, rel=1e-12)


def test_no_draws_at_all_leave_only_their_count():
    """A column of nan."""
    found = one([NAN, NAN], "value")

    assert found.pop("n") == 0
    assert all(np.isnan(number) for number in found.values())


def test_a_single_draw_has_a_mean_and_no_spread():
    """Nothing to resample."""
    found = one([3.0], "value")

    assert (found["n"], found["mean"], found["median"]) == (1, 3, 3)
    assert all(np.isnan(found[name]) for name in ("std", "ci_low", "ci_high"))


def test_frequencies_have_wilsons_interval():
    """3 of 20."""
    found = one([1] * 3 + [0] * 17, "frequency")
    expected = binomtest(3, 20).proportion_ci(method="wilson")

    assert (found["n"], found["mean"]) == (20, 0.15)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_an_event_that_never_happened_may_yet():
    """0 of 10: from 0 up to more than 0."""
    found = one([0] * 10, "frequency")

    assert found["ci_low"] == 0
    assert 0.2 < found["ci_high"] < 0.35


def test_waits_that_all_ended_have_a_mean():
    """1, 2, 3, 6."""
    found = one([1, 2, 3, 6], "time")

    assert (found["n"], found["mean"], found["median"]) == (4, 3, 2)
    assert found["std"] == pytest.approx(np.std([1, 2, 3, 6], ddof=1))


def test_waits_that_did_not_end_count_as_the_longest():
    """2 of 5 censored: median 6 and no mean, std or high quantile."""
    found = one([NAN, 2, NAN, 6, 3], "time")

    assert (found["n"], found["median"], found["q05"]) == (5, 6, 2)
    assert all(np.isnan(found[name]) for name in ("mean", "std", "q95"))


def test_a_median_wait_needs_more_than_half_to_end():
    """3 of 5 censored: empty. All censored: only the count is left."""
    assert np.isnan(one([NAN, 2, NAN, 6, NAN], "time")["median"])
    found = one([NAN] * 5, "time")
    assert found.pop("n") == 5
    assert all(np.isnan(number) for number in found.values())


def test_the_interval_of_waits_is_the_medians():
    """It holds the median; its upper end is empty where resamples often have none."""
    waits = list(range(1, 40))
    found = one(waits, "time")

    assert found["ci_low"] < found["median"] < found["ci_high"]
    censored = one([*waits[:21], *[NAN] * 18], "time")
    assert np.isfinite(censored["median"])
    assert np.isfinite(censored["ci_low"])
    assert np.isnan(censored["ci_high"])


def test_censored_columns_leave_their_neighbours_alone():
    """Each keeps its own statistics."""
    values = np.array([[1.0, NAN], [2, 5], [4, 7], [8, 9]])
    found = summarise(values, "time")

    assert found["mean"][0] == 3.75
    assert np.isnan(found["mean"][1])
    assert found["median"].tolist() == [2, 7]
