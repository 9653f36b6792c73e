"""Paired comparisons, against scipy, by hand and by every table that there could be."""

import numpy as np
import pytest
from scipy import stats

from suite.statistics.paired import PairedEvents, paired_events, paired_means


def test_means_are_compared_by_students_t_on_the_differences():
    """As scipy's test of related samples, with its interval."""
    generator = np.random.default_rng(4)
    first = generator.normal(size=9)
    second = first + generator.normal(0.4, 0.5, 9)

    found, known = paired_means(first, second), stats.ttest_rel(second, first)

    assert 2 * found.above() == pytest.approx(known.pvalue)
    assert found.interval == pytest.approx(tuple(known.confidence_interval(0.95)))


def test_small_samples_are_covered_as_often_as_promised():
    """Nine pairs, 4,000 times: 95% to within 1.5, which fails once in 70,000 seeds."""
    differences = np.random.default_rng(8).normal(1.0, 2.0, (4000, 9))

    ends = [paired_means(np.zeros(9), row).interval for row in differences]

    assert abs(np.mean([low < 1 < high for low, high in ends]) - 0.95) < 0.015


def test_equal_differences_and_few_pairs_have_no_test():
    """Nothing varies, so nothing tells how much it might; and three pairs are too few."""
    few = paired_means(np.array([1.0, 1.1, 1.2]), np.array([2.0, 2.2, 2.1]))

    for found in (paired_means(np.ones(5), np.full(5, 2.0)), few):
        assert (found.above(), found.below()) == (1, 1)
        assert np.isnan(found.interval).all()
    assert few.value == pytest.approx(1.0)


def test_events_are_compared_by_mcnemars_exact_test():
    """Of ten pairs six differ, five of them one way: p = 7 / 64."""
    first = np.array([0, 0, 0, 0, 0, 1, 1, 1, 0, 0], dtype=float)
    second = np.array([1, 1, 1, 1, 1, 0, 1, 1, 0, 0], dtype=float)

    found = paired_events(first, second)

    assert found.value == pytest.approx(0.4)
    assert found.above() == pytest.approx(7 / 64)


def test_the_interval_is_that_of_tangos_score():
    """At a true difference of 0 the score is McNemar's; the interval of 150 and 86 among 1,600 is known."""
    assert PairedEvents(300, 140, 800).above(1e-12) == pytest.approx(stats.norm.sf(160 / 440**0.5), rel=1e-6)
    assert PairedEvents(150, 86, 1600).interval == pytest.approx((0.0214, 0.0590), abs=5e-5)


@pytest.mark.parametrize(("pairs", "margin"), [(8, 0.25), (16, 0.1), (16, -0.1), (32, 0.3)])
@pytest.mark.parametrize("level", [0.025, 0.0025])
def test_a_margin_is_tested_exactly(pairs: int, margin: float, level: float):
    """At the margin, by every table with its probability, whatever the probability of the event in one setting."""
    tables = np.array([(gained, lost) for gained in range(pairs + 1) for lost in range(pairs + 1 - gained)])
    is_found = np.array([PairedEvents(int(one), int(other), pairs).above(margin) <= level for one, other in tables])
    for losing in np.linspace(max(0.0, -margin), (1 - margin) / 2, 37):
        shares = np.maximum([losing + margin, losing, 1 - 2 * losing - margin], 0.0)
        likely = stats.multinomial.pmf(np.column_stack([tables, pairs - tables.sum(1)]), pairs, shares / shares.sum())
        assert likely[is_found].sum() <= level


@pytest.mark.parametrize("pairs", [4, 8, 16, 64])
def test_interval_and_p_value_agree_at_every_table(pairs: int):
    """0 lies outside of the interval if and only if McNemar's two-sided p-value is at most 0.05."""
    for gained in range(pairs + 1):
        for lost in range(pairs + 1 - gained):
            found = PairedEvents(gained, lost, pairs)
            low, high = found.interval
            assert -1 <= low <= found.value <= high <= 1
            assert (low > 0 or high < 0) == (2 * min(found.above(), found.below()) <= 0.05)


@pytest.mark.parametrize("pairs", [8, 16, 32])
def test_intervals_of_events_cover_as_often_as_the_documentation_says(pairs: int):
    """By every table with its probability: 92% for differences below 0.5, and on average at least 95%."""
    tables = np.array([(gained, lost) for gained in range(pairs + 1) for lost in range(pairs + 1 - gained)])
    low, high = np.array([PairedEvents(gained, lost, pairs).interval for gained, lost in tables]).T
    coverages = []
    for difference in np.linspace(0.0, 0.5, 11):
        for loss in np.linspace(0.0, (1 - difference) / 2, 20):
            gain = loss + difference
            counts = np.column_stack([tables, pairs - tables.sum(1)])
            likely = stats.multinomial.pmf(counts, pairs, [gain, loss, max(1 - gain - loss, 0.0)])
            coverages.append(likely[(low <= difference) & (difference <= high)].sum())

    assert min(coverages) >= 0.92
    assert np.mean(coverages) >= 0.95
