"""Contrasts: the textbooks' tests where they exist, and stated levels where they do not."""

import numpy as np
import pytest
from scipy import stats

from suite.statistics.contrasts import (
    Estimate,
    Replicates,
    Statistic,
    average,
    estimate,
    mean_of,
    of_share,
    over_members,
)


def test_a_difference_of_means_is_welchs_test() -> None:
    """Value, p and interval as scipy has them."""
    generator = np.random.default_rng(1)
    first, second = generator.normal(0.4, 1, 20), generator.normal(0, 3, 50)

    difference = estimate(first, "mean") - estimate(second, "mean")

    test = stats.ttest_ind(first, second, equal_var=False, alternative="greater")
    assert difference.above() == pytest.approx(test.pvalue)
    assert difference.below() == pytest.approx(1 - test.pvalue)
    interval = stats.ttest_ind(first, second, equal_var=False).confidence_interval()
    assert difference.interval == pytest.approx((interval.low, interval.high))


def test_an_average_of_shared_replicates_is_students_test_of_their_averages() -> None:
    """What replicates have in common counts once; a replicate that one member lacks is left out."""
    generator = np.random.default_rng(2)
    data = generator.normal(size=12)
    members = [data + generator.normal(0, 0.1, 12) for _ in range(5)]
    numbers = np.arange(12.0)
    found = [[Replicates(estimate(values, "mean"), numbers, values)] for values in members]
    found.append([Replicates(estimate(members[0][1:], "mean"), numbers[1:], members[0][1:])])

    mean = average(found, shared=True)

    averages = np.mean([values[1:] for values in [*members, members[0]]], axis=0)
    assert mean.above() == pytest.approx(stats.ttest_1samp(averages, 0, alternative="greater").pvalue)
    assert mean.draws == 11


def test_an_average_of_independent_members_adds_their_variances() -> None:
    """Of three means with errors of 0.3, 0.4 and 0, the error is 0.5 / 3; trainings of one member may err alike."""
    none = np.empty(0)
    errors = (0.3, 0.4, 0.0)
    alone = [[Replicates(Estimate(1.0, error, 9), none, none)] for error in errors]
    twice = [[each, each] for (each,) in alone]

    for members in (alone, twice):
        assert average(members, shared=False).error == pytest.approx(0.5 / 3)
    assert average(alone, shared=True).error == pytest.approx(0.7 / 3)
    assert average(alone[2:], shared=False) == Estimate(1.0, 0.0, 9)


def test_frequencies_keep_an_error_at_0_and_1() -> None:
    """Agresti and Caffo: one event and one non-event more."""
    never, often = estimate(np.zeros(18), "frequency"), estimate(np.ones(18), "frequency")

    assert never.value == 0
    assert never.error == pytest.approx(np.sqrt(0.05 * 0.95 / 20))
    assert never.error == pytest.approx(often.error)
    assert (often - never).above() < 1e-20


@pytest.mark.parametrize("n", [10, 25, 200])
def test_a_median_is_covered_as_often_as_stated(n: int) -> None:
    """Of skewed draws: in about 95 of 100 samples."""
    generator = np.random.default_rng(n)
    samples = np.exp(generator.normal(size=(1000, n)))
    bounds = np.array([estimate(sample, "median").interval for sample in samples])

    covered = ((bounds[:, 0] <= 1) & (bounds[:, 1] >= 1)).mean()

    assert 0.92 < covered < 0.99


def test_waits_that_never_ended_are_the_longest() -> None:
    """A median among the others is known; one of nothing else is not."""
    assert estimate(np.array([1.0, 2, 3, 4, 5, 6, 7, np.inf, np.inf]), "median").value == 5
    assert not np.isfinite(estimate(np.array([1.0, *[np.inf] * 9]), "median").error)


def test_what_may_err_alike_is_no_surer_together() -> None:
    """The mean of three tasks of one member has their mean error, and the fewest of their draws."""
    assert mean_of([Estimate(1.0, 0.1, 9, 10), Estimate(3.0, 0.3, 4, 5)]) == Estimate(2.0, 0.2, 4, 5)
    assert mean_of([Estimate(0.1, 0.1, 9, 10)] * 3).value == 0.1


