"""Read the tables that tasks train on, from CSV, Parquet and NPZ files, and report everything that is wrong in them.

pandas and pyarrow are imported only when a spec names a file.
"""

import csv
import hashlib
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suite.catalog.datasets import Dataset, TableFacts, TableSource
from suite.catalog.shown import shown
from suite.formatting import format_bytes, format_count, short_error
from suite.results.files import write_whole
from suite.spec.table_checks import MOST_VALUES, DataFileError, Rows, TableChecks

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 4 * 2**30
"""The maximum size of a file."""

_MATRIX = 2
"""The number of dimensions of a matrix."""

_PARSER = "Error tokenizing data. C error: "
"""The beginning of pandas' messages about malformed rows."""

_LONGEST = 120
"""The maximum number of characters shown of another package's message."""


def read_facts(task: Dataset, folder: Path) -> TableFacts:
    """Read the file of a task and return what it contains.

    Args:
        task: The task.
        folder: The folder to which the path in the task is relative.

    Raises:
        DataFileError: If the file cannot be read, or does not suit the task.
    """
    _, facts = read_table(task.source, (folder / task.source.file).absolute())
    return facts


def read_rows(task: Dataset) -> Rows:
    """Return the rows of a task whose file was read before.

    Raises:
        ValueError: If this machine lacks the file, or the file has changed.
    """
    facts, source = task.facts, task.source
    path = source.file if Path(source.file).is_absolute() else facts.path  # shipped files have other paths elsewhere
    try:
        rows, now = read_table(source, Path(path))
    except DataFileError as error:
        if Path(path).is_file():
            raise ValueError(f"{error}; the file has changed since the spec was loaded") from None
        raise ValueError(
            f"this machine lacks {path}; put the data file where all workers find it under the same path"
        ) from None
    if now.digest != facts.digest:
        raise ValueError(f"{path} has changed since the spec was loaded; load the spec again")
    return rows


def read_table(source: TableSource, path: Path) -> tuple[Rows, TableFacts]:
    """Read a file unless it was read last, perhaps under another path to its folder, and is the same.

    Args:
        source: The columns; its own path is not used.
        path: The path of the file.

    Raises:
        DataFileError: If the file cannot be read, does not suit the source, or changed while it was read.
    """
    before = _state(path)
    rows, facts = _read_state(replace(source, file=""), path.parent.resolve() / path.name, before)
    if _state(path) != before:
        _read_state.cache_clear()
        raise DataFileError([("file", f"{shown(str(path))} changed while it was read; run again once it is complete")])
    return rows, replace(facts, path=str(path))


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
def _read_state(source: TableSource, path: Path, state: tuple[int, int, int]) -> tuple[Rows, TableFacts]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns of columns that the checks below report
        frame = _read_frame(path, source, state[0])
        if not source.target and path.suffix.lower() == ".npz":
            source = replace(source, target=tuple(name for name in frame.columns if name.startswith("y")))
        return TableChecks(frame, source).rows_and_facts(str(path))


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
        what = f"has the ending {shown(path.suffix)}" if reader is None else "is no regular file"
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
    except UnicodeDecodeError:
        raise DataFileError([("file", f"{shown(path.name)} is not UTF-8 text; save it as UTF-8")]) from None
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
        header = next(filter(None, lines), [])  # pandas leaves out empty lines, too
        before = lines.line_num
        first = next(filter(None, lines), [])
    if len(header) == 1 and (others := [sign for sign in ";\t|" if sign in header[0]]):
        message = f"the columns of {shown(path.name)} are separated by {shown(others[0])}; separate them by commas"
        raise DataFileError([("file", message)])
    _check_names(header, path)
    if len(first) > len(header):  # pandas would take the first column for an index
        message = f"row 1 of {shown(path.name)} has {len(first)} fields, the first line names {len(header)} columns"
        raise DataFileError([("file", f"{message}; name all columns")])
    # The line of the names is left out, since pandas would rename columns of equal names. Only empty fields have no
    # value: pandas would also take words such as "None" for missing.
    frame = pd.read_csv(
        path,
        header=None,
        names=header,
        skiprows=before,
        keep_default_na=False,
        na_values=[""],
        encoding="utf-8-sig",
        low_memory=False,
    )
    _check_size(frame.size, path)
    return frame


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


def store_arrays(name: str, x: Any, y: Any, targets: Sequence[str], folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Write inputs and labels that are in memory to a file that a task can name.

    Args:
        name: The beginning of the file's name, which ends with a hash of the content.
        x: Inputs (rows, features): a frame, an array or a tensor.
        y: Labels (rows,) or (rows, targets).
        targets: The names of the targets in the spec; empty if there are none.
        folder: The folder of the file.

    Returns:
        The file, and the names of the targets in it.

    Raises:
        ValueError: If the shapes do not suit each other, or values cannot be stored.
    """
    import pandas as pd  # noqa: PLC0415  # see the module's docstring

    inputs, labels = x if isinstance(x, pd.DataFrame) else _as_array(name, x), _as_array(name, y)
    shapes = f"x of shape {np.shape(inputs)} and y of shape {labels.shape}"
    if inputs.ndim != _MATRIX or labels.ndim not in (1, _MATRIX) or len(labels) != len(inputs):
        raise ValueError(f"data {shown(name)}: expected x (rows, features) and y with as many rows, got {shapes}")
    labels = labels.reshape(len(labels), -1)
    names = tuple(targets) or tuple(_target_names(labels.shape[1]))
    if len(names) != labels.shape[1]:
        raise ValueError(f"data {shown(name)}: expected y with the targets {', '.join(names)}, got {shapes}")
    frame = inputs if isinstance(inputs, pd.DataFrame) else pd.DataFrame(inputs).add_prefix("x")
    frame = frame.set_axis(frame.columns.astype(str), axis="columns").reset_index(drop=True)
    if taken := [target for target in names if target in frame.columns]:
        raise ValueError(f"data {shown(name)}: x has a column {shown(taken[0])}, as y; rename one of them")
    columns = {target: pd.Series(list(labels[:, place])).infer_objects() for place, target in enumerate(names)}
    content = BytesIO()
    try:
        frame.assign(**columns).to_parquet(content, index=False)
    except Exception as error:  # pyarrow raises many types of errors
        raise ValueError(f"data {shown(name)}: cannot be stored ({short_error(error)}); use numbers and text") from None
    file = folder / f"{name}-{hashlib.sha256(content.getvalue()).hexdigest()[:8]}.parquet"
    if not file.exists():
        write_whole(file, lambda opened: opened.write(content.getvalue()))
    return file, names


def _as_array(name: str, values: Any) -> NDArray[Any]:
    """Return an array, or the values of a tensor."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"data {shown(name)}: expected arrays ({short_error(error)}); use numbers and text") from None
