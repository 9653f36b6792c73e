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
from tests.report.claim_rows import claim_row


def verdicts(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [claim_row(**row) for row in rows]


def test_a_verdict_is_told_with_its_grounds() -> None:
    """What was found, how surely, and of how many; the p-value without and with the correction."""
    (found,) = word_verdicts(verdicts({"p": 0.011, "p_holm": 0.033}))

    assert (found.verdict, found.claim, found.surprise) == ("holds", "V3 peaks.", "")
    assert found.grounds == (
        "Smallest difference between the peak and an end = 78.1, 95% CI [72.2, 84]; p = 0.011, p (Holm) = 0.033; "
        "22 members, 512 draws each."
    )


def test_what_would_decide_an_open_claim_is_told() -> None:
    """The smallest effect that is found, and how many draws the estimate needs; no other claim has these."""
    power: dict[str, Any] = {"detectable": 120.0, "needed": 1600.0}
    undecided = power | {"verdict": "undecided", "p": 0.2, "p_holm": 0.4}

    open_one, refuted, trained = word_verdicts(
        verdicts(undecided, power | {"verdict": "fails"}, undecided | {"unit": "replicates", "draws": 8})
    )

    assert open_one.grounds.endswith(
        "; p = 0.2, p (Holm) = 0.4; 22 members, 512 draws each; smallest effect with 80% power: 120; "
        "an effect as large as the estimate needs about 1,600 draws."
    )
    assert refuted.grounds.endswith("512 draws each.")
    assert "; 22 members, 8 replicates each; " in trained.grounds
    assert trained.grounds.endswith("needs about 1,600 replicates.")


def test_what_was_expected_and_what_is_missing_are_told() -> None:
    """A number without interval or p-value has none; a claim that cannot be judged has the reason alone."""
    no_test = {"p": np.nan, "p_holm": np.nan}
    alone = {"members": 1, "draws": 1, "ci_low": np.nan, "estimate_of": "largest value"}
    refuted, computed, nothing, refused = word_verdicts(
        verdicts(
            {"verdict": "fails", "expected": "holds"} | alone,
            {"note": "computed, not sampled"} | alone | no_test,
            {"verdict": "undecided", "members": 0} | no_test,
            {"verdict": "undecided", "estimate": np.nan, "note": "3 of 8 runs diverged"} | no_test,
        )
    )

    assert (refuted.surprise, computed.surprise) == ("holds", "")
    assert refuted.grounds == "Largest value = 78.1; p < 0.0001, p (Holm) < 0.0001; 1 member."
    assert computed.grounds == "Largest value = 78.1; 1 member; computed, not sampled."
    assert nothing.grounds == "The tables have no values for this claim."
    assert refused.grounds == "3 of 8 runs diverged."


def test_a_control_passes_with_the_verdict_that_it_must_have() -> None:
    """Whichever that is; one that does not pass says which it has."""
    control = {"control": "yes", "expected": "fails"}

    passed, not_passed = word_verdicts(verdicts(control | {"verdict": "fails"}, control))

    assert (passed.verdict, passed.surprise) == ("control passed", "")
    assert (not_passed.verdict, not_passed.surprise) == ("control not passed", "fails, found: holds")


def test_what_the_claim_requires_stands_beside_the_estimate() -> None:
    """So that the reader can see how the verdict follows."""
    row = {"estimate": 0.5, "ci_low": np.nan, "estimate_of": "largest value", "required": "at most 0"}
    (found,) = word_verdicts(verdicts(row))

    assert found.grounds.startswith(
        "Largest value = 0.5, required: at most 0; p < 0.0001, p (Holm) < 0.0001; 22 members"
    )


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
            "smallest rise",
            "more than -0.1",
        ),
        ({"test": "agrees_with", "relative": 0.2}, 8, "largest relative deviation from theory", "at most 0.2"),
        ({"test": "agrees_with", "z": 4.0}, 8, "z-score farthest from 0", "at most 4"),
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
    given: dict[str, Any] = {
        "quantity": "v3",
        "axis": "activation",
        "value": "relu",
        "than": "tanh",
        "says": "So.",
        "bound": "theory",
    }
    given |= {"first": "v3", "second": "output_rms", "along": "depth", "direction": "rises"} | claim
    made = kind(**{key: value for key, value in given.items() if key in kind.model_fields})

    assert made.describe_estimate(members) == estimate
    assert made.describe_requirement() == required


def test_all_verdicts_make_one_sentence() -> None:
    """Each kind counted, and controls apart: how many passed, whatever their verdicts."""
    passed, other = ({"control": "yes", "expected": "fails", "verdict": verdict} for verdict in ("fails", "holds"))

    assert sum_up(verdicts({}, {}, {"verdict": "fails"})) == "3 claims: 2 hold, 1 fails."
    assert sum_up(verdicts({"verdict": "fails", "expected": "fails"})) == "1 claim: 1 fails."
    assert sum_up(verdicts(*[{"verdict": "undecided"}] * 6)) == "6 claims: 6 are undecided."
    assert sum_up(verdicts({}, passed, other)) == "1 claim: 1 holds. Controls passed: 1 of 2."
    assert sum_up(verdicts(passed)) == "Controls passed: 1 of 1."
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
