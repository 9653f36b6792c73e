"""The analysis is written before anything is drawn, and the page and the terminal show the same verdicts."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.cells.resources import Resources
from suite.cli import app
from suite.report.page import write_report
from suite.results.folder import Results
from suite.results.schema import ANALYSIS
from suite.runs.run import run_study
from suite.spec.load import load_studies

SPEC = """
title = "Two claims"
seed = 3

[family]
width = 6
inputs = 2
depth = [1, 2, 3]
activation = "relu"

[measure.v3]
draws = 64
step = 0.5

[[claim]]
says = "V3 rises with depth."
test = "monotone"
quantity = "v3"
along = "depth"
direction = "rises"
"""

ADDED = """
[[claim]]
says = "V3 is small."
test = "level"
quantity = "v3"
at_most = 1000.0
"""

runner = CliRunner()


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Of a study whose spec has one claim more than when it was run."""
    spec = tmp_path / "claiming.toml"
    spec.write_text(SPEC)
    found = run_study(load_studies([spec])[0], tmp_path / "results", Resources(workers=1))
    assert [row["claim"] for row in found.verdict_rows] == ["V3 rises with depth."]
    spec.write_text(SPEC + ADDED)
    return found


def _called(command: str, results: Results, *options: str) -> str:
    spec = results.folder.parents[1] / "claiming.toml"
    done = runner.invoke(app, [command, str(spec), "--results", str(results.folder.parent), *options])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_page_and_the_terminal_judge_the_claims_that_the_spec_makes_now(results: Results) -> None:
    """A claim that was added after the run is judged by both, with the same numbers."""
    judged = json.loads(_called("claims", results, "--json"))
    _called("report", results)

    assert [row["claim"] for row in judged] == ["V3 rises with depth.", "V3 is small."]
    assert [row["verdict"] for row in judged] == [row["verdict"] for row in results.verdict_rows]
    assert [row["p"] for row in judged] == pytest.approx([row["p"] for row in results.verdict_rows], rel=1e-12)
    page = results.report.read_text()
    assert all(page.count(row["claim"]) >= 2 for row in judged)


def test_drawing_reads_the_tables_of_the_analysis(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict that is written into the table is on the page, though its numbers say otherwise."""
    (verdict,) = (row["verdict"] for row in results.verdict_rows)
    file = results.folder / "verdicts.csv"
    other = "fails" if verdict == "holds" else "holds"
    file.write_text(file.read_text().replace(f",{verdict},", f",{other},", 1))

    write_report(results)

    assert f"1 {other}" in results.report.read_text()


def test_tables_without_rows_are_not_written(results: Results) -> None:
    """A study that trains nothing has verdicts and trends alone."""
    assert {name for name in ANALYSIS if (results.folder / name).exists()} == {"trends.csv", "verdicts.csv"}
    assert all(results.analysis(name).columns.tolist() == list(ANALYSIS[name]) for name in ANALYSIS)
