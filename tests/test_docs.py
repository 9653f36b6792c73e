"""The README says what the code does, and its blocks run."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.catalog.quantities import QUANTITIES
from suite.cli import app
from suite.runs.resources import Resources
from suite.runs.run import run_study
from suite.spec.load import load_studies

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_every_quantity_is_documented_and_no_other() -> None:
    """The README's table of quantities is the catalog's."""
    table = README.split("### Quantities")[1].split("\n\n")[2]
    named = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(QUANTITIES)


def test_the_commands_are_those_that_the_task_runner_and_users_type() -> None:
    """Both lines stand in the README, word for word."""
    (first, *_) = _blocks("")
    lines = [line.split("#")[0].strip() for line in first.strip().splitlines()]
    assert lines == [
        "python -m pip install -c constraints.txt -e . && python -m suite run specs/",
        "python -m pip install tox && tox",
    ]


def test_the_example_spec_runs(tmp_path: Path) -> None:
    """A reader may paste it into a file."""
    block, *_ = _blocks("toml")
    spec = tmp_path / "example.toml"
    spec.write_text(block)

    results = run_study(load_studies([spec])[0], tmp_path / "results", Resources(workers=1))

    assert len(results.members) == 8
    assert not results.tournament.empty


def test_the_changes_that_are_shown_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of shipped specs, as far as `check` goes, and the folder that is named is the first one's."""
    monkeypatch.chdir(ROOT)
    lines = [line for line in README.splitlines() if line.startswith("python -m suite") and " --set " in line]

    done = [CliRunner().invoke(app, ["check", *shlex.split(line)[4:]]) for line in lines]

    assert [each.exit_code for each in done] == [0, 0]
    assert f"`results/{done[0].stdout.partition(':')[0]}`" in README


def test_the_notebook_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python block works as it stands, here on a smaller spec of that name."""
    (block,) = _blocks("python")
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "variability.toml").write_text((ROOT / "tests" / "specs" / "tiny.toml").read_text())
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}

    exec(compile(block, "README.md", "exec"), names)  # the project's own text

    assert "results" in names
    assert (tmp_path / "results" / "variability" / "report.html").exists()


def test_constraints_pin_every_dependency() -> None:
    """Each direct dependency, of extras too, has its exact version in constraints.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    pinned = {
        line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    }
    assert {re.split(r"[><=\[]", name)[0].lower() for name in wanted} <= pinned


def test_the_shipped_specs_are_as_documented() -> None:
    """All studies check, and every member that has a budget is within 0.5% of it; the others have one width."""
    for study in load_studies([ROOT / "specs"]):
        for member in study.members:
            if "width" in member.axes:
                assert set(member.widths[1:-1]) == {member.axes["width"]}
            else:
                assert abs(member.parameters - member.axes["budget"]) <= 0.005 * member.axes["budget"]
