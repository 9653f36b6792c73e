"""How predictors are ranked: within groups, without families, against a rival, draw by draw."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from suite.statistics.two_level import statistic_and_copies
from suite.tournament.contests import Drawn
from suite.tournament.groups import ALL, families, groups
from suite.tournament.ranking import Ranking, averaged, draw_by_draw


def exact(values: object) -> np.ndarray:
    """Members of one draw each."""
    return statistic_and_copies([np.array([value]) for value in np.asarray(values, dtype=float)], "mean")


RNG = np.random.default_rng(0)
OUTCOME = RNG.normal(size=20)
NOISY = OUTCOME + 0.5 * RNG.normal(size=20)
EVERYONE = [np.arange(20)]
HALVES = [np.arange(10), np.arange(10, 20)]


def test_rho_is_over_all_members() -> None:
    """As scipy has it, inside an interval that says something."""
    rho = Ranking(exact(OUTCOME), EVERYONE).spearman(exact(NOISY))

    assert rho.estimate == pytest.approx(spearmanr(OUTCOME, NOISY).statistic)
    assert rho.low < rho.estimate < rho.high < rho.low + 1


def test_within_groups_what_tells_only_the_groups_apart_tells_nothing() -> None:
    """One half stands above the other; within a half the order is random."""
    outcome = np.repeat([0.0, 100.0], 10) + OUTCOME
    level = np.repeat([0.0, 100.0], 10) + RNG.normal(size=20)

    assert Ranking(exact(outcome), EVERYONE).spearman(exact(level)).low > 0.4
    within = Ranking(exact(outcome), HALVES).spearman(exact(level))
    assert within.low < 0 < within.high


def test_the_average_within_groups_is_that_of_their_correlations() -> None:
    """And its interval is narrower than that of either."""
    ranking = Ranking(exact(OUTCOME), HALVES)
    each = [Ranking(exact(OUTCOME), [half]).spearman(exact(NOISY)) for half in HALVES]

    found = ranking.spearman(exact(NOISY))

    assert found.estimate == pytest.approx(np.mean([one.estimate for one in each]))
    assert found.high - found.low < max(one.high - one.low for one in each)


def test_a_group_in_which_a_predictor_is_the_same_for_all_has_no_part() -> None:
    """The average is that of the other; nothing is left where it is the same in both."""
    half = np.where(np.arange(20) < 10, NOISY, 7.0)
    ranking = Ranking(exact(OUTCOME), HALVES)

    assert ranking.members(exact(half)) == 10
    assert ranking.spearman(exact(half)).estimate == pytest.approx(spearmanr(OUTCOME[:10], NOISY[:10]).statistic)
    assert np.isnan(ranking.spearman(exact(np.ones(20)))).all()
    assert ranking.members(exact(np.ones(20))) == 0


def test_an_advantage_is_paired() -> None:
    """Over itself it is 0 with no width; over its opposite twice rho."""
    ranking = Ranking(exact(OUTCOME), EVERYONE)

    assert ranking.advantage(exact(NOISY), exact(NOISY)) == (0, 0, 0)
    assert ranking.advantage(exact(NOISY), exact(-NOISY)).estimate == pytest.approx(
        2 * ranking.spearman(exact(NOISY)).estimate
    )


def test_members_without_a_value_are_left_out_of_both_sides() -> None:
    """Also of the rival's correlation, which is then of the same members."""
    gaps = np.where(np.arange(20) < 5, np.nan, NOISY)
    ranking, rest = Ranking(exact(OUTCOME), EVERYONE), Ranking(exact(OUTCOME[5:]), [np.arange(15)])
    rival = RNG.normal(size=20)

    assert ranking.members(exact(gaps)) == 15
    assert ranking.spearman(exact(gaps)) == rest.spearman(exact(NOISY[5:]))
    assert ranking.advantage(exact(gaps), exact(rival)) == rest.advantage(exact(NOISY[5:]), exact(rival[5:]))


def test_without_a_family_rho_is_that_of_the_others() -> None:
    """One family carries the correlation; too few members leave none."""
    kin = {"first": np.arange(10), "second": np.arange(10, 20)}
    carried = np.concatenate([OUTCOME[:10], RNG.permutation(OUTCOME[10:])])

    found = Ranking(exact(OUTCOME), EVERYONE).without(exact(carried), kin)

    assert found["second"] == pytest.approx(1)
    assert found["first"] == pytest.approx(spearmanr(carried[10:], OUTCOME[10:]).statistic)
    assert Ranking(exact(OUTCOME), [np.arange(12)]).without(exact(carried), kin) == {"second": pytest.approx(1)}


def test_groups_and_families() -> None:
    """Groups share one value of what varies; families all but depth."""
    axes = [
        {"depth": depth, "activation": activation, "initialization": "critical", "budget": budget}
        for activation in ("relu", "abs")
        for budget in (500, 1500)
        for depth in (2, 3)
    ]

    assert list(groups(axes)) == [ALL, "relu", "abs", "budget 500", "budget 1500"]
    assert groups(axes)["budget 500"].tolist() == [0, 1, 4, 5]
    assert list(families(axes)) == [
        f"{activation}, budget {budget}" for activation in ("relu", "abs") for budget in (500, 1500)
    ]
    assert families(axes)["abs, budget 500"].tolist() == [4, 5]


def drawn(values: list[np.ndarray], numbers: list[np.ndarray] | None = None) -> Drawn:
    """A quantity with its draws' numbers."""
    return Drawn("x", "mean", values, numbers or [np.arange(len(some), dtype=float) for some in values])


def test_draw_by_draw_one_network_is_compared_with_itself() -> None:
    """By the draws' numbers, whichever are missing: the predictor has more, and a gap."""
    outcome = RNG.normal(size=12)
    predictor = np.concatenate([np.exp(outcome), RNG.normal(size=50)])
    kept = np.delete(np.arange(62), 3)

    found = draw_by_draw(drawn([predictor[kept]], [kept.astype(float)]), drawn([outcome]))

    assert found.tolist() == [pytest.approx(1)]


def test_draw_by_draw_says_nothing_of_baselines_and_of_what_never_differs() -> None:
    """An architecture has one number for all draws."""
    outcome = drawn([RNG.normal(size=12)])

    assert np.isnan(draw_by_draw(drawn([np.array([3.0])], [np.array([np.nan])]), outcome)).all()
    assert np.isnan(draw_by_draw(drawn([np.ones(12)]), outcome)).all()
    assert np.isnan(draw_by_draw(drawn([np.arange(4.0)]), outcome)).all()


def test_draw_by_draw_nothing_is_found_where_there_is_nothing() -> None:
    """40 members of 12 unrelated draws each; the interval misses 0 once in 20 seeds."""
    values = [drawn(list(RNG.normal(size=(40, 12)))) for _ in range(2)]

    mean, members = averaged(draw_by_draw(*values))

    assert members == 40
    assert mean.low < 0 < mean.high
    assert mean.high - mean.low < 0.3


def test_few_members_have_no_average() -> None:
    """Fewer than five, or none."""
    assert np.isnan(averaged(np.array([0.1, 0.2, np.nan, 0.3]))[0]).all()
    assert averaged(np.array([0.1, 0.2, np.nan, 0.3]))[1] == 3
