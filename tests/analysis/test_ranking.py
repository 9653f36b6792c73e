"""How predictors are ranked: within groups, without families, against a rival, draw by draw."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from suite.analysis.predictions import Drawn, Draws
from suite.analysis.ranking import Ranking, averaged, draw_by_draw, families, groups
from suite.results.schema import ALL_MEMBERS as ALL
from suite.statistics.two_level import statistic_and_copies


def exact(values: object) -> np.ndarray:
    """Members of one draw each."""
    return np.array([statistic_and_copies(np.array([value]), "mean") for value in np.asarray(values, dtype=float)])


def ranking_of(outcome: object, groups: list[np.ndarray], *baselines: str, **predictors: object) -> Ranking:
    """Of predictors by name, each a number a member."""
    return Ranking(exact(outcome), {name: exact(values) for name, values in predictors.items()}, baselines, groups)


RNG = np.random.default_rng(0)
OUTCOME = RNG.normal(size=20)
NOISY = OUTCOME + 0.5 * RNG.normal(size=20)
EVERYONE = [np.arange(20)]
HALVES = [np.arange(10), np.arange(10, 20)]


def test_rho_is_over_all_members() -> None:
    """As scipy has it, inside an interval that says something."""
    rho = ranking_of(OUTCOME, EVERYONE, x=NOISY).spearman("x")

    assert rho.estimate == pytest.approx(spearmanr(OUTCOME, NOISY).statistic)
    assert rho.low < rho.estimate < rho.high < rho.low + 1


def test_within_groups_what_tells_only_the_groups_apart_tells_nothing() -> None:
    """One half stands above the other; within a half the order is random."""
    outcome = np.repeat([0.0, 100.0], 10) + OUTCOME
    level = np.repeat([0.0, 100.0], 10) + RNG.normal(size=20)

    assert ranking_of(outcome, EVERYONE, x=level).spearman("x").low > 0.4
    within = ranking_of(outcome, HALVES, x=level).spearman("x")
    assert within.low < 0 < within.high


def test_the_average_within_groups_is_that_of_their_correlations() -> None:
    """And its interval is narrower than that of either."""
    each = [ranking_of(OUTCOME, [half], x=NOISY).spearman("x") for half in HALVES]

    found = ranking_of(OUTCOME, HALVES, x=NOISY).spearman("x")

    assert found.estimate == pytest.approx(np.mean([one.estimate for one in each]))
    assert found.high - found.low < max(one.high - one.low for one in each)


def test_a_predictor_orders_nothing_where_it_is_the_same_for_all() -> None:
    """Its correlation there is 0, which the average has in it; it wins nothing by failing."""
    half = np.where(np.arange(20) < 10, NOISY, 7.0)
    ranking = ranking_of(OUTCOME, HALVES, half=half, same=np.ones(20))

    assert ranking.members("half") == 20
    assert ranking.orders("half") == (1, 2)
    assert ranking.spearman("half").estimate == pytest.approx(spearmanr(OUTCOME[:10], NOISY[:10]).statistic / 2)
    assert ranking.orders("same") == (0, 2)
    assert np.isnan(ranking.spearman("same")).all()


def test_a_group_whose_outcome_is_the_same_for_all_can_be_ordered_by_nothing() -> None:
    """It has no part in the average."""
    flat = np.where(np.arange(20) < 10, OUTCOME, 7.0)
    ranking = ranking_of(flat, HALVES, x=NOISY)

    assert ranking.members("x") == 10
    assert ranking.orders("x") == (1, 1)


def test_an_advantage_is_paired() -> None:
    """Over the same it is 0, which nothing tests; over its opposite twice rho."""
    ranking = ranking_of(OUTCOME, EVERYONE, x=NOISY, same=NOISY, opposite=-NOISY)

    none = ranking.advantage("x", "same")
    assert (none.value, none.above(), none.below()) == (0, 1, 1)
    assert ranking.advantage("x", "opposite").value == pytest.approx(2 * ranking.spearman("x").estimate)


def test_members_without_a_value_are_left_out_of_both_sides() -> None:
    """Also of the rival's correlation, which is then of the same members."""
    gaps, rival = np.where(np.arange(20) < 5, np.nan, NOISY), RNG.normal(size=20)
    ranking = ranking_of(OUTCOME, EVERYONE, x=gaps, rival=rival)
    rest = ranking_of(OUTCOME[5:], [np.arange(15)], x=NOISY[5:], rival=rival[5:])

    assert ranking.members("x") == 15
    assert ranking.spearman("x") == rest.spearman("x")
    assert ranking.advantage("x", "rival") == rest.advantage("x", "rival")


