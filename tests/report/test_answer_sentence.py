"""The sentence that answers the question of a study says what the tables say, and no more."""

from typing import Any

import numpy as np
import pytest

from suite.report.answer import answer_question
from tests.report.claim_rows import claim_row

RUN: dict[str, Any] = {"spec": {"title": "Peaks", "question": "Does V3 peak?"}}
OPEN: dict[str, Any] = {"spec": {"title": "Peaks", "question": "How does V3 depend on depth?"}}
RANKED: dict[str, Any] = {
    "outcome": "test_accuracy",
    "training": "",
    "group": "all",
    "predictor": "v3",
    "kind": "measured",
    "members": 16,
    "spearman": 0.92,
    "spearman_low": 0.75,
    "spearman_high": 0.98,
    "baseline": "-depth",
    "advantage": 0.1,
    "advantage_low": -0.1,
    "advantage_high": 0.3,
    "p_holm": 0.4,
}
TREND: dict[str, Any] = {
    "quantity": "v3",
    "statistic": "mean",
    "series": "relu",
    "axis": "depth",
    "main_axis": "depth",
    "along": np.nan,
    "layer": np.nan,
    "shape": "falls",
    "places": 3,
    "missing": 0,
    "first_at": "1",
    "first": 30.0,
    "last_at": "4",
    "last": 10.0,
    "change": -20.0,
    "change_low": -22.0,
    "change_high": -18.0,
}


def answer(
    *claims: dict[str, Any], run: dict[str, Any] = RUN, ranking: tuple[dict[str, Any], ...] = (), trends: Any = ()
) -> str:
    rows = {
        "verdicts": [claim_row(**row) for row in claims],
        "predictors": [RANKED | row for row in ranking],
        "trends": list(trends),
    }
    return answer_question(run, rows)


NUMBERS = (
    "(smallest difference between the peak and an end = 78.1, 95% CI [72.2, 84]; p < 0.0001, p (Holm) < 0.0001; "
    "22 members, 512 draws each)"
)


def test_the_answer_is_the_first_claim_with_its_numbers() -> None:
    """Yes or no to a question that can be answered so; an open question has the claim itself."""
    assert answer({}, {"verdict": "fails"}) == f"V3 peaks {NUMBERS}."
    assert answer({"verdict": "fails"}) == f"It does not hold that 'V3 peaks' {NUMBERS}."
    assert answer({}, run=OPEN) == f"V3 peaks {NUMBERS}."
    assert answer({"verdict": "fails"}, run=OPEN) == f"It does not hold that 'V3 peaks' {NUMBERS}."


def test_an_undecided_claim_answers_neither_way() -> None:
    """With the interval that leaves it open; the claims below the answer say what would decide it."""
    numbers = NUMBERS.replace("p < 0.0001, p (Holm) < 0.0001", "p = 0.2, p (Holm) = 0.4")

    found = answer({"verdict": "undecided", "p": 0.2, "p_holm": 0.4, "detectable": 20.0, "needed": 900.0})

    assert found == f"Undecided: the data neither confirm nor refute that 'V3 peaks' {numbers}."


def test_the_claim_that_answers_comes_before_the_first_and_controls_are_no_answers() -> None:
    """A control says something of the tests, not of the question."""
    chosen = {"claim": "It is so.", "answers": "yes", "control": "no"}

    assert answer({}, chosen).startswith("It is so (")
    assert answer({"control": "yes"}, {"claim": "It is so."}).startswith("It is so (")
    controls = [{"control": "yes", "expected": "fails", "verdict": verdict} for verdict in ("fails", "holds")]
    assert answer(*controls) == "Controls passed: 1 of 2. Their verdicts are known from how they are made."


def test_what_the_claim_requires_and_both_p_values_are_given() -> None:
    """The verdict follows from the corrected one, the interval goes with the other."""
    found = answer({"p": 0.01, "p_holm": 0.04, "required": "more than 0.1"})

    assert "84], required: more than 0.1; p = 0.01, p (Holm) = 0.04; 22 members" in found


def test_a_claim_without_values_or_interval_has_none() -> None:
    """Nothing stands for what is missing."""
    open_one = {"verdict": "undecided", "p": np.nan, "p_holm": np.nan}

    assert answer(open_one | {"members": 0}).endswith("'V3 peaks' (the tables have no values for this claim).")
    assert answer(open_one | {"estimate": np.nan, "note": "1 run diverged"}).endswith("'V3 peaks' (1 run diverged).")
    assert "CI" not in answer({"ci_low": np.nan, "ci_high": np.nan})
    assert "84]; 22 members, 512 draws each; not refuted)" in answer({**open_one, "note": "not refuted"})


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({}, "No predictor is shown to beat -depth; highest rank correlation: v3, rho 0.92 [0.75, 0.98], gain 0.10"),
        ({"p_holm": 0.02}, "v3 beats -depth: rho 0.92 [0.75, 0.98], gain 0.10 [-0.10, 0.30], p (Holm) = 0.02, 16"),
    ],
)
def test_the_best_predictor_is_named_only_with_an_established_lead(row: dict[str, Any], text: str) -> None:
    """In a study without claims, and after a claim that is about the outcome."""
    about = {"quantities": "v3, test_accuracy"}

    assert answer(ranking=(row,)).startswith(text)
    assert answer(about, ranking=(row,)).startswith(f"V3 peaks {NUMBERS}. {text}")
    assert answer({}, ranking=(row,)) == f"V3 peaks {NUMBERS}."


def test_several_settings_of_the_training_are_counted() -> None:
    """Not listed: there are two sentences at most."""
    found = answer(ranking=({"training": "squares 2"}, {"training": "squares 4", "p_holm": 0.02}))

    assert found == "A predictor is shown to beat its best baseline in 1 of 2 settings."


def test_without_claims_and_ranking_the_trend_answers() -> None:
    """That of the picture's first quantity that has one; without any there is no answer."""
    drops = TREND | {"quantity": "collapsed_relative", "statistic": "frequency"}
    pictured = {"spec": RUN["spec"] | {"picture": "collapse"}}

    assert answer(trends=[TREND]) == (
        "V3 falls from depth 1 to depth 4, from 30 to 10 (change -20, 95% CI [-22, -18])."
    )
    assert answer(trends=[TREND, drops], run=pictured).startswith("The relative C2C frequency falls")
    assert answer(trends=[TREND, drops]).startswith("V3 falls")
    assert answer() == ""
