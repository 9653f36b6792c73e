"""Read the results folder of a study."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.results.files import LOG, TABLE, own_name
from suite.results.schema import (
    ANALYSIS,
    EXACT_SUMMARY,
    LANDSCAPES,
    MEASUREMENTS,
    MEMBERS,
    PRECISION,
    PREDICTORS,
    REPORT,
    SUMMARY,
    VERDICT_COLUMNS,
    VERDICTS,
)
from suite.results.shards import Shard
from suite.results.spreadsheets import from_cell

if TYPE_CHECKING:
    import pandas as pd

    from suite.results.tables import TableReader


REFERENCE_CELLS = "computed"
"""The key that the run.json of reference results has in place of the list of cells."""


@dataclass(frozen=True)
class Results:
    """The results of a study.

    Attributes:
        folder: The folder of the files.
        shard: The part of the study that these results are; None for the whole study, which has the tables.
    """

    folder: Path
    shard: Shard | None = None

    @property
    def name(self) -> str:
        """The study's name."""
        return self.folder.name

    @property
    def report(self) -> Path:
        """The path of the study's page."""
        return self.folder / REPORT

    @cached_property
    def members(self) -> "pd.DataFrame":
        """One row per member: axes, widths, exact parameter count, variances and mean-field theory."""
        return self._tables.csv(MEMBERS)

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
                f"{self.folder}: these are reference results, which contain no raw values; use the results of a run"
            )

    @cached_property
    def measurements(self) -> "pd.DataFrame":
        """Every raw value, one per row."""
        self.require_a_run()
        return self._tables.parquet(MEASUREMENTS)

    def values_of(self, quantities: Sequence[str]) -> "pd.DataFrame":
        """Return the raw values of some quantities, without reading the others."""
        self.require_a_run()
        return self._tables.values_of(quantities)

    @cached_property
    def summary(self) -> "pd.DataFrame":
        """Statistics over draws, one row per member, quantity, layer and step."""
        exact = (self.folder / EXACT_SUMMARY).exists() or not self.is_reference
        return self._tables.parquet(EXACT_SUMMARY) if exact else self._tables.csv(SUMMARY)

    @property
    def verdict_rows(self) -> list[dict[str, Any]]:
        """The verdicts of the last analysis, one per claim, in the columns of `VERDICT_COLUMNS`."""
        return self.rows(VERDICTS)

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a table of the analysis by the name of its file, without loading pandas.

        There are none if there is no such file.
        """
        file = self.folder / name
        if not file.exists():
            return []
        with file.open(newline="", encoding="utf-8") as lines:
            return [
                {column: _cell(row.get(column, ""), kind) for column, kind in ANALYSIS[name].items()}
                for row in csv.DictReader(lines)
            ]

    @property
    def verdicts(self) -> "pd.DataFrame":
        """The verdicts, one row per claim; empty if the study makes no claims."""
        return self._tables.frame(self.verdict_rows, VERDICT_COLUMNS)

    @property
    def predictors(self) -> "pd.DataFrame":
        """The predictor ranking; empty unless the spec asks for one."""
        return self.analysis(PREDICTORS)

    def analysis(self, name: str) -> "pd.DataFrame":
        """Return a table of the analysis by the name of its file; empty if there is no such file."""
        columns = ANALYSIS[name]
        if not (self.folder / name).exists():
            return self._tables.frame([], columns)
        missing = {column: [""] for column, kind in columns.items() if kind is not str}
        text = {column: str for column, kind in columns.items() if kind is str}
        table = self._tables.csv(name, dtype=text, keep_default_na=False, na_values=missing)
        added = [column for column in text if column not in table.columns]  # by later versions
        return table.assign(**dict.fromkeys(added, ""))

    @cached_property
    def landscapes(self) -> "pd.DataFrame | None":
        """Outputs on a grid of the input plane, one per row; None unless networks have two inputs."""
        return self._tables.parquet(LANDSCAPES) if (self.folder / LANDSCAPES).exists() else None

    @cached_property
    def precision(self) -> "pd.DataFrame | None":
        """The half-widths that intervals reached, and the draws; None without a precision target."""
        if not (self.folder / PRECISION).exists():
            return None
        table = self._tables.csv(PRECISION, dtype={"layer": "Int64", "note": str})
        return table.assign(note=table["note"].fillna(""))  # pandas reads empty text as nan

    @property
    def has_tables(self) -> bool:
        """Whether the folder has tables; it has none if every cell failed."""
        return (self.folder / "run.json").exists()

    @property
    def failure_log(self) -> Path:
        """The path of the failed cells' tracebacks; the file exists if any cell failed."""
        return self.folder / own_name(LOG, self.shard)

    @cached_property
    def failures(self) -> list[dict[str, str]]:
        """The cells that failed: their measure, member, first and last draw, reason and key."""
        file = self.folder / own_name(TABLE, self.shard)
        if not file.exists():
            return []
        with file.open(newline="", encoding="utf-8") as rows:
            return list(csv.DictReader(rows))

    @cached_property
    def run(self) -> dict[str, Any]:
        """The content of run.json: spec, versions, machine and times."""
        content: dict[str, Any] = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return content

    @cached_property
    def _tables(self) -> "TableReader":
        from suite.results.tables import TableReader  # noqa: PLC0415  # loads pandas only to read a table

        return TableReader(self.folder)


def remove_tables(folder: Path) -> None:
    """Remove the tables and the page of an earlier run.

    run.json is removed first: without it, the files that an interruption leaves do not count as results.
    """
    for file in ("run.json", REPORT, *(file.name for file in folder.glob("*") if file.suffix in (".csv", ".parquet"))):
        if file != TABLE:
            (folder / file).unlink(missing_ok=True)


def _cell(cell: str, kind: type) -> Any:
    return from_cell(cell) if kind is str else kind(cell) if cell else float("nan")
