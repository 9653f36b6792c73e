"""Files that are cut short, have a wrong bit or are gone: noticed, and made anew with the same numbers."""

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.cells.cache import Cache, CachedCell
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


def _flip(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)


def _truncate(file: Path, chance: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: chance.randrange(len(content))])


def _empty(file: Path, _: random.Random) -> None:
    file.write_bytes(b"")


def _remove(file: Path, _: random.Random) -> None:
    file.unlink()


HARMS = (_truncate, _flip, _empty, _remove)


@pytest.fixture
def results(undisturbed: Undisturbed, tmp_path: Path) -> Path:
    """A copy of the undisturbed results, to be harmed."""
    shutil.copytree(undisturbed.folder, tmp_path / STUDY)
    return tmp_path


def _assert_mended(results: Path, undisturbed: Undisturbed) -> None:
    """The same command makes everything as it was, and then has nothing left to do."""
    store = Cache(results / STUDY / "cells")
    lost = [file.name for file in cells(undisturbed.folder.parent) if store.check(file.stem) is None]
    whole = {file: file.stat().st_mtime_ns for file in cells(results) if file.name not in lost}

    code, said = invoked(results)

    assert code == 0, said
    assert to_compute(said) == len(lost)
    assert {file: file.stat().st_mtime_ns for file in whole} == whole
    assert_undisturbed(results, undisturbed)
    before = {file: file.stat().st_mtime_ns for file in files(results)}
    code, said = invoked(results)
    assert (code, to_compute(said)) == (0, 0)
    assert {file: file.stat().st_mtime_ns for file in files(results)} == before


def test_a_cell_that_was_cut_short_is_missing(results: Path, many: bool) -> None:
    """Every cell's file, at several lengths from nothing to a byte less."""
    chance, tried = random.Random(1), 0
    for file in cells(results):
        content = file.read_bytes()
        some = {chance.randrange(len(content)) for _ in range(50 if many else 4)}
        for length in {0, 1, len(content) // 2, len(content) - 1} | some:
            file.write_bytes(content[:length])
            assert Cache(file.parent).check(file.stem) is None, (file.name, length)
            tried += 1
    print(f"{tried} truncations, all noticed")


def test_no_flipped_bit_of_a_cell_goes_unnoticed(results: Path, many: bool) -> None:
    """At random places all over every file."""
    chance, tried = random.Random(2), 0
    for file in cells(results):
        store, content = Cache(file.parent), file.read_bytes()
        assert store.check(file.stem) is not None
        for _ in range(300 if many else 12):
            file.write_bytes(content)
            _flip(file, chance)
            assert store.check(file.stem) is None
            tried += 1
    print(f"{tried} flipped bits, all noticed")


def test_damaged_cells_are_computed_anew(results: Path, undisturbed: Undisturbed) -> None:
    """Every one of them harmed, in one way or another."""
    chance = random.Random(3)
    for place, file in enumerate(cells(results)):
        HARMS[place % len(HARMS)](file, chance)

    _assert_mended(results, undisturbed)


def test_a_damaged_cell_is_the_only_one_that_is_computed_anew(
    results: Path, undisturbed: Undisturbed, only_with_many: None
) -> None:
    """One after the other."""
    chance = random.Random(4)
    for place, file in enumerate(chance.sample(cells(results), 20)):
        HARMS[place % len(HARMS)](file, chance)
        _assert_mended(results, undisturbed)


def test_damaged_tables_and_pages_are_written_anew(results: Path, undisturbed: Undisturbed, many: bool) -> None:
    """Each by itself, in every way; or, if there is less time, all at once in one or another."""
    chance = random.Random(5)
    some = [file for file in sorted((results / STUDY).iterdir()) if file.is_file()]
    names = {file.name for file in some}
    assert {"measurements.parquet", "run.json", "manifest.json", "report.html", "precision.csv"} <= names
    harms = [(file, harm) for file in some for harm in HARMS] if many else []
    before = {file: file.read_bytes() for file in some}
    for file, harm in harms:
        harm(file, chance)
        _assert_mended(results, undisturbed)
        assert {file: file.read_bytes() for file in some} == before, (file.name, harm)
    for place, file in enumerate(some):
        HARMS[place % len(HARMS)](file, chance)
    _assert_mended(results, undisturbed)
    assert {file: file.read_bytes() for file in some} == before
    print(f"{len(harms) + len(some)} harms to tables and pages")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "victim" in metafunc.fixturenames:
        many = metafunc.config.getoption("--many")
        metafunc.parametrize("victim", range(8 if many else 1))
        if "harm" in metafunc.fixturenames:
            metafunc.parametrize("harm", [_truncate, _flip, _remove] if many else [_truncate])


def test_what_is_harmed_between_the_check_and_the_reading_is_noticed(
    harm: Callable[[Path, random.Random], None],
    victim: int,
    results: Path,
    undisturbed: Undisturbed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run ends in plain words, or has not read what was harmed; and goes on when called again."""
    chance = random.Random(100 + victim)
    harmed = chance.choice(cells(results))
    (results / STUDY / "manifest.json").unlink()
    check = Cache.check

    def check_then_harm(store: Cache, key: str) -> CachedCell | None:
        found = check(store, key)
        if key == harmed.stem:
            harm(harmed, chance)
        return found

    with monkeypatch.context() as context:
        context.setattr(Cache, "check", check_then_harm)
        code, said = invoked(results)

    print(f"{harm.__name__} of {harmed.name}: exit code {code}")
    if code or harm is not _flip:
        assert_told_plainly(code, said)
        assert f"{harmed.name} changed while it was in use; run the same command again" in said
    _assert_mended(results, undisturbed)


def test_a_cell_that_is_deleted_while_a_run_goes_on_ends_it_plainly(
    victim: int, undisturbed: Undisturbed, tmp_path: Path, only_with_many: None
) -> None:
    """The next run computes that cell, and what was not there yet."""
    chance = random.Random(200 + victim)
    run = started(tmp_path)
    wanted, limit = 1 + chance.randrange(undisturbed.computed - 1), time.monotonic() + 1200
    while len(cells(tmp_path)) < wanted:
        assert time.monotonic() < limit
        assert run.poll() is None
        time.sleep(0.002)
    chance.choice(cells(tmp_path)).unlink()

    code, said = ended(run)

    assert_told_plainly(code, said)
    before = finished(tmp_path)
    again(tmp_path)
    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert_undisturbed(tmp_path, undisturbed)
