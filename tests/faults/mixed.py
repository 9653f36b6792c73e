"""The study that is disturbed, run as a user would, and what has to come of it whatever happens."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from suite.cells.cache import Cache
from suite.cli import app
from tests.runs.tiny import TABLES

SPEC = Path(__file__).parents[1] / "specs" / "tiny_mixed.toml"
STUDY = SPEC.stem


@dataclass(frozen=True)
class Undisturbed:
    """A run that nothing happened to; to be looked at, not to be changed.

    Attributes:
        folder: the study's results.
        written: seconds from its start until each of its files was there, in the order of their coming.
        computed: how many of these are cells, which come first.
    """

    folder: Path
    written: list[float]
    computed: int


def arguments(results: Path, *options: str, workers: int = 2) -> list[str]:
    """What follows `python -m suite`."""
    return ["run", str(SPEC), "--results", str(results), "--workers", str(workers), *options]


def started(results: Path, *options: str, workers: int = 2) -> "subprocess.Popen[str]":
    """A run in a process of its own, whose output is kept."""
    command = [sys.executable, "-m", "suite", *arguments(results, *options, workers=workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(run: "subprocess.Popen[str]") -> tuple[int, str]:
    """Its exit code and what it said."""
    said, complained = run.communicate(timeout=1200)
    return run.returncode, said + complained


def invoked(results: Path) -> tuple[int, str]:
    """Exit code and output of the same command, with one worker, in this process, where nothing has to be loaded."""
    done = CliRunner().invoke(app, arguments(results, workers=1))
    assert isinstance(done.exception, SystemExit | None), done.exception
    return done.exit_code, done.stdout + done.stderr


def again(results: Path) -> str:
    """What the same command says, which has to do what is left to do."""
    code, said = invoked(results)
    assert code == 0, said
    return said


def cells(results: Path) -> list[Path]:
    """The files of finished cells."""
    return sorted((results / STUDY / "cells").glob("*.npz"))


def files(results: Path) -> list[Path]:
    """All that is there whole: cells, tables and pages."""
    return [file for file in (results / STUDY).rglob("*.*") if file.name[0] != "."]


def finished(results: Path) -> dict[Path, int]:
    """Finished cells with the time of their writing; there must be none that is not whole."""
    found = {file: file.stat().st_mtime_ns for file in cells(results)}
    assert [file.name for file in found if Cache(file.parent).check(file.stem) is None] == []
    return found


def tables(folder: Path) -> dict[str, bytes]:
    """Every table to the byte, but for the seconds that draws took."""
    found = {name: (folder / name).read_bytes() for name in TABLES}
    precision = (folder / "precision.csv").read_text().splitlines()
    place = precision[0].split(",").index("seconds")
    rows = [row.split(",") for row in precision]
    found["precision.csv"] = "\n".join(",".join(row[:place] + row[place + 1 :]) for row in rows).encode()
    return found


def assert_undisturbed(results: Path, undisturbed: Undisturbed) -> None:
    """The tables are those of the undisturbed run, no cell is there once too often, and no run has any work left."""
    found, expected = tables(results / STUDY), tables(undisturbed.folder)
    assert [name for name in expected if found[name] != expected[name]] == []
    assert [file.name for file in finished(results)] == [file.name for file in cells(undisturbed.folder.parent)]
    assert (results / STUDY / "report.html").stat().st_size > 0.9 * (undisturbed.folder / "report.html").stat().st_size


def to_compute(said: str) -> int:
    """How many cells a run said that it had to compute, all rounds together."""
    return sum(int(number) for number in re.findall(r"(\d+) (?:more )?cells?(?: to compute| for the precision)", said))


def assert_told_plainly(code: int, said: str) -> None:
    """Exit code 2, one line of what is wrong, nothing that only programmers read."""
    assert code == 2, said
    assert "error: " in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said
