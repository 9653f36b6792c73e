"""The top of the page: verdicts in words, and the chart that answers."""

from typing import Any

import numpy as np
import pytest

from suite.catalog.charts import ANSWERS, CHARTS
from suite.catalog.charts.declaration import PLANE, TOURNAMENT
from suite.catalog.quantities import QUANTITIES
from suite.report.charts import choose_picture
from suite.report.verdicts import sum_up, word_verdicts

ROW: dict[str, Any] = {
    "claim": "V3 peaks.",
    "source": "",
    "test": "peaks_inside",
    "verdict": "holds",
    "expected": "holds",
    "estimate": 78.13,
    "ci_low": 72.25,
    "ci_high": 84.01,
    "p": 1e-9,
    "draws": 512,
    "members": 22,
    "needed": np.nan,
    "unit": "draws",
    "leaning": "holds",
}


def verdicts(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [ROW | row for row in rows]


def test_a_verdict_is_told_with_its_grounds() -> None:
    """What was found, how surely, and of how many."""
    (found,) = word_verdicts(verdicts({}))

    assert (found.verdict, found.claim, found.surprise) == ("holds", "V3 peaks.", "")
    assert found.grounds == (
        "The least sure difference between a peak and an end is 78.1 (95% interval 72.2 to 84); "
        "22 members of 512 draws or more, p < 0.0001."
    )


def test_what_would_decide_what_was_expected_and_what_is_missing_are_told() -> None:
    """In the words of the claim's own test."""
    open_one, refuted, nothing = word_verdicts(
        verdicts(
            {"verdict": "undecided", "needed": 1600.0, "p": 0.2, "test": "greater"},
            {"verdict": "fails", "members": 1, "draws": 1, "ci_low": np.nan, "test": "level"},
            {"members": 0},
        )
    )

    assert open_one.grounds.endswith("p = 0.2. About 1,600 draws would probably bear it out.")
    assert open_one.surprise == refuted.surprise == "holds"
    assert refuted.grounds == "The value that decides is 78.1; 1 member, p < 0.0001."
    assert nothing.grounds == "The tables have nothing of it."


@pytest.mark.parametrize(
    ("claim", "grounds"),
    [
        ({"test": "rank_correlation", "at_most": -0.7}, "Spearman's rho is 0.5, less than -0.7 is claimed;"),
        ({"test": "level", "at_least": 0.0, "of": "every"}, "The value that decides is 0.5, more than 0 is claimed;"),
        ({"test": "level", "at_most": 0.0, "of": "draw"}, "The value that decides is 0.5, 0 or less is claimed;"),
        ({"test": "greater", "margin": 0.1}, "The least sure pair's difference is 0.5, more than 0.1 is claimed;"),
        ({"test": "greater", "margin": 0.0}, "The least sure pair's difference is 0.5;"),
        ({"test": "greater", "of": "average"}, "The average difference is 0.5;"),
        ({"test": "level", "at_least": 0.0, "of": "average"}, "The average is 0.5, more than 0 is claimed;"),
        ({"test": "monotone", "slack": 0.1}, "The least sure step is one of 0.5, -0.1 is allowed;"),
        ({"test": "agrees_with", "relative": 0.2}, "The largest deviation is 0.5 of the law, up to 0.2 is allowed;"),
        ({"test": "agrees_with", "z": 4.0}, "The largest deviation is 0.5 standard errors, up to 4 are allowed;"),
        ({"test": "bounded_by", "margin": 0.0}, "The least room below the bound is 0.5;"),
        ({"test": "bounded_by", "margin": 0.1}, "The least room below the bound is 0.5, -0.1 is allowed;"),
        (
            {"test": "bounded_by", "margin": 0.0, "z": 3.0},
            "The largest excess over the bound is 0.5 standard errors, up to 3 are allowed;",
        ),
        (
            {"test": "bounded_by", "margin": 0.02, "z": 3.0},
            "The largest excess over the bound is 0.5 standard errors, up to 3 are allowed beyond the margin of 0.02;",
        ),
    ],
)
def test_what_was_claimed_stands_beside_what_was_found(claim: dict[str, Any], grounds: str) -> None:
    """So that the verdict is seen to follow."""
    (found,) = word_verdicts(verdicts({"test": claim["test"], "estimate": 0.5, "ci_low": np.nan}), [claim])

    assert found.grounds.startswith(grounds)


def test_all_verdicts_make_one_sentence() -> None:
    """Each kind counted, and what is no surprise called so."""
    assert sum_up(verdicts({}, {}, {"verdict": "fails"})) == "Of 3 claims 2 hold, 1 fails; 1 not as expected."
    assert sum_up(verdicts({"verdict": "fails", "expected": "fails"})) == "Of 1 claim 1 fails; all as expected."
    assert sum_up(verdicts({}, {})) == "All 2 claims hold; all as expected."
    assert sum_up(verdicts(*[{"verdict": "undecided"}] * 6)) == "All 6 claims are undecided; none as expected."
    assert sum_up([]) == ""


def test_of_many_pairs_the_least_sure_is_told() -> None:
    """Of one there is no other."""
    claim = {"test": "greater", "of": "every"}
    many, one = (word_verdicts(verdicts({"test": "greater", "members": members}), [claim])[0] for members in (8, 2))

    assert many.grounds.startswith("The least sure pair's difference is")
    assert one.grounds.startswith("The difference is")


def test_every_chart_is_in_the_catalog_with_quantities_that_there_are() -> None:
    """A spec may name all charts, and no others; each has a title and a caption."""
    assert all(name == chart.name and chart.title and chart.caption for name, chart in CHARTS.items())
    assert set(ANSWERS) <= set(CHARTS)
    assert {name for chart in CHARTS.values() for name in chart.quantities} <= {*QUANTITIES, TOURNAMENT, PLANE}


DRAWN = ["variability", "collapse", "accuracy", "accuracy_against_v3", "tournament", "collapse_more"]


@pytest.mark.parametrize(
    ("spec", "chart"),
    [
        ({"picture": "collapse", "claim": [{"quantity": "v3"}]}, "collapse"),
        ({"picture": "landscapes", "claim": [{"quantity": "success"}]}, "accuracy"),
        ({"claim": [{"quantity": "naswot"}, {"quantity": "collapsed_exact"}]}, "collapse"),
        ({"claim": [{"first": "v3", "second": "test_accuracy"}]}, "accuracy_against_v3"),
        ({"claim": [{"first": "v3", "second": "collapsed_relative"}]}, "variability"),
        ({"claim": [{"quantity": "naswot"}]}, "tournament"),
        ({"claim": [{"quantity": "output_rms"}]}, "collapse_more"),
        ({}, "tournament"),
    ],
)
def test_the_picture_is_the_one_named_or_that_of_the_first_claim_with_a_chart(spec: dict[str, Any], chart: str) -> None:
    """A picture that could not be drawn gives way to the claims, and these to the tournament."""
    assert choose_picture(spec, DRAWN) == chart


def test_without_claims_and_tournament_what_training_came_to_answers() -> None:
    """Where nothing is trained the first chart does; and without charts none."""
    assert choose_picture({}, ["collapse", "accuracy"]) == "accuracy"
    assert choose_picture({}, ["collapse", "output_range"]) == "collapse"
    assert choose_picture({}, []) is None
