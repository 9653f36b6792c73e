"""The two-level bootstrap: what is resampled, and how often its intervals hold the truth."""

from math import asin, pi, sqrt

import numpy as np
import pytest

from suite.statistics.rank import spearman
from suite.statistics.two_level import (
    COPIES,
    RESAMPLES,
    Resampling,
    Statistic,
    of_correlation,
    of_difference,
    statistic_and_copies,
)


def test_the_first_copy_is_the_statistic_of_the_draws() -> None:
    """Means, and medians, the lower of two middle values."""
    draws = np.array([4.0, 1, 2, 3])

    assert statistic_and_copies(draws, "mean")[0] == 2.5
    assert statistic_and_copies(draws, "median")[0] == 2.0


@pytest.mark.parametrize("n", [100, 5000])
@pytest.mark.parametrize(("statistic", "factor"), [("mean", 1.0), ("median", sqrt(pi / 2))])
def test_copies_are_of_resampled_draws(n: int, statistic: Statistic, factor: float) -> None:
    """Their spread is the standard error's, of few draws and of many; with 256 copies it is off by less than 30%."""
    draws = np.random.default_rng(0).normal(size=n)

    copies = statistic_and_copies(draws, statistic)[1:]

    assert copies.shape == (COPIES,)
    assert copies.std() == pytest.approx(factor * draws.std() / sqrt(n), rel=0.3)
    assert copies.mean() == pytest.approx(statistic_and_copies(draws, statistic)[0], abs=0.3 / sqrt(n))


def test_one_draw_is_exact() -> None:
    """All its copies are itself."""
    assert (statistic_and_copies(np.array([3.0]), "median") == 3).all()


def test_gaps_are_left_out_and_infinite_draws_count() -> None:
    """nan counts nowhere; a median passes over infinite draws, a mean does not; nothing at all is nan."""
    draws = np.array([np.nan, 1, 2, np.inf, np.inf])

    assert statistic_and_copies(draws, "median")[0] == 2
    assert statistic_and_copies(draws, "mean")[0] == np.inf
    assert np.isnan(statistic_and_copies(np.array([np.nan]), "mean")).all()
    assert np.isnan(statistic_and_copies(np.empty(0), "median")).all()


def test_quantities_of_the_same_draws_are_resampled_alike() -> None:
    """Twice a quantity has twice its copies: differences between predictors are paired, draw by draw."""
    draws = np.random.default_rng(0).exponential(size=40)

    once, twice = (statistic_and_copies(factor * draws, "median") for factor in (1.0, 2.0))

    np.testing.assert_array_equal(2 * once, twice)


def test_members_are_resampled_alike_for_predictor_and_outcome() -> None:
    """Members without draws of their own pair up with themselves in every resample."""
    exact = np.tile(np.arange(6.0)[:, None], 1 + COPIES)
    resampling = Resampling(6)

    predictor, outcome = resampling.predictor(exact), resampling.outcome(10 * exact)

    assert predictor.shape == (1 + RESAMPLES, 6)
    assert predictor[0].tolist() == list(range(6))
    np.testing.assert_array_equal(10 * predictor, outcome)


def test_streams_are_independent_and_repeatable() -> None:
    """Groups of one size are resampled differently, and the same in every run."""
    exact = np.tile(np.arange(20.0)[:, None], 1 + COPIES)

    first, again, other = (Resampling(20, stream).predictor(exact) for stream in (0, 0, 1))

    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first[1:].mean(axis=1), other[1:].mean(axis=1))[0, 1]) < 0.2


def test_a_correlation_has_an_interval_around_itself() -> None:
    """By the spread on Fisher's scale, within -1 and 1, however far the replicates lie below."""
    replicates = np.tanh(np.concatenate([[1.0], np.random.default_rng(0).normal(0.7, 0.2, 10_000)]))

    found = of_correlation(replicates)

    assert found.estimate == np.tanh(1.0)
    assert (np.arctanh(found.low), np.arctanh(found.high)) == pytest.approx((1 - 0.392, 1 + 0.392), abs=0.01)


def test_a_resample_without_an_order_counts_as_no_correlation() -> None:
    """One of a single member many times over: to leave these out would make a predictor with many ties look sure."""
    sure = np.full(101, 0.5)
    doubtful = np.where(np.arange(101) % 2 == 1, np.nan, 0.5)

    assert of_correlation(sure)[1:] == pytest.approx((0.5, 0.5))
    assert of_correlation(doubtful).low < 0.02
    assert np.isnan(of_correlation(np.array([np.nan, 0.3]))).all()


def test_a_difference_of_correlations_is_paired() -> None:
    """What two replicates share goes out of the spread."""
    shared = np.random.default_rng(0).normal(size=1000)

    found = of_difference(0.3 * np.tanh(shared) + 0.1, 0.3 * np.tanh(shared), 16)

    assert found.value == pytest.approx(0.1)
    assert found.spread == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("members", "correlation", "noise"),
    [(8, 0.5, 0.3), (16, 0.0, 0.3), (16, 0.9, 0.3), (16, 0.97, 0.1), (48, 0.5, 0.3), (48, 0.97, 0.3), (48, 0.99, 0.1)],
)
def test_intervals_hold_the_truth_as_often_as_they_say(members: int, correlation: float, noise: float) -> None:
    """Of normal members whose numbers are means of 16 draws, which have so much noise, and correlate that much less.

    With a coverage of 93%, fewer than 85 of 100 come once in 600.
    """
    truth = 6 / pi * asin(correlation / (1 + noise**2 / 16) / 2)
    resampling = Resampling(members)
    held = 0
    for seed in range(100):
        generator = np.random.default_rng((seed, members))
        x, rest = generator.normal(size=(2, members))
        y = correlation * x + sqrt(1 - correlation**2) * rest
        drawn = [
            np.array([statistic_and_copies(one + noise * generator.normal(size=16), "mean") for one in some])
            for some in (x, y)
        ]
        found = of_correlation(spearman(resampling.predictor(drawn[0]), resampling.outcome(drawn[1])))
        held += found.low <= truth <= found.high
    assert held >= 85
