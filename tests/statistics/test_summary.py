"""Summaries over draws: what is counted, left out or censored."""

import numpy as np
import pytest
from scipy.stats import binomtest

from suite.statistics.summary import STATISTICS, deviation, summarize

NAN, INF = np.nan, np.inf


def one(values, kind):
    """The summary of a single column, as plain numbers."""
    return {name: numbers.item() for name, numbers in summarize(np.array(values, dtype=float)[:, None], kind).items()}


@pytest.mark.parametrize("kind", ["value", "frequency", "time", "ratio"])
def test_every_kind_has_every_statistic(kind):
    """One number a column."""
    found = summarize(np.ones((5, 3)), kind)

    assert set(found) == set(STATISTICS)
    assert {numbers.shape for numbers in found.values()} == {(3,)}


def test_values_have_numpys_statistics():
    """The standard deviation with n - 1, quantiles interpolated, an interval around the mean."""
    values = np.random.default_rng(1).lognormal(size=(50, 2))

    found = summarize(values, "value")

    np.testing.assert_array_equal(found["n"], [50, 50])
    np.testing.assert_allclose(found["mean"], values.mean(0))
    np.testing.assert_allclose(found["std"], values.std(0, ddof=1))
    for name, level in (("median", 0.5), ("q05", 0.05), ("q95", 0.95)):
        np.testing.assert_allclose(found[name], np.quantile(values, level, axis=0))
    assert (found["ci_low"] < found["mean"]).all()
    assert (found["mean"] < found["ci_high"]).all()


def test_draws_that_are_no_numbers_are_left_out_and_not_counted():
    """nan and both infinities; the rest is summarized as if they had never been."""
    complete = [1.0, 2, 4, 8]

    assert one([NAN, 1, 2, INF, 4, 8, -INF], "value") == one(complete, "value")
    assert one(complete, "value")["n"] == 4


def test_a_column_with_gaps_leaves_its_neighbors_alone():
    """Draws missing in one column count in the others."""
    values = np.array([[1.0, NAN], [2, 5], [4, 7], [8, 9]])

    found = summarize(values, "value")

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


def test_censored_columns_leave_their_neighbors_alone():
    """Each keeps its own statistics."""
    values = np.array([[1.0, NAN], [2, 5], [4, 7], [8, 9]])
    found = summarize(values, "time")

    assert found["mean"][0] == 3.75
    assert np.isnan(found["mean"][1])
    assert found["median"].tolist() == [2, 7]


def test_ratios_have_the_statistics_of_values_but_quantiles():
    """One linearized value a draw: mean, standard error and interval mean something, quantiles do not."""
    values = np.random.default_rng(2).lognormal(size=(40, 2))
    plain, found = summarize(values, "value"), summarize(values, "ratio")

    for name in STATISTICS:
        if name in ("median", "q05", "q95"):
            assert np.isnan(found[name]).all()
        else:
            np.testing.assert_array_equal(found[name], plain[name])


def test_ratios_that_are_no_numbers_are_left_empty():
    """As of networks whose derivatives are all 0."""
    found = one([NAN, NAN], "ratio")

    assert found.pop("n") == 0
    assert all(np.isnan(number) for number in found.values())


def away(values, theory, kind):
    """z and relative difference of one column."""
    known = np.sqrt([theory * (1 - theory)]) if kind == "frequency" else None
    z, relative = deviation(summarize(np.array(values, dtype=float)[:, None], kind), np.array([theory]), known)
    return z.item(), relative.item()


@pytest.mark.parametrize("kind", ["value", "ratio"])
def test_a_means_z_score_is_in_its_own_standard_errors(kind):
    """1, 2, 3, 6 has mean 3 and standard deviation sqrt(14/3)."""
    z, relative = away([1, 2, 3, 6], 2.5, kind)

    assert z == pytest.approx(0.5 / np.sqrt(14 / 3 / 4))
    assert relative == pytest.approx(0.2)


def test_a_frequencys_z_score_is_in_the_theorys_standard_errors():
    """3 of 20 against 1/4; an event that never happened has a score too."""
    z, relative = away([1] * 3 + [0] * 17, 0.25, "frequency")

    assert z == pytest.approx((0.15 - 0.25) / np.sqrt(0.25 * 0.75 / 20))
    assert relative == pytest.approx(-0.4)
    assert away([0] * 20, 0.25, "frequency")[0] == pytest.approx(-0.25 / np.sqrt(0.25 * 0.75 / 20))


def test_agreement_without_variation_is_a_z_score_of_0():
    """Sure events, and values that are the same in every draw."""
    assert away([1] * 5, 1.0, "frequency") == (0, 0)
    assert away([2, 2, 2], 2.0, "value") == (0, 0)


def test_a_departure_without_variation_has_no_z_score_unless_theory_forbids_it():
    """With nothing to estimate an error from the relative difference stands; what cannot happen but did is infinite."""
    z, relative = away([2, 2, 2], 1.0, "value")
    assert np.isnan(z)
    assert relative == 1

    z, relative = away([1, 1, 0], 1.0, "frequency")
    assert z == -np.inf
    assert relative == pytest.approx(-1 / 3)
    assert away([1, 0, 0], 0.0, "frequency")[0] == np.inf


def test_a_known_spread_serves_where_no_draw_varied():
    """Three neurons of which none died, each with probability 0.3."""
    summary = summarize(np.zeros((50, 1)), "value")

    z, _ = deviation(summary, np.array([0.3]), np.sqrt([0.3 * 0.7 / 3]))

    assert z == pytest.approx(-0.3 / np.sqrt(0.07 / 50))


def test_what_is_0_but_for_rounding_has_no_relative_difference():
    """A law of -7e-18 is one of 0."""
    assert np.isnan(away([0.1, 0.2], -7e-18, "value")[1])


def test_a_theory_of_0_has_no_relative_difference():
    """Nor has one that there is not."""
    assert np.isnan(away([1, 2, 3], 0.0, "value")[1])
    assert np.isfinite(away([1, 2, 3], 0.0, "value")[0])
    assert all(np.isnan(number) for number in away([1, 2, 3], NAN, "value"))


def test_z_scores_of_a_true_law_are_standard_normal():
    """Means of 100 draws in 4,000 columns: spread 1 to 5%, which fails once in 100,000 seeds."""
    generator = np.random.default_rng(3)
    values, events = generator.normal(2.0, 3.0, (100, 4000)), generator.random((100, 4000)) < 0.3

    for sample, theory, kind in ((values, 2.0, "value"), (events.astype(float), 0.3, "frequency")):
        mean, n = sample.mean(axis=0), np.full(4000, 100.0)
        summary = {"mean": mean, "n": n, "std": sample.std(axis=0, ddof=1)}
        known = np.full(4000, np.sqrt(theory * (1 - theory))) if kind == "frequency" else None
        z, _ = deviation(summary, np.full(4000, theory), known)
        assert abs(z.std() - 1) < 0.05
        assert abs(z.mean()) < 5 / np.sqrt(4000)
