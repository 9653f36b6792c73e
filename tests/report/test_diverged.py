"""Diverged runs from the spec to the page: counted, marked and compared, and in no accuracy."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from suite.analysis.divergence import with_diverged
from suite.cli import app
from suite.native.build import TORCH, computing_with
from suite.report.analysis_tables import LONG, tabulate_outcomes
from suite.report.charts import draw_charts
from suite.report.page_tables import tabulate_overview
from suite.results.folder import Results

RUNS = 8
SPEC = f"""
title = "Runs of which none, some or all diverge"
seed = 5

[family]
width = 10
inputs = 2
depth = [2, 4, 6]
activation = ["relu", "tanh"]
initialization = "he"

[measure.v3]
draws = 8
step = 0.5

[measure.accuracy]
task = {{ name = "checkerboard", squares = 2, train = 64, test = 64 }}
optimizer = {{ name = "sgd", learning_rate = RATE, batch = 16, momentum = 0.9 }}
steps = 60
replicates = {RUNS}

[predict]
outcome = "test_accuracy"
"""


def run(folder: Path, rate: float) -> tuple[Results, str]:
    """The results of the study at a learning rate, and what the terminal says.

    Torch computes, since rounding decides which runs diverge.
    """
    (folder / "study.toml").write_text(SPEC.replace("RATE", str(rate)))
    with computing_with(TORCH):
        done = CliRunner().invoke(app, ["run", str(folder / "study.toml"), "--results", str(folder / "results")])
    assert done.exit_code == 0, done.output
    return Results(folder / "results" / "study"), done.output


RATES = (12.0, 13.0, 11.0, 14.0, 10.0, 15.0, 9.0, 16.0, 8.0, 18.0)


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, str]:
    """At the first of some rates that suits the other tests; which one does depends on how a processor rounds."""
    for rate in RATES:
        found = run(tmp_path_factory.mktemp("wild"), rate)
        counts = count_lost(found[0])
        by_depth = {depth: (counts[f"tanh-d{depth}"], counts[f"relu-d{depth}"]) for depth in (2, 4, 6)}
        partly = any(0 < number < RUNS for number in counts.values())
        if partly and by_depth[2] == (RUNS, 0) and all(tanh > relu for tanh, relu in by_depth.values()):
            return found
    raise AssertionError(f"no rate of {RATES} suits")


def count_lost(results: Results) -> dict[str, int]:
    """The number of diverged runs by activation and depth."""
    values = results.values_of(["diverged"])
    names = values["member"].astype(str).str.extract(r"(\w+-d\d)")[0]
    return {str(name): int(number) for name, number in values["value"].groupby(names).sum().items()}


@pytest.fixture(scope="module")
def tame(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, str]:
    """At this rate, no run diverges."""
    return run(tmp_path_factory.mktemp("tame"), 0.01)


@pytest.fixture(scope="module")
def charts(wild: tuple[Results, str], tame: tuple[Results, str]) -> list[dict[str, Any]]:
    """The charts of both runs."""
    return [draw_charts(results) for results, _ in (wild, tame)]


@pytest.fixture(scope="module")
def lost(wild: tuple[Results, str]) -> dict[str, int]:
    """The number of diverged runs by member, from the raw values."""
    values = wild[0].values_of(["diverged"])
    return {str(member): int(found.sum()) for member, found in values.groupby("member", observed=True)["value"]}


def test_members_without_some_and_all_runs_are_in_the_study(lost: dict[str, int]) -> None:
    """As the other tests suppose."""
    assert {0, RUNS} < set(lost.values())
    assert any(0 < number < RUNS for number in lost.values())


def test_the_summary_counts_diverged_runs_and_averages_the_others(
    wild: tuple[Results, str], lost: dict[str, int]
) -> None:
    """At every step over the same runs; no accuracy is 0 because a run diverged."""
    summary = wild[0].summary.astype({"member": str}).set_index("member")
    events = wild[0].values_of(["diverged"]).astype({"member": str}).set_index(["member", "draw"])["value"]
    for member, number in lost.items():
        rows = summary.loc[member].set_index("quantity")
        assert rows.loc["diverged", ["n", "mean"]].tolist() == [RUNS, number / RUNS]
        assert rows.loc["success", "n"] == RUNS
        for quantity in ("train_loss", "train_accuracy", "validation_accuracy", "test_accuracy"):
            assert set(rows.loc[quantity, "n"]) == {RUNS - number}
            assert rows.loc[quantity, "mean"].isna().all() == (number == RUNS)
    raw = wild[0].values_of(["test_accuracy"]).astype({"member": str})
    known = raw.set_index(["member", "draw"])["value"].notna()
    assert (known == (events.reindex(known.index) == 0)).all()


def test_the_terminal_and_the_page_say_how_many_runs_diverged(wild: tuple[Results, str], lost: dict[str, int]) -> None:
    """In one line."""
    total = f"{sum(lost.values())} of {len(lost) * RUNS} training runs diverged"

    assert f"study: {total}; losses, accuracies and errors are of the other runs" in wild[1]
    assert f'<p id="diverged"><strong>{total}.</strong>' in wild[0].report.read_text()
    runs, number = len(lost) * RUNS, sum(lost.values())
    counts = {"runs": runs, "lost": number, "selected_runs": runs, "selected_lost": number}
    assert wild[0].run["trained"] == counts


def test_the_overview_has_their_number_and_says_of_how_many_an_accuracy_is(
    wild: tuple[Results, str], lost: dict[str, int]
) -> None:
    """A member whose runs all diverged has no accuracy, and no success."""
    table = tabulate_overview(wild[0].summary)

    columns = [dict(zip(table.heads, row, strict=True)) for row in table.rows]
    by_member = {(row["members"], row["depth"]): row for row in columns}
    for member, number in lost.items():
        activation, depth = re.findall(r"(\w+)-d(\d)", member)[0]
        row = by_member[activation, depth]
        assert row["diverged"] == f"{number} of {RUNS}"
        if number == RUNS:
            assert row["test accuracy"] == ""
            assert row["success rate"].startswith("0.00 ")
        else:
            assert row["test accuracy"].endswith(f"; {RUNS - number} of {RUNS} runs") == (number > 0)
            assert float(row["test accuracy"].split()[0].rstrip(";")) > 0.2


def test_accuracies_of_settings_are_not_tested_where_divergence_differs(wild: tuple[Results, str]) -> None:
    """Success and divergence are, over all pairs."""
    summary = wild[0].summary
    columns = ["quantity", "at", "n", "verdict", "diverged_runs", "p", "of_setting", "of_reference"]
    table = wild[0].analysis("comparisons.csv")[columns].set_index(["quantity", "at"])
    assert set(table.index.get_level_values("at")) == {"depth 2", "depth 4", "depth 6"}
    counts = summary[summary["quantity"] == "diverged"].set_index(["activation", "depth"])["mean"] * RUNS
    for depth in (2, 4, 6):
        tanh, relu = (round(counts[activation, depth]) for activation in ("tanh", "relu"))
        assert tanh > relu
        accuracy = table.loc["test_accuracy", f"depth {depth}"]
        assert accuracy["diverged_runs"] == f"{tanh} of {RUNS} against {relu} of {RUNS}"
        assert accuracy["verdict"] == "undecided"
        assert pd.isna(accuracy["p"])
        events = table.loc["diverged", f"depth {depth}"]
        assert events[["n", "of_setting", "of_reference"]].tolist() == [RUNS, tanh / RUNS, relu / RUNS]
        assert 0 < events["p"] <= 1
        assert table.loc["success", f"depth {depth}"]["n"] == RUNS
    assert table.loc["diverged", "depth 2"]["p"] == 2 / 2**RUNS  # 8 of 8 against 0 of 8, by McNemar's test


@pytest.mark.parametrize("copies", [1, LONG])
def test_the_table_of_comparisons_names_diverged_runs(wild: tuple[Results, str], copies: int) -> None:
    """Listed or counted, without a number that is not there."""
    found = pd.concat([wild[0].analysis("comparisons.csv")] * copies)

    (table,) = tabulate_outcomes(found, ["test_accuracy"])

    text = json.dumps(table.rows)
    assert "nan" not in text
    if copies == 1:
        assert [row[table.heads.index("diverged runs")] for row in table.rows] == found.loc[
            found["quantity"] == "test_accuracy", "diverged_runs"
        ].tolist()
    else:
        assert table.heads[-2] == "with diverged runs"
        assert table.rows[0][-2] == str(3 * copies)


def test_a_table_that_was_written_before_there_was_the_column_has_it_empty(
    wild: tuple[Results, str], tmp_path: Path
) -> None:
    """As in reference results of an earlier version."""
    table = wild[0].analysis("comparisons.csv").drop(columns="diverged_runs")
    table.to_csv(tmp_path / "comparisons.csv", index=False)

    assert set(Results(tmp_path).analysis("comparisons.csv")["diverged_runs"]) == {""}


def test_the_predictor_ranking_says_that_diverged_runs_are_the_worst(
    wild: tuple[Results, str], tame: tuple[Results, str], lost: dict[str, int]
) -> None:
    """Members are then ordered by medians; otherwise by means, as ever."""
    said = f"outcome: median, {sum(lost.values())} of {len(lost) * RUNS} runs diverged and count as the worst"

    assert wild[0].predictors["note"].str.endswith(said).all()
    assert not tame[0].predictors["note"].str.contains("outcome: median").any()


def crosses(chart: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The layers of crosses in a chart's specification, with their encoding."""
    if isinstance(chart, dict):
        mark = chart.get("mark")
        if isinstance(mark, dict) and str(mark.get("shape", "")).startswith("M-1,-1L1,1"):
            yield chart, chart["encoding"]
        for part in chart.values():
            yield from crosses(part)
    elif isinstance(chart, list):
        for part in chart:
            yield from crosses(part)


