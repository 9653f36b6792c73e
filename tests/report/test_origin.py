"""The foot of the page: what ran, where, with what, and how to do it again."""

import html
import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from suite.cli import app
from suite.report.page import again, caveat, origin
from suite.results.folder import Results
from tests.drawn import draw
from tests.runs.tiny import SPECS


@pytest.mark.parametrize(
    ("asked", "plugins", "commit", "command"),
    [
        (["specs/long/deep.toml"], {}, None, "python -m suite run specs/long/deep.toml"),
        (["deep.toml"], {}, "0123456789abcdef+", "git checkout 0123456789ab && python -m suite run deep.toml"),
        (["--quick", "my specs/deep.toml"], {}, None, "python -m suite run --quick 'my specs/deep.toml'"),
        (
            ["--set", 'family.activation=["relu"]', "--set", "claim=", "deep.toml"],
            {"mine.py": "12", "package.plugins": "34"},
            None,
            """python -m suite run --plugin mine.py --set 'family.activation=["relu"]' --set claim= deep.toml""",
        ),
    ],
)
def test_the_command_that_computes_a_study_again(
    asked: list[str], plugins: dict[str, str], commit: str | None, command: str
) -> None:
    """As it was asked for, with the plug-ins that were files, from the commit that it was computed by."""
    run: dict[str, Any] = {"asked": asked, "environment": {"commit": commit, "plugins": plugins}}

    assert again(run) == command


@pytest.mark.parametrize(
    ("commit", "plugins", "said"),
    [
        (None, {}, ""),
        ("0123456789abcdef", {"package.plugins": "34"}, ""),
        ("0123456789abcdef+", {}, ", with uncommitted changes in the code"),
        ("0123456789abcdef", {"mine.py": "12"}, ", with the original version of the plug-in's file"),
    ],
)
def test_caveat_names_the_reasons_why_the_command_may_give_other_results(
    commit: str | None, plugins: dict[str, str], said: str
) -> None:
    """Uncommitted changes and plug-in files are named."""
    run: dict[str, Any] = {"asked": ["deep.toml"], "environment": {"commit": commit, "plugins": plugins}}

    assert caveat(run) == said


def test_the_command_at_the_foot_computes_the_very_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changed and in part, from another folder than specs/, it is all cached."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my specs").mkdir()
    shutil.copy(SPECS / "tiny_precise.toml", "my specs/deep.toml")
    first = CliRunner().invoke(app, ["run", "--quick", "--set", "seed=5", "my specs/deep.toml", "--workers", "1"])
    assert first.exit_code == 0, first.output
    (folder,) = (folder for folder in Path("results").iterdir() if folder.is_dir())
    found = Results(folder).run | {"environment": {"commit": None}}
    assert shlex.join(found["asked"]) in html.unescape((folder / "report.html").read_text())

    program, *arguments = shlex.split(again(found).removeprefix("python -m "))
    done = CliRunner().invoke(app, [*arguments, "--workers", "1"])

    assert program == "suite"
    assert done.exit_code == 0, done.output
    assert ": 0 cells to compute" in done.stderr
    assert [entry.name for entry in Path("results").iterdir() if entry.is_dir()] == [folder.name]


def test_a_run_without_a_recorded_command_says_so(results_of: Callable[[str], Results], tmp_path: Path) -> None:
    """The page gives the reason instead of a command."""
    source = results_of("tiny_death").folder
    folder = tmp_path / "old"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("cells"))
    run = json.loads((folder / "run.json").read_text())
    del run["asked"]
    (folder / "run.json").write_text(json.dumps(run))

    assert again(run) == ""
    assert "because this run did not record its command" in draw(Results(folder)).read_text()


def test_the_foot_says_what_ran_where_and_with_what(results_of: Callable[[str], Results]) -> None:
    """Cells, device, processor, versions."""
    run = results_of("tiny_death").run

    work, made = origin(run)

    assert work.startswith(f"{len(run['cells'])} cells")
    assert " on cpu, 1 thread each" in work
    assert f"torch {run['environment']['packages']['torch']}" in made
    assert run["environment"]["machine"] in made
    (_, made) = origin(run | {"environment": run["environment"] | {"plugins": {"mine.py": "0123456789abcdef"}}})
    assert made.endswith("; plug-ins: mine.py (0123456789ab).")
