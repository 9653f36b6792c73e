"""`--set`: a change is tried without a new file, and results of the unchanged study stay as they are."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from suite.cli import app

SPEC = """title = "planned"
seed = 1
family = { width = 6, inputs = 1, depth = [1, 3], activation = "relu" }
measure.v3 = { draws = 16, step = 0.5 }
measure.collapse = { draws = 16 }
[[claim]]
says = "It varies."
test = "level"
quantity = "v3"
at_least = 0.0
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A small study."""
    file = tmp_path / "small.toml"
    file.write_text(SPEC)
    return file


def _suite(command: str, spec: Path, *arguments: str) -> Any:
    results = [] if command in ("check", "explain") else ["--results", str(spec.parent / "results")]
    return CliRunner().invoke(app, [command, str(spec), *arguments, *results])


def _content(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_changed_study_has_a_folder_of_its_own_and_finds_it_again(spec: Path) -> None:
    """The unchanged one's is left alone to the last byte; the same change has nothing left to compute."""
    results = spec.parent / "results"
    assert _suite("run", spec).exit_code == 0
    before = _content(results)

    done = _suite("run", spec, "--set", "family.width=7", "--set", "seed=2")

    assert done.exit_code == 0, done.stderr
    (changed,) = set(results.glob("*/")) - {results / "small"}
    assert changed.name.startswith("small-set-width-7-seed-2-")
    after = {file: content for file, content in _content(results).items() if changed not in file.parents}
    index = results / "index.html"  # which has the changed study, too
    assert after.pop(index) != before.pop(index)
    assert after == before
    assert pd.read_csv(changed / "members.csv")["widths"].tolist() == ["1 7 1", "1 7 7 7 1"]
    assert json.loads((changed / "run.json").read_text())["spec"]["seed"] == 2
    assert "(set: family.width = 7, seed = 2)" in (changed / "report.html").read_text()
    again = _suite("run", spec, "--set", "seed=2", "--set", "family.width=7")
    assert "0 cells to compute, 4 cached" in again.stderr


def test_what_a_change_leaves_as_it_was_is_not_computed_again(spec: Path) -> None:
    """It is copied from the unchanged study's folder, as `plan` knows, which stores nothing."""
    results = spec.parent / "results"
    _suite("run", spec)

    plan = _suite("plan", spec, "--set", "measure.v3.step=0.25", "--json")

    assert [folder.name for folder in results.glob("*/")] == ["small"]
    (planned,) = json.loads(plan.stdout)
    states = {line["measure"]: line["states"] for line in planned["measures"]}
    assert (states["v3"]["missing"], states["collapse"]["done"]) == (2, 0)  # collapse takes v3's step
    other = ["--set", "measure.v3.step=0.25", "--set", "measure.collapse.step=0.5"]
    assert "2 cells to compute, 2 cached" in _suite("run", spec, *other).stderr
    only_the_claim = ["--set", "claim.0.at_least=1e6"]
    done = _suite("run", spec, *only_the_claim)
    assert "0 cells to compute, 4 cached" in done.stderr
    assert ": fails: It varies." in done.stdout
    assert ": holds: It varies." in _suite("claims", spec).stdout
    assert ": fails: It varies." in _suite("claims", spec, *only_the_claim).stdout


def test_a_damaged_piece_is_not_taken_over(spec: Path) -> None:
    """Nor does it go away where it lies."""
    _suite("run", spec)
    cell = next((spec.parent / "results" / "small" / "cells").glob("*.npz"))
    cell.write_bytes(cell.read_bytes()[:-1])

    done = _suite("run", spec, "--set", "claim=")

    assert "1 cell to compute, 3 cached" in done.stderr
    assert _suite("run", spec, "--set", "claim=").exit_code == 0


@pytest.mark.parametrize("command", ["run", "check", "explain", "plan", "merge", "claims", "report"])
def test_every_command_takes_changes_and_tells_their_faults(command: str, spec: Path) -> None:
    """Exit code 2, with the change as the place, and nothing written."""
    done = _suite(command, spec, "--set", "family.depth=0")

    assert done.exit_code == 2
    assert done.stderr.startswith(f"{spec} --set family.depth: family.depth: expected a number >= 1, got 0")
    assert _suite(command, spec, "--set", "family.activation=tanh").exit_code == 2
    assert not (spec.parent / "results").exists()


def test_what_was_never_run_with_a_change_has_no_report(spec: Path) -> None:
    """The unchanged study's tables do not stand in for it."""
    _suite("run", spec)

    done = _suite("report", spec, "--set", "seed=2")

    assert done.exit_code == 2
    assert "no results of small-set-seed-2-" in done.stderr


def test_a_tenth_of_a_changed_study_is_a_third_thing(spec: Path) -> None:
    """Its name has both."""
    done = _suite("run", spec, "--quick", "--set", "seed=2")

    assert done.exit_code == 0, done.stderr
    (folder,) = (spec.parent / "results").glob("*/")
    assert folder.name.startswith("small-set-seed-2-")
    assert folder.name.endswith("-quick")


def test_draws_of_a_precision_target_are_found_in_the_unchanged_study(tmp_path: Path) -> None:
    """`plan` judges intervals by cells that only the unchanged study has, and copies none of them."""
    spec = tmp_path / "specs" / "precise.toml"
    spec.parent.mkdir()
    spec.write_text(
        'title = "t"\nseed = 1\n[family]\nwidth = 6\ninputs = 2\ndepth = 1\nactivation = "relu"\n'
        "[measure.v3]\nstep = 0.5\nprecision = 0.2\nmax_draws = 512\n"
        '[[claim]]\nsays = "So."\ntest = "level"\nquantity = "v3"\nat_least = 0.0\n'
    )
    assert _suite("run", spec).exit_code == 0

    plan = _suite("plan", spec, "--set", "claim.0.at_least=1.0", "--json")

    assert plan.exit_code == 0, plan.stderr
    assert json.loads(plan.stdout)[0]["to_do"] == 0
    assert [folder.name for folder in (spec.parent / "results").glob("*/")] == ["precise"]
