"""This module writes the spec with which a network is recommended for a data file."""

import json
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from suite.catalog.datasets import Table, TableFacts
from suite.spec.budget import UnreachableBudgetError, fit_widths
from suite.spec.data_files import read_facts
from suite.spec.problems import Problem, SpecError
from suite.spec.table_checks import DataFileError

_DEPTHS = (1, 2, 4, 8)
_TOLERANCE = 0.005
_BATCH = 64
_EPOCHS, _FEWEST_STEPS, _MOST_STEPS = 30, 600, 3_000
"""A full training has about this number of epochs, within limits."""


@dataclass(frozen=True)
class DataOptions:
    """The columns of a data file, as the keys of a task name them.

    Attributes:
        target: The columns to predict.
        ignore: The columns to leave out.
        categories: The columns of which each value becomes an input.
        target_type: Whether to predict classes or numbers; None to infer it.
    """

    target: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    target_type: Literal["classification", "regression"] | None = None


def recommendation_text(file: Path, options: DataOptions, parameters: int, folder: Path) -> str:
    """Return the text of a spec of networks to compare on a data file.

    Args:
        file: The data file.
        options: The columns.
        parameters: The number of parameters of each network.
        folder: The folder of the spec.

    Raises:
        SpecError: If the file cannot be read, or does not suit the options.
        ValueError: If no depth meets the number of parameters.
    """
    task = Table(file=str(file), fixed_test=True, **vars(options))
    try:
        known = task.with_facts(read_facts(task, Path.cwd()))
    except DataFileError as error:
        raise SpecError([Problem(str(file), "", key, message) for key, message in error.problems]) from None
    depths = [depth for depth in _DEPTHS if _fits(parameters, depth, known.inputs, known.outputs)]
    if not depths:
        raise ValueError(f"no network of {known.inputs} inputs has {parameters:,} parameters; use more parameters")
    keys = {"file": Path(os.path.relpath(os.path.realpath(file), os.path.realpath(folder))).as_posix()}
    columns = {key: value for key, value in vars(options).items() if value}
    short = {key: value[0] if isinstance(value, tuple) and len(value) == 1 else value for key, value in columns.items()}
    written = {**keys, **short}
    batch = min(_BATCH, known.points[0])
    steps = min(max(_EPOCHS * known.points[0] // batch, _FEWEST_STEPS), _MOST_STEPS)
    text = _TEXT.format(
        title=json.dumps(f"Which network to train on {file.name}", ensure_ascii=False),
        parameters=parameters,
        depths=depths,
        task=", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in written.items()),
        batch=batch,
        steps=steps,
        rows=_describe(known.facts),
    )
    return f"{_HEADER}{_digest(text)}\n{text}"


_HEADER = "# Written by recommend, which replaces this file unless it was edited. Digest: "


def is_unedited(text: str) -> bool:
    """Return whether the text of a spec is as `recommendation_text` returned it."""
    header, _, rest = text.partition("\n")
    return header == _HEADER + _digest(rest)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


def _fits(parameters: int, depth: int, inputs: int, outputs: int) -> bool:
    try:
        fit_widths(parameters, depth, inputs, outputs, _TOLERANCE, False)
    except UnreachableBudgetError:
        return False
    return True


def _describe(facts: TableFacts) -> str:
    train, validation, test = facts.points
    return f"{train:,} rows for training, {validation:,} for validation, {test:,} for the test"


_TEXT = """title = {title}
seed = 1

[family]                    # inputs and outputs follow from the file
parameters = {parameters}
depth = {depths}
activation = ["relu", "gelu", "tanh"]
initialization = ["variance_preserving", "pytorch"]

[measure.accuracy]          # {rows}
task = {{ name = "table", {task}, fixed_test = true }}
optimizer = {{ name = "adam", learning_rate = [0.001, 0.003, 0.01], batch = {batch} }}
steps = {steps}
replicates = 5
"""
