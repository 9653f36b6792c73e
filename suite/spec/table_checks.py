"""The columns of a table, converted to the inputs and labels of a task, and everything that is wrong in them.

Specs without a data file load this module, too; pandas is imported only to check a table.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suite.catalog.datasets import PARTS, TableFacts, TableSource, divide_classes
from suite.catalog.shown import shown
from suite.formatting import format_count
from suite.spec.problems import near_to

if TYPE_CHECKING:
    import pandas as pd

MOST_VALUES = 2**28
"""The maximum number of values of a table, which take 2 GiB."""

_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?")
"""A number with commas between thousands."""

MOST_CLASSES, MOST_CATEGORIES = 1_000, 256
"""The maximum numbers of classes, and of different values of a column that becomes categories."""

FEW_VALUES = 20
"""Maximum number of different whole numbers that are taken for classes."""

_LARGEST = 1e30
"""The largest absolute value, whose square is still finite in float32 after division by the standard deviation."""

_MOST_REPORTED = 8
"""Maximum number of columns that one message names."""


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


class TableChecks:
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
        self._check_types()
        self._stop_at_problems()
        numbers = {name: self._numbers(name, "features") for name in self._features() if not self._is_category(name)}
        categories = {name: self._category(name) for name in self._features() if self._is_category(name)}
        labels, classes = self._labels()
        parts = self._parts()
        self._stop_at_problems()
        if not self.source.constant_columns:
            self._check_constant(numbers)
        hot = {f"{name}={value}": each == value for name, each in categories.items() for value in np.unique(each)}
        columns = {**numbers, **hot}
        if len(self.frame) * len(columns) > MOST_VALUES:
            self._problem(
                "categories", f"the inputs have more than {MOST_VALUES:,} values; use fewer rows or categories"
            )
            self._stop_at_problems()
        inputs = np.empty((len(self.frame), len(columns)))
        for place, values in enumerate(columns.values()):
            inputs[:, place] = values
        counts = np.bincount(labels) if classes else np.array([len(labels)])
        sizes = self._sizes(counts, classes, labels, parts)
        self._stop_at_problems()
        return Rows(inputs, labels, parts), TableFacts(
            path=path,
            digest=_digest(inputs, labels, parts),
            inputs=tuple(columns),
            numbers=len(numbers),
            targets=self.source.target,
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

    def _features(self) -> list[str]:
        """Return the columns that networks get, in the order of the file or of the spec."""
        source = self.source
        if source.features is not None:
            return list(source.features)
        others = {*self.source.target, *source.ignore, source.split if isinstance(source.split, str) else ""}
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
                columns = ", ".join(map(shown, list(there)[:_MOST_REPORTED])) + (
                    ", ..." if len(there) > _MOST_REPORTED else ""
                )
                hint = f"did you mean {near}?" if near else f"the columns are {columns}"
                self._problem(key, f"there is no column {shown(name)}; {hint}")
        if not self.source.target:
            columns = ", ".join(map(shown, list(there)[-_MOST_REPORTED:]))
            self._problem("target", f"target is missing; set it to the column to predict, such as one of {columns}")
        for key, names in (("target", source.target), ("features", source.features or ()), ("ignore", source.ignore)):
            if repeated := [name for place, name in enumerate(names) if name in names[:place]]:
                self._problem(key, f"{shown(repeated[0])} is named twice; remove one")
        if source.features is not None and source.ignore:
            self._problem("ignore", "features and ignore are both set; use one of them")
        features = self._features()
        if not features:
            self._problem("features", "there are no columns for the inputs; add some, or ignore fewer")
        for name in self.source.target:
            if name in features or name in source.categories:
                self._problem("features", f"{shown(name)} is the target; remove it from the inputs")
        for name in source.categories:
            if name in there and name not in features and name not in self.source.target:
                self._problem("categories", f"{shown(name)} is not among the inputs; remove it, or add it to features")

    def _check_types(self) -> None:
        """Check that all columns that are used have numbers, booleans or text."""
        import pandas as pd  # noqa: PLC0415  # see the module's docstring

        used = dict.fromkeys(self._features(), "features") | dict.fromkeys(self.source.target, "target")
        for name, key in used.items():
            column = self.frame[name]
            numbers = pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column)
            if numbers and not pd.api.types.is_complex_dtype(column):
                continue
            if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
                self._problem(key, f"column {shown(name)} has dates; convert them to numbers, or ignore the column")
                continue
            others = [
                type(value).__name__ for value in column if not isinstance(value, _PLAIN) and not _is_missing(value)
            ]
            if others:
                what = f"column {shown(name)} has values of type {others[0]}"
                self._problem(key, f"{what}; use numbers or text, or ignore the column")

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
        else:
            parsed = pd.to_numeric(column, errors="coerce")
            wrong = parsed.isna().to_numpy()
            if wrong.any():
                text = shown(str(column.iloc[int(wrong.argmax())]))
                hint = "correct it" if not wrong.all() else "ignore the column"
                if _THOUSANDS.fullmatch(str(column.iloc[int(wrong.argmax())]).strip()):
                    hint = "remove the commas between thousands"
                elif key == "features":
                    hint += f", or add {shown(name)} to categories"
                elif wrong.all():
                    hint = 'set target_type = "classification", or use another target'
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
        names, asked = self.source.target, self.source.target_type
        if asked == "classification" and len(names) > 1:
            self._problem("target", "a classification has one target; use one column")
        if len(names) > 1 or asked == "regression" or (asked is None and not self._has_classes(names[0])):
            targets = np.column_stack([self._numbers(name, "target") for name in names])
            for name, values in zip(names, targets.T, strict=True):
                if not self.problems and (values == values[0]).all():
                    self._problem("target", f"column {shown(name)} has the same value in all rows; use another target")
            return targets, ()
        hint = 'set target_type = "regression", or use another target'
        before = len(self.problems)
        texts = self._texts(names[0], "target", MOST_CLASSES, hint)
        column = self.frame[names[0]]
        if len(self.problems) > before:
            return np.zeros(len(column), dtype=np.int64), ("",)
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
        self,
        counts: NDArray[np.int64],
        classes: tuple[str, ...],
        labels: NDArray[Any],
        parts: NDArray[np.int64] | None,
    ) -> tuple[int, int, int]:
        """Return the sizes of the sets; note a problem if they are too large, or lack a class."""
        rows, split = len(self.frame), self.source.split
        if parts is not None:
            for number, part in enumerate(PARTS):
                there = set(labels[parts == number]) if classes else set()
                for lacking in [name for place, name in enumerate(classes) if place not in there]:
                    self._problem("split", f"the {part} set has no row of class {shown(lacking)}; add some")
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
                rare = [
                    (name, int(own)) for name, own, number in zip(classes, counts, numbers, strict=False) if not number
                ]
                if len(rare) > _MOST_REPORTED:
                    message = f"{len(rare):,} of {len(classes):,} classes have too few rows for the {part} set"
                    self._problem("target", f'{message}; set target_type = "regression", or merge classes')
                    continue
                for name, rows_of_class in rare:
                    message = (
                        f"class {shown(name)} has {format_count(rows_of_class, 'row')}, too few for the {part} set"
                    )
                    self._problem("target", f"{message}; add rows, merge classes, or change split")
        return sizes


_PLAIN = (bool, int, float, str, np.bool_, np.integer, np.floating, Decimal)


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType"


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
