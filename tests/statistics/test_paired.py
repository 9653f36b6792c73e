"""Paired comparisons, against scipy and by hand."""

import numpy as np
import pytest
from scipy import stats

from suite.statistics.paired import paired_events, paired_means


def test_means_are_compared_by_students_t_on_the_differences():
    """As scipy's test of related samples, with its interval."""
    generator = np.random.default_rng(4)
    first = generator.normal(size=9)
    second = first + generator.normal(0.4, 0.5, 9)

    found, known = paired_means(first, second), stats.ttest_rel(second, first)

    assert found.p == pytest.approx(known.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(known.confidence_interval(0.95)))


def test_small_samples_are_covered_as_often_as_promised():
    """Nine pairs, 4,000 times: 95% to within 1.5, which fails once in 70,000 seeds."""
    differences = np.random.default_rng(8).normal(1.0, 2.0, (4000, 9))

    hits = [found.low < 1 < found.high for found in (paired_means(np.zeros(9), row) for row in differences)]

    assert abs(np.mean(hits) - 0.95) < 0.015


def test_no_difference_at_all_is_no_evidence_and_an_equal_one_has_no_test():
    """Nothing varies, so nothing tells how much it might."""
    assert paired_means(np.ones(5), np.ones(5)).p == 1
    assert np.isnan(paired_means(np.ones(5), np.full(5, 2.0)).p)
    assert np.isnan(paired_means(np.array([1.0]), np.array([2.0])).p)


def test_events_are_compared_by_mcnemars_exact_test():
    """Of ten pairs six differ, five of them one way: p = 2 * 7 / 64."""
    first = np.array([0, 0, 0, 0, 0, 1, 1, 1, 0, 0], dtype=float)
    second = np.array([1, 1, 1, 1, 1, 0, 1, 1, 0, 0], dtype=float)

    found = paired_events(first, second)

    assert found.difference == pytest.approx(0.4)
    assert found.p == pytest.approx(2 * 7 / 64)


def test_newcombes_interval_has_a_width_where_nothing_happened():
    """Newcombe 1998, table II: 5 of 56 against 0 of 29 gives -0.0381 to 0.1926; equal groups of 8 at 0 gain 0.32."""
    none = paired_events(np.zeros(8), np.zeros(8))

    assert (none.low, none.high) == pytest.approx((-0.3244, 0.3244), abs=1e-4)
    assert none.p == 1
