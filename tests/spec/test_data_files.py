"""Data files of tasks: what they contain, and the errors of broken ones."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import suite
from suite.catalog.datasets import Table, divide_classes
from suite.cells.sampling import cells_of
from suite.spec.changes import parse_changes
from suite.spec.data_files import read_facts, read_rows, store_arrays
from suite.spec.load import load_studies
from suite.spec.problems import SpecError
from suite.spec.table_checks import DataFileError

SPEC = """title = "Mine"
seed = 1
[family]
width = 4
depth = 1
activation = "relu"
[measure.accuracy]
task = {{ name = "table", file = "{file}"{keys} }}
optimizer = {{ name = "adam", learning_rate = 0.01, batch = 4 }}
steps = 2
replicates = 1
"""


def _frame(rows: int = 60) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(rows, 3)), columns=["a", "b", "c"])
    frame["city"] = np.array(["Oslo", "Rome"])[np.arange(rows) % 2]
    frame["label"] = np.array(["x", "y", "z"])[np.arange(rows) % 3]
    frame["price"] = generator.normal(size=rows)
    return frame


def _with(column: str, row: int, value: object) -> pd.DataFrame:
    frame = _frame().astype({column: object})
    frame.loc[row, column] = value
    return frame


def _text(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


GOOD = ', target = "label", ignore = ["city", "price"]'

BROKEN: dict[str, tuple[str, bytes, str, str, str]] = {
    # name: file, its content, keys of the task, the key with the error, part of the message
    "missing file": ("none.csv", b"", GOOD, "file", "No such file or directory"),
    "other ending": ("data.xlsx", b"x", GOOD, "file", "use a .csv, .parquet or .npz file"),
    "empty file": ("data.csv", b"", GOOD, "file", "is empty; add a line with the names of the columns"),
    "no rows": ("data.csv", b"a,b,label\n", ', target = "label"', "file", "has no rows"),
    "not text": ("data.csv", b"a,label\n\xff\xfe,1\n", ', target = "label"', "file", "save it as UTF-8"),
    "semicolons": ("data.csv", b"a;label\n1;2\n", ', target = "label"', "file", "separate them by commas"),
    "target twice": ("data.csv", _text(_frame()), ', target = ["price", "price"]', "target", "is named twice"),
    "not Parquet": ("data.parquet", b"PAR1 no", GOOD, "file", "use another .parquet file"),
    "not NPZ": ("data.npz", b"no zip", "", "file", "use another .npz file"),
    "longer rows": (
        "data.csv",
        b"a,label\n1,2,3\n4,5,6\n",
        ', target = "label"',
        "file",
        "row 1 of 'data.csv' has 3 fields",
    ),
    "one longer row": (
        "data.csv",
        b"a,label\n1,2\n4,5,6\n",
        ', target = "label"',
        "file",
        "Expected 2 fields in line 3",
    ),
    "name twice": (
        "data.csv",
        b"a,a,label\n1,2,3\n",
        ', target = "label"',
        "file",
        "two columns of 'data.csv' are named",
    ),
    "no name": ("data.csv", b",a,label\n0,1,2\n", ', target = "label"', "file", "column 1 of 'data.csv' has no name"),
    "no target": ("data.csv", _text(_frame()), "", "target", "target is missing; set it to the column to predict"),
    "wrong target": ("data.csv", _text(_frame()), ', target = "labl"', "target", "did you mean label?"),
    "wrong feature": (
        "data.csv",
        _text(_frame()),
        ', target = "label", features = ["a", "q"]',
        "features",
        "there is no column 'q'; the columns are 'a', 'b', 'c'",
    ),
    "target as feature": (
        "data.csv",
        _text(_frame()),
        ', target = "label", features = ["a", "label"]',
        "features",
        "'label' is the target",
    ),
    "features and ignore": (
        "data.csv",
        _text(_frame()),
        ', target = "label", features = ["a"], ignore = ["b"]',
        "ignore",
        "features and ignore are both set",
    ),
    "no inputs": (
        "data.csv",
        b"label\n1\n2\n",
        ', target = "label"',
        "features",
        "there are no columns for the inputs",
    ),
    "missing value": ("data.csv", _text(_with("b", 6, None)), GOOD, "features", "'b' has no value in row 7"),
    "missing label": ("data.csv", _text(_with("label", 4, None)), GOOD, "target", "'label' has no value in row 5"),
    "text among numbers": (
        "data.csv",
        _text(_with("b", 6, "n.a")),
        GOOD,
        "features",
        "column 'b' has the text 'n.a' in row 7; correct it, or add 'b' to categories",
    ),
    "thousands": (
        "data.csv",
        _text(_with("b", 6, "-12,345.5")),
        GOOD,
        "features",
        "column 'b' has the text '-12,345.5' in row 7; remove the commas between thousands",
    ),
    "text": ("data.csv", _text(_frame()), ', target = "label"', "features", "or add 'city' to categories"),
    "infinite": ("data.csv", _text(_with("b", 6, np.inf)), GOOD, "features", "has the value inf in row 7"),
    "huge": ("data.csv", _text(_with("b", 6, 1e300)), GOOD, "features", "use numbers up to 1e30"),
    "dates": ("data.parquet", b"", ', target = "label", ignore = ["city"]', "features", "column 'day' has dates"),
    "constant": (
        "data.csv",
        _text(_frame().assign(b=1.5)),
        GOOD,
        "features",
        "column has the same value in all rows: 'b'; ignore 'b'",
    ),
    "one class": ("data.csv", _text(_frame().assign(label="x")), GOOD, "target", "has one class, 'x'"),
    "small class": (
        "data.csv",
        _text(_with("label", 7, "rare")),
        GOOD,
        "target",
        "class 'rare' has 1 row, too few for the validation set",
    ),
    "many classes": (
        "data.csv",
        _text(_frame(1_200).assign(label=[f"k{row}" for row in range(1_200)])),
        GOOD,
        "target",
        "has 1,200 different values, more than 1,000",
    ),
    "many categories": (
        "data.csv",
        _text(_frame(300).assign(city=[f"k{row}" for row in range(300)])),
        ', target = "label", ignore = ["price"], categories = ["city"]',
        "categories",
        "has 300 different values, more than 256",
    ),
    "two targets of classes": (
        "data.csv",
        _text(_frame()),
        ', target = ["label", "city"], target_type = "classification"',
        "target",
        "a classification has one target",
    ),
    "text as regression": (
        "data.csv",
        _text(_frame()),
        ', target = "label", ignore = ["city"], target_type = "regression"',
        "target",
        "column 'label' has the text 'x' in row 1 and 59 more",
    ),
    "constant target": (
        "data.csv",
        _text(_frame().assign(price=1.5)),
        ', target = "price", ignore = ["city", "label"]',
        "target",
        "has the same value in all rows",
    ),
    "split of too many rows": (
        "data.csv",
        _text(_frame()),
        f"{GOOD}, split = {{ train = 50, validation = 10, test = 10 }}",
        "split",
        "the file has 60 rows, fewer than train + validation + test = 50 + 10 + 10",
    ),
    "shares above 1": (
        "data.csv",
        _text(_frame()),
        f"{GOOD}, split = {{ train = 0.8, validation = 0.2, test = 0.2 }}",
        "split",
        "the shares add up to 1.2",
    ),
    "empty set": (
        "data.csv",
        _text(_frame()),
        f"{GOOD}, split = {{ train = 0.9, validation = 0.001, test = 0.05 }}",
        "split",
        "the validation set of 60 rows is empty",
    ),
    "mixed split": (
        "data.csv",
        _text(_frame()),
        f"{GOOD}, split = {{ train = 0.8, validation = 5, test = 5 }}",
        "split",
        "expected three shares between 0 and 1, or three whole numbers",
    ),
    "split of another type": ("data.csv", _text(_frame()), f"{GOOD}, split = 3", "split", "or the name of a column"),
    "set without a class": (
        "data.csv",
        _text(
            _frame().assign(
                part=np.where(np.arange(60) % 3 == 2, "train", np.where(np.arange(60) % 2, "test", "validation"))
            )
        ),
        f'{GOOD}, split = "part"',
        "split",
        "the train set has no row of class 'x'",
    ),
    "shifted columns": (
        "data.csv",
        b"a,b,label\n\n1,2,3,x\n4,5,6,y\n",
        ', target = "label"',
        "file",
        "row 1 of 'data.csv' has 4 fields, the first line names 3 columns",
    ),
    "words for missing": (
        "data.csv",
        _text(_with("b", 6, "None")),
        GOOD,
        "features",
        "column 'b' has the text 'None' in row 7",
    ),
    "lists": ("lists.parquet", b"", ', target = "label", ignore = ["city"]', "features", "has values of type"),
    "bytes": ("bytes.parquet", b"", ', target = "label", ignore = ["city"]', "target", "has values of type bytes"),
    "unknown set": (
        "data.csv",
        _text(_frame().assign(part="train")),
        f'{GOOD}, split = "part"',
        "split",
        "puts no row into the validation set",
    ),
    "other sets": (
        "data.csv",
        _text(_frame().assign(part="fold1")),
        f'{GOOD}, split = "part"',
        "split",
        "has 'fold1' in row 1 and 59 more; use train, validation and test",
    ),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_broken_files_give_errors_with_the_line_of_the_key(
    case: tuple[str, bytes, str, str, str], tmp_path: Path
) -> None:
    name, content, keys, key, message = case
    if name == "data.parquet" and not content:
        days = pd.to_datetime("2026-01-01") + pd.to_timedelta(np.arange(60), unit="D")
        _frame().assign(day=days).to_parquet(tmp_path / name)
    elif name == "lists.parquet":
        _frame().assign(many=[[1.0, 2.0]] * 60).to_parquet(tmp_path / name)
    elif name == "bytes.parquet":
        _frame().assign(label=[b"x", b"y"] * 30).to_parquet(tmp_path / name)
    elif name != "none.csv":
        (tmp_path / name).write_bytes(content)
    spec = tmp_path / "mine.toml"
    spec.write_text(SPEC.format(file=name, keys=keys))
    with pytest.raises(SpecError) as raised:
        load_studies([spec])
    found = [problem for problem in raised.value.problems if message in problem.message]
    assert found, str(raised.value)
    assert found[0].key in (f"measure.accuracy.task.{key}", "measure.accuracy.task")
    assert found[0].line == 8
    assert all("; " in problem.message or "expected" in problem.message for problem in raised.value.problems)


def test_pipes_and_folders_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    for name in ("pipe.csv", "folder.csv"):
        with pytest.raises(DataFileError, match=f"'{name}' is no regular file"):
            read_facts(Table(file=name, target=("label",)), tmp_path)


def test_all_problems_of_a_file_are_reported_together(tmp_path: Path) -> None:
    frame = _with("a", 2, "?").astype({"b": object})
    frame.loc[3, "b"] = None
    frame.to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(DataFileError) as raised:
        read_facts(Table(file="data.csv", target=("label",)), tmp_path)
    assert [key for key, _ in raised.value.problems] == ["features"] * 3  # a, b and city


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_facts_of_a_table(ending: str, tmp_path: Path) -> None:
    frame = _frame()
    file = tmp_path / f"data.{ending}"
    if ending == "csv":
        frame.to_csv(file, index=False)
    else:
        frame.to_parquet(file)
    task = Table(file=file.name, target=("label",), categories=("city",))
    known = task.with_facts(read_facts(task, tmp_path))
    facts = known.facts
    assert facts.inputs == ("a", "b", "c", "price", "city=Oslo", "city=Rome")
    assert (facts.numbers, facts.classes, facts.rows_by_class) == (4, ("x", "y", "z"), (20, 20, 20))
    assert (known.inputs, known.outputs, known.loss, known.points) == (6, 3, "cross_entropy", (36, 12, 12))
    rows = read_rows(known)
    assert np.allclose(rows.inputs[:, :4], frame[["a", "b", "c", "price"]])
    assert (rows.inputs[:, 4] == (frame["city"] == "Oslo")).all()
    assert (rows.labels == np.arange(60) % 3).all()


def test_formats_of_the_same_values_have_the_same_digest(tmp_path: Path) -> None:
    frame = _frame()[["a", "b", "label"]]
    frame.to_csv(tmp_path / "one.csv", index=False)
    frame.to_parquet(tmp_path / "two.parquet")
    digests = {read_facts(Table(file=file, target=("label",)), tmp_path).digest for file in ("one.csv", "two.parquet")}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("values", "kind", "classes"),
    [
        (["no", "yes"], "binary_cross_entropy", ("no", "yes")),
        ([True, False], "binary_cross_entropy", ("False", "True")),
        ([10, 9, 1], "cross_entropy", ("1", "9", "10")),
        (list(range(30)), "half_square", ()),
        ([0.5, 1.5], "half_square", ()),
    ],
)
def test_the_type_of_the_target_is_inferred(
    values: list[Any], kind: str, classes: tuple[str, ...], tmp_path: Path
) -> None:
    frame = _frame().assign(label=[values[row % len(values)] for row in range(60)])[["a", "b", "label"]]
    frame.to_csv(tmp_path / "data.csv", index=False)
    task = Table(file="data.csv", target=("label",))
    known = task.with_facts(read_facts(task, tmp_path))
    assert (known.loss, known.facts.classes) == (kind, classes)


def test_a_regression_of_several_targets(tmp_path: Path) -> None:
    _frame().to_csv(tmp_path / "data.csv", index=False)
    task = Table(file="data.csv", target=("a", "price"), ignore=("label", "city"))
    known = task.with_facts(read_facts(task, tmp_path))
    assert (known.inputs, known.outputs, known.label_variance, known.error) == (2, 2, 1.0, 0.5)
    raw = known.model_copy(update={"standardize": False})
    expected = float(_frame()[["a", "price"]].var(ddof=0).mean())
    assert raw.label_variance == pytest.approx(expected)


def test_a_file_that_changes_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    _frame().to_csv(file, index=False)
    task = Table(file="data.csv", target=("label",), ignore=("city",))
    known = task.with_facts(read_facts(task, tmp_path))
    read_rows(known)
    _frame().assign(a=1.0 * np.arange(60)).to_csv(file, index=False)
    with pytest.raises(ValueError, match="has changed since the spec was loaded"):
        read_rows(known)
    file.unlink()
    with pytest.raises(ValueError, match="this machine lacks"):
        read_rows(known)


def test_the_name_of_a_file_does_not_change_the_cells(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        _frame().to_csv(tmp_path / name, index=False)
    keys = []
    for name in ("one.csv", "two.csv"):
        spec = tmp_path / f"{name}.toml"
        spec.write_text(SPEC.format(file=name, keys=GOOD))
        (study,) = load_studies([spec])
        keys.append([cell.key for cell in cells_of(study)])
    assert keys[0] == keys[1]
    _frame(61).to_csv(tmp_path / "two.csv", index=False)
    (study,) = load_studies([spec])
    assert [cell.key for cell in cells_of(study)] != keys[1]


def test_data_replace_the_file_of_a_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frame = _frame()
    frame.to_csv(tmp_path / "other.csv", index=False)
    spec = tmp_path / "mine.toml"
    spec.write_text(SPEC.format(file="private.csv", keys=GOOD))
    (study,) = load_studies([spec], data={"private": Path("other.csv")})
    assert study.spec.name.startswith("mine-set-file-other-")
    again = suite.load(spec, data={"private": "other.csv"})
    assert again.spec.name == study.spec.name
    with pytest.raises(ValueError, match="no task has a file of this name"):
        load_studies([spec], data={"private": Path("other.csv"), "elsewhere": Path("other.csv")})


def test_data_in_memory_give_the_same_results_as_a_file(tmp_path: Path) -> None:
    frame = _frame()
    frame.to_csv(tmp_path / "private.csv", index=False)
    spec = tmp_path / "mine.toml"
    spec.write_text(SPEC.format(file="private.csv", keys=GOOD))
    columns = ["a", "b", "c"]
    of_file = suite.run(spec, results=tmp_path / "r", workers=1).summary
    for x, keys in ((frame[columns], GOOD), (frame[columns].to_numpy(), ', target = "label"')):
        spec.write_text(SPEC.format(file="private.csv", keys=keys.replace(', ignore = ["city", "price"]', "")))
        found = suite.run(spec, data={"private": (x, frame["label"])}, results=tmp_path / "r", workers=1).summary
        pd.testing.assert_frame_equal(found.drop(columns="member"), of_file.drop(columns="member"))
    with pytest.raises(ValueError, match="expected x"):
        suite.run(spec, data={"private": (frame[columns], frame["label"][:3])}, results=tmp_path / "r")
    with pytest.raises(ValueError, match="expected a path or a pair"):
        suite.run(spec, data={"private": frame}, results=tmp_path / "r")


def test_stored_arrays_are_named_by_their_content(tmp_path: Path) -> None:
    x, y = np.arange(6.0).reshape(3, 2), np.array([0, 1, 0])
    first, names = store_arrays("mine", x, y, [], tmp_path)
    assert names == ("y",)
    assert store_arrays("mine", x, y, [], tmp_path) == (first, names)
    others = [(x + 1, y, []), (x, y + 1, []), (x, y, ["label"]), (x, np.array(["0", "1", "0"]), [])]
    files = {store_arrays("mine", *other, tmp_path)[0] for other in others}
    assert len({first, *files}) == 5


def test_labels_in_memory_keep_their_types(tmp_path: Path) -> None:
    x = np.arange(12.0).reshape(6, 2)
    for y, kind in (
        (np.array([1.5, 2.5, 3.0, 4.0, 5.5, 6.0], dtype=object), "f"),
        (torch.arange(6, dtype=torch.float32, requires_grad=True), "f"),
        (np.array(["a", "b", "a", "b", "a", "b"], dtype=object), "O"),
        ([True, False] * 3, "b"),
    ):
        file, (name,) = store_arrays("mine", x, y, [], tmp_path)
        assert np.asarray(pd.read_parquet(file)[name].to_numpy()).dtype.kind == kind
    file, _ = store_arrays("mine", x, np.array(["a", None, "b"] * 2, dtype=object), ["label"], tmp_path)
    with pytest.raises(DataFileError, match="'label' has no value in row 2"):
        read_facts(Table(file=file.name, target=("label",)), tmp_path)
    for x_, y_, message in (
        (pd.DataFrame({"y": [1.0, 2.0]}), [0, 1], "x has a column 'y', as y"),
        (pd.DataFrame({"a": [1.0, object()]}), [0, 1], "cannot be stored"),
        (np.zeros((2, 2)), [[0, 1, 2], [0]], "expected arrays"),
    ):
        with pytest.raises(ValueError, match=message):
            store_arrays("mine", x_, y_, [], tmp_path)


def test_columns_named_y_are_targets_of_npz_files_only(tmp_path: Path) -> None:
    _frame()[["a", "price"]].set_axis(["y", "y0"], axis="columns").to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(DataFileError, match="target is missing"):
        read_facts(Table(file="data.csv"), tmp_path)
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).normal(size=(60, 2)), y=np.arange(60.0))
    facts = read_facts(Table(file="data.npz"), tmp_path)
    assert (facts.inputs, facts.targets) == (("x0", "x1"), ("y",))


def test_columns_of_0_and_1_and_categories_give_different_cells(tmp_path: Path) -> None:
    """Only the former are standardized."""
    frame = _frame()[["a", "label"]].assign(oslo=[1.0, 0.0] * 30, rome=[0.0, 1.0] * 30)
    frame.to_csv(tmp_path / "numbers.csv", index=False)
    _frame()[["a", "label", "city"]].to_csv(tmp_path / "words.csv", index=False)
    contents = []
    for task in (
        Table(file="numbers.csv", target=("label",)),
        Table(file="words.csv", target=("label",), categories=("city",)),
    ):
        contents.append(task.with_facts(read_facts(task, tmp_path)).content)
    assert contents[0] != contents[1]


def test_a_spec_in_a_linked_folder_finds_other_data(tmp_path: Path) -> None:
    (tmp_path / "deep" / "specs").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "specs")
    _frame().to_csv(tmp_path / "other.csv", index=False)
    spec = tmp_path / "link" / "mine.toml"
    spec.write_text(SPEC.format(file="private.csv", keys=GOOD))
    (study,) = load_studies([spec], data={"private": tmp_path / "other.csv"})
    assert study.members


def test_set_and_data_for_the_same_file_exclude_each_other(tmp_path: Path) -> None:
    _frame().to_csv(tmp_path / "other.csv", index=False)
    spec = tmp_path / "mine.toml"
    spec.write_text(SPEC.format(file="private.csv", keys=GOOD))
    changes = parse_changes(['measure.accuracy.task.file="other.csv"'])
    with pytest.raises(ValueError, match="set the same key"):
        load_studies([spec], changes, {"other": tmp_path / "other.csv", "private": tmp_path / "other.csv"})


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [([50, 50, 50], [90, 30, 30]), ([3, 97], [60, 20, 20]), ([7, 11, 13], [5, 5, 5]), ([1, 1, 100], [50, 26, 26])],
)
def test_classes_are_divided_in_proportion_and_exactly(rows: list[int], sizes: list[int]) -> None:
    divided = divide_classes(rows, sizes)
    assert [sum(part) for part in divided] == sizes
    taken = [sum(part) for part in zip(*divided, strict=True)]
    assert all(0 <= used <= own for used, own in zip(taken, rows, strict=True))
    for part, size in zip(divided, sizes, strict=True):
        for number, own in zip(part, rows, strict=True):
            assert abs(number - own * size / sum(rows)) < 2
