"""Read the tables that tasks train on, from CSV, Parquet and NPZ files, and report everything that is wrong in them.

pandas and pyarrow are imported only when a spec names a file.
"""

import csv
import hashlib
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suite.catalog.datasets import PARTS, Dataset, TableFacts, TableSource, divide_classes
from suite.catalog.shown import shown
from suite.formatting import format_bytes, format_count
from suite.results.files import write_whole
from suite.spec.problems import near_to

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 4 * 2**30
"""The maximum size of a file."""

MOST_VALUES = 2**28
"""The maximum number of values of a file, which take 2 GiB."""

MOST_CLASSES, MOST_CATEGORIES = 1_000, 256
"""The maximum numbers of classes, and of different values of a column that becomes categories."""

FEW_VALUES = 20
"""Maximum number of different whole numbers that are taken for classes."""

_LARGEST = 1e30
"""The largest absolute value, whose square is still finite in float32 after division by the standard deviation."""

_MOST_REPORTED = 8
"""Maximum number of columns that one message names."""

_PARSER = "Error tokenizing data. C error: "
"""The beginning of pandas' messages about malformed rows."""

_LONGEST = 120
"""The maximum number of characters shown of another package's message."""

_MATRIX = 2
"""The number of dimensions of a matrix."""


class DataFileError(ValueError):
    """Everything that is wrong in a file.

    Attributes:
        problems: The key of the task that each problem is about, and its message with a hint.
    """

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("\n".join(message for _, message in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Rows:
    """The rows of a file.

    Attributes:
        inputs: The columns that networks get, (rows, columns).
        labels: The number of the class of each row, (rows,); in a regression, the targets, (rows, targets).
        parts: The number of the set, from 0, that each row belongs to; None if the spec splits them.
    """

    inputs: NDArray[np.float64]
    labels: NDArray[Any]
    parts: NDArray[np.int64] | None


def read_facts(task: Dataset, folder: Path) -> TableFacts:
    """Read the file of a task and return what it contains.

    Args:
        task: The task.
        folder: The folder to which the path in the task is relative.

    Raises:
        DataFileError: If the file cannot be read, or does not suit the task.
    """
    return _read(task.source, str((folder / task.source.file).absolute()))[1]


def read_rows(task: Dataset) -> Rows:
    """Return the rows of a task whose file was read before.

    Raises:
        ValueError: If this machine lacks the file, or the file has changed.
    """
    facts, source = task.facts, task.source
    path = source.file if Path(source.file).is_absolute() else facts.path  # shipped files have other paths elsewhere
    try:
        rows, now = _read(source, path)
    except DataFileError as error:
        if Path(path).is_file():
            raise ValueError(f"{error}; the file has changed since the spec was loaded") from None
        raise ValueError(
            f"this machine lacks {path}; put the data file where all workers find it under the same path"
        ) from None
    if now.digest != facts.digest:
        raise ValueError(f"{path} has changed since the spec was loaded; load the spec again")
    return rows


def _read(source: TableSource, path: str) -> tuple[Rows, TableFacts]:
    """Read a file unless it was read last and is the same."""
    before = _state(Path(path))
    found = _read_state(source, path, before)
    if _state(Path(path)) != before:
        _read_state.cache_clear()
        raise DataFileError([("file", f"{shown(path)} changed while it was read; run again once it is complete")])
    return found


def _state(path: Path) -> tuple[int, int, int]:
    """Return what changes if a file is written to."""
    try:
        status = path.stat()
    except OSError as error:
        raise DataFileError(
            [("file", f"{shown(str(path))} cannot be read ({error.strerror}); use the path of a data file")]
        ) from None
    return status.st_size, status.st_mtime_ns, status.st_ino


@lru_cache(maxsize=2)
def _read_state(source: TableSource, path: str, state: tuple[int, int, int]) -> tuple[Rows, TableFacts]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns of columns that the checks below report
        frame = _read_frame(Path(path), source, state[0])
    return _Checked(frame, source).rows_and_facts(path)


def _read_frame(path: Path, source: TableSource, size: int) -> "pd.DataFrame":
    """Return all columns of a file.

    Raises:
        DataFileError: If it has no such format, is too large or is damaged.
    """
    readers: dict[str, Callable[[Path, TableSource], pd.DataFrame]] = {
        ".csv": _read_csv,
        ".parquet": _read_parquet,
        ".npz": _read_npz,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None or not path.is_file():
        what = "is a folder" if path.is_dir() else f"has the ending {shown(path.suffix)}"
        raise DataFileError([("file", f"{shown(path.name)} {what}; use a .csv, .parquet or .npz file")])
    if size > MOST_BYTES:
        limit = f"{format_bytes(size)}, more than {format_bytes(MOST_BYTES)}"
        raise DataFileError([("file", f"{shown(path.name)} has {limit}; use fewer rows or columns")])
    try:
        frame = reader(path, source)
    except DataFileError:
        raise
    except MemoryError:
        raise DataFileError([("file", f"{shown(path.name)} does not fit into memory; use fewer rows")]) from None
    except Exception as error:  # the readers' packages raise many types of errors
        (reason, *_) = str(error).removeprefix(_PARSER).strip().splitlines() or [type(error).__name__]
        message = f"{shown(path.name)} cannot be read ({reason[:_LONGEST]}); use another {path.suffix} file"
        raise DataFileError([("file", message)]) from None
    if frame.empty:
        raise DataFileError([("file", f"{shown(path.name)} has no rows; add some below the names of the columns")])
    return frame


def _read_csv(path: Path, source: TableSource) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415  # see the module's docstring

    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file)
        header, first = next(lines, []), next(lines, [])
    _check_names(header, path)
    if len(first) > len(header):  # pandas would take the first column for an index
        message = f"row 1 of {shown(path.name)} has {len(first)} fields, the first line names {len(header)} columns"
        raise DataFileError([("file", f"{message}; name all columns")])
    # The first line is read as any other, since pandas would rename columns of equal names.
    return pd.read_csv(path, header=None, names=header, skiprows=1, encoding="utf-8-sig", low_memory=False)


def _read_parquet(path: Path, source: TableSource) -> "pd.DataFrame":
    import pyarrow.parquet as pq  # noqa: PLC0415  # see the module's docstring

    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        wanted = set(source.features or names) | {*source.target, *source.categories}
        wanted |= {source.split} if isinstance(source.split, str) else set()
        _check_names(names, path)
        columns = [name for name in names if name in wanted and not name.startswith("__index_level_")]
        _check_size(file.metadata.num_rows * len(columns), path)
        frame: pd.DataFrame = file.read(columns=columns or None).to_pandas(ignore_metadata=True)
    return frame


def _read_npz(path: Path, source: TableSource) -> "pd.DataFrame":
    """Return the arrays `x` and `y` as columns x0, x1, ... and those that `target` names, or y."""
    import pandas as pd  # noqa: PLC0415  # see the module's docstring

    with zipfile.ZipFile(path) as content:
        _check_size(sum(entry.file_size for entry in content.infolist()) // 8, path)
    with np.load(path, allow_pickle=False) as arrays:
        if missing := [name for name in ("x", "y") if name not in arrays.files]:
            there = ", ".join(map(shown, arrays.files)) or "none"
            raise DataFileError([("file", f"{shown(path.name)} has no array {missing[0]} (it has: {there})")])
        x, y = arrays["x"], arrays["y"]
    if x.ndim != _MATRIX or y.ndim not in (1, _MATRIX) or len(x) != len(y):
        shapes = f"x of shape {x.shape} and y of shape {y.shape}"
        raise DataFileError([("file", f"expected x of shape (rows, features) and y with as many rows, got {shapes}")])
    labels = y.reshape(len(y), -1)
    names = list(source.target) or _target_names(labels.shape[1])
    if len(names) != labels.shape[1]:
        message = f"y has {format_count(labels.shape[1], 'column')}; name as many, or leave the key out"
        raise DataFileError([("target", message)])
    columns: dict[str, Any] = {f"x{place}": x[:, place] for place in range(x.shape[1])}
    return pd.DataFrame(columns | {name: labels[:, place] for place, name in enumerate(names)})


def _target_names(number: int) -> list[str]:
    return ["y"] if number == 1 else [f"y{place}" for place in range(number)]


def _check_names(names: Sequence[str], path: Path) -> None:
    """Raise an error unless all columns have different names."""
    if not names:
        raise DataFileError([("file", f"{shown(path.name)} is empty; add a line with the names of the columns")])
    if nameless := [place for place, name in enumerate(names, 1) if not str(name).strip()]:
        hint = "name it, or write the file without an index (to_csv(..., index=False))"
        raise DataFileError([("file", f"column {nameless[0]} of {shown(path.name)} has no name; {hint}")])
    if repeated := next((name for place, name in enumerate(names) if name in names[:place]), None):
        raise DataFileError([("file", f"two columns of {shown(path.name)} are named {shown(repeated)}; rename one")])


def _check_size(values: int, path: Path) -> None:
    if values > MOST_VALUES:
        message = f"{shown(path.name)} has {values:,} values, more than {MOST_VALUES:,}; use fewer rows or columns"
        raise DataFileError([("file", message)])


def store_arrays(name: str, x: Any, y: Any, targets: Sequence[str], folder: Path) -> Path:
    """Write inputs and labels that are in memory to a file that a task can name, and return its path.

    Args:
        name: The beginning of the file's name, which ends with a hash of the content.
        x: Inputs (rows, features): a frame, an array or a tensor.
        y: Labels (rows,) or (rows, targets).
        targets: The names of the targets in the spec; empty if there are none.
        folder: The folder of the file.

    Raises:
        ValueError: If the shapes do not suit each other.
    """
    import pandas as pd  # noqa: PLC0415  # see the module's docstring

    labels = np.asarray(y)
    shapes = f"x of shape {np.shape(x)} and y of shape {labels.shape}"
    if len(np.shape(x)) != _MATRIX or labels.ndim not in (1, _MATRIX) or len(labels) != len(x):
        raise ValueError(f"data {shown(name)}: expected x (rows, features) and y with as many rows, got {shapes}")
    labels = labels.reshape(len(labels), -1)
    content = BytesIO()
    if isinstance(x, pd.DataFrame):
        names = list(targets) or _target_names(labels.shape[1])
        if len(names) != labels.shape[1]:
            raise ValueError(f"data {shown(name)}: expected y with the targets {', '.join(names)}, got {shapes}")
        columns = {target: labels[:, place] for place, target in enumerate(names)}
        x.reset_index(drop=True).assign(**columns).to_parquet(content, index=False)
    else:
        np.savez(content, x=np.asarray(x), y=labels.astype(str) if labels.dtype == object else labels)
    ending = ".parquet" if isinstance(x, pd.DataFrame) else ".npz"
    file = folder / f"{name}-{_digest(*_arrays(x, labels))[:8]}{ending}"
    if not file.exists():
        write_whole(file, lambda opened: opened.write(content.getvalue()))
    return file


def _arrays(x: Any, labels: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield arrays of plain types with the content of a frame, or of an array, and of labels."""
    columns = [x[name].to_numpy() for name in x.columns] if hasattr(x, "columns") else [np.asarray(x)]
    yield np.array([str(name) for name in getattr(x, "columns", ())])
    for values in (*columns, labels):
        yield values.astype(str) if values.dtype == object else values


class _Checked:
    """The columns of a file, which are converted to numbers, and the problems found so far."""

    def __init__(self, frame: "pd.DataFrame", source: TableSource) -> None:
        self.frame, self.source = frame, source
        self.problems: list[tuple[str, str]] = []

    def rows_and_facts(self, path: str) -> tuple[Rows, TableFacts]:
        """Return the rows, and what they contain.

        Raises:
            DataFileError: If there are any problems.
        """
        self._check_columns()
        self._stop_at_problems()
        numbers = {name: self._numbers(name, "features") for name in self._features() if not self._is_category(name)}
        categories = {name: self._category(name) for name in self._features() if self._is_category(name)}
        labels, classes = self._labels()
        parts = self._parts()
        self._stop_at_problems()
        self._check_constant(numbers)
        hot = {f"{name}={value}": each == value for name, each in categories.items() for value in np.unique(each)}
        columns = {**numbers, **hot}
        inputs = np.empty((len(self.frame), len(columns)))
        for place, values in enumerate(columns.values()):
            inputs[:, place] = values
        counts = np.bincount(labels) if classes else np.array([len(labels)])
        sizes = self._sizes(counts, classes, parts)
        self._stop_at_problems()
        return Rows(inputs, labels, parts), TableFacts(
            path=path,
            digest=_digest(inputs, labels, parts),
            inputs=tuple(columns),
            numbers=len(numbers),
            targets=self.source.target or tuple(self._npz_targets()),
            classes=classes,
            rows_by_class=tuple(map(int, counts)),
            points=sizes,
            variance=None if classes else float(labels.var(axis=0).mean()),
        )

    def _stop_at_problems(self) -> None:
        if self.problems:
            raise DataFileError(self.problems)

    def _problem(self, key: str, message: str) -> None:
        self.problems.append((key, message))

    def _npz_targets(self) -> list[str]:
        """Return the columns that hold `y` if the spec does not name them."""
        return [name for name in self.frame.columns if name == "y" or (name[0] == "y" and name[1:].isdigit())]

    def _targets(self) -> list[str]:
        return list(self.source.target) or self._npz_targets()

    def _features(self) -> list[str]:
        """Return the columns that networks get, in the order of the file or of the spec."""
        source = self.source
        if source.features is not None:
            return list(source.features)
        others = {*self._targets(), *source.ignore, source.split if isinstance(source.split, str) else ""}
        return [name for name in self.frame.columns if name not in others]

    def _is_category(self, name: str) -> bool:
        return name in self.source.categories

    def _check_columns(self) -> None:
        """Check that the columns that the spec names exist, and are used once."""
        source, there = self.source, dict.fromkeys(self.frame.columns)
        named = [("target", name) for name in source.target]
        named += [(key, name) for key in ("features", "ignore", "categories") for name in getattr(source, key) or ()]
        named += [("split", source.split)] if isinstance(source.split, str) else []
        for key, name in named:
            if name not in there:
                near = near_to(name, there)
                columns = ", ".join(map(shown, list(there)[:_MOST_REPORTED]))
                hint = f"did you mean {near}?" if near else f"the columns are {columns}"
                self._problem(key, f"there is no column {shown(name)}; {hint}")
        if not self._targets():
            columns = ", ".join(map(shown, list(there)[-_MOST_REPORTED:]))
            self._problem("target", f"target is missing; set it to the column to predict, such as one of {columns}")
        if source.features is not None and source.ignore:
            self._problem("ignore", "features and ignore are both set; use one of them")
        features = self._features()
        if not features:
            self._problem("features", "there are no columns for the inputs; add some, or ignore fewer")
        for name in self._targets():
            if name in features or name in source.categories:
                self._problem("features", f"{shown(name)} is the target; remove it from the inputs")
        for name in source.categories:
            if name in there and name not in features and name not in self._targets():
                self._problem("categories", f"{shown(name)} is not among the inputs; remove it, or add it to features")

    def _where(self, wrong: NDArray[np.bool_]) -> str:
        """Return the first row that is wrong, from 1, and the number of further ones."""
        more = int(wrong.sum()) - 1
        return f"row {int(wrong.argmax()) + 1}" + (f" and {more:,} more" if more else "")

    def _numbers(self, name: str, key: str) -> NDArray[np.float64]:
        """Return a column of finite numbers; note a problem if it has others."""
        import pandas as pd  # noqa: PLC0415  # see the module's docstring

        column, zeros = self.frame[name], np.zeros(len(self.frame))
        missing = column.isna().to_numpy()
        if missing.any():
            hint = "fill it in, or remove the row"
            self._problem(key, f"column {shown(name)} has no value in {self._where(missing)}; {hint}")
            return zeros
        if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
            values = column.to_numpy(dtype=np.float64)
        elif pd.api.types.is_datetime64_any_dtype(column):
            self._problem(key, f"column {shown(name)} has dates; convert them to numbers, or ignore the column")
            return zeros
        else:
            parsed = pd.to_numeric(column, errors="coerce")
            wrong = parsed.isna().to_numpy()
            if wrong.any():
                text = shown(str(column.iloc[int(wrong.argmax())]))
                hint = "correct it" if not wrong.all() else "ignore the column"
                if key == "features":
                    hint += f", or add {shown(name)} to categories"
                self._problem(key, f"column {shown(name)} has the text {text} in {self._where(wrong)}; {hint}")
                return zeros
            values = parsed.to_numpy(dtype=np.float64)
        extreme = ~(np.abs(values) <= _LARGEST)
        if extreme.any():
            found = values[int(extreme.argmax())]
            message = f"column {shown(name)} has the value {found:g} in {self._where(extreme)}; use numbers up to 1e30"
            self._problem(key, message)
            return zeros
        return values

    def _category(self, name: str) -> NDArray[Any]:
        """Return a column as texts; note a problem if it has none in a row, or too many different ones."""
        return self._texts(name, "categories", MOST_CATEGORIES, "remove it from categories, or ignore the column")

    def _texts(self, name: str, key: str, most: int, hint: str) -> NDArray[Any]:
        column = self.frame[name]
        missing = column.isna().to_numpy()
        if missing.any():
            self._problem(key, f"column {shown(name)} has no value in {self._where(missing)}; fill it in")
            return np.array([""] * len(column))
        if (different := column.nunique()) > most:
            self._problem(key, f"column {shown(name)} has {different:,} different values, more than {most:,}; {hint}")
            return np.array([""] * len(column))
        return np.array([str(value) for value in column])

    def _check_constant(self, numbers: dict[str, NDArray[np.float64]]) -> None:
        """Note the columns that have one value in all rows."""
        if constant := [name for name, values in numbers.items() if (values == values[0]).all()]:
            names = ", ".join(map(shown, constant[:_MOST_REPORTED]))
            names += f" and {len(constant) - _MOST_REPORTED} more" if len(constant) > _MOST_REPORTED else ""
            what = "columns have" if len(constant) > 1 else "column has"
            self._problem("features", f"{what} the same value in all rows: {names}; ignore {names}")

    def _labels(self) -> tuple[NDArray[Any], tuple[str, ...]]:
        """Return the labels of the rows, and the classes in order."""
        names, asked = self._targets(), self.source.target_type
        if asked == "classification" and len(names) > 1:
            self._problem("target", "a classification has one target; use one column")
        if len(names) > 1 or asked == "regression" or (asked is None and not self._has_classes(names[0])):
            targets = np.column_stack([self._numbers(name, "target") for name in names])
            for name, values in zip(names, targets.T, strict=True):
                if not self.problems and (values == values[0]).all():
                    self._problem("target", f"column {shown(name)} has the same value in all rows; use another target")
            return targets, ()
        hint = 'set target_type = "regression", or use another target'
        texts = self._texts(names[0], "target", MOST_CLASSES, hint)
        column = self.frame[names[0]]
        order = [str(value) for value in sorted(column.dropna().unique(), key=_sort_key)]
        if len(order) == 1:
            self._problem("target", f"column {shown(names[0])} has one class, {shown(order[0])}; use another target")
        numbers = {text: number for number, text in enumerate(order)}
        return np.array([numbers.get(text, 0) for text in texts]), tuple(order)

    def _has_classes(self, name: str) -> bool:
        """Return whether a target is taken for classes: text, or few different whole numbers."""
        import pandas as pd  # noqa: PLC0415  # see the module's docstring

        column = self.frame[name]
        if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
            return True
        different = column.dropna().unique()
        return len(different) <= FEW_VALUES and all(float(value).is_integer() for value in different)

    def _parts(self) -> NDArray[np.int64] | None:
        """Return the set of each row, if a column says it."""
        name = self.source.split
        if not isinstance(name, str):
            return None
        texts = self.frame[name].astype(str).str.strip().str.lower().to_numpy()
        parts = np.full(len(texts), -1)
        for number, part in enumerate(PARTS):
            parts[texts == part] = number
        if (wrong := parts < 0).any():
            text = shown(str(self.frame[name].iloc[int(wrong.argmax())]))
            message = f"column {shown(name)} has {text} in {self._where(wrong)}; use train, validation and test"
            self._problem("split", message)
        for number, part in enumerate(PARTS):
            if not (parts == number).any():
                self._problem("split", f"column {shown(name)} puts no row into the {part} set; add some")
        return parts

    def _sizes(
        self, counts: NDArray[np.int64], classes: tuple[str, ...], parts: NDArray[np.int64] | None
    ) -> tuple[int, int, int]:
        """Return the sizes of the sets; note a problem if they are too large, or lack a class."""
        rows, split = len(self.frame), self.source.split
        if parts is not None:
            train, validation, test = (int(count) for count in np.bincount(parts, minlength=len(PARTS)))
            return train, validation, test
        assert not isinstance(split, str)
        sizes = split.sizes(rows)
        if sum(sizes) > rows:
            train, validation, test = sizes
            message = f"the file has {rows:,} rows, fewer than train + validation + test = "
            self._problem("split", message + f"{train:,} + {validation:,} + {test:,}; use fewer")
        elif min(sizes) < 1:
            empty = PARTS[sizes.index(min(sizes))]
            self._problem("split", f"the {empty} set of {format_count(rows, 'row')} is empty; use a larger share")
        else:
            for part, numbers in zip(PARTS, divide_classes([int(count) for count in counts], sizes), strict=True):
                for name, own, number in zip(classes, counts, numbers, strict=False):
                    if number == 0:
                        message = f"class {shown(name)} has {format_count(int(own), 'row')}, too few for the {part} set"
                        self._problem("target", f"{message}; add rows, merge classes, or change split")
        return sizes


def _sort_key(value: Any) -> tuple[bool, Any]:
    """Return a key that sorts numbers by size, before texts."""
    text = isinstance(value, str)
    return text, value if text else float(value)


def _digest(*arrays: NDArray[Any] | None) -> str:
    """Return a hash of arrays."""
    digest = hashlib.sha256()
    for values in arrays:
        if values is not None:
            digest.update(f"{values.dtype.str} {values.shape} ".encode())
            digest.update(np.ascontiguousarray(values).data)
        digest.update(b";")
    return digest.hexdigest()[:32]
