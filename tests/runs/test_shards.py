"""A study in parts: everything once, of about equal cost, and together the same tables as in one go."""

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import suite.cells.worker as computing
from suite.cells.resources import Resources
from suite.cells.sampling import SamplingRounds, cells_of
from suite.cli import app
from suite.results.shards import Shard, parse_shard
from suite.runs.run import run_study
from suite.spec.load import load_studies
from tests.runs.tiny import BRIEF, SPECS, assert_same_as_undisturbed, assert_same_tables, tiny_with

runner = CliRunner()


def _invoke(command: str, spec: Path, folder: Path, *options: str) -> tuple[int, str]:
    done = runner.invoke(app, [command, str(spec), "--results", str(folder), *options])
    assert isinstance(done.exception, SystemExit | None)
    return done.exit_code, done.stdout + done.stderr


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 200])
def test_all_parts_together_have_every_cell_once(parts: int, tmp_path: Path) -> None:
    """And none has more than its share and one cell beyond."""
    (tiny,) = load_studies([SPECS / "tiny.toml"])
    cells = cells_of(tiny)
    shares = [SamplingRounds(tiny, Shard(part, parts)).cells for part in range(1, parts + 1)]

    assert sorted(cell.key for share in shares for cell in share) == sorted(cell.key for cell in cells)
    most = sum(cell.cost for cell in cells) / parts + max(cell.cost for cell in cells)
    assert all(sum(cell.cost for cell in share) <= most for share in shares)


def test_parts_that_were_copied_together_make_the_same_tables(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Before the last one has come, merging says what is missing and writes nothing."""
    spec = BRIEF
    for part in (1, 2, 3):
        code, said = _invoke("run", spec, tmp_path / str(part), "--shard", f"{part}/3", "--workers", "1")
        assert code == 0
        assert f"{spec.stem}: part {part} of 3 is in" in said
        assert [file.name for file in (tmp_path / str(part) / spec.stem).iterdir()] == ["cells"]
    shutil.copytree(tmp_path / "1", tmp_path / "3", dirs_exist_ok=True)
    others = len(list((tmp_path / "2" / spec.stem / "cells").iterdir()))

    code, said = _invoke("merge", spec, tmp_path / "3")

    assert code == 1
    assert f"{spec.stem}: {others} cells are missing from {tmp_path / '3' / spec.stem / 'cells'}" in said
    assert [file.name for file in (tmp_path / "3" / spec.stem).iterdir()] == ["cells"]

    shutil.copytree(tmp_path / "2", tmp_path / "3", dirs_exist_ok=True)
    code, said = _invoke("merge", spec, tmp_path / "3")

    assert code == 0
    assert "report.html" in said
    assert_same_as_undisturbed(tmp_path / "3", tmp_path_factory)


def test_parts_of_a_study_with_a_precision_take_their_rounds_themselves(tmp_path: Path) -> None:
    """Draws that are looked at together are one part's."""
    spec = tmp_path / "precise.toml"
    spec.write_text(tiny_with("v3", "correlation", name="tiny_precise").replace("depth      = [1, 3]", "depth = 3"))
    (study,) = load_studies([spec])
    whole = run_study(study, tmp_path / "whole", Resources(workers=1))

    for part in (1, 2):
        assert _invoke("run", spec, tmp_path / "parts", "--shard", f"{part}/2", "--workers", "1")[0] == 0

    assert _invoke("merge", spec, tmp_path / "parts")[0] == 0
    assert_same_tables(tmp_path / "parts" / "precise", whole.folder)


def test_what_fails_in_a_part_is_told_in_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which are gone when the whole has been run."""

    def fail(*_: object, **__: object) -> Generator[None, None, None]:
        yield
        raise ZeroDivisionError("no")

    spec = BRIEF
    with monkeypatch.context() as context:
        context.setattr(computing, "compute_blocks", fail)
        code, said = _invoke("run", spec, tmp_path, "--shard", "2/2", "--workers", "1")
    names = {file.name for file in (tmp_path / spec.stem).iterdir()}

    assert code == 1
    assert "failures-2-of-2.log" in said
    assert names == {"cells", "failures-2-of-2.csv", "failures-2-of-2.log"}

    assert _invoke("run", spec, tmp_path, "--workers", "1")[0] == 0

    assert not list((tmp_path / spec.stem).glob("failures*"))


@pytest.mark.parametrize(
    "text", ["", "1", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "a/b", "1.0/2", " 1/2", "1/2\n", "²/3"]
)
def test_what_is_no_part_of_a_whole_is_refused(text: str, tmp_path: Path) -> None:
    """With an example of one that is."""
    with pytest.raises(ValueError, match="use 1/8"):
        parse_shard(text)

    code, said = _invoke("run", SPECS / "tiny.toml", tmp_path / "results", f"--shard={text}")

    assert code == 2
    assert "use 1/8" in said
    assert not (tmp_path / "results").exists()
