"""Survival curves, medians and the log-rank test: by hand, against SciPy, and their error rates."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from suite.statistics.survival import kaplan_meier, logrank, median_survival

# Weeks of remission of 42 children with leukemia (Freireich et al. 1963), the usual textbook example.
TREATED = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35.0])
RELAPSED = ~np.isin(np.arange(21), [0, 5, 6, 8, 11, 12, 13, 16, 17, 18, 19, 20])
PLACEBO = np.array([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23.0])
ALL = np.ones(21, dtype=bool)
NOBODY = (np.array([]), np.array([], dtype=bool))


def censored_times(n, seed, rate=1.0, censoring=2.0, grid=None):
    """Draw exponential times to an event, censored at exponential times of the given mean, with ties on a grid."""
    generator = np.random.default_rng((seed, n))
    events, censored = generator.exponential(1 / rate, n), generator.exponential(censoring, n)
    times = np.minimum(events, censored)
    return (times if grid is None else np.ceil(times / grid) * grid), events <= censored


def as_scipy(times, observed):
    return stats.CensoredData.right_censored(times, ~observed)


def test_the_curve_of_a_worked_example():
    """Nine relapses at seven times among 21 children; the factors are 18/21, 16/17, 14/15, 11/12, 10/11, 6/7, 5/6."""
    curve = kaplan_meier(TREATED, RELAPSED)

    assert curve.steps.tolist() == [6, 7, 10, 13, 16, 22, 23]
    factors = [18 / 21, 16 / 17, 14 / 15, 11 / 12, 10 / 11, 6 / 7, 5 / 6]
    np.testing.assert_allclose(curve.survival, np.cumprod(factors), rtol=1e-14)


def test_a_subject_censored_at_the_time_of_an_event_is_still_at_risk():
    """One of three has its event at 1, then the only one that is left."""
    curve = kaplan_meier(np.array([1.0, 1, 2]), np.array([True, False, True]))

    assert (curve.steps.tolist(), curve.survival.tolist()) == ([1, 2], [pytest.approx(2 / 3), 0])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("grid", [None, 0.25])
def test_the_curve_is_the_product_limit(seed, grid):
    """With and without ties: one factor 1 - events / at risk for each time of an event."""
    times, observed = censored_times(60, seed, grid=grid)
    curve = kaplan_meier(times, observed)

    steps = sorted(set(times[observed]))
    factors = [1 - (times[observed] == step).sum() / (times >= step).sum() for step in steps]
    assert curve.steps.tolist() == steps
    np.testing.assert_allclose(curve.survival, np.cumprod(factors), rtol=1e-12, atol=1e-15)


def test_without_censoring_the_curve_is_one_less_the_empirical_distribution():
    """The share of times beyond each step."""
    times = np.random.default_rng(3).integers(1, 9, 40).astype(float)
    curve = kaplan_meier(times, np.ones(40, dtype=bool))

    np.testing.assert_allclose(curve.survival, [(times > step).mean() for step in curve.steps], atol=1e-14)


@pytest.mark.parametrize(("times", "observed"), [(TREATED, ~ALL), NOBODY])
def test_without_events_the_curve_has_no_steps(times, observed):
    """All subjects are censored, or there are none."""
    curve = kaplan_meier(times, observed)

    assert curve.steps.shape == curve.survival.shape == (0,)


def test_medians_of_the_worked_example():
    """23 and 8 weeks."""
    assert (median_survival(TREATED, RELAPSED), median_survival(PLACEBO, ALL)) == (23, 8)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40))
def test_without_censoring_the_median_is_that_of_the_sample(sample):
    """Of an even number the lower of the two in the middle, where the curve is exactly one half."""
    times = np.array(sample, dtype=float)

    assert median_survival(times, np.ones(len(times), dtype=bool)) == np.quantile(times, 0.5, method="inverted_cdf")


def test_a_curve_that_rounds_to_just_above_one_half_has_reached_it():
    """9/10 times 8/9, 7/8, 6/7 and 5/6 is one half, also if one subject is censored at the end."""
    assert median_survival(np.arange(1.0, 11), np.arange(10) < 9) == 5


def test_a_median_that_is_not_reached_is_nan():
    """Six of ten are censored, all are, or there are no subjects."""
    assert np.isnan(median_survival(np.arange(1.0, 11), np.arange(10) < 4))
    assert np.isnan(median_survival(TREATED, ~ALL))
    assert np.isnan(median_survival(*NOBODY))


@pytest.mark.parametrize(("observed", "median"), [(True, 3), (False, np.nan)])
def test_the_median_of_one_subject_is_its_time_if_observed(observed, median):
    """Otherwise it is unknown."""
    np.testing.assert_equal(median_survival(np.array([3.0]), np.array([observed])), median)


def test_batches_of_permutations_change_nothing(monkeypatch):
    """A few permutations at a time."""
    test = logrank(*censored_times(15, 1), *censored_times(15, 2, rate=1.5))
    monkeypatch.setattr("suite.statistics.survival._VALUES_A_BATCH", 4200)

    assert logrank(*censored_times(15, 1), *censored_times(15, 2, rate=1.5)) == test


def test_logrank_of_the_worked_example():
    """9 relapses observed where 19.25 are expected, chi squared 16.79: those on placebo relapse sooner."""
    found = logrank(PLACEBO, ALL, TREATED, RELAPSED)

    assert found.statistic**2 == pytest.approx(16.793, abs=5e-4)
    assert found.statistic > 0
    assert found.p < 1e-3


def test_logrank_by_hand():
    """Groups (1, 2) and (3, 4): expected 1/2 + 1/3, variance 1/4 + 2/9; 2 of 6 groupings are as extreme."""
    both = np.array([True, True])

    found = logrank(np.array([1.0, 2]), both, np.array([3.0, 4]), both)

    assert found.statistic == pytest.approx((2 - 5 / 6) / (1 / 4 + 2 / 9) ** 0.5, rel=1e-14)
    assert found.p == pytest.approx(2 / 6, rel=1e-14)


@pytest.mark.parametrize("grid", [None, 0.25])
@pytest.mark.parametrize("seed", range(4))
def test_logrank_is_that_of_scipy(seed, grid):
    """The statistic exactly; in groups of 60 and 80 the p-value to four standard errors of 20,000 permutations."""
    first, second = censored_times(60, seed, grid=grid), censored_times(80, seed + 10, rate=0.8, grid=grid)
    expected = stats.logrank(as_scipy(*first), as_scipy(*second))

    found = logrank(*first, *second)

    assert found.statistic == pytest.approx(expected.statistic, rel=1e-10)
    # The normal approximation itself is off by about 0.005 at this size.
    assert found.p == pytest.approx(expected.pvalue, abs=4 * (0.25 / 20_000) ** 0.5 + 0.008)


def test_random_permutations_are_about_all_of_them():
    """10 against 10 has 184,756 groupings: their share, enumerated here, to four standard errors."""
    (first, first_observed), (second, second_observed) = censored_times(10, 5), censored_times(10, 6, rate=2.5)
    times, observed = np.concatenate([first, second]), np.concatenate([first_observed, second_observed])
    hazard = [sum(1 / (times >= t).sum() for t in times[observed] if t <= time) for time in times]
    scores = observed - np.array(hazard)
    sums = np.abs([scores[list(chosen)].sum() for chosen in combinations(range(20), 10)])
    exact = (sums >= abs(scores[:10].sum()) - 1e-12).mean()

    assert 0.005 < exact < 0.5
    assert logrank(first, first_observed, second, second_observed).p == pytest.approx(
        exact, abs=4 * (exact / 20_000) ** 0.5
    )


@pytest.mark.parametrize("sizes", [(4, 6), (30, 20)])
def test_logrank_of_exchanged_groups_changes_its_sign_alone(sizes):
    """Whether all permutations are used or some. The order of subjects does not matter either."""
    first, second = censored_times(sizes[0], 1, grid=0.5), censored_times(sizes[1], 2, grid=0.5)
    one, other = logrank(*first, *second), logrank(*second, *first)

    assert other.statistic == pytest.approx(-one.statistic, rel=1e-10)
    assert other.p == one.p
    assert logrank(first[0][::-1], first[1][::-1], *second).p == one.p


def test_logrank_of_groups_without_events_or_differences_finds_nothing():
    """No events, a group without members, two groups alike, and all events at once."""
    assert logrank(TREATED, ~ALL, PLACEBO, ~ALL) == (0, 1)
    assert logrank(*NOBODY, PLACEBO, ALL) == (0, 1)
    assert logrank(*NOBODY, *NOBODY) == (0, 1)
    assert logrank(PLACEBO, ALL, PLACEBO, ALL).p == 1
    assert logrank(np.ones(21), ALL, np.ones(21), ALL) == (0, 1)


def test_a_group_without_events_differs_from_one_without_censoring():
    """8 events against 8 subjects censored at 9: of 12,870 groupings two are as extreme."""
    found = logrank(np.arange(1.0, 9), np.ones(8, dtype=bool), np.full(8, 9.0), np.zeros(8, dtype=bool))

    assert found.statistic > 3
    assert found.p == pytest.approx(2 / 12_870, rel=1e-12)


def test_p_is_never_0():
    """It includes the observed grouping: 1 of 20,001 at least."""
    observed = np.ones(40, dtype=bool)
    assert logrank(np.arange(1.0, 41), observed, np.arange(41.0, 81), observed).p == 1 / 20_001


@pytest.mark.parametrize("grid", [None, 0.5])
def test_logrank_raises_false_alarms_5_times_in_100(grid):
    """600 pairs of groups of 8 alike, with ties and censoring: never more than 5% but for chance.

    Standard error 0.9%, bounds 4 of them wide; ties make the test conservative.
    """
    p = np.array(
        [
            logrank(*censored_times(8, seed, grid=grid), *censored_times(8, seed + 10_000, grid=grid)).p
            for seed in range(600)
        ]
    )

    assert 0.015 < (p <= 0.05).mean() < 0.086
    assert 0.40 < (p <= 0.5).mean() < 0.582


def test_logrank_finds_a_difference():
    """Rates of 4 and 1 in groups of 25, at 5%: in 45 of 50 pairs at least, and always with the right sign."""
    found = [logrank(*censored_times(25, seed, rate=4), *censored_times(25, seed + 10_000)) for seed in range(50)]

    assert all(test.statistic > 0 for test in found)
    assert sum(test.p < 0.05 for test in found) >= 45


@pytest.mark.parametrize("times", [np.array([1.0, np.nan]), np.array([1.0])])
def test_every_subject_needs_a_time_and_a_flag(times):
    """A censored subject has the time of its censoring, not nan."""
    observed = np.array([True, False])
    with pytest.raises(ValueError, match=r"nan|same length"):
        kaplan_meier(times, observed)
    with pytest.raises(ValueError, match="use the censoring time"):
        logrank(times, observed, PLACEBO, ALL)
