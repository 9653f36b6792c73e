"""Whether two samples are of one law, against scipy, by hand, and as often wrong as stated."""

import numpy as np
import pytest
from scipy import stats

from suite.statistics.agreement import Sample, p_of_frequencies, p_of_means


def of(values: np.ndarray) -> Sample:
    """Samples, one a row."""
    return Sample(values.mean(axis=1), values.std(axis=1, ddof=1), np.full(len(values), float(values.shape[1])))


def test_means_are_compared_by_students_t():
    """As scipy's test of two samples of equal variance."""
    generator = np.random.default_rng(1)
    first, second = generator.normal(size=(5, 9)), generator.normal(0.4, 2.0, (5, 30))

    assert p_of_means(of(first), of(second)) == pytest.approx(stats.ttest_ind(first, second, axis=1).pvalue)


def test_a_single_draw_is_compared_by_the_others_spread():
    """1.0 beside nine draws around 0 with standard deviation 0.5; of two single draws nothing can be said."""
    one, nine = [Sample(*(np.array([x]) for x in row)) for row in ((1.0, np.nan, 1.0), (0.0, 0.5, 9.0))]

    assert p_of_means(one, nine)[0] == pytest.approx(2 * stats.t.sf(1 / (0.5 * (1 + 1 / 9) ** 0.5), 8))
    assert np.isnan(p_of_means(one, one)[0])


def test_numbers_without_spread_differ_surely():
    """Two samples whose draws are all alike, but not those of the other."""
    first, second = [Sample(np.array([mean]), np.array([0.0]), np.array([8.0])) for mean in (1.0, 1.1)]

    assert p_of_means(first, second)[0] == 0


def test_frequencies_are_compared_by_fishers_test():
    """Twice scipy's smaller tail; no event in 16 and 51 in 1,024 are no contradiction."""
    first = Sample(np.array([0.0, 0.5]), np.array([0.0, 0.5]), np.array([16.0, 16.0]))
    second = Sample(np.array([51 / 1024, 51 / 1024]), np.array([0.2, 0.2]), np.array([1024.0, 1024.0]))

    found = p_of_frequencies(first, second)

    tails = [
        min(stats.fisher_exact([[k, 16 - k], [51, 973]], side).pvalue for side in ("less", "greater")) for k in (0, 8)
    ]
    assert found == pytest.approx([min(1.0, 2 * tail) for tail in tails])
    assert found[0] > 0.5
    assert found[1] < 1e-5


def test_few_draws_of_what_is_skewed_do_not_seem_to_be_known_exactly():
    """Sixteen exponential draws beside 1,008: wrong in 0.4% for 0.1%, where Welch's test is in 1.4%."""
    generator = np.random.default_rng(2)
    first, second = generator.exponential(size=(4000, 16)), generator.exponential(size=(4000, 1008))

    wrong = np.mean(p_of_means(of(first), of(second)) < 1e-3)
    welch = np.mean(stats.ttest_ind(first, second, axis=1, equal_var=False).pvalue < 1e-3)

    assert wrong < 0.008
    assert welch > 2 * wrong
