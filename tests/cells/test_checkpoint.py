"""Checkpoints: a cell that is left anywhere ends with the very numbers of one that never was, or begins anew."""

import errno
import hashlib
import io
import json
import os
import time
from dataclasses import replace

import numpy as np
import pytest

from suite.cells.cache import Cache
from suite.cells.checkpoint import Checkpoint
from suite.cells.compute import compute
from suite.cells.sampling import cells_of
from suite.cells.worker import compute_and_save
from suite.nets.compiled import CompiledTraining
from tests.cells.test_compute import RAN_OUT, scarce
from tests.runs.conftest import LINE, REGRESSION

HERE = {"device": "cpu", "torch": "2.13"}
MOMENTUM = """
[measure.accuracy]
task = { name = "checkerboard", squares = 2, train = 64, test = 32 }
optimizer = { name = "sgd", momentum = 0.9, learning_rate = [0.003, 0.03, 0.3], batch = 16 }
steps = 10
replicates = 20
[measure.feature_diversity]
layers = [1]
points = 32
[measure.revival]
"""
SCHEDULE = MOMENTUM.replace(
    'name = "sgd", momentum = 0.9,', 'name = "adamw", schedule = "cosine", warmup = 4, clip = 0.1,'
)


@pytest.fixture
def folder(tmp_path):
    """Where cells go."""
    (tmp_path / "cells").mkdir()
    return tmp_path / "cells"


@pytest.fixture
def always(monkeypatch):
    """A checkpoint is kept at every opportunity."""
    monkeypatch.setattr("suite.cells.checkpoint.CHECKPOINT_SECONDS", 0.0)


@pytest.fixture(autouse=True)
def a_state_after_each_step(monkeypatch):
    """The kernels do several steps in one call; here each can be the last."""
    monkeypatch.setattr(CompiledTraining, "steps_at_once", 1)


class Mortal(Checkpoint):
    """Is interrupted after so many opportunities, however they were used."""

    def __init__(self, folder, key, life=10**9, circumstances=HERE):
        super().__init__(folder, key, circumstances)
        self.life, self.past = life, 0

    def offer(self, place):
        super().offer(place)
        self.past += 1
        if self.past == self.life:
            raise KeyboardInterrupt


def cell_of(study, name):
    """A cell by the name that a case has here, with draws 4 to 20."""
    trainings = {"momentum": MOMENTUM, "schedule": SCHEDULE, "regression": REGRESSION}
    measure, parts = ("accuracy", {"measures": trainings[name]}) if name in trainings else (name, {})
    if name == "regression":
        parts["family"] = LINE
    return replace([cell for cell in cells_of(study(**parts)) if cell.name == measure][-1], start=4)


def expect_same(found, expected):
    """To the bit, in the same order."""
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert (found[name].dtype, found[name].shape) == (values.dtype, values.shape)
        assert found[name].tobytes() == values.tobytes(), name


def interrupted(cell, folder, life, **given):
    """Leaves a checkpoint behind."""
    with pytest.raises(KeyboardInterrupt):
        compute(cell, checkpoint=Mortal(folder, cell.key, life), **given)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(
    "name",
    [*(pytest.param(name, marks=pytest.mark.slow) for name in ("accuracy", "momentum", "schedule")), "regression"],
)
def test_training_goes_on_from_any_step_of_any_tile(study, name, folder, monkeypatch):
    """Blocks of 8 draws, tiles of 5; all observers look on; several learning rates."""
    monkeypatch.setattr("suite.cells.compute.block_size", lambda values: 8)
    cell, whole = cell_of(study, name), Mortal(folder / "whole", "0")
    expected = compute(cell, tile=5)
    expect_same(compute(cell, tile=5, checkpoint=whole), expected)
    assert whole.past == 4 * (1 + 10)  # before a tile and after each step

    for life in range(1, whole.past + 1, 3):
        interrupted(cell, folder, life, tile=5)
        second = Mortal(folder, cell.key)
        expect_same(compute(cell, tile=5, checkpoint=second), expected)
        assert second.resumed
        assert second.past == whole.past - life + (life % 11 == 1)
        second.remove()


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(
    "name", ["v3", *(pytest.param(name, marks=pytest.mark.slow) for name in ("collapse", "gradients", "landscape"))]
)
def test_measures_go_on_at_the_tile_where_they_were(study, name, folder, monkeypatch):
    """Nothing is computed twice."""
    monkeypatch.setattr("suite.cells.compute.block_size", lambda values: 8)
    cell = replace(cell_of(study, name), start=1) if name == "landscape" else cell_of(study, name)
    expected, whole = compute(cell, tile=1), Mortal(folder / "whole", "0")
    compute(cell, tile=1, checkpoint=whole)
    assert whole.past == cell.stop - cell.start

    for life in range(1, whole.past + 1):
        interrupted(cell, folder, life, tile=1)
        second = Mortal(folder, cell.key)
        expect_same(compute(cell, tile=1, checkpoint=second), expected)
        assert second.past == whole.past - life + 1
        second.remove()


