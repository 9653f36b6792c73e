"""The tables that come with the package: their values, sources and licenses, and networks trained on them."""

import csv
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

import suite
from suite.catalog.datasets import SHIPPED, ShippedTable, Split, Table
from suite.catalog.shipped import BreastCancer, Diabetes, Iris, Wine
from suite.spec.data_files import read_facts
from suite.training.tasks import make_data

TASKS: dict[str, type[ShippedTable]] = {
    "breast_cancer": BreastCancer,
    "wine": Wine,
    "iris": Iris,
    "diabetes": Diabetes,
}

of_every_table = pytest.mark.parametrize("name", TASKS)


def _task(name: str, **keys: object) -> ShippedTable:
    task = TASKS[name].model_validate({"name": name, **keys})
    return task.with_facts(read_facts(task, Path("elsewhere")))


def _columns(name: str) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns of a file, and its rows."""
    with (SHIPPED / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, rows


@of_every_table
def test_values_are_those_of_scikit_learn(name: str) -> None:
    """The same numbers in the same order, to the last bit, and the same classes."""
    sets = pytest.importorskip("sklearn.datasets")
    expected = getattr(sets, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))
    header, rows = _columns(name)

    assert len(header) == expected.data.shape[1] + 1
    np.testing.assert_array_equal(np.array([row[:-1] for row in rows], dtype=float), expected.data)
    targets = [row[-1] for row in rows]
    if name in ("breast_cancer", "iris"):
        assert targets == [str(expected.target_names[number]) for number in expected.target]
        assert header[0] == str(expected.feature_names[0]).removesuffix(" (cm)").replace(" ", "_")
    else:
        np.testing.assert_array_equal(np.array(targets, dtype=float), expected.target + (name == "wine"))


def test_iris_is_fishers() -> None:
    """Rows 35 and 38 are those of his paper, which the repository's file has wrong."""
    _, rows = _columns("iris")

    assert [float(value) for value in rows[34][:4]] == [4.9, 3.1, 1.5, 0.2]
    assert [float(value) for value in rows[37][:4]] == [4.9, 3.6, 1.4, 0.1]


def test_sizes_and_classes() -> None:
    """Rows, inputs and outputs; rows of each class in the order of the classes."""
    facts = {name: _task(name).facts for name in TASKS}
    outputs = {name: (_task(name).inputs, _task(name).outputs, _task(name).loss) for name in TASKS}

    assert {name: dict(zip(each.classes, each.rows_by_class, strict=False)) for name, each in facts.items()} == {
        "breast_cancer": {"benign": 357, "malignant": 212},
        "wine": {"1": 59, "2": 71, "3": 48},
        "iris": {"setosa": 50, "versicolor": 50, "virginica": 50},
        "diabetes": {},
    }
    assert facts["diabetes"].rows == 442
    assert outputs == {
        "breast_cancer": (30, 1, "binary_cross_entropy"),
        "wine": (13, 3, "cross_entropy"),
        "iris": (4, 3, "cross_entropy"),
        "diabetes": (10, 1, "half_square"),
    }


