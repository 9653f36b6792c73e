"""Tasks whose points are the rows of a file: the user's own tables, and the sets that come with the package."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from suite.catalog.limits import MOST
from suite.catalog.settings import OneOrSeveral, Settings
from suite.catalog.shown import shortened
from suite.catalog.task import Task
from suite.formatting import format_count

SHIPPED = Path(__file__).with_name("data")
"""The folder of the sets that come with the package; README.md in it states their sources and licenses."""

PARTS = ("train", "validation", "test")

_TOLERANCE = 1e-9
"""Shares may exceed 1 by rounding."""


Names = OneOrSeveral[str]
"""One column or a list of columns."""


class Split(Settings):
    """Shares or numbers of the rows for training, validation and test."""

    train: float | int = Field(gt=0, le=MOST, description="share (below 1) or number of rows for training")
    validation: float | int = Field(gt=0, le=MOST, description="share or number of rows for validation")
    test: float | int = Field(gt=0, le=MOST, description="share or number of rows for the test")

    @model_validator(mode="after")
    def _alike(self) -> "Split":
        parts = (self.train, self.validation, self.test)
        shares = all(isinstance(part, float) and part < 1 for part in parts)
        if not shares and not all(isinstance(part, int) for part in parts):
            raise PydanticCustomError("split", "expected three shares between 0 and 1, or three whole numbers of rows")
        if shares and sum(parts) > 1 + _TOLERANCE:
            raise PydanticCustomError(
                "split", "the shares add up to {total}, more than 1; use smaller shares", {"total": f"{sum(parts):g}"}
            )
        return self

    def sizes(self, rows: int) -> tuple[int, int, int]:
        """Return the numbers of training, validation and test rows of a file with `rows` rows."""
        if isinstance(self.train, int):
            return int(self.train), int(self.validation), int(self.test)
        validation, test = round(self.validation * rows), round(self.test * rows)
        return min(round(self.train * rows), rows - validation - test), validation, test


@dataclass(frozen=True)
class TableFacts:
    """What a file contains, as far as networks and their training depend on it.

    Attributes:
        path: The absolute path of the file.
        digest: A hash of the values that are used.
        inputs: The columns that networks get: numbers first, then one for each category.
        numbers: How many of them are numbers.
        targets: The columns to predict.
        classes: The classes in order; empty for a regression.
        rows_by_class: Number of rows of each class; of a regression, the number of all rows.
        points: The sizes of the train, validation and test sets.
        variance: For regressions, the mean variance of the targets.
    """

    path: str
    digest: str
    inputs: tuple[str, ...]
    numbers: int
    targets: tuple[str, ...]
    classes: tuple[str, ...]
    rows_by_class: tuple[int, ...]
    points: tuple[int, int, int]
    variance: float | None = None

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(self.rows_by_class)


@dataclass(frozen=True)
class TableSource:
    """Which columns of which file a task uses.

    Attributes:
        file: The path of the file.
        target: The columns to predict; empty if an NPZ file contains them apart.
        features: The columns that networks get; None for all others.
        ignore: Columns that they do not get.
        categories: Columns of which each value becomes an input of 0 and 1.
        target_type: Whether the targets are classes or numbers; None to infer it.
        split: The sizes of the sets, or the column that says which set a row belongs to.
        constant_columns: Whether columns may have the same value in all rows.
    """

    file: str
    target: tuple[str, ...]
    split: "Split | str"
    features: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    target_type: Literal["classification", "regression"] | None = None
    constant_columns: bool = False


def _split(value: Any) -> Any:
    if isinstance(value, dict):
        return Split.model_validate(value)
    if not isinstance(value, str | Split) or value == "":
        hint = "expected a table such as {example}, or the name of a column"
        raise PydanticCustomError("split", hint, {"example": _EXAMPLE})
    return value


_EXAMPLE = "{ train = 0.6, validation = 0.2, test = 0.2 }"


def _sizes(value: Any) -> Any:
    if not isinstance(value, dict | Split):
        raise PydanticCustomError("split", "expected a table such as {example}", {"example": _EXAMPLE})
    return _split(value)


class Dataset(Task):
    """A task whose points are the rows of a file.

    Each replicate has its own split, in which each set has the same share of every class, unless a column states the
    sets.
    """

    has_r2 = True

    split: Annotated[Split | str, BeforeValidator(_split)] = Field(
        default=Split(train=0.6, validation=0.2, test=0.2),
        description='shares or numbers of rows, or a column with "train", "validation" or "test" in each row',
    )
    fixed_test: bool = Field(default=False, description="whether all replicates share one test set")
    standardize: bool = Field(
        default=True,
        description="whether numbers, and the targets of a regression, get mean 0 and variance 1 over the training set",
    )

    _facts: TableFacts | None = PrivateAttr(default=None)

    @property
    def source(self) -> TableSource:
        """The file and its columns."""
        raise NotImplementedError

    def with_facts(self, facts: TableFacts) -> Self:
        """Return the same task, which knows what its file contains."""
        known = self.model_copy()
        known._facts = facts
        return known

    @property
    def recorded_file(self) -> str:
        """The file as run.json names it."""
        return self.source.file

    @property
    def facts(self) -> TableFacts:
        """What the file contains."""
        assert self._facts is not None, "the file of the task was not read"
        return self._facts

    @property
    def content(self) -> dict[str, Any]:
        """What the data follow from: the values of the file rather than its name, and how they are split."""
        keys = self.model_dump(mode="json", include=set(Dataset.model_fields))
        return {
            **keys,
            "name": "table",
            "digest": self.facts.digest,
            "numbers": self.facts.numbers,
            "points": list(self.facts.points),
        }

    @property
    def points(self) -> tuple[int, int, int]:
        """The sizes of the train, validation and test sets."""
        return self.facts.points

    @property
    def inputs(self) -> int:  # type: ignore[override]  # a class attribute of other tasks
        """The number of columns that networks get."""
        return len(self.facts.inputs)

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """The number of targets of a regression, 1 for two classes, else the number of classes."""
        classes = len(self.facts.classes)
        if not classes:
            return len(self.facts.targets)
        return classes if classes > 2 else 1

    @property
    def loss(self) -> Any:  # type: ignore[override]
        """The loss that training minimizes."""
        if not self.facts.classes:
            return "half_square"
        return "cross_entropy" if self.outputs > 1 else "binary_cross_entropy"

    @property
    def label_variance(self) -> float | None:  # type: ignore[override]
        """For regressions, the mean variance of the targets."""
        return 1.0 if self.facts.variance is not None and self.standardize else self.facts.variance

    @property
    def error(self) -> float | None:  # type: ignore[override]
        """For regressions, half the mean variance of the targets, which is R^2 = 0.5."""
        return None if self.label_variance is None else self.label_variance / 2


class Table(Dataset):
    """The rows of a CSV, Parquet or NPZ file."""

    list_keys = ("target", "features", "ignore", "categories")

    name: Literal["table"] = "table"
    file: str = Field(min_length=1, description="path of the file, relative to the spec")
    target: Names = Field(default=(), description="column to predict, or several numbers")
    features: Names | None = Field(default=None, description="columns that networks get; default: all others")
    ignore: Names = Field(default=(), description="columns that are left out")
    categories: Names = Field(default=(), description="columns of which each value becomes an input of 0 and 1")
    target_type: Literal["classification", "regression"] | None = Field(
        default=None,
        description="default: classification for text, and for at most 20 whole numbers; regression otherwise",
    )
    formula = "inputs and labels = columns of a CSV, Parquet or NPZ file"

    @property
    def source(self) -> TableSource:
        """The file and its columns."""
        return TableSource(
            self.file, self.target, self.split, self.features, self.ignore, self.categories, self.target_type
        )


class ShippedTable(Dataset):
    """A set that comes with the package."""

    target: ClassVar[str]
    """The column to predict."""
    target_type: ClassVar[Literal["classification", "regression"]] = "classification"

    split: Annotated[Split, BeforeValidator(_sizes)] = Field(
        default=Split(train=0.6, validation=0.2, test=0.2),
        description="shares or numbers of rows for training, validation and test",
    )

    @property
    def source(self) -> TableSource:
        """The file on this machine and its columns."""
        file = str(SHIPPED / f"{self.name}.csv")
        return TableSource(file, (self.target,), self.split, target_type=self.target_type)

    @property
    def recorded_file(self) -> str:
        """The file's name alone, since its place differs between machines."""
        return Path(self.source.file).name