@pytest.mark.usefixtures("always")
def test_a_cell_may_be_left_again_and_again(study, folder):
    """After every third opportunity."""
    cell, times = cell_of(study, "accuracy"), 0
    while True:
        try:
            found = compute(cell, tile=9, checkpoint=Mortal(folder, cell.key, 3))
        except KeyboardInterrupt:
            times += 1
        else:
            break

    assert times == 7
    expect_same(found, compute(cell, tile=9))


@pytest.mark.usefixtures("always")
def test_a_cell_goes_on_with_the_tiles_that_it_had(study, folder, monkeypatch):
    """Where another process finds room for more or fewer draws: its numbers follow from the first one's."""
    cell = cell_of(study, "accuracy")
    expected = compute(cell, tile=6)
    monkeypatch.setattr("suite.cells.compute.draws_a_tile", lambda *_: 6)
    interrupted(cell, folder, 15)
    monkeypatch.setattr("suite.cells.compute.draws_a_tile", lambda *_: 16)

    expect_same(compute(cell, checkpoint=Mortal(folder, cell.key)), expected)


@pytest.mark.usefixtures("always")
def test_tiles_that_were_halved_stay_so(study, folder, monkeypatch):
    """Left after 16 and 8 draws had been too much for memory, it goes on with 4 at a time; the first are done."""
    cell = cell_of(study, "accuracy")
    tried = scarce(monkeypatch, 5, RAN_OUT[0])
    expected = compute(cell, tile=64)
    assert tried == [16, 8, 4, 4, 4, 4]
    monkeypatch.setattr("suite.cells.compute.draws_a_tile", lambda *_: 64)
    interrupted(cell, folder, 2 + 11 + 4)
    tried.clear()

    expect_same(compute(cell, checkpoint=Mortal(folder, cell.key)), expected)

    assert tried == [4, 4, 4]


@pytest.mark.usefixtures("always")
def test_where_memory_runs_out_after_all_the_halves_train_from_the_start(study, folder, monkeypatch):
    """What the whole tile's training had come to is not theirs."""
    cell = cell_of(study, "accuracy")
    interrupted(cell, folder, 7, tile=16)
    tried = scarce(monkeypatch, 8, RAN_OUT[0])

    found = compute(cell, tile=16, checkpoint=Mortal(folder, cell.key))

    assert tried == [16, 8, 8]
    expect_same(found, compute(cell, tile=8))


@pytest.fixture
def left(study, folder, always):
    """A cell that was left in the second of its tiles, its numbers, and its checkpoint's file."""
    cell = cell_of(study, "accuracy")
    interrupted(cell, folder, 11 + 6, tile=8)
    (file,) = folder.glob("*.part")
    return cell, compute(cell, tile=8), file