TRAINED = ("learning_curves", "accuracy", "accuracy_against_v3")


@pytest.mark.parametrize("name", TRAINED)
def test_points_with_diverged_runs_have_a_cross_that_counts_them(charts: list[dict[str, Any]], name: str) -> None:
    """Those of which all diverged stand at the start of the axis, since they have no value."""
    chart = charts[0][name].to_dict()

    found = list(crosses(chart))

    assert any("value" not in encoding["y"] for _, encoding in found)
    assert any("value" in encoding["y"] for _, encoding in found)
    for layer, encoding in found:
        assert any("datum.lost" in str(step.get("filter")) for step in layer["transform"])
        assert "divergence" in [shown["field"] for shown in encoding["tooltip"]]
    rows = [row for rows in chart["datasets"].values() for row in rows]
    assert {row["runs"] for row in rows if "runs" in row} == {RUNS}
    assert {row["lost"] for row in rows if "lost" in row} > {0, RUNS}


def test_what_is_measured_before_training_has_no_crosses(charts: list[dict[str, Any]]) -> None:
    """No run of it diverged."""
    assert not list(crosses(charts[0]["variability"].to_dict()))


def test_a_study_without_diverged_runs_does_not_speak_of_them(
    tame: tuple[Results, str], charts: list[dict[str, Any]]
) -> None:
    """Neither in the terminal nor on the page, its tables and its charts."""
    results, said = tame
    assert (results.summary.loc[results.summary["quantity"] == "diverged", "mean"] == 0).all()

    assert "diverged" not in said
    assert 'id="diverged"' not in results.report.read_text()
    assert "diverged" not in tabulate_overview(results.summary).heads
    comparisons = results.analysis("comparisons.csv")
    assert "diverged" not in set(comparisons["quantity"])
    assert set(comparisons["diverged_runs"]) == {""}
    for name in TRAINED:
        chart = charts[1][name].to_dict()
        assert not list(crosses(chart))
        assert "share of diverged runs" not in json.dumps(chart)


def test_rows_get_the_counts_of_their_own_member_and_training() -> None:
    """Missing settings are those of quantities that are measured before training."""
    settings = [("a", 0.1, 0.0), ("a", 0.1, 0.9), ("b", 0.2, 0.0), ("b", 0.1, 0.9)]
    shares = [0.25, 0.0, 1.0, 0.5]
    keys = ["member", "learning_rate", "momentum"]
    trained = pd.DataFrame(settings, columns=keys).assign(mean=shares, n=4)
    summary = pd.concat(
        [
            trained.assign(quantity="diverged"),
            trained.assign(quantity="test_accuracy"),
            pd.DataFrame({"member": ["a", "b"], "quantity": "v3", "mean": 1.0, "n": 9}),
        ]
    )

    rows = with_diverged(summary[summary["quantity"] == "test_accuracy"], summary)
    untrained = with_diverged(summary[summary["quantity"] == "v3"], summary)

    assert rows["lost"].tolist() == [1, 0, 4, 2]
    assert rows["runs"].tolist() == [4] * 4
    assert untrained[["lost", "runs"]].to_numpy().tolist() == [[0, 0], [0, 0]]
