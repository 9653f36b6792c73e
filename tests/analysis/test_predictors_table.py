"""The tournament's table, chart and words, of a study that was really run."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from suite.analysis.points import Tables, points
from suite.analysis.predictions import predictions
from suite.catalog.charts import CHARTS
from suite.catalog.predict import Predict
from suite.cells.resources import Resources
from suite.report.predictor_text import format_predictors
from suite.report.predictors import draw_ranking, draw_ranking_by_training, tabulate_ranking
from suite.results.folder import Results
from suite.results.schema import PREDICTOR_COLUMNS as COLUMNS
from suite.results.schema import WITHIN_ACTIVATION as WITHIN
from suite.runs.run import compute_tables
from suite.spec.load import load_studies
from tests.drawn import analyzed
from tests.runs.tiny import ran

SPEC = """
title = "Two boards, and scores of which one has no value"
seed = 11

[family]
width = 6
inputs = 2
depth = [2, 3, 4, 5, 6]
activation = ["relu", "tanh"]

[measure.v3]
draws = 16
step = 0.5

[measure.activation_ratio]

[measure.jacobian_covariance]
draws = 16
points = 8

[measure.snip]
draws = 16
points = 8

[measure.accuracy]
task = { name = "checkerboard", squares = [2, 4], train = 32, test = 32 }
optimizer = { name = "adam", learning_rate = 0.01, batch = 32 }
steps = 20
replicates = 6

