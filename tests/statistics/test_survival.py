"""Survival curves, medians and the log-rank test: by hand, against scipy's, and how often they err."""

from itertools import combinations
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from suite.statistics.intervals import bootstrap_median
from suite.statistics.survival import holm, kaplan_meier, logrank, median_survival

# Weeks of remission of 42 children with leukaemia (Freireich et al. 1963), every textbook's example.
TREATED = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35.0])
RELAPSED = ~np.isin(np.arange(21), [0, 5, 6, 8, 11, 12, 13, 16, 17, 18, 19, 20])
PLACEBO = np.array([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23.0])
ALL = np.ones(21, dtype=bool)
NOBODY = (np.array([]), np.array([], dtype=bool))


def waits(n, seed, rate=1.0, censoring=2.0, grid=None):
    """Exponential waits, watched for an exponential time of the given mean, with ties where there is a grid."""
    generator = np.random.default_rng((seed, n))
    ends, watched = generator.exponential(1 / rate, n), generator.exponential(censoring, n)
    times = np.minimum(ends, watched)
    return (times if grid is None else np.ceil(times / grid) * grid), ends <= watched


def scipys(times, observed):
    return stats.CensoredData.right_censored(times, ~observed)


def test_the_curve_of_a_worked_example():
    """Seven ends among 21, twelve censored; the factors are 18/21, 16/17, 14/15, 11/12, 10/11, 6/7, 5/6."""
    curve = kaplan_meier(TREATED, RELAPSED)

    assert curve.steps.tolist() == [6, 7, 10, 13, 16, 22, 23]
    factors = [18 / 21, 16 / 17, 14 / 15, 11 / 12, 10 / 11, 6 / 7, 5 / 6]
    np.testing.assert_allclose(curve.survival, np.cumprod(factors), rtol=1e-14)


def test_a_wait_censored_when_another_ends_is_still_at_risk():
    """One of three ends at 1, and then the only one that is left."""
    curve = kaplan_meier(np.array([1.0, 1, 2]), np.array([True, False, True]))

    assert (curve.steps.tolist(), curve.survival.tolist()) == ([1, 2], [pytest.approx(2 / 3), 0])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("grid", [None, 0.25])
def test_the_curve_is_scipys(seed, grid):
    """With and without ties."""
    times, observed = waits(60, seed, grid=grid)
    curve = kaplan_meier(times, observed)

    expected = stats.ecdf(scipys(times, observed)).sf.evaluate(curve.steps)
    np.testing.assert_allclose(curve.survival, expected, rtol=1e-12, atol=1e-15)


def test_without_censoring_the_curve_is_the_empirical_distributions_rest():
    """And the order of subjects does not matter."""
    times = np.random.default_rng(3).integers(1, 9, 40).astype(float)
    curve = kaplan_meier(times, np.ones(40, dtype=bool))

    np.testing.assert_allclose(curve.survival, [(times > step).mean() for step in curve.steps], atol=1e-14)


def test_medians_of_the_worked_example():
    """23 and 8 weeks; of the treated too few relapsed for an upper end."""
    treated, placebo = median_survival(TREATED, RELAPSED), median_survival(PLACEBO, ALL)

    assert (treated.median, placebo.median) == (23, 8)
    assert 10 <= treated.low <= 22
    assert np.isnan(treated.high)
    assert 4 <= placebo.low < 8 < placebo.high <= 12


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40))
def test_without_censoring_the_median_is_the_samples(sample):
    """Of an even number the lower of the two in the middle, when half have ended; rounding does not miss it."""
    times = np.array(sample, dtype=float)

    found = median_survival(times, np.ones(len(times), dtype=bool))

    assert found.median == np.quantile(times, 0.5, method="inverted_cdf")


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_without_early_censoring_the_interval_is_that_of_tables(share):
    """Waits that did not end are infinite there; both bootstraps differ by their resamples alone."""
    times = np.random.default_rng(4).exponential(size=201)
    end = np.quantile(times, 1 - share)
    expected = bootstrap_median(np.where(times <= end, times, np.inf)[:, None])

    found = median_survival(np.minimum(times, end), times <= end)

    assert found.low == pytest.approx(expected.low[0], rel=0.06)
    assert found.high == pytest.approx(expected.high[0], rel=0.06)


def test_a_median_that_is_not_reached_is_nan():
    """Six of ten go on; nobody ended; nobody was watched; one subject has no interval."""
    most = median_survival(np.arange(1.0, 11), np.arange(10) < 4)
    assert np.isnan([most.median, most.high]).all()
    assert most.low <= 4
    assert np.isnan(median_survival(TREATED, ~ALL)).all()
    assert np.isnan(median_survival(*NOBODY)).all()
    assert median_survival(np.array([3.0]), np.array([True]))[0] == 3


def test_intervals_of_the_median_cover_it_about_95_times_in_100():
    """400 groups of 20 with a third censored: 93% at this size, standard error 1.3%, bounds 4 of them wide."""
    covered = 0
    for seed in range(400):
        _, low, high = median_survival(*waits(20, seed))
        covered += low <= log(2) and not high < log(2)
    assert 0.88 < covered / 400 < 0.985


def test_intervals_are_the_same_every_time():
    """The resamples have a seed of their own, and batches change nothing."""
    assert median_survival(PLACEBO, ALL) == median_survival(PLACEBO, ALL)