def expect_ignored(cell, expected, folder, circumstances=HERE, tile=8):
    """The cell is computed from its beginning, to the same numbers."""
    second = Mortal(folder, cell.key, circumstances=circumstances)
    found = compute(cell, tile=tile, checkpoint=second)
    assert not second.resumed
    assert second.past == -(-16 // tile) * 11
    if tile == 8:
        expect_same(found, expected)


@pytest.mark.parametrize("kept", [0, 20, 32, 33, 1000, -1])
def test_a_truncated_checkpoint_is_ignored(left, kept):
    """From nothing at all to one byte short."""
    cell, expected, file = left
    file.write_bytes(file.read_bytes()[:kept])

    expect_ignored(cell, expected, file.parent)


def test_a_flipped_bit_makes_a_checkpoint_void(left):
    """Whichever it is."""
    cell, expected, file = left
    content = file.read_bytes()
    assert Checkpoint(file.parent, cell.key, HERE).read()
    for place in {*range(0, len(content), 1 + len(content) // 300), len(content) - 1}:
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        file.write_bytes(damaged)
        assert Checkpoint(file.parent, cell.key, HERE).read() is None

    expect_ignored(cell, expected, file.parent)


@pytest.mark.parametrize(
    "circumstances",
    [HERE | {"device": "NVIDIA H200"}, HERE | {"torch": "2.6"}, HERE | {"kernels": "native 1f3a9c2b"}, {}],
)
def test_a_checkpoint_from_elsewhere_is_ignored(left, circumstances):
    """Another device, version or build of the kernels: whatever rounds differently."""
    cell, expected, file = left

    expect_ignored(cell, expected, file.parent, circumstances)


def test_so_is_one_of_other_tiles_or_code_or_of_another_cell(left, monkeypatch):
    """Or one that cannot be read: a folder in its place."""
    cell, expected, file = left
    content = file.read_bytes()
    expect_ignored(cell, expected, file.parent, tile=16)
    other = replace(cell, seed=7)
    other_file = Mortal(file.parent, other.key).path
    other_file.write_bytes(content)
    expect_ignored(other, compute(other, tile=8), file.parent)
    file.unlink()
    file.mkdir()
    expect_ignored(cell, expected, file.parent)
    file.rmdir()
    file.write_bytes(content)
    monkeypatch.setattr("suite.cells.checkpoint.code", lambda: "other")
    expect_ignored(cell, expected, file.parent)


def signed(**arrays):
    """An archive behind its checksum, as a checkpoint has it."""
    content = io.BytesIO()
    np.savez(content, **arrays)
    return hashlib.sha256(content.getvalue()).digest() + content.getvalue()


def test_pickles_and_things_of_another_shape_are_ignored(left):
    """Though their checksum fits."""
    cell, expected, file = left
    bare = {"follows from": Checkpoint(file.parent, cell.key, HERE)._all_it_follows_from(), "place": {}, "seconds": 1}
    note = np.frombuffer(json.dumps(bare).encode(), dtype=np.uint8)
    pickled = np.array([{"a": 1}], dtype=object)
    for content in (signed(note=pickled), signed(note=note), signed(other=note), signed(note=note[:-1]), b"PK" * 99):
        file.write_bytes(content)
        expect_ignored(cell, expected, file.parent)
    file.write_bytes(hashlib.sha256(b"").digest())
    expect_ignored(cell, expected, file.parent)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), MemoryError()])
def test_a_checkpoint_that_cannot_be_written_costs_nothing_but_itself(study, error, folder, monkeypatch):
    """A full disk, or no memory for a copy."""
    cell = cell_of(study, "accuracy")

    def fail(*_, **__):
        raise error

    monkeypatch.setattr("suite.cells.checkpoint.write_whole", fail)
    checkpoint = Mortal(folder, cell.key)

    expect_same(compute(cell, tile=8, checkpoint=checkpoint), compute(cell, tile=8))

    assert checkpoint.past == 22
    assert not list(folder.iterdir())


