"""The store: what is damaged counts as missing, and nothing half-written is ever seen."""

import hashlib

import numpy as np
import pytest

from suite.cells.cache import Cache, CellResult
from suite.results.files import write_text, write_whole

KEY = "0123abcd"
STORED = CellResult(
    {"v3": np.linspace(0, 1, 50), "train_loss": np.arange(12, dtype=np.float32).reshape(2, 3, 2)},
    {"seconds": 1.5, "device": "cpu"},
)


def expect_whole(store, found):
    """What a check says, and what is read then, is what was stored."""
    assert found.provenance == STORED.provenance
    assert found.shapes == {name: values.shape for name, values in STORED.readings.items()}
    for name, values in STORED.readings.items():
        np.testing.assert_array_equal(store.read(KEY, name), values, strict=True)


@pytest.fixture
def store(tmp_path):
    return Cache(tmp_path / "results" / "cells")


@pytest.fixture
def file(store):
    """The file of a saved cell."""
    store.save(KEY, STORED)
    (path,) = store.folder.iterdir()
    return path


def test_what_is_saved_is_read(store, file):
    """Every array with its type and shape, and where it came from."""
    assert file.name == f"{KEY}.npz"
    expect_whole(store, store.check(KEY))


def test_the_digest_is_of_the_file(store, file):
    """So that others can compare it without knowing the format."""
    assert store.check(KEY).digest == hashlib.sha256(file.read_bytes()).hexdigest()


def test_what_was_never_saved_is_missing(store):
    """Also where the folder is."""
    assert store.check(KEY) is None


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_missing(store, file, kept):
    """From nothing at all to one byte short."""
    content = file.read_bytes()
    file.write_bytes(content[: min(int(kept * len(content)), len(content) - 1)])

    assert store.check(KEY) is None


def test_a_flipped_bit_is_noticed_wherever_it_is(store, file):
    """One bit of each byte, the note's and the checksum's own among them."""
    content = file.read_bytes()
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << (5 * place + place // 8) % 8
        file.write_bytes(damaged)
        assert store.check(KEY) is None


def test_a_file_is_an_archive_that_numpy_reads(store, file):
    """Whoever wants the numbers needs nothing of ours."""
    with np.load(file, allow_pickle=False) as archive:
        assert {name: archive[name].tobytes() for name in archive.files} == {
            name: values.tobytes() for name, values in STORED.readings.items()
        }


def test_a_file_of_something_else_is_missing(store, file):
    """Text, and an archive of pickled objects."""
    file.write_text("not an archive")
    assert store.check(KEY) is None
    np.savez(file, v3=np.array([{"a": 1}], dtype=object))
    assert store.check(KEY) is None


def test_a_file_under_another_name_is_missing(store, file):
    """It is whole, but of another cell."""
    other = file.rename(store.path("4567cdef"))

    assert store.check(other.stem) is None


def test_an_archive_without_a_note_is_missing(store, file):
    """Whoever wrote it."""
    np.savez(file, v3=np.zeros(3))

    assert store.check(KEY) is None


def test_what_is_damaged_after_the_check_is_never_read(store, file):
    """One bit of a value, or the whole file."""
    assert store.check(KEY)
    content = bytearray(file.read_bytes())
    content[content.index(STORED.readings["v3"].tobytes()) + 80] ^= 1
    file.write_bytes(content)
    with pytest.raises(OSError, match="run the same command again"):
        store.read(KEY, "v3")
    file.unlink()
    with pytest.raises(OSError, match="run the same command again"):
        store.read(KEY, "train_loss")


def test_a_file_that_is_cut_after_the_check_is_never_read(store, file):
    """Anywhere, also within the note, without which the arrays would still be whole; or another cell's in its place."""
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        with pytest.raises(OSError, match="run the same command again"):
            store.read(KEY, "v3")
    store.save("4567cdef", STORED)
    store.path("4567cdef").rename(file)
    with pytest.raises(OSError, match="run the same command again"):
        store.read(KEY, "v3")


def test_a_damaged_file_is_replaced_by_saving_anew(store, file):
    """As a run does."""
    file.write_bytes(b"PK")
    store.save(KEY, STORED)

    assert store.check(KEY).provenance == STORED.provenance


def test_a_failed_write_leaves_what_was_there_and_nothing_else(tmp_path):
    """The first half reaches the disk under another name, which goes."""
    path = tmp_path / "table.csv"
    path.write_bytes(b"old")

    def fail(file):
        file.write(b"half of the new")
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        write_whole(path, fail)

    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_a_failed_first_write_leaves_no_file(tmp_path):
    """Not even when a user interrupts it."""

    def fail(file):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "folder" / "table.csv", fail)

    assert list((tmp_path / "folder").iterdir()) == []


def test_a_write_makes_its_folder_and_a_file_that_others_can_read(tmp_path):
    """Temporary files are their owner's alone."""
    path = tmp_path / "a" / "b" / "table.csv"

    write_whole(path, lambda file: file.write(b"new"))

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_a_text_is_written_as_it_is(tmp_path):
    """In UTF-8, whatever the machine's own, with its line ends, and whole as everything else is."""
    path = tmp_path / "folder" / "table.csv"

    write_text(path, "χ,Liu\r\n1,2\n")

    assert path.read_bytes() == b"\xcf\x87,Liu\r\n1,2\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]
