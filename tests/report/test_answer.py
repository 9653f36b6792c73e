"""The top of the page: verdicts in words, and the chart that answers."""

from typing import Any

import numpy as np
import pytest

from suite.catalog.charts import ANSWERS, CHARTS
from suite.catalog.charts.declaration import PLANE, TOURNAMENT
from suite.catalog.claims import CLAIMS
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
    "estimate_of": "smallest difference between the peak and an end",
    "required": "",
}


def verdicts(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [ROW | row for row in rows]


def test_a_verdict_is_told_with_its_grounds() -> None:
    """What was found, how surely, and of how many."""
    (found,) = word_verdicts(verdicts({}))

    assert (found.verdict, found.claim, found.surprise) == ("holds", "V3 peaks.", "")
    assert found.grounds == (
        "Smallest difference between the peak and an end: 78.1, 95% CI [72.2, 84]. "
        "22 members, 512 draws each; p < 0.0001."
    )


def test_what_would_decide_what_was_expected_and_what_is_missing_are_told() -> None:
    """In sentences of their own."""
    open_one, refuted, nothing = word_verdicts(
        verdicts(
            {"verdict": "undecided", "needed": 1600.0, "p": 0.2},
            {"verdict": "fails", "members": 1, "draws": 1, "ci_low": np.nan, "estimate_of": "largest value"},
            {"members": 0},
        )
    )

    assert open_one.grounds.endswith("p = 0.2. About 1,600 draws would probably confirm it.")
    assert open_one.surprise == refuted.surprise == "holds"
    assert refuted.grounds == "Largest value: 78.1. 1 member; p < 0.0001."
    assert nothing.grounds == "The tables have no values for this claim."


def test_what_the_claim_requires_stands_beside_the_estimate() -> None:
    """So that the reader can see how the verdict follows."""
    row = {"estimate": 0.5, "ci_low": np.nan, "estimate_of": "largest value", "required": "at most 0"}
    (found,) = word_verdicts(verdicts(row))

    assert found.grounds.startswith("Largest value: 0.5; the claim requires at most 0. 22 members")


@pytest.mark.parametrize(
    ("claim", "members", "estimate", "required"),
    [
        ({"test": "rank_correlation", "at_most": -0.7}, 8, "Spearman's rho", "less than -0.7"),
        ({"test": "level", "at_least": 0.0}, 8, "smallest value", "more than 0"),
        ({"test": "level", "at_most": 0.0, "of": "draw"}, 8, "largest value", "at most 0"),
        ({"test": "level", "at_least": 0.0, "of": "average"}, 8, "average", "more than 0"),
        ({"test": "greater", "margin": 0.1}, 8, "smallest difference over the compared pairs", "more than 0.1"),
        ({"test": "greater"}, 2, "difference", ""),
        ({"test": "greater", "of": "average"}, 8, "average difference", ""),
        (
            {"test": "monotone", "slack": 0.1},
            8,
            "smallest step",
            "more than -0.1",
        ),
        ({"test": "agrees_with", "relative": 0.2}, 8, "largest relative deviation from theory", "at most 0.2"),
        ({"test": "agrees_with", "z": 4.0}, 8, "largest z-score", "at most 4"),
        ({"test": "bounded_by"}, 8, "smallest distance below the bound", ""),
        (
            {"test": "bounded_by", "margin": 0.1},
            8,
            "smallest distance below the bound",
            "more than -0.1",
        ),
        ({"test": "bounded_by", "z": 3.0}, 8, "largest z-score above the bound", "at most 3"),
        (
            {"test": "bounded_by", "margin": 0.02, "z": 3.0},
            8,
            "largest z-score above the bound",
            "at most 3 beyond the margin of 0.02",
        ),
    ],
)
def test_a_claim_describes_its_estimate_and_what_it_requires(
    claim: dict[str, Any], members: int, estimate: str, required: str
) -> None:
    """By its keys and the number of members that are compared."""
    kind = CLAIMS[claim["test"]]
    given = {"quantity": "v3", "axis": "activation", "value": "relu", "than": "tanh", "says": "So.", "bound": "theory"}
    given |= {"first": "v3", "second": "output_rms", "along": "depth", "direction": "rises"} | claim
    made = kind(**{key: value for key, value in given.items() if key in kind.model_fields})

    assert made.describe_estimate(members) == estimate
    assert made.describe_requirement() == required


def test_all_verdicts_make_one_sentence() -> None:
    """Each kind counted, and what is no surprise called so."""
    assert sum_up(verdicts({}, {}, {"verdict": "fails"})) == "3 claims: 2 hold, 1 fails; 1 not as expected."
    assert sum_up(verdicts({"verdict": "fails", "expected": "fails"})) == "1 claim: 1 fails; all as expected."
    assert sum_up(verdicts({}, {})) == "All 2 claims hold; all as expected."
    assert sum_up(verdicts(*[{"verdict": "undecided"}] * 6)) == "All 6 claims are undecided; none as expected."
    assert sum_up([]) == ""


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