[predict]
outcome = ["train_loss", "test_accuracy"]
predictors = ["jacobian_covariance", "snip", "v3"]
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Of two boards."""
    folder = tmp_path_factory.mktemp("tournament")
    (folder / "boards.toml").write_text(SPEC)
    return analyzed(compute_tables(load_studies([folder / "boards.toml"])[0], folder / "results", Resources(workers=1)))


@pytest.fixture(scope="module")
def table(results: Results) -> pd.DataFrame:
    """Its tournament."""
    return results.predictors


def test_every_contest_has_every_predictor_in_every_group_the_best_first(table: pd.DataFrame) -> None:
    """Two outcomes on two boards; all members, within activation, each activation."""
    assert tuple(table.columns) == tuple(COLUMNS)
    predictions = table.groupby(["outcome", "training"], sort=False)
    assert [name for name, _ in predictions] == [
        (outcome, f"squares {squares}") for outcome in ("train_loss", "test_accuracy") for squares in (2, 4)
    ]
    for _, rows in table.groupby(["outcome", "training", "group"]):
        assert len(rows) == 8
        assert set(rows["predictor"]) >= {
            "-depth",
            "middle_depth",
            "width",
            "parameters",
            "activation_ratio",
            "snip",
            "v3",
        }
        assert rows["spearman"].dropna().is_monotonic_decreasing
        assert not rows["spearman"].isna().iloc[: rows["spearman"].notna().sum()].any()
    assert set(table["group"]) == {"all", WITHIN, "relu", "tanh"}


def test_numbers_are_what_they_can_be(table: pd.DataFrame) -> None:
    """Correlations within -1 and 1, estimates within their range, the best baseline without an advantage."""
    known = table[table["spearman"].notna()]
    for name in ("spearman", "kendall"):
        assert known[name].between(-1, 1).all()
        assert (known[f"{name}_low"] <= known[f"{name}_high"]).all()
    assert (table[table["predictor"] == table["baseline"]]["advantage"].isna()).all()
    assert (table[table["predictor"] == "-depth"]["over_depth"].isna()).all()
    baselines = known[known["kind"] == "baseline"]
    best = baselines.groupby(["outcome", "training", "group"])["spearman"].transform("max")
    assert (baselines["spearman"] == best)[baselines["predictor"] == baselines["baseline"]].all()
    assert (known["without_low"].dropna() <= known["without_high"].dropna()).all()


def test_a_score_without_a_value_says_so_instead_of_printing_a_number(table: pd.DataFrame) -> None:
    """With two inputs the covariance of Jacobians has none."""
    rows = table[table["predictor"] == "jacobian_covariance"]

    assert rows["spearman"].isna().all()
    assert (rows["members"] == 0).all()
    assert set(rows["note"]) == {"has no value for these networks"}


def test_costs_are_what_cells_took(results: Results, table: pd.DataFrame) -> None:
    """Seconds a member for one of the two boards; baselines cost nothing."""
    seconds = table.groupby("predictor")["seconds"].first()
    taken = [cell["seconds"] for cell in results.run["cells"] if cell["measure"] == "snip"]

    assert len(taken) == 20
    assert seconds["snip"] == pytest.approx(sum(taken) / 20)
    assert (seconds[["-depth", "width", "parameters", "activation_ratio"]] == 0).all()
    assert seconds["v3"] > 0


def test_the_page_has_a_table_a_contest(table: pd.DataFrame) -> None:
    """With the note where a number would stand."""
    shown = tabulate_ranking(table)

    assert shown[0].title == "Predictors of train loss (squares 2)"
    assert len(shown) == 4
    for one in shown:
        assert {len(row) for row in one.rows} == {len(one.heads)}
    (covariance,) = [row for row in shown[0].rows if row[0] == "jacobian_covariance"]
    assert "has no value for these networks" in covariance


def test_charts_have_a_panel_a_contest_and_a_course_over_boards(table: pd.DataFrame) -> None:
    """Predictors without a value have no place in them."""
    chart = draw_ranking(table, CHARTS["tournament"])
    assert chart is not None
    panels = chart.to_dict()["concat"]
    assert len(panels) == 4
    assert "jacobian_covariance" not in json.dumps(chart.to_dict())
    course = draw_ranking_by_training(table, CHARTS["tournament_by_training"])
    assert course is not None
    assert len(course.to_dict()["concat"]) == 2


def test_a_study_that_asks_for_none_has_none(tmp_path_factory: pytest.TempPathFactory) -> None:
    """An empty table, and no chart."""
    found = ran("tiny_scores", tmp_path_factory)

    assert found.predictors.empty
    assert draw_ranking(found.predictors, CHARTS["tournament"]) is None
    assert draw_ranking_by_training(found.predictors, CHARTS["tournament_by_training"]) is None
    assert "tournament" not in found.charts


def test_one_board_has_no_course(table: pd.DataFrame) -> None:
    """There is nothing to lay side by side."""
    assert draw_ranking_by_training(table[table["training"] == "squares 2"], CHARTS["tournament_by_training"]) is None


def test_the_same_run_gives_the_same_table(results: Results, table: pd.DataFrame) -> None:
    """All resamples have seeds of their own."""
    again = Results(Path(results.folder)).predictors

    pd.testing.assert_frame_equal(again, table)


def test_the_baseline_is_the_activation_ratio_that_is_measured(results: Results) -> None:
    """Inputs and outputs are no activations."""
    tables = Tables(results.summary, results.values_of, results.members)
    measured = {point.member: point.estimate("mean").value for point in points(tables, "activation_ratio")}
    prediction = next(predictions(Predict(outcome=("success",)), tables))

    (baseline,) = [one for one in prediction.predictors if one.name == "activation_ratio"]

    assert baseline.ordered[:, 0].tolist() == pytest.approx(list(measured.values()))


def test_a_line_per_outcome_names_the_best_predictor(results: Results, table: pd.DataFrame, tmp_path: Path) -> None:
    """And says whether it is shown to beat the best baseline."""
    chosen = table[(table["training"] == "squares 2") & (table["outcome"] == "train_loss")].copy()
    snip = chosen["predictor"] == "snip"
    chosen.loc[chosen["kind"] == "measured", "p_holm"] = 1.0

    def line() -> str:
        chosen.sort_values("spearman", ascending=False).to_csv(tmp_path / "predictors.csv")
        (found,) = format_predictors("boards", tmp_path)
        return found

    chosen.loc[snip, ["spearman", "spearman_low", "spearman_high"]] = (0.99, 0.5, 0.999)
    for gain, p, said in (
        ((0.1, 0.02, 0.2), 0.01, "snip beats depth: rho 0.99 [0.50, 1.00], gain 0.10 [0.02, 0.20], p (Holm) = 0.01"),
        (
            (0.1, 0.02, 0.2),
            0.06,
            "no predictor is shown to beat depth; highest rank correlation: snip, rho 0.99 [0.50, 1.00], "
            "gain 0.10 [0.02, 0.20], p (Holm) = 0.06",
        ),
        (
            (-0.1, -0.2, -0.02),
            0.01,
            "no predictor is shown to beat depth; highest rank correlation: snip, rho 0.99 [0.50, 1.00], "
            "gain -0.10 [-0.20, -0.02], p (Holm) = 0.01",
        ),
    ):
        chosen.loc[snip, ["baseline", "advantage", "advantage_low", "advantage_high", "p_holm"]] = ("depth", *gain, p)
        assert line() == f"boards: train_loss (squares 2): {said}, 10 members"

    chosen.loc[chosen["kind"] == "measured", "spearman"] = np.nan
    assert line().endswith(": no predictor has a rank correlation")
