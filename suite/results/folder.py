"""A study's results folder: its tables, written whole and read back."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from suite.results.files import LOG, TABLE, own_name, write_text, write_whole
from suite.results.schema import (
    ANALYSIS,
    MEMBERS,
    PRECISION,
    PREDICTORS,
    REPORT,
    SUMMARY,
    VERDICT_COLUMNS,
    VERDICTS,
)
from suite.results.shards import Shard
from suite.results.spreadsheets import as_cell, from_cell

if TYPE_CHECKING:
    import pandas as pd


REFERENCE_CELLS = "computed"
"""The key that the run.json of reference results has in place of the list of cells."""


@dataclass(frozen=True)
class Results:
    """The results of a study.

    Attributes:
        folder: The folder of its files.
        shard: The part of the study that these are; None of the whole, which has the tables.
    """

    folder: Path
    shard: Shard | None = None

    @property
    def name(self) -> str:
        """The study's name."""
        return self.folder.name

    @property
    def report(self) -> Path:
        """The page."""
        return self.folder / REPORT

    @cached_property
    def members(self) -> "pd.DataFrame":
        """One row per member: axes, widths, exact parameter count, variances."""
        import pandas as pd  # noqa: PLC0415  # a run that has nothing to do reads no table

        return pd.read_csv(self.folder / MEMBERS)

    @property
    def is_reference(self) -> bool:
        """Whether these are reference results, which contain neither raw values nor the list of cells."""
        return REFERENCE_CELLS in self.run

    def require_a_run(self) -> None:
        """Check that these are the results of a run.

        Raises:
            ValueError: If these are reference results, which contain no raw values.
        """
        if self.is_reference:
            raise ValueError(
                f"{self.folder}: a reference, tables for reading without a run's raw values, to be compared with; "
                "name the results of a run"
            )

    @cached_property
    def measurements(self) -> "pd.DataFrame":
        """Every raw value, one per row."""
        self.require_a_run()
        return _read(self.folder / "measurements.parquet")

    def values_of(self, quantities: Sequence[str]) -> "pd.DataFrame":
        """Return the raw values of some quantities, without reading the others."""
        import pyarrow as pa  # noqa: PLC0415  # as above
        import pyarrow.compute as pc  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        self.require_a_run()
        found = []
        with pq.ParquetFile(self.folder / "measurements.parquet") as file:  # pandas would hold many groups at once
            for group, held in enumerate(self._quantities_by_group):
                if held.intersection(quantities):
                    rows = file.read_row_group(group)
                    found.append(rows.filter(pc.is_in(rows["quantity"], pa.array(quantities, pa.string()))))
            table = pa.concat_tables(found) if found else file.schema_arrow.empty_table()
        frame: pd.DataFrame = table.to_pandas()
        return frame

    @cached_property
    def _quantities_by_group(self) -> list[set[str]]:
        """The quantities that each row group of the raw values holds."""
        import pyarrow.parquet as pq  # noqa: PLC0415  # as above

        with pq.ParquetFile(self.folder / "measurements.parquet") as file:
            columns = (file.read_row_group(group, columns=["quantity"]) for group in range(file.num_row_groups))
            return [set(column["quantity"].unique().to_pylist()) for column in columns]

    @cached_property
    def summary(self) -> "pd.DataFrame":
        """Statistics over draws, one row per member, quantity, layer and step."""
        file = self.folder / "summary.parquet"
        return _read(file) if file.exists() or not self.is_reference else self._csv(SUMMARY)

    @property
    def verdict_rows(self) -> list[dict[str, Any]]:
        """The verdicts of the last analysis, one per claim, in the columns of `VERDICT_COLUMNS`."""
        file = self.folder / VERDICTS
        if not file.exists():
            return []
        with file.open(newline="") as lines:
            return [
                {name: _verdict_cell(row.get(name, ""), kind) for name, kind in VERDICT_COLUMNS.items()}
                for row in csv.DictReader(lines)
            ]

    @property
    def verdicts(self) -> "pd.DataFrame":
        """One row per claim; empty if the study makes none."""
        import pandas as pd  # noqa: PLC0415  # as above

        return pd.DataFrame(self.verdict_rows, columns=list(VERDICT_COLUMNS))

    @property
    def tournament(self) -> "pd.DataFrame":
        """The predictor ranking; empty unless the spec asks for one."""
        return self.analysis(PREDICTORS)

    def analysis(self, name: str) -> "pd.DataFrame":
        """Return a table of the analysis by the name of its file; empty if there is no such file."""
        import pandas as pd  # noqa: PLC0415  # as above

        columns = ANALYSIS[name]
        if not (self.folder / name).exists():
            return pd.DataFrame(columns=list(columns))
        missing = {column: [""] for column, kind in columns.items() if kind is not str}
        text = {column: str for column, kind in columns.items() if kind is str}
        return self._csv(name, dtype=text, keep_default_na=False, na_values=missing)

    @cached_property
    def landscapes(self) -> "pd.DataFrame | None":
        """Outputs over the plane, of studies of two inputs."""
        file = self.folder / "landscapes.parquet"
        return _read(file) if file.exists() else None

    @cached_property
    def precision(self) -> "pd.DataFrame | None":
        """The half-widths that the intervals reached, with the number of draws, if the spec asks for a precision."""
        file = self.folder / PRECISION
        return self._csv(PRECISION, dtype={"layer": "Int64"}, converters={"note": str}) if file.exists() else None

    @property
    def has_tables(self) -> bool:
        """Whether there are tables: there are none if every cell failed."""
        return (self.folder / "run.json").exists()

    @property
    def failure_log(self) -> Path:
        """The file of the failed cells' tracebacks, if any failed."""
        return self.folder / own_name(LOG, self.shard)

    @cached_property
    def failures(self) -> list[dict[str, str]]:
        """The cells that failed: their measure, member, first and last draw, reason and key."""
        file = self.folder / own_name(TABLE, self.shard)
        if not file.exists():
            return []
        with file.open(newline="") as rows:
            return list(csv.DictReader(rows))

    @cached_property
    def run(self) -> dict[str, Any]:
        """The content of run.json: spec, versions, machine and times."""
        content: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return content

    def _csv(self, name: str, **options: Any) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415  # as above

        table: pd.DataFrame = pd.read_csv(self.folder / name, **options)
        return table


