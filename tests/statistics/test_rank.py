"""Rank correlations over members, against scipy's."""

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from suite.statistics.rank import MANY, kendall, spearman


def noisy(samples=3, members=25, noise=0.7, seed=1):
    generator = np.random.default_rng(seed)
    first = generator.normal(size=(samples, members))
    return first, np.exp(first + noise * generator.normal(size=(samples, members)))


@pytest.mark.parametrize("noise", [0.0, 0.5, 3.0])
def test_rho_is_scipys(noise):
    """From perfect to weak, sample by sample."""
    first, second = noisy(noise=noise)

    expected = [spearmanr(x, y).statistic for x, y in zip(first, second, strict=True)]

    np.testing.assert_allclose(spearman(first, second), expected, atol=1e-12)


@pytest.mark.parametrize("noise", [0.0, 0.5, 3.0])
@pytest.mark.parametrize("members", [25, MANY, MANY + 1])
def test_tau_is_scipys(noise, members):
    """Of few members by all pairs, of many by sorting."""
    first, second = noisy(members=members, noise=noise)

    expected = [kendalltau(x, y).statistic for x, y in zip(first, second, strict=True)]

    np.testing.assert_allclose(kendall(first, second), expected, atol=1e-12)


def test_tau_of_more_samples_than_are_taken_at_a_time():
    """Samples do not mix."""
    first, second = noisy(samples=200, members=MANY)

    np.testing.assert_array_equal(kendall(first, second)[150:], kendall(first[150:], second[150:]))


@pytest.mark.parametrize(("ours", "theirs"), [(spearman, spearmanr), (kendall, kendalltau)])
def test_ties_are_taken_as_scipy_takes_them(ours, theirs):
    """Mean ranks, and tau-b."""
    first, second = np.array([1.0, 1, 2, 2, 3, 5]), np.array([2.0, 1, 1, 4, 4, 4])

    assert ours(first[None], second[None])[0] == pytest.approx(theirs(first, second).statistic, abs=1e-12)


@pytest.mark.parametrize("correlation", [spearman, kendall])
def test_infinite_values_are_the_first_and_the_last(correlation):
    """As if they were very large numbers; two of them are tied."""
    first = np.array([[-np.inf, 3.0, 1, 2, np.inf, np.inf]])
    second = np.array([[1.0, 4, 2, 3, 5, 6]])

    found = correlation(first, second)

    np.testing.assert_allclose(found, correlation(np.clip(first, -1e9, 1e9), second))


@pytest.mark.parametrize("correlation", [spearman, kendall])
def test_opposite_order_is_minus_1(correlation):
    """Whatever the scale."""
    order = np.arange(6.0)[None]

    assert correlation(order, -np.exp(order))[0] == pytest.approx(-1, abs=1e-12)


@pytest.mark.parametrize("correlation", [spearman, kendall])
def test_a_constant_quantity_has_no_correlation(correlation):
    """It has no order."""
    assert np.isnan(correlation(np.ones((1, 8)), np.arange(8.0)[None])).all()
