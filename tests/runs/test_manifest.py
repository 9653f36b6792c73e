"""The seal: a finished study is left alone, and whatever is missing, damaged or out of date is written anew."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import chdir
from pathlib import Path

import pytest

from suite.cells.resources import Resources
from suite.cells.sampling import cells_of
from suite.results.folder import Results
from suite.results.manifest import is_up_to_date
from suite.results.provenance import code
from suite.runs.run import follows_from, run_study
from suite.spec.load import Study, load_studies
from tests.drawn import draw

TEXT = """title = "A small study"
claims = ["one claim"]
seed = 1
[family]
width = 4
inputs = 2
depth = [1, 2]
activation = "relu"
[measure.correlation]
draws = 6
[measure.activation_ratio]
"""


def load(folder: Path, text: str = TEXT) -> Study:
    (folder / "small.toml").write_text(text)
    with chdir(folder):  # run.json keeps the path as it was given, which must be the same in every folder
        (study,) = load_studies([Path("small.toml")])
    return study


def contents(results: Results) -> dict[str, bytes]:
    return {str(file.relative_to(results.folder)): file.read_bytes() for file in results.folder.rglob("*.*")}


def times(results: Results) -> dict[str, int]:
    return {str(file.relative_to(results.folder)): file.stat().st_mtime_ns for file in results.folder.rglob("*.*")}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of one run, from which every test takes a copy."""
    folder = tmp_path_factory.mktemp("finished")
    return run_study(load(folder), folder / "results", Resources(workers=1)).folder


@pytest.fixture
def finished(once: Path, tmp_path: Path) -> Results:
    shutil.copytree(once.parent, tmp_path / "results")
    return Results(tmp_path / "results" / once.name)


def test_a_finished_study_is_left_alone(finished: Results, tmp_path: Path) -> None:
    """No file is written again, and the caller still hears of all cells, none of them missing."""
    before, heard = times(finished), []

    again = run_study(
        load(tmp_path),
        tmp_path / "results",
        announce=lambda study, cells, missing: heard.append((len(cells), missing)) or (lambda *_: None),
    )

    assert times(again) == before
    assert heard == [(len(list((finished.folder / "cells").iterdir())), [])]
    assert not again.summary.empty


FILES = (
    "report.html",
    "run.json",
    "summary.csv",
    "summary.parquet",
    "measurements.parquet",
    "members.csv",
    "manifest.json",
)
HARMS = ("remove", "truncate", "flip a bit")


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        pytest.param(name, harm, marks=() if place % len(HARMS) == HARMS.index(harm) else pytest.mark.slow)
        for place, name in enumerate(FILES)
        for harm in HARMS
    ],
)
def test_a_file_that_is_missing_or_damaged_is_written_anew(
    finished: Results, tmp_path: Path, name: str, harm: str
) -> None:
    """And comes out as it was."""
    before, file = contents(finished), finished.folder / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    if harm == "remove":
        file.unlink()
    else:
        file.write_bytes(content if harm == "flip a bit" else content[:-1])

    assert contents(run_study(load(tmp_path), tmp_path / "results", Resources(workers=1))) == before


