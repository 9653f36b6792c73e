"""Sets of tasks whose points are the rows of a file: splits, standardization, and bounded memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from suite.catalog.activations import Relu
from suite.catalog.datasets import Split, Table
from suite.catalog.optimizers import Adam
from suite.nets import compiled
from suite.nets.ensemble import Ensemble
from suite.spec.data_files import read_facts
from suite.training.datasets import moments_of
from suite.training.tasks import Data, make_data
from suite.training.trainer import train

ROWS = 90


def _task(folder: Path, frame: pd.DataFrame, **keys: Any) -> Table:
    frame.to_csv(folder / "data.csv", index=False)
    task = Table(file="data.csv", **({"target": "label"} | keys))
    return task.with_facts(read_facts(task, folder))


def _frame(classes: int = 3) -> pd.DataFrame:
    """Return rows whose first column is the number of the row."""
    generator = np.random.default_rng(1)
    frame = pd.DataFrame({"row": np.arange(ROWS), "other": generator.normal(5, 3, ROWS)})
    return frame.assign(label=[f"k{row % classes}" for row in range(ROWS)])


def _rows(data: Data) -> list[np.ndarray]:
    """Return the numbers of the rows of each set, (replicates, points)."""
    return [part.inputs[:, 0].numpy() for part in (data.train, data.validation, data.test)]


def test_every_replicate_has_its_own_stratified_split(tmp_path: Path) -> None:
    data = make_data(_task(tmp_path, _frame(), standardize=False), 1, 0, 5)
    sets = _rows(data)
    assert [part.shape for part in sets] == [(5, 54), (5, 18), (5, 18)]
    for replicate in range(5):
        together = np.concatenate([part[replicate] for part in sets])
        assert sorted(together) == list(range(ROWS))  # disjoint
        for part in sets:
            assert (np.bincount(part[replicate].astype(int) % 3) == part.shape[1] // 3).all()
    assert len({tuple(sorted(part)) for part in sets[2]}) == 5


def test_labels_belong_to_their_rows(tmp_path: Path) -> None:
    data = make_data(_task(tmp_path, _frame(), standardize=False), 1, 0, 2)
    for part in (data.train, data.validation, data.test):
        assert torch.equal(part.labels.argmax(1), part.inputs[:, 0].long() % 3)
    two = make_data(_task(tmp_path, _frame(2), standardize=False), 1, 0, 2)
    assert torch.equal(two.train.labels[:, 0].long(), two.train.inputs[:, 0].long() % 2)


def test_a_replicate_does_not_depend_on_the_range(tmp_path: Path) -> None:
    task = _task(tmp_path, _frame())
    whole, part = make_data(task, 1, 0, 9), make_data(task, 1, 4, 6)
    assert torch.equal(whole.train.inputs[4:6], part.train.inputs)
    unjudged = make_data(task, 1, 0, 9, judged=False)
    assert torch.equal(whole.train.inputs, unjudged.train.inputs)
    assert unjudged.test.inputs.shape[2] == 0


def test_smaller_training_sets_leave_the_other_sets_as_they_are(tmp_path: Path) -> None:
    whole, less = (
        make_data(
            _task(tmp_path, _frame(), standardize=False, split={"train": n, "validation": 9, "test": 12}), 1, 0, 3
        )
        for n in (60, 21)
    )
    for part in ("validation", "test"):
        one, other = (getattr(data, part).inputs[:, 0].sort().values for data in (whole, less))
        assert torch.equal(one, other)


def test_a_fixed_test_set_is_the_same_in_all_replicates(tmp_path: Path) -> None:
    train, validation, test = _rows(make_data(_task(tmp_path, _frame(), standardize=False, fixed_test=True), 1, 0, 4))
    assert len({tuple(sorted(part)) for part in test}) == 1
    assert len({tuple(sorted(part)) for part in validation}) == 4
    assert not set(test[0]) & set(train.flatten())


def test_a_column_can_state_the_sets(tmp_path: Path) -> None:
    parts = np.array(["train", "test", "Validation "])[np.arange(ROWS) // 30]
    task = _task(tmp_path, _frame().assign(part=parts), split="part", standardize=False)
    train, validation, test = _rows(make_data(task, 1, 0, 2))
    assert sorted(train[1]) == list(range(30))
    assert sorted(test[1]) == list(range(30, 60))
    assert sorted(validation[0]) == list(range(60, 90))


def test_numbers_are_standardized_over_the_own_training_set(tmp_path: Path) -> None:
    raw = make_data(_task(tmp_path, _frame(), standardize=False), 1, 0, 3)
    data = make_data(_task(tmp_path, _frame()), 1, 0, 3)
    some = raw.train.inputs.double()
    mean, deviation = some.mean(2, keepdim=True), some.std(2, correction=0, keepdim=True)
    for part in ("train", "validation", "test"):
        expected = (getattr(raw, part).inputs.double() - mean) / deviation
        torch.testing.assert_close(getattr(data, part).inputs.double(), expected, rtol=1e-6, atol=1e-6)


def test_categories_stay_zero_and_one_and_targets_of_a_regression_are_standardized(tmp_path: Path) -> None:
    frame = _frame().assign(price=np.random.default_rng(2).normal(100, 20, ROWS))
    data = make_data(_task(tmp_path, frame, target="price", categories=["label"]), 1, 0, 2)
    assert set(data.train.inputs[:, 2:].unique().tolist()) == {0.0, 1.0}
    assert data.loss.name == "half_square"
    torch.testing.assert_close(data.train.labels.mean(2), torch.zeros(2, 1), rtol=0, atol=1e-6)
    torch.testing.assert_close(data.train.labels.std(2, correction=0), torch.ones(2, 1), rtol=1e-6, atol=0)


def test_a_column_that_is_constant_in_a_training_set_is_only_centered(tmp_path: Path) -> None:
    frame = _frame().assign(rare=[float(row == 0) for row in range(ROWS)])
    data = make_data(_task(tmp_path, frame), 1, 0, 16)
    rare = data.train.inputs[:, 2]
    assert torch.isfinite(data.test.inputs).all()
    constant = rare.std(1, correction=0) == 0
    assert constant.any()
    assert (rare[constant] == 0).all()


def test_rounding_does_not_make_a_constant_column_vary(tmp_path: Path) -> None:
    """The mean of 0.1 over 54 rows is not 0.1, so that their standard deviation is 1e-17."""
    parts = np.array(["train", "train", "train", "validation", "test"])[np.arange(ROWS) % 5]
    frame = _frame().assign(part=parts, rare=np.where(parts == "test", 0.3, 0.1))
    data = make_data(_task(tmp_path, frame, split="part"), 1, 0, 1)
    torch.testing.assert_close(data.test.inputs[0, 2], torch.full((18,), 0.2), rtol=1e-6, atol=0)
    task = _task(tmp_path, frame, split="part")
    (mean, deviation), targets = moments_of(task, 1, 0)
    assert (float(mean[2]), float(deviation[2]), targets) == (pytest.approx(0.1), 1.0, None)


def test_shares_become_whole_numbers_of_rows() -> None:
    assert Split(train=0.6, validation=0.2, test=0.2).sizes(7) == (4, 1, 1)
    assert Split(train=0.7, validation=0.15, test=0.15).sizes(10) == (6, 2, 2)
    assert Split(train=5, validation=1, test=1).sizes(100) == (5, 1, 1)


def test_training_is_the_same_where_points_are_arranged_batch_by_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_data(_task(tmp_path, _frame()), 1, 0, 1)
    optimizers = (Adam(learning_rate=0.01, batch=8), Adam(learning_rate=0.003, batch=8))
    start = torch.randn(2, 2 * 5 + 5 + 5 * 3 + 3, generator=torch.Generator().manual_seed(0))
    found = []
    for held in (compiled._HELD_BYTES, 0):
        monkeypatch.setattr(compiled, "_HELD_BYTES", held)
        networks = Ensemble((2, 5, 3), Relu(), ((2.0, 0.0),) * 2, start.clone())
        list(train(networks, data, optimizers, (30,)))
        found.append(networks.parameters)
    assert torch.equal(*found)
    assert not torch.equal(found[0], start)
