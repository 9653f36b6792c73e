"""Claims from a spec to verdicts: at the end of a run, from kept tables, in the report, and as an exit code."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.analysis.evidence import above, every
from suite.cli import app
from suite.statistics.contrasts import Estimate

SPEC = """title = "Two claims"
source = "Nobody 2026"
seed = 3
[family]
parameters = 300
inputs = 2
depth = [1, 2, 4, 8]
activation = ["relu", "abs"]
initialization = { scheme = "critical", bias_std = 0.1 }
[measure.v3]
draws = 256
step = 0.25
"""
HOLDS = """[[claim]]
says = "The absolute value is more variable."
test = "greater"
quantity = "v3"
axis = "activation"
value = "abs"
than = "relu"
where = { depth = [4, 8] }
"""
OTHER = """[[claim]]
says = "Variability falls with depth."
source = "Somebody 2026"
expected = "holds"
test = "monotone"
quantity = "v3"
along = "depth"
direction = "falls"
"""


def command(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that has been run, with its spec."""
    folder = tmp_path_factory.mktemp("claims")
    spec = folder / "two.toml"
    spec.write_text(SPEC + HOLDS + OTHER)
    code, said = command("run", str(spec), "--results", str(folder / "results"), "--workers", "1")
    (folder / "said").write_text(said)
    assert code == 0
    return folder


def judged(folder: Path, *options: str, claims: str = HOLDS + OTHER) -> tuple[int, str]:
    spec = folder / "two.toml"
    spec.write_text(SPEC + claims)
    return command("claims", str(spec), "--results", str(folder / "results"), *options)


def test_a_run_ends_with_its_verdicts(folder: Path) -> None:
    """A line each, with what was not expected; then the answer, made from the first, and the page."""
    first, second, answer, page = (folder / "said").read_text().splitlines()

    assert first.startswith("two: holds: The absolute value is more variable. (")
    assert second.startswith("two: fails (expected: holds): Variability falls with depth. (")
    assert answer.startswith("two: answer: The absolute value is more variable (")
    assert page.endswith("report.html")


def test_words_of_a_claim_give_a_terminal_no_orders(folder: Path) -> None:
    """What a terminal might obey is written out, as it is in what is wrong with a spec; lines stay lines."""
    code, said = judged(folder, claims=HOLDS.replace("The absolute", "\\u001b[2JThe\\nabsolute"))

    assert code == 0
    assert "\x1b" not in said
    assert "\\x1b[2JThe\\nabsolute value" in said
    assert len(said.splitlines()) == 1


def test_claims_says_the_same_without_computing(folder: Path) -> None:
    """From the tables alone."""
    code, said = judged(folder)

    assert code == 0
    assert said.splitlines() == (folder / "said").read_text().splitlines()[:2]


def test_a_claim_can_be_added_and_judged_without_a_run(folder: Path) -> None:
    """And a control that fails as it must has passed."""
    code, said = judged(folder, "--claims-must-hold", claims=OTHER.replace("holds", "fails") + "control = true\n")

    assert code == 0
    assert said.startswith("two: control passed (fails, as it must): Variability")


def test_claims_that_must_hold_have_an_exit_code(folder: Path) -> None:
    """3 where one does not, for `claims` and for `run`."""
    assert judged(folder, "--claims-must-hold")[0] == 3
    assert judged(folder, "--claims-must-hold", claims=HOLDS)[0] == 0
    judged(folder)  # writes the spec with both claims
    assert command("run", str(folder / "two.toml"), "--results", str(folder / "results"), "--claims-must-hold")[0] == 3


def test_verdicts_as_json(folder: Path) -> None:
    """A row a claim, whose source is the study's unless it names one."""
    _, said = judged(folder, "--json")

    first, second = json.loads(said)
    assert (first["study"], first["verdict"], first["expected"]) == ("two", "holds", "")
    assert first["ci_low"] < first["estimate"] < first["ci_high"]
    assert first["p"] < 0.05
    assert (first["source"], second["source"]) == ("Nobody 2026", "Somebody 2026")


def test_the_report_shows_them(folder: Path) -> None:
    """At its top, and as a file."""
    page = (folder / "results" / "two" / "report.html").read_text()
    table = (folder / "results" / "two" / "verdicts.csv").read_text()

    assert 'id="verdicts"' in page
    assert "fails (expected: holds)" in page
    assert table.count("\n") == 3


def test_what_was_never_run_cannot_be_judged(folder: Path, tmp_path: Path) -> None:
    """The line says what to do."""
    done = CliRunner().invoke(app, ["claims", str(folder / "two.toml"), "--results", str(tmp_path)])

    assert done.exit_code == 2
    assert "run the spec first" in done.stderr


@pytest.mark.parametrize(("old", "new", "warned"), [("seed = 3", "seed = 4", 1), ("Nobody 2026", "Everybody", 0)])
def test_tables_of_another_study_are_told(folder: Path, old: str, new: str, warned: int) -> None:
    """What numbers depend on has changed since; words and claims may."""
    spec = folder / "later" / "two.toml"
    spec.parent.mkdir(exist_ok=True)
    spec.write_text((SPEC + OTHER).replace(old, new))

    done = CliRunner().invoke(app, ["claims", str(spec), "--results", str(folder / "results")])

    assert done.exit_code == 0
    assert done.stderr.count("the spec has changed since its tables were written; run the spec again") == warned


def test_what_is_beyond_doubt_alike_is_told_of_the_least() -> None:
    """Two p-values of 0: the estimate is that of the smaller difference."""
    large, small = (above(Estimate(value, 1e-9), 0.0, []) for value in (3.0, 1.0))

    assert large.for_it == small.for_it == 0
    assert every([large, small]).estimate == every([small, large]).estimate == 1.0
