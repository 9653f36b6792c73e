"""A disk that is full, or that cannot be written: told in plain words, what is finished is kept, and it goes on."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.mixed import (
    STUDY,
    Undisturbed,
    again,
    assert_told_plainly,
    assert_undisturbed,
    cells,
    ended,
    files,
    finished,
    invoked,
    started,
    to_compute,
)

pytestmark = pytest.mark.slow

PAGE = 4096


class Disk:
    """A file system of its own, in memory, whose room is known to the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def set(self, options: str) -> None:
        """Gives it another size, or makes it read-only."""
        subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Mounted for a test; where that is not allowed the test is skipped."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.name != "posix" or shutil.which("mount") is None:
        pytest.skip("needs mount")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)


def _pages(some: list[Path]) -> int:
    return sum(-(-file.stat().st_size // PAGE) for file in some)


STAGES = ("cells", "tables", "report")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "share" in metafunc.fixturenames:
        often = [(stage, (k + 0.5) / 8) for stage in STAGES for k in range(8)]
        many = metafunc.config.getoption("--many")
        metafunc.parametrize(("stage", "share"), often if many else [("cells", 0.5), ("report", 0.5)])


def test_a_full_disk_keeps_what_is_finished(stage: str, share: float, undisturbed: Undisturbed, disk: Disk) -> None:
    """There is room for a part of the cells, for them and a part of the tables, or for all but the whole page."""
    page = undisturbed.folder / "report.html"
    stored = cells(undisturbed.folder.parent)
    room = [_pages(stored), _pages([file for file in files(undisturbed.folder.parent) if file not in (*stored, page)])]
    room.append(_pages([page]))
    place = STAGES.index(stage)
    disk.set(f"size={int(sum(room[:place]) + share * room[place]) * PAGE}")

    code, said = ended(started(disk.folder)) if stage == "cells" else invoked(disk.folder)

    kept = finished(disk.folder)
    print(f"room for {share:.0%} of the {stage}: {len(kept)} of {len(stored)} cells kept; {said.splitlines()[-1]}")
    assert_told_plainly(code, said)
    assert "No space left on device" in said
    assert (len(kept) < len(stored)) == (stage == "cells")
    assert not (disk.folder / STUDY / "manifest.json").exists()
    disk.set("size=64m")

    said = again(disk.folder)

    assert to_compute(said) == len(stored) - len(kept)
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert_undisturbed(disk.folder, undisturbed)


@pytest.mark.parametrize("left", ["nothing", "some cells", "all cells"])
def test_a_disk_that_cannot_be_written_is_told_before_anything_is_computed(
    left: str, undisturbed: Undisturbed, disk: Disk, many: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever an earlier run has left there; and nothing changes."""
    if left != "nothing":
        (disk.folder / STUDY / "cells").mkdir(parents=True)
        for cell in cells(undisturbed.folder.parent)[:: 1 if left == "all cells" else 2]:
            shutil.copy2(cell, disk.folder / STUDY / "cells")
    before = finished(disk.folder)
    disk.set("ro")
    monkeypatch.setattr("suite.cells.execute.execute", None)  # were it called, that would be a traceback

    code, said = invoked(disk.folder)

    assert_told_plainly(code, said)
    assert "Read-only file system" in said
    assert finished(disk.folder) == before
    monkeypatch.undo()
    disk.set("rw")
    if left == "some cells" or many:
        again(disk.folder)
        assert_undisturbed(disk.folder, undisturbed)


def test_a_finished_study_on_a_disk_that_cannot_be_written_is_left_alone(undisturbed: Undisturbed, disk: Disk) -> None:
    """There is nothing to do, so it is no fault."""
    shutil.copytree(undisturbed.folder, disk.folder / STUDY)
    disk.set("ro")

    assert to_compute(again(disk.folder)) == 0
