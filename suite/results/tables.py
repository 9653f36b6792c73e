"""Read and write tables: CSV for people, Parquet for exact values, each file whole or not at all."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from suite.results.files import write_text, write_whole
from suite.results.schema import ANALYSIS, EXACT_SUMMARY, LANDSCAPES, MEASUREMENTS, MEMBERS, PRECISION, SUMMARY
from suite.results.spreadsheets import as_cell


@dataclass(frozen=True)
class TableReader:
    """A reader of the tables in a folder.

    Attributes:
        folder: The results folder of a study.
    """

    folder: Path

    def csv(self, name: str, **options: Any) -> pd.DataFrame:
        """Return a CSV table; `options` are those of `pandas.read_csv`."""
        table: pd.DataFrame = pd.read_csv(self.folder / name, **options)
        return table

    def parquet(self, name: str) -> pd.DataFrame:
        """Return a Parquet table."""
        return pd.read_parquet(self.folder / name)

    def frame(self, rows: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> pd.DataFrame:
        """Return rows as a table with these columns."""
        return pd.DataFrame(rows, columns=list(columns))

    def values_of(self, quantities: Sequence[str]) -> pd.DataFrame:
        """Return the raw values of some quantities, without reading the others."""
        found = []
        with pq.ParquetFile(self.folder / MEASUREMENTS) as file:  # pandas would hold many row groups in memory
            for group, held in enumerate(self._quantities_by_group):
                if held.intersection(quantities):
                    rows = file.read_row_group(group)
                    found.append(rows.filter(pc.is_in(rows["quantity"], pa.array(quantities, pa.string()))))
            table = pa.concat_tables(found) if found else file.schema_arrow.empty_table()
        frame: pd.DataFrame = table.to_pandas()
        return frame

    @cached_property
    def _quantities_by_group(self) -> list[set[str]]:
        """The quantities that each row group of the raw values contains."""
        with pq.ParquetFile(self.folder / MEASUREMENTS) as file:
            columns = (file.read_row_group(group, columns=["quantity"]) for group in range(file.num_row_groups))
            return [set(column["quantity"].unique().to_pylist()) for column in columns]


def write_tables(
    folder: Path,
    members: pd.DataFrame,
    measurements: Iterable[pd.DataFrame],
    summary: pd.DataFrame,
    landscapes: pd.DataFrame | None,
    precision: pd.DataFrame | None,
    run: dict[str, Any],
) -> None:
    """Write a study's tables, each file whole or not at all, run.json last.

    Args:
        folder: The results folder of the study.
        members: One row per member.
        measurements: The raw values, as one or more tables with the same columns. Each is written before the next is
            requested.
        summary: Statistics over draws.
        landscapes: Outputs on a grid of the input plane, if there are any.
        precision: The half-widths that intervals reached, if the spec has a precision target.
        run: The content of run.json.
    """
    _write_csv(folder / PRECISION, precision)
    _write_csv(folder / MEMBERS, members)
    _write_csv(folder / SUMMARY, summary)
    write_whole(folder / MEASUREMENTS, _parquet(measurements))
    write_whole(folder / EXACT_SUMMARY, _parquet([summary]))
    if landscapes is None:
        (folder / LANDSCAPES).unlink(missing_ok=True)
    else:
        write_whole(folder / LANDSCAPES, _parquet([landscapes]))
    write_text(folder / "run.json", json.dumps(run, indent=2) + "\n")


def write_analysis(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Write the tables of the analysis; a file whose table is empty is removed.

    Claims and sources come from the author of a spec, so they are escaped for spreadsheets; all other text is the
    suite's own.

    Args:
        folder: The results folder of the study.
        tables: All tables of `ANALYSIS`, by the names of their files.
    """
    for name in ANALYSIS:
        table = tables[name]
        text_columns = [column for column in ("claim", "source") if column in table.columns]
        table = table.assign(**{column: table[column].map(as_cell) for column in text_columns})
        _write_csv(folder / name, None if table.empty else table)


def _write_csv(file: Path, table: pd.DataFrame | None) -> None:
    if table is None:
        file.unlink(missing_ok=True)
    else:
        write_text(file, table.to_csv(index=False))


def _parquet(tables: Iterable[pd.DataFrame]) -> Callable[[BinaryIO], None]:
    """Return a function that writes tables with the same columns to one file, each as a row group."""

    def write(file: BinaryIO) -> None:
        groups = (pa.Table.from_pandas(table, preserve_index=False) for table in tables)
        first = next(groups)
        with pq.ParquetWriter(file, first.schema) as writer:
            writer.write_table(first)
            del first  # frees its memory before the next table is made
            for group in groups:
                writer.write_table(group)

    return write