def test_ties_do_not_make_a_median_sure() -> None:
    """Where most draws are one and the same, their order says nothing of the error."""
    assert estimate(np.array([1.0] + [2.0] * 20), "median").error == np.inf


@pytest.mark.parametrize("statistic", ["mean", "median"])
@pytest.mark.parametrize("draws", [1, 2, 20])
def test_draws_that_are_all_alike_say_nothing_of_their_error(statistic: Statistic, draws: int) -> None:
    """What they have not shown may be rare: a single draw, or 15 of 16 that were lost, establish nothing."""
    same = estimate(np.array([2.0] * draws + [np.nan] * 3), statistic)

    assert (same.value, same.error, same.draws) == (2.0, np.inf, draws)
    assert same.above(0.0) == same.below(3.0) == 1
    assert (same - Estimate(1.0)).above() == (Estimate(1.0) - same).below() == 1


def test_a_rare_large_value_is_not_ruled_out_by_draws_without_one() -> None:
    """0.25 in one draw of 100: that the mean is below 0.001 is said wrongly in 1 of 20 samples at most."""
    wrong = 0
    for seed in range(500):
        draws = 0.25 * (np.random.default_rng(seed).random(64) < 0.01)
        wrong += estimate(draws, "mean").below(0.001) <= 0.05
    assert wrong <= 25


def test_the_draws_of_a_difference_are_those_of_what_is_sampled() -> None:
    """An exact number has none to run out of."""
    sampled = estimate(np.arange(30.0), "mean")

    assert (sampled - Estimate(1.0)).draws == (Estimate(1.0) - sampled).draws == 30


def test_what_is_exact_is_above_or_not() -> None:
    """Equal numbers are neither above nor below each other."""
    larger, smaller = Estimate(2.0), Estimate(1.0)

    assert (larger - smaller).above() == 0
    assert (smaller - larger).above() == 1
    assert (smaller - smaller).above() == (smaller - smaller).below() == 1
    assert (larger - smaller).interval == (1, 1)


def test_nothing_is_known_of_no_draws() -> None:
    """Nor of a single pair of members, as a sample of pairs."""
    nothing = estimate(np.array([np.nan, np.inf]), "mean")

    assert nothing.draws == 0
    assert nothing.above(-1e9) == nothing.below(1e9) == 1
    assert over_members(np.array([3.0])).above() == 1
    assert over_members(np.array([3.0, 3.1, 2.9])).above() < 0.001


@pytest.mark.parametrize(("few", "many"), [(8, 8), (8, 128), (24, 24)])
def test_shares_of_unlike_numbers_of_draws_are_told_apart_about_as_often_as_stated(few: int, many: int) -> None:
    """At equal shares, by every pair of counts with its probability: 4.4 times in a hundred at most, where 2.5 is said.

    About the raw difference instead of the shrunk one it would be 13 times in a hundred of 8 draws against 128.
    """
    first, second = (
        [estimate(np.arange(draws) < events, "frequency") for events in range(draws + 1)] for draws in (few, many)
    )
    above = np.array([[(one - other).above() <= 0.025 for other in second] for one in first])

    wrong = [
        stats.binom.pmf(range(few + 1), few, share) @ above @ stats.binom.pmf(range(many + 1), many, share)
        for share in np.linspace(0.01, 0.99, 50)
    ]

    assert max(wrong) <= 0.044


def test_a_share_against_a_number_is_tested_exactly() -> None:
    """As scipy's binomial test has it; beyond 0 and 1 there is nothing to test."""
    for events, draws, bound in [(0, 32, 0.06), (8, 8, 0.8), (3, 10, 0.5)]:
        greater, less = (stats.binomtest(events, draws, bound, alternative=side).pvalue for side in ("greater", "less"))
        assert of_share(events, draws, bound) == pytest.approx((greater, less))
    assert of_share(0, 5, -0.1) == (0, 1)
    assert of_share(5, 5, 1.1) == (1, 0)
