"""Rank correlation over members, against scipy's."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from suite.statistics.rank import rank_advantage, rank_correlation


def noisy(members=25, noise=0.7, seed=1):
    generator = np.random.default_rng(seed)
    first = generator.normal(size=members)
    return first, np.exp(first + noise * generator.normal(size=members))


@pytest.mark.parametrize("noise", [0.0, 0.5, 3.0])
def test_the_estimate_is_scipys(noise):
    """From perfect to weak."""
    first, second = noisy(noise=noise)

    assert rank_correlation(first, second).estimate == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)


def test_ties_share_their_mean_rank():
    """As scipy has it."""
    first, second = np.array([1.0, 1, 2, 2, 3, 5]), np.array([2.0, 1, 1, 4, 4, 4])

    assert rank_correlation(first, second).estimate == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_contains_the_estimate(seed):
    """And lies within -1 and 1."""
    found = rank_correlation(*noisy(seed=seed))

    assert -1 <= found.low < found.estimate < found.high <= 1
    assert found.members == 25


def test_the_interval_covers_the_truth_for_independent_quantities():
    """Of 100 pairs without correlation, 95 intervals or so hold 0; fewer than 84 once in 10^5."""
    covered = 0
    for seed in range(100):
        first, second = np.random.default_rng(seed).normal(size=(2, 30))
        found = rank_correlation(first, second)
        covered += found.low <= 0 <= found.high
    assert covered >= 84


def test_opposite_order_is_minus_1():
    """Whatever the scale."""
    found = rank_correlation(np.arange(6.0), -np.exp(np.arange(6.0)))

    assert found.estimate == pytest.approx(-1, abs=1e-12)
    assert found.high < 0


def test_a_constant_quantity_has_no_correlation():
    """nan, interval included."""
    found = rank_correlation(np.ones(8), np.arange(8.0))

    assert found.members == 8
    assert np.isnan([found.estimate, found.low, found.high]).all()


def test_members_without_either_value_are_left_out():
    """nan and infinity."""
    first, second = noisy()
    gaps = first.copy()
    gaps[3], gaps[7] = np.nan, np.inf
    kept = np.isfinite(gaps)

    assert rank_correlation(gaps, second) == rank_correlation(first[kept], second[kept])
    assert rank_correlation(gaps, second).members == 23


def test_three_members_are_too_few():
    """No estimate to speak of."""
    found = rank_correlation(np.arange(3.0), np.arange(3.0))

    assert found.members == 3
    assert np.isnan([found.estimate, found.low, found.high]).all()


def test_intervals_are_the_same_every_time():
    """The resamples have a seed of their own."""
    assert rank_correlation(*noisy()) == rank_correlation(*noisy())


def test_an_advantage_is_the_difference_of_two_rank_correlations() -> None:
    """Against a rival that ranks the wrong way round it is 2; against itself exactly 0, with no width."""
    outcome = np.arange(12.0)
    better = rank_advantage(outcome**3, -outcome, outcome)
    assert better.estimate == pytest.approx(2)
    assert better.low == pytest.approx(2)
    same = rank_advantage(np.sin(outcome), np.sin(outcome), outcome)
    assert (same.estimate, same.low, same.high) == (0, 0, 0)


def test_an_advantage_needs_members_that_have_all_three() -> None:
    """Members with a gap are left out; fewer than four have no interval."""
    outcome = np.array([1.0, 2, 3, 4, np.nan])
    gap = np.array([1.0, np.nan, 3, 4, 5])
    found = rank_advantage(outcome, gap, outcome)
    assert found.members == 3
    assert np.isnan(found.estimate)
