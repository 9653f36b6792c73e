"""The command that diagnoses a network on a data file."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.catalog.datasets import Table
from suite.cli.errors import echo, options_named
from suite.cli.folders import check_folder
from suite.diagnosis.model_file import load_model
from suite.results.files import write_text
from suite.runs.diagnose import diagnose_network
from suite.runs.progress import StatusLine
from suite.spec.data_files import read_table
from suite.spec.problems import Problem, SpecError
from suite.spec.recommendation import DataOptions
from suite.spec.table_checks import DataFileError


def diagnose(
    model: str,
    data: Path,
    options: DataOptions,
    standardize: bool,
    learning_rate: float | None,
    steps: int,
    seed: int,
    results: Path,
) -> None:
    """Diagnose a network; print the findings, and write them into the results folder with a page."""
    check_folder(results)
    net = load_model(model)
    with options_named():
        x, y, columns = _read(data, options)
    if standardize:
        x = (x - x.mean(axis=0)) / np.where(x.min(axis=0) == x.max(axis=0), 1.0, x.std(axis=0))
    with StatusLine() as status:

        def announce(line: str) -> None:
            status.show(f"{model}: {line}", always=False)

        found = diagnose_network(
            net, pd.DataFrame(x, columns=columns), y, None, learning_rate, steps, seed=seed, announce=announce
        )
    for line in str(found).splitlines():
        echo(line)
    folder = (
        results / f"diagnose-{re.sub(r'[^A-Za-z0-9_-]+', '-', Path(model).stem).strip('-')}-{model.rpartition(':')[2]}"
    )
    write_text(folder / "findings.csv", found.findings.to_csv(index=False))
    write_text(folder / "tried.csv", found.tried.to_csv(index=False))
    write_text(folder / "layers.csv", found.layers.to_csv(index=False))
    found.report(folder / "diagnosis.html")
    echo(f"page and tables: {folder}")


def _read(data: Path, options: DataOptions) -> tuple[NDArray[np.float64], NDArray[Any], tuple[str, ...]]:
    """Return the inputs (rows, features) and the labels of a file, and the names of the inputs."""
    source = replace(Table(file=str(data), **vars(options)).source, constant_columns=True)
    try:
        rows, facts = read_table(source, data.absolute())
    except DataFileError as error:
        raise SpecError([Problem(str(data), "", key, message) for key, message in error.problems]) from None
    return rows.inputs, rows.labels, facts.inputs