@of_every_table
def test_source_license_rows_and_columns_are_documented(name: str) -> None:
    """In README.md beside the files, of which each has its own part."""
    parts = re.split(r"^## ", (SHIPPED / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    (part,) = (part for part in parts if part.startswith(f"{name}.csv\n"))
    header, rows = _columns(name)

    assert part.split("\n\n")[1].startswith(f"{len(rows)} rows")
    for column in header:
        assert f"`{re.sub(r'^(mean|worst)_|_error$', '', column)}`" in part
    assert "https://doi.org/10." in part
    assert ("CC BY 4.0" in part) == (name != "diabetes")
    assert "- License: " in part
    assert "- Changes: " in part
    assert {file.stem for file in SHIPPED.glob("*.csv")} == set(TASKS)


@of_every_table
def test_sets_are_disjoint_and_stratified(name: str) -> None:
    """No row is in two of them. Each set has the share of each class of the whole table, within less than a row."""
    task = _task(name, standardize=False)
    data = make_data(task, 1, 0, 3)
    rows = task.facts.rows
    there = np.array([row[: task.inputs] for row in _columns(name)[1]], dtype=np.float32)
    available = Counter(map(tuple, there.tolist()))
    assert sum(task.points) in (rows, rows - 1)  # shares are rounded

    for replicate in range(3):
        parts = (data.train, data.validation, data.test)
        points = torch.cat([part.inputs[replicate] for part in parts], dim=1)
        assert Counter(map(tuple, points.T.tolist())) <= available
        for part in parts if task.facts.classes else ():
            size = part.labels.shape[2]
            found = part.labels[replicate].sum(1)
            expected = torch.tensor(task.facts.rows_by_class) * size / rows
            if task.classes == 2:
                expected = expected[1:]
            assert ((found - expected).abs() < 1).all()


@of_every_table
def test_a_replicate_does_not_depend_on_the_range(name: str) -> None:
    """Across blocks of 64 replicates too; each has its own split."""
    whole, part = make_data(_task(name), 1, 0, 70), make_data(_task(name), 1, 62, 66)

    for one in ("train", "validation", "test"):
        assert torch.equal(getattr(whole, one).inputs[62:66], getattr(part, one).inputs)
        assert torch.equal(getattr(whole, one).labels[62:66], getattr(part, one).labels)
    assert not torch.equal(whole.train.inputs[0], whole.train.inputs[1])


def test_split_fixed_test_and_standardize_are_keys() -> None:
    """As for other tables."""
    task = _task("iris", split=Split(train=30, validation=30, test=60), fixed_test=True, standardize=False)
    data = make_data(task, 1, 0, 2)

    assert task.points == (30, 30, 60)
    assert data.test.inputs[0].sort().values.equal(data.test.inputs[1].sort().values)
    assert data.train.inputs.min() >= 0.1  # cm
    standardized = make_data(_task("iris"), 1, 0, 2).train.inputs
    torch.testing.assert_close(standardized.mean(2), torch.zeros(2, 4), rtol=0, atol=1e-5)


def test_tables_name_the_keys_that_a_spec_sets() -> None:
    """Booleans are written as in TOML."""
    assert _task("iris").label == "iris"
    assert _task("iris", fixed_test=True).label == "iris(fixed_test=true)"


def test_a_column_cannot_state_the_sets() -> None:
    """The files have no such column."""
    with pytest.raises(
        ValidationError, match=r"expected a table such as \{ train = 0.6, validation = 0.2, test = 0.2 \}"
    ):
        Iris.model_validate({"split": "species"})


def test_other_machines_read_their_own_copy() -> None:
    """Where the package is elsewhere; the content is checked, not the place."""
    task = _task("iris")
    moved = task.with_facts(replace(task.facts, path="/another/place/iris.csv"))
    changed = task.with_facts(replace(task.facts, digest="0" * 32))

    assert torch.equal(make_data(moved, 1, 0, 1).train.inputs, make_data(task, 1, 0, 1).train.inputs)
    with pytest.raises(ValueError, match="has changed since the spec was loaded"):
        make_data(changed, 1, 0, 1)


def test_a_copy_of_a_file_gives_the_same_cells(tmp_path: Path) -> None:
    """Results depend on its content, so that they need not be computed again."""
    (tmp_path / "mine.csv").write_bytes((SHIPPED / "wine.csv").read_bytes())
    task = Table(file="mine.csv", target=("cultivar",))

    assert task.with_facts(read_facts(task, tmp_path)).content == _task("wine").content


SPEC = """
title = "Shipped tables"
seed = 1
[family]
width = 32
depth = 1
activation = "relu"
[measure.accuracy]
task = "{name}"
optimizer = {{ name = "adam", learning_rate = 0.003, batch = 32 }}
steps = {steps}
replicates = 16
"""

BOUNDS = {
    "breast_cancer": (200, "test_accuracy", 0.95, 0.99),
    "wine": (200, "test_accuracy", 0.95, 1.0),
    "iris": (300, "test_accuracy", 0.93, 0.99),
    "diabetes": (100, "test_error", 0.45, 0.65),
}
"""Steps, the quantity, and the bounds of its mean over 16 splits, whose standard error is about 0.01 (error: 0.02).

Linear models have accuracies of 0.97, 0.98 and 0.94 and an error of 0.52 times the variance on such splits.
"""


@of_every_table
def test_networks_learn_every_table(name: str, tmp_path: Path) -> None:
    """From a spec that states only the task's name; inputs and outputs follow from the table."""
    steps, quantity, low, high = BOUNDS[name]
    (tmp_path / "study.toml").write_text(SPEC.format(name=name, steps=steps))
    results = suite.run(tmp_path / "study.toml", results=tmp_path / "results", workers=1)

    summary = results.summary
    last = summary[(summary["quantity"] == quantity) & (summary["step"] == steps)]
    assert low <= last["mean"].item() <= high
    facts = _task(name).facts
    assert results.run["data"] == [{"file": f"{name}.csv", "digest": facts.digest, "rows": facts.rows}]
