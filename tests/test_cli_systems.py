"""The command line on other systems and in odd surroundings: encodings, closed streams, and folders of other specs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.cli import app

SPEC = """
title = "Greek"
seed = 1
[family]
width = 5
depth = [1, 2]
inputs = 2
outputs = 1
activation = "relu"
initialization = "he"
[measure.v3]
draws = 4
step = 0.5
[[claim]]
test = "monotone"
says = "V3 rises with \u03c3_w"
quantity = "v3"
along = "depth"
direction = "rises"
"""

runner = CliRunner()


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A small spec with a Greek letter."""
    file = tmp_path / "greek.toml"
    file.write_text(SPEC, encoding="utf-8")
    return file


def _run(arguments: list[str | Path], folder: Path, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "suite", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, **options)  # type: ignore[call-overload]


@pytest.mark.slow
def test_text_is_utf8_whatever_the_locale(spec: Path, tmp_path: Path) -> None:
    """A second run, and the commands that read tables, in a locale of ASCII."""
    ascii_only = os.environ | {
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
    }
    for arguments in (["run", spec], ["run", spec], ["claims", spec], ["explain", spec], ["report", spec]):
        done = _run(arguments, tmp_path, env=ascii_only)

        assert (done.returncode, b"Error" in done.stderr) == (0, False), done.stderr
    assert "\u03c3_w" in _run(["claims", spec], tmp_path, env=ascii_only).stdout.decode()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the shell closes the streams")
@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", "2>&-"])
def test_closed_streams_harm_nothing(spec: Path, tmp_path: Path, closed: str) -> None:
    """Nothing is written into files that take the number of a closed stream, and nothing panics."""
    command = f"{sys.executable} -m suite run {spec} --results {tmp_path} {closed}"

    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "panic" not in done.stderr
    assert _run(["claims", spec, "--results", tmp_path], tmp_path).returncode == 0


def _studies(folder: Path) -> tuple[Path, Path]:
    """Return a spec, and another of the name that a quick run of it has."""
    files = folder / "study.toml", folder / "study-quick.toml"
    for file in files:
        file.write_text(SPEC, encoding="utf-8")
    return files


@pytest.mark.parametrize("quick_first", [True, False])
def test_a_run_does_not_replace_the_results_of_another_spec(tmp_path: Path, quick_first: bool) -> None:
    """study.toml with --quick and study-quick.toml would write one folder: the second is an error."""
    spec, named = _studies(tmp_path)
    results = ["--results", str(tmp_path / "results")]
    commands = [["run", "--quick", str(spec), *results], ["run", str(named), *results]]
    first, second = commands if quick_first else reversed(commands)
    assert runner.invoke(app, first).exit_code == 0
    table = tmp_path / "results" / "study-quick" / "summary.csv"
    before = table.read_bytes()

    done = runner.invoke(app, second)

    assert done.exit_code == 2
    assert "holds the results of another spec (python -m suite run " in done.stderr
    errors = [line for line in done.stderr.splitlines() if not line.startswith("Warning: ")]  # of few draws
    assert len(errors) == 1
    assert table.read_bytes() == before
    assert runner.invoke(app, [*second, "--shard", "1/1"]).exit_code == 2
    for command in ("claims", "report"):
        assert runner.invoke(app, [command, *second[1:]]).exit_code == 2


def test_a_spec_that_was_moved_or_edited_keeps_its_results(tmp_path: Path) -> None:
    """As long as there is one file of that name; a second one in another folder is another spec."""
    spec, _ = _studies(tmp_path)
    results = ["--results", str(tmp_path / "results")]
    assert runner.invoke(app, ["run", str(spec), *results]).exit_code == 0
    (tmp_path / "moved").mkdir()
    moved = tmp_path / "moved" / spec.name
    moved.write_text(SPEC.replace("draws = 4", "draws = 5"), encoding="utf-8")

    refused = runner.invoke(app, ["run", str(moved), *results])
    assert refused.exit_code == 2
    assert "holds the results of another spec" in refused.stderr
    assert runner.invoke(app, ["claims", str(moved), *results]).exit_code == 0  # with a warning that the spec differs
    spec.unlink()
    assert runner.invoke(app, ["run", str(moved), *results]).exit_code == 0
