"""Plans: which cells are done, missing or stale and why, and what the rest would take."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.catalog.measures import MEASURES
from suite.cells.resources import Resources
from suite.cli import app
from suite.plugins import loading
from suite.runs.plan import plan_study
from suite.runs.run import compute_tables
from suite.spec.load import load_studies
from tests.runs.tiny import SPECS

runner = CliRunner()
SPEC = """title = "planned"
seed = {seed}
[family]
width = 6
inputs = 2
depth = [1, 3]
activation = "relu"
[measure.v3]
draws = {draws}
step = {step}
[measure.collapse]
draws = 300
"""


def _plan(folder: Path, seed: int = 1, draws: int = 512, step: float = 0.5) -> dict[str, dict[str, int]]:
    """The states that occur, by measure."""
    file = folder / "planned.toml"
    file.write_text(SPEC.format(seed=seed, draws=draws, step=step))
    done = runner.invoke(app, ["plan", str(file), "--results", str(folder / "results"), "--json"])
    assert done.exit_code == 0, done.stderr
    (plan,) = json.loads(done.stdout)
    assert plan["to_do"] == sum(n for m in plan["measures"] for state, n in m["states"].items() if state != "done")
    assert (plan["seconds"] > 0) == (plan["to_do"] > 0)
    return {m["measure"]: {state: n for state, n in m["states"].items() if n} for m in plan["measures"]}


def _run(folder: Path) -> None:
    compute_tables(load_studies([folder / "planned.toml"])[0], folder / "results", Resources(workers=1))


def test_cells_are_missing_then_done_then_stale_for_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planning stores nothing; more draws need the new ones alone; every change is told from the others."""
    assert _plan(tmp_path) == {"landscape": {"missing": 2}, "v3": {"missing": 4}, "collapse": {"missing": 4}}
    assert not (tmp_path / "results").exists()

    _run(tmp_path)

    assert _plan(tmp_path) == {"landscape": {"done": 2}, "v3": {"done": 4}, "collapse": {"done": 4}}
    assert _plan(tmp_path, draws=1024)["v3"] == {"done": 4, "missing": 4}
    assert _plan(tmp_path, step=0.25)["v3"] == {"spec changed": 4}
    assert all(states == {"spec changed": sum(states.values())} for states in _plan(tmp_path, seed=2).values())

    with monkeypatch.context() as context:
        context.setitem(MEASURES, "collapse", replace(MEASURES["collapse"], version=99))
        assert _plan(tmp_path) == {"landscape": {"done": 2}, "v3": {"done": 4}, "collapse": {"version changed": 4}}

    cell = next(iter(sorted((tmp_path / "results" / "planned" / "cells").iterdir())))
    cell.write_bytes(cell.read_bytes()[:-40])
    states = [state for measure in _plan(tmp_path).values() for state in measure]
    assert states.count("damaged") == 1


def test_an_edited_plug_in_is_no_change_of_the_spec(tmp_path: Path) -> None:
    """Its members alone are to be computed again, and because of it."""
    mine = tmp_path / "mine.py"
    code = "from suite.plugins import activation\n\n@activation\ndef wave(z):\n    return z + {} * z.sin()\n"
    spec = SPEC.replace('activation = "relu"', 'activation = ["relu", "wave"]')
    (tmp_path / "planned.toml").write_text(spec.format(seed=1, draws=256, step=0.5))
    try:
        mine.write_text(code.format(0.5))
        loading.load_plugin(mine)
        _run(tmp_path)
        mine.write_text(code.format(0.25))
        loading.load_plugin(mine)
        (study,) = load_studies([tmp_path / "planned.toml"])
        plan = plan_study(study, tmp_path / "results", workers=1)
        (tmp_path / "planned.toml").write_text(SPEC.format(seed=1, draws=256, step=0.25))
        (changed,) = load_studies([tmp_path / "planned.toml"])
        other = plan_study(changed, tmp_path / "results", workers=1)
    finally:
        loading.unload(str(mine))

    states = [
        {line.measure: {state: n for state, n in line.states.items() if n} for line in found.lines}["v3"]
        for found in (plan, other)
    ]
    assert states == [{"done": 2, "plug-in changed": 2}, {"spec changed": 2}]


def test_a_plan_states_which_times_its_estimate_includes(tmp_path: Path) -> None:
    """The estimate is the computing time; startup, tables and pages are named as extra."""
    specs = [str(SPECS / "tiny.toml"), str(SPECS / "tiny_precise.toml")]

    done = runner.invoke(app, ["plan", *specs, "--results", str(tmp_path), "--workers", "3"])

    assert done.exit_code == 0
    assert "tiny: 99 cells to compute" in done.stdout
    assert re.search(
        r"^  computing takes about [^;]+ with 3 processes; startup, tables and pages are extra; memory: .+; disk: ",
        done.stdout,
        flags=re.MULTILINE,
    )
    assert "with 3 processes, more if precision targets need more draws; startup" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("all: 119 cells to compute; computing takes about ")
    assert not list(tmp_path.iterdir())


def test_times_follow_from_what_was_recorded(tmp_path: Path) -> None:
    """Twice the draws of a finished study take about as long again, by the record of the first half."""
    _plan(tmp_path)
    _run(tmp_path)
    (file,) = tmp_path.glob("*.toml")
    file.write_text(SPEC.format(seed=1, draws=1024, step=0.5))
    (study,) = load_studies([file])

    plan = plan_study(study, tmp_path / "results", workers=1)

    (v3,) = (line for line in plan.lines if line.measure == "v3")
    record = json.loads((tmp_path / "results" / "planned" / "run.json").read_text())["cells"]
    recorded = sum(cell["seconds"] for cell in record if cell["measure"] == "v3")
    assert v3.basis == "recorded"
    assert v3.states["missing"] == 4
    assert 0 < v3.seconds < 100 * recorded + 4
    assert plan.workers == 1