def divide_classes(rows_by_class: Sequence[int], sizes: Sequence[int]) -> list[list[int]]:
    """Return how many rows of each class are in each set: in proportion, and exactly as many as the sets have.

    Args:
        rows_by_class: Number of rows of each class.
        sizes: The sizes of the sets, at most as many as there are rows.

    Returns:
        The numbers of rows of each class by set.
    """
    left, rows = list(rows_by_class), sum(rows_by_class)
    divided: list[list[int]] = []
    for size in reversed(sizes):  # the last sets are the smallest, for which rounding matters most
        wanted = [number * size / rows for number in rows_by_class]
        taken = [min(int(share), own) for share, own in zip(wanted, left, strict=True)]
        order = sorted(range(len(left)), key=lambda place: taken[place] - wanted[place])
        while (lacking := size - sum(taken)) > 0:
            for place in [place for place in order if left[place] > taken[place]][:lacking]:
                taken[place] += 1
        left = [own - part for own, part in zip(left, taken, strict=True)]
        divided.insert(0, taken)
    return divided


_MOST_LISTED = 8
"""Maximum number of columns or classes that are listed."""


def describe_table(facts: TableFacts) -> Iterator[str]:
    """Yield lines about a file: its rows, inputs, target and split."""
    train, validation, test = facts.points
    yield (
        f"{Path(facts.path).name}: {facts.rows:,} rows, {format_count(len(facts.inputs), 'input')}: "
        + ", ".join(shortened(name) for name in facts.inputs[:_MOST_LISTED])
        + (", ..." if len(facts.inputs) > _MOST_LISTED else "")
    )
    if facts.classes:
        pairs = list(zip(facts.classes, facts.rows_by_class, strict=True))[:_MOST_LISTED]
        classes = ", ".join(f"{shortened(name)} ({count:,})" for name, count in pairs)
        more = ", ..." if len(facts.classes) > _MOST_LISTED else ""
        yield f"classification of {facts.targets[0]}, {len(facts.classes)} classes (rows): {classes}{more}"
    else:
        yield f"regression of {', '.join(facts.targets)}"
    yield f"split: {train:,} rows for training, {validation:,} for validation, {test:,} for the test"