def test_the_best_baseline_is_the_best_on_the_predictors_own_members() -> None:
    """One that is good on members alone which the predictor lacks is no rival."""
    early = np.where(np.arange(20) < 10, OUTCOME, -OUTCOME)
    late = -early + 0.1 * RNG.normal(size=20)
    x = np.where(np.arange(20) < 10, np.nan, NOISY)
    ranking = ranking_of(OUTCOME, EVERYONE, "early", "late", x=x, early=early, late=late, all=NOISY)

    assert ranking.best_baseline("x") == "late"
    assert ranking_of(OUTCOME, EVERYONE, x=x).best_baseline("x") is None


def test_without_a_family_rho_is_that_of_the_others() -> None:
    """One family carries the correlation; too few members leave none."""
    kin = {"first": np.arange(10), "second": np.arange(10, 20)}
    carried = np.concatenate([OUTCOME[:10], RNG.permutation(OUTCOME[10:])])

    found = ranking_of(OUTCOME, EVERYONE, x=carried).without("x", kin)

    assert found["second"] == pytest.approx(1)
    assert found["first"] == pytest.approx(spearmanr(carried[10:], OUTCOME[10:]).statistic)
    assert ranking_of(OUTCOME, [np.arange(12)], x=carried).without("x", kin) == {"second": pytest.approx(1)}


def test_ties_make_no_predictor_sure() -> None:
    """Two of 16 members differ from the rest: of 200 unrelated ones, 11 in 100 intervals at most leave out 0."""
    outside = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        tied = np.zeros(16)
        tied[:2] = generator.normal(size=2)
        found = ranking_of(generator.normal(size=16), [np.arange(16)], x=tied).spearman("x")
        outside += not found.low <= 0 <= found.high
    assert outside <= 22


def test_groups_and_families() -> None:
    """Groups share one value of what varies; families all but depth."""
    axes = [
        {"depth": depth, "activation": activation, "initialization": "critical", "budget": budget}
        for activation in ("relu", "abs")
        for budget in (500, 1500)
        for depth in (2, 3, 4)
    ]

    assert list(groups(axes)) == [ALL, "relu", "abs", "budget 500", "budget 1500"]
    assert groups(axes)["budget 500"].tolist() == [0, 1, 2, 6, 7, 8]
    assert list(families(axes)) == [
        f"{activation}, budget {budget}" for activation in ("relu", "abs") for budget in (500, 1500)
    ]
    assert families(axes)["abs, budget 500"].tolist() == [6, 7, 8]
    assert list(groups(axes[:4])) == [ALL]  # too few for an order
    same = [{**one, "width": one["activation"]} for one in axes]
    assert list(groups(same)) == list(groups(axes))  # the same members under another name


def drawn(values: list[np.ndarray], numbers: list[np.ndarray] | None = None) -> Drawn:
    """A quantity with its draws' numbers."""
    places = numbers or [np.arange(len(some), dtype=float) for some in values]
    draws = [Draws(place, some, len(some), 0) for place, some in zip(places, values, strict=True)]
    return Drawn("x", 1, "mean", np.empty(0), draws)


def test_draw_by_draw_one_network_is_compared_with_itself() -> None:
    """By the draws' numbers, whichever are missing: the predictor has more, and a gap."""
    outcome = RNG.normal(size=12)
    predictor = np.concatenate([np.exp(outcome), RNG.normal(size=50)])
    kept = np.delete(np.arange(62), 3)

    found = draw_by_draw(drawn([predictor[kept]], [kept.astype(float)]), drawn([outcome]))

    assert found.tolist() == [pytest.approx(1)]
    less = replace(drawn([predictor[kept]], [kept.astype(float)]), sign=-1)
    assert draw_by_draw(less, drawn([outcome])).tolist() == [pytest.approx(-1)]


def test_draw_by_draw_says_nothing_of_baselines_and_of_what_never_differs() -> None:
    """An architecture has one number for all draws."""
    outcome = drawn([RNG.normal(size=12)])

    assert np.isnan(draw_by_draw(drawn([np.empty(0)]), outcome)).all()
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