@pytest.mark.parametrize("harm", ["remove", "flip a bit"])
def test_a_cell_that_is_missing_or_damaged_is_computed_anew(finished: Results, tmp_path: Path, harm: str) -> None:
    """Although all tables are whole."""
    before, computed = finished.summary, []
    cell = next((finished.folder / "cells").iterdir())
    content = bytearray(cell.read_bytes())
    content[len(content) // 3] ^= 1
    if harm == "remove":
        cell.unlink()
    else:
        cell.write_bytes(content)

    again = run_study(
        load(tmp_path),
        tmp_path / "results",
        Resources(workers=1),
        announce=lambda *_: lambda cell, _: computed.append(cell),
    )

    assert [found.key for found in computed] == [cell.stem]
    assert again.summary.equals(before)


@pytest.mark.parametrize(
    ("old", "new"), [("small study", "little study"), ("one claim", "another"), ("draws = 6", "draws = 7")]
)
def test_a_spec_that_changed_has_its_tables_and_report_written_anew(
    finished: Results, tmp_path: Path, old: str, new: str
) -> None:
    """Also where only its words did; the change back is a change, too."""
    study = load(tmp_path, TEXT.replace(old, new))
    assert not is_up_to_date(finished.folder, follows_from(study, cells_of(study)))

    again = run_study(study, tmp_path / "results", Resources(workers=1))

    assert json.loads((finished.folder / "run.json").read_text())["spec"] == study.spec.as_run()
    assert again.run["spec"] == study.spec.as_run()
    assert is_up_to_date(finished.folder, follows_from(study, cells_of(study)))
    assert not is_up_to_date(finished.folder, follows_from(load(tmp_path), cells_of(load(tmp_path))))


def test_the_code_includes_the_data_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other images of digits are other results; notes about them are not."""
    monkeypatch.setattr("suite.results.provenance._PACKAGE", tmp_path)
    found = []
    for name in ("digits.py", "digits.md", "digits.parquet"):
        (tmp_path / name).write_bytes(b"content")
        code.cache_clear()
        found.append(code())
    code.cache_clear()

    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("what", ["code", "python", "packages"])
def test_files_that_other_code_wrote_are_out_of_date(
    finished: Results, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the suite itself, of Python or of the packages that it builds on."""
    study = load(tmp_path)
    assert is_up_to_date(finished.folder, follows_from(study, cells_of(study)))

    monkeypatch.setattr(f"suite.results.manifest.{what}", lambda: "another version")

    assert not is_up_to_date(finished.folder, follows_from(study, cells_of(study)))


def test_a_report_drawn_again_by_the_same_code_breaks_no_seal(finished: Results, tmp_path: Path) -> None:
    """It is the same page."""
    study = load(tmp_path)

    draw(Results(finished.folder))

    assert is_up_to_date(finished.folder, follows_from(study, cells_of(study)))


def test_what_a_killed_writer_of_tables_left_goes_after_an_hour(finished: Results, tmp_path: Path) -> None:
    """Also where nothing else is to be done; what is younger may have a writer still."""
    old, young = (finished.folder / name for name in (".summary.csv.abcdefgh", ".report.html.abcdefgh"))
    for file in (old, young):
        file.touch()
    os.utime(old, (time.time() - 4000,) * 2)

    run_study(load(tmp_path), tmp_path / "results", Resources(workers=1))

    assert not old.exists()
    assert young.exists()


def test_a_table_that_no_longer_belongs_there_breaks_the_seal(finished: Results, tmp_path: Path) -> None:
    """As one put back from an older run."""
    study = load(tmp_path)
    (finished.folder / "bounds.csv").write_text("from before")

    assert not is_up_to_date(finished.folder, follows_from(study, cells_of(study)))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"[" * 100_000, b"\xff", b'{"files": {}}'])
def test_nonsense_is_no_seal(finished: Results, tmp_path: Path, content: bytes) -> None:
    """Nor an error."""
    study = load(tmp_path)
    (finished.folder / "manifest.json").write_bytes(content)

    assert not is_up_to_date(finished.folder, follows_from(study, cells_of(study)))


def test_a_run_that_has_nothing_to_do_loads_neither_pandas_nor_torch(tmp_path: Path) -> None:
    """That is what keeps it short."""
    run_study(load(tmp_path), tmp_path / "results", Resources(workers=1))
    code = (
        "import sys\n"
        "from suite.cli import app\n"
        "try:\n"
        f"    app(['run', {str(tmp_path / 'small.toml')!r}, '--results', {str(tmp_path / 'results')!r}])\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code, stop.code\n"
        "heavy = {'torch', 'pandas', 'altair', 'pyarrow', 'scipy.stats'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
