"""Claims as a forest plot: their places on the axis of the row, groups, and what is folded."""

from typing import Any

import pytest

from suite.report.forest import group_claims, plot_row
from tests.report.claim_rows import NAN
from tests.report.claim_rows import claim_row as row


def test_estimate_interval_and_claimed_range_share_one_axis() -> None:
    """With a margin of 8% of its length at both ends; an open end of the range is that of the axis."""
    plot = plot_row(row(estimate=5.0, ci_low=2.0, ci_high=10.0, claimed_low=-0.0))

    assert plot is not None
    length = 10 * 1.16
    assert plot.estimate == pytest.approx(100 * (5 + 0.8) / length, abs=0.01)
    assert plot.interval == pytest.approx((100 * (2 + 0.8) / length, 100 * (10 + 0.8) / length), abs=0.01)
    assert plot.claimed == pytest.approx((100 * 0.8 / length, 100), abs=0.01)
    assert [value for _, value in plot.limits] == ["0"]
    assert plot.words == "estimate 5, 95% interval 2 to 10, claimed 0 or more"


def test_a_range_with_two_ends_and_an_open_interval() -> None:
    """Both ends of the range have their value; an interval without an end reaches the end of the axis."""
    plot = plot_row(row(estimate=0.05, ci_low=-float("inf"), ci_high=0.07, claimed_low=-0.1, claimed_high=0.1))

    assert plot is not None
    assert plot.interval is not None
    assert plot.interval[0] == 0
    assert [value for _, value in plot.limits] == ["-0.1", "0.1"]
    assert plot.words.endswith("claimed -0.1 to 0.1")


@pytest.mark.parametrize("columns", [{"members": 0}, {"estimate": NAN}])
def test_a_claim_without_an_estimate_has_no_drawing(columns: dict[str, Any]) -> None:
    """Its row has the words alone."""
    assert plot_row(row(**columns)) is None


def test_a_number_without_interval_is_a_point_in_the_middle() -> None:
    """As of a quantity that is computed and not sampled, also of 0."""
    for estimate in (0.0, 3.0, -3.0):
        plot = plot_row(row(estimate=estimate, ci_low=NAN, ci_high=NAN))
        assert plot is not None
        assert (plot.estimate, plot.interval, plot.claimed) == (50, None, None)


def test_claims_are_grouped_by_quantities_and_those_that_answer_come_first() -> None:
    """In the order of the spec otherwise."""
    groups = group_claims(
        [
            row(claim="a"),
            row(claim="b", quantities="success"),
            row(claim="c", quantities="success", verdict="fails"),
            row(claim="d", quantities="success", verdict="fails", answers="yes"),
            row(claim="e", test="level"),
        ]
    )

    assert [(group.title, [claim.worded.claim for claim in group.claims]) for group in groups] == [
        ("success", ["d", "b"]),
        ("v3", ["a", "e"]),
    ]
    assert [claim.worded.claim for claim in groups[0].claims[0].similar] == ["c"]
    assert groups[0].claims[0].fold == "fails: 1 similar claim"


def test_only_similar_claims_with_one_verdict_are_folded() -> None:
    """One that is undecided among ten that hold is seen."""
    rows = [row(claim=f"holds {place}") for place in range(10)] + [row(claim="open", verdict="undecided")]
    (group,) = group_claims(rows)

    assert [(claim.worded.claim, claim.fold) for claim in group.claims] == [
        ("holds 0", "holds: 9 similar claims"),
        ("open", ""),
    ]


def test_a_control_passes_if_its_verdict_is_the_expected_one() -> None:
    """A claim that fails as it should is no failure of the study."""
    (group,) = group_claims(
        [
            row(claim="a", control="yes", verdict="fails", expected="fails"),
            row(claim="b", control="yes", verdict="holds", expected="fails"),
        ]
    )

    assert [(claim.worded.verdict, claim.look) for claim in group.claims] == [
        ("control passed", "holds"),
        ("control not passed", "fails"),
    ]