def test_batches_of_samples_change_nothing(monkeypatch):
    """A few resamples or permutations at a time."""
    median, test = median_survival(PLACEBO, ALL), logrank(*waits(15, 1), *waits(15, 2, rate=1.5))
    monkeypatch.setattr("suite.statistics.survival._VALUES_A_BATCH", 4200)

    assert median_survival(PLACEBO, ALL) == median
    assert logrank(*waits(15, 1), *waits(15, 2, rate=1.5)) == test


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
def test_logrank_is_scipys(seed, grid):
    """The statistic exactly; in groups of 60 and 80 the p-value to four standard errors of 20,000 permutations."""
    first, second = waits(60, seed, grid=grid), waits(80, seed + 10, rate=0.8, grid=grid)
    expected = stats.logrank(scipys(*first), scipys(*second))

    found = logrank(*first, *second)

    assert found.statistic == pytest.approx(expected.statistic, rel=1e-10)
    # The normal law itself is off by about 0.005 at this size.
    assert found.p == pytest.approx(expected.pvalue, abs=4 * (0.25 / 20_000) ** 0.5 + 0.008)


def test_random_permutations_are_about_all_of_them():
    """10 against 10 has 184,756 groupings: their share, enumerated here, to four standard errors."""
    (first, ended), (second, halted) = waits(10, 5), waits(10, 6, rate=2.5)
    times, observed = np.concatenate([first, second]), np.concatenate([ended, halted])
    hazard = [sum(1 / (times >= t).sum() for t in times[observed] if t <= time) for time in times]
    scores = observed - np.array(hazard)
    sums = np.abs([scores[list(chosen)].sum() for chosen in combinations(range(20), 10)])
    exact = (sums >= abs(scores[:10].sum()) - 1e-12).mean()

    assert 0.005 < exact < 0.5
    assert logrank(first, ended, second, halted).p == pytest.approx(exact, abs=4 * (exact / 20_000) ** 0.5)


@pytest.mark.parametrize("sizes", [(4, 6), (30, 20)])
def test_logrank_of_exchanged_groups_changes_its_sign_alone(sizes):
    """Whether all permutations are taken or some; the order of subjects is of no matter either."""
    first, second = waits(sizes[0], 1, grid=0.5), waits(sizes[1], 2, grid=0.5)
    one, other = logrank(*first, *second), logrank(*second, *first)

    assert other.statistic == pytest.approx(-one.statistic, rel=1e-10)
    assert other.p == one.p
    assert logrank(first[0][::-1], first[1][::-1], *second).p == one.p


def test_logrank_of_groups_without_ends_finds_nothing():
    """Nobody ended; a group without members; both alike; all at once."""
    assert logrank(TREATED, ~ALL, PLACEBO, ~ALL) == (0, 1)
    assert logrank(*NOBODY, PLACEBO, ALL) == (0, 1)
    assert logrank(*NOBODY, *NOBODY) == (0, 1)
    assert logrank(PLACEBO, ALL, PLACEBO, ALL).p == 1
    assert logrank(np.ones(21), ALL, np.ones(21), ALL) == (0, 1)


def test_a_group_that_wholly_goes_on_differs_from_one_that_wholly_ends():
    """8 against 8 to the end at 9: of 12,870 groupings two are as extreme."""
    found = logrank(np.arange(1.0, 9), np.ones(8, dtype=bool), np.full(8, 9.0), np.zeros(8, dtype=bool))

    assert found.statistic > 3
    assert found.p == pytest.approx(2 / 12_870, rel=1e-12)


def test_p_is_never_0():
    """Observed grouping included: 1 of 20,001 at least."""
    ended = np.ones(40, dtype=bool)
    assert logrank(np.arange(1.0, 41), ended, np.arange(41.0, 81), ended).p == 1 / 20_001


@pytest.mark.parametrize("grid", [None, 0.5])
def test_logrank_raises_false_alarms_5_times_in_100(grid):
    """600 pairs of groups of 8 alike, with ties and censoring: never more than 5% but for chance.

    Standard error 0.9%, bounds 4 of them wide; ties make the test conservative.
    """
    p = np.array([logrank(*waits(8, seed, grid=grid), *waits(8, seed + 10_000, grid=grid)).p for seed in range(600)])

    assert 0.015 < (p <= 0.05).mean() < 0.086
    assert 0.40 < (p <= 0.5).mean() < 0.582


def test_logrank_finds_a_difference():
    """Rates of 4 and 1 in groups of 25, at 5%: in 45 of 50 pairs at least, and always the right way round."""
    found = [logrank(*waits(25, seed, rate=4), *waits(25, seed + 10_000)) for seed in range(50)]

    assert all(test.statistic > 0 for test in found)
    assert sum(test.p < 0.05 for test in found) >= 45


@pytest.mark.parametrize("times", [np.array([1.0, np.nan]), np.array([1.0])])
def test_every_wait_needs_a_time_and_an_end_or_not(times):
    """A wait that did not end has the time it was watched, not nan."""
    with pytest.raises(ValueError, match="give those that did not the time they were watched"):
        kaplan_meier(times, np.array([True, False]))


def test_holms_adjustment_by_hand():
    """Factors 4, 3, 2, 1 in order of size, never falling, never above 1."""
    adjusted = holm(np.array([0.03, 0.01, 0.9, 0.012]))

    np.testing.assert_allclose(adjusted, [0.06, 0.04, 0.9, 0.04], rtol=1e-12)
    np.testing.assert_array_equal(holm(np.array([0.5, 0.6])), [1, 1])
    assert holm(np.array([])).shape == (0,)
    assert holm(np.array([0.2])).tolist() == [0.2]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.5))
def test_holm_rejects_step_by_step(p_values, level):
    """The k-th smallest is rejected as long as all up to it are at or below level / (m - k + 1)."""
    p = np.array(p_values)
    ordered = np.sort(p) * np.arange(len(p), 0, -1)
    passed = int(np.cumprod(ordered <= level).sum())

    assert (holm(p) <= level).sum() == passed


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
def test_what_is_no_p_value_cannot_be_adjusted(p):
    """Rather than to shift the others."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm(np.array([0.1, p]))