@pytest.mark.usefixtures("always")
def test_a_checkpoint_that_vanishes_is_no_error(study, folder):
    """As where another run in the same folder has finished the cell."""
    cell = cell_of(study, "accuracy")
    checkpoint = Mortal(folder, cell.key)
    checkpoint.remove()
    compute(cell, tile=8, checkpoint=checkpoint)
    assert [file.name for file in folder.iterdir()] == [f"{cell.key}.part"]

    checkpoint.remove()
    checkpoint.remove()

    assert not list(folder.iterdir())


def test_what_is_done_in_seconds_writes_none(study, folder, monkeypatch):
    """Only time makes a checkpoint, counted from the last."""
    cell, clock = cell_of(study, "accuracy"), [0.0]
    written = []
    monkeypatch.setattr("suite.cells.checkpoint.time.perf_counter", lambda: clock[0])
    monkeypatch.setattr(Checkpoint, "_write", lambda self, path, place: written.append(clock[0]))
    compute(cell, tile=8, checkpoint=Checkpoint(folder, cell.key, HERE))
    assert not written

    checkpoint = Checkpoint(folder, cell.key, HERE)
    for clock[0] in range(100):
        checkpoint.offer(lambda: None)

    assert written == [20, 40, 60, 80]


@pytest.mark.usefixtures("always")
def test_a_finished_cell_leaves_no_checkpoint_and_counts_the_time_of_all_who_were_at_it(study, folder, monkeypatch):
    """Written and read by what runs cells, which then stores them."""
    cell, whole = cell_of(study, "accuracy"), Cache(folder / "whole")
    whole.prepare()
    assert compute_and_save([cell], whole.folder, "cpu")[0] > 0
    offer = Checkpoint.offer

    def dying(self, place):
        self._began -= 1000  # seconds go by
        offer(self, place)
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "offer", dying)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            compute_and_save([cell], folder, "cpu")
    monkeypatch.setattr(Checkpoint, "offer", offer)
    (part,) = folder.glob("*.part")
    assert part.name == f"{cell.key}.part"

    assert compute_and_save([cell], folder, "cpu")[0] > 0

    assert sorted(file.name for file in folder.iterdir()) == [f"{cell.key}.npz", "whole"]
    store = Cache(folder)
    assert 3000 < store.check(cell.key).provenance["seconds"] < 4000
    assert store.check(cell.key).provenance.keys() == whole.check(cell.key).provenance.keys()
    for quantity in store.check(cell.key).shapes:
        assert store.read(cell.key, quantity).tobytes() == whole.read(cell.key, quantity).tobytes()


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(("error", "stays"), [(RuntimeError("shapes differ"), False), (MemoryError("2 GiB"), True)])
def test_a_cell_that_fails_where_it_was_left_begins_anew(study, error, stays, folder, monkeypatch):
    """The checkpoint may be to blame, unless memory is; a cell that fails from its beginning leaves its own."""
    cell = cell_of(study, "collapse")
    monkeypatch.setattr("suite.cells.compute.draws_a_tile", lambda *_: 4)

    def fail(cell, ensemble, sample, data, draws, bookmark):
        if draws.start >= 12:
            raise error
        return {"mean": ensemble.parameters[:, 0]}

    monkeypatch.setattr("suite.cells.compute._compute_draws", fail)
    file = folder / f"{cell.key}.part"

    assert compute_and_save([cell], folder, "cpu")[0].reason.startswith(type(error).__name__)
    assert file.exists()
    assert compute_and_save([cell], folder, "cpu")[0].reason.startswith(type(error).__name__)

    assert file.exists() == stays


def test_what_nobody_needs_any_more_is_swept_away(folder):
    """Checkpoints of cells that are stored, and halves whose writers are long gone; nothing else."""
    names = ("a.npz", "a.part", "b.part", ".c.part.old", ".c.part.new", ".d.npz.old", ".writable.tmp.old")
    for name in names:
        (folder / name).touch()
    for name in names:
        if name.endswith("old"):
            os.utime(folder / name, (0, time.time() - 3700))

    Cache(folder).prepare()

    assert {file.name for file in folder.iterdir()} == {"a.npz", "b.part", ".c.part.new"}