def write_tables(
    folder: Path,
    members: "pd.DataFrame",
    measurements: "Iterable[pd.DataFrame]",
    summary: "pd.DataFrame",
    landscapes: "pd.DataFrame | None",
    precision: "pd.DataFrame | None",
    run: dict[str, Any],
) -> None:
    """Write a study's tables, each file whole or not at all, run.json last.

    Args:
        folder: The study's results.
        members: One row per member.
        measurements: The raw values, in tables of equal columns, each of which is written before the next is asked for.
        summary: Statistics over draws.
        landscapes: Outputs over the plane, if there are any.
        precision: What a precision took, if the spec asks for one.
        run: The content of run.json.
    """
    _write_csv(folder / PRECISION, precision)
    _write_csv(folder / MEMBERS, members)
    _write_csv(folder / SUMMARY, summary)
    write_whole(folder / "measurements.parquet", _parquet(measurements))
    write_whole(folder / "summary.parquet", _parquet([summary]))
    if landscapes is None:
        (folder / "landscapes.parquet").unlink(missing_ok=True)
    else:
        write_whole(folder / "landscapes.parquet", _parquet([landscapes]))
    write_text(folder / "run.json", json.dumps(run, indent=2) + "\n")


def write_analysis(folder: Path, tables: "dict[str, pd.DataFrame]") -> None:
    """Write the tables of the analysis; a file whose table is empty is removed.

    Spreadsheets do not run the words of a spec's author as formulas; all other text is the suite's own.

    Args:
        folder: The study's results.
        tables: All tables of `ANALYSIS`, by the names of their files.
    """
    for name in ANALYSIS:
        table = tables[name]
        words = [column for column in ("claim", "source") if column in table.columns]
        table = table.assign(**{column: table[column].map(as_cell) for column in words})
        _write_csv(folder / name, None if table.empty else table)


def remove_tables(folder: Path) -> None:
    """Remove what an earlier run wrote, run.json first, so that no half of it can be taken for results."""
    for file in ("run.json", REPORT, *(file.name for file in folder.glob("*") if file.suffix in (".csv", ".parquet"))):
        if file != TABLE:
            (folder / file).unlink(missing_ok=True)


def _write_csv(file: Path, table: "pd.DataFrame | None") -> None:
    if table is None:
        file.unlink(missing_ok=True)
    else:
        write_text(file, table.to_csv(index=False))


def _verdict_cell(cell: str, kind: type) -> Any:
    return from_cell(cell) if kind is str else kind(cell) if cell else float("nan")


def _parquet(tables: "Iterable[pd.DataFrame]") -> Callable[[BinaryIO], None]:
    """Return a function that writes tables of equal columns one below the other, each as a row group."""
    import pyarrow as pa  # noqa: PLC0415  # as above
    import pyarrow.parquet as pq  # noqa: PLC0415

    def write(file: BinaryIO) -> None:
        groups = (pa.Table.from_pandas(table, preserve_index=False) for table in tables)
        first = next(groups)
        with pq.ParquetWriter(file, first.schema) as writer:
            writer.write_table(first)
            del first
            for group in groups:
                writer.write_table(group)

    return write


def _read(file: Path) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415  # as above

    return pd.read_parquet(file)
