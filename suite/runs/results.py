"""A study's results folder: its tables, written whole and read back."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from suite.runs.failures import LOG, TABLE
from suite.runs.shards import Shard, own_name
from suite.runs.store import write_text, write_whole

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd


KEPT_OF_CELLS = "computed"
"""What run.json has in a reference alone, in place of the list of cells."""

READABLE = ("members.csv", "summary.csv")
"""Of what `write_tables` writes, the tables for reading."""

PRECISION = "precision.csv"
"""Beside them, where a spec asks for a precision."""


@dataclass(frozen=True)
class Results:
    """What a study found.

    Attributes:
        folder: where its files are.
        shard: which part of the study this is; the whole has the tables.
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
        return self.folder / "report.html"

    @cached_property
    def members(self) -> "pd.DataFrame":
        """One row a member: axes, widths, exact parameter count, variances."""
        import pandas as pd  # noqa: PLC0415  # a run that has nothing to do looks at no table

        return pd.read_csv(self.folder / "members.csv")

    @property
    def is_reference(self) -> bool:
        """Whether these are a reference's tables, kept for reading: without raw values and the list of cells."""
        return KEPT_OF_CELLS in self.run

    def require_a_run(self) -> None:
        """What takes more than tables for reading cannot be had of a reference.

        Raises:
            ValueError: it is one.
        """
        if self.is_reference:
            raise ValueError(
                f"{self.folder}: a reference, tables for reading without a run's raw values, to be compared with; "
                "name the results of a run"
            )

    @cached_property
    def measurements(self) -> "pd.DataFrame":
        """Every raw value, one a row."""
        self.require_a_run()
        return _read(self.folder / "measurements.parquet")

    def values_of(self, quantities: Sequence[str]) -> "pd.DataFrame":
        """The raw values of some quantities alone, without reading the others."""
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
        """Which quantities each group of rows of the raw values holds."""
        import pyarrow.parquet as pq  # noqa: PLC0415  # as above

        with pq.ParquetFile(self.folder / "measurements.parquet") as file:
            columns = (file.read_row_group(group, columns=["quantity"]) for group in range(file.num_row_groups))
            return [set(column["quantity"].unique().to_pylist()) for column in columns]

    @cached_property
    def summary(self) -> "pd.DataFrame":
        """Statistics over draws, one row a member, quantity, layer and step; of a reference as its CSV has them."""
        file = self.folder / "summary.parquet"
        if file.exists() or not self.is_reference:
            return _read(file)
        import pandas as pd  # noqa: PLC0415  # as above

        return pd.read_csv(self.folder / "summary.csv")

    @cached_property
    def verdicts(self) -> "pd.DataFrame":
        """One row a claim, as verdicts.csv has it, in the spec's own words; empty of a study without claims."""
        import pandas as pd  # noqa: PLC0415  # as above

        from suite.claims.tell import COLUMNS, kept_rows  # noqa: PLC0415  # claims are judged by these results

        return pd.DataFrame(kept_rows(self.folder), columns=list(COLUMNS))

    @cached_property
    def tournament(self) -> "pd.DataFrame":
        """What tells which networks will train; empty unless the spec asks for it; of a reference as it was kept."""
        from suite.tournament.table import COLUMNS, tournament_table  # noqa: PLC0415  # needed for reports alone

        if self.is_reference:
            import pandas as pd  # noqa: PLC0415  # as above

            file = self.folder / "tournament.csv"
            if not file.exists():
                return pd.DataFrame(columns=list(COLUMNS))
            lacking = {name: [""] for name in COLUMNS if name not in _WORDS}
            return pd.read_csv(file, dtype=dict.fromkeys(_WORDS, str), keep_default_na=False, na_values=lacking)
        return tournament_table(self)

    @cached_property
    def landscapes(self) -> "pd.DataFrame | None":
        """Outputs over the plane, for studies of two inputs."""
        file = self.folder / "landscapes.parquet"
        return _read(file) if file.exists() else None

    @cached_property
    def precision(self) -> "pd.DataFrame | None":
        """How tight the intervals became that the spec asked to be tight, and what it took, if it asked for any."""
        file = self.folder / PRECISION
        if not file.exists():
            return None
        import pandas as pd  # noqa: PLC0415  # as above

        return pd.read_csv(file, dtype={"layer": "Int64"}, converters={"note": str})

    def imprecise(self) -> list[str]:
        """What did not become as tight as the spec asked, a line each member and quantity."""
        if self.precision is None:
            return []
        lines = []
        lacking = self.precision[self.precision["reached"] == "no"]
        for (member, quantity), rows in lacking.groupby(["member", "quantity"], sort=False):
            worst = rows.sort_values("half_width", na_position="last").iloc[-1]
            known = f"is {worst['half_width']:.3g}" if isfinite(worst["half_width"]) else "cannot be told"
            lines.append(
                f"{self.name}: {member}: half the interval of {quantity} {known} after {worst['draws']:,} draws, "
                f"{worst['precision']:g} is asked for ({worst['note']})"
            )
        return lines

    @property
    def has_tables(self) -> bool:
        """Whether there is anything to look at: not so where every cell failed."""
        return (self.folder / "run.json").exists()

    @property
    def failure_log(self) -> Path:
        """Where the failed cells' tracebacks are, if any failed."""
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
        """Spec, versions, machine and times, as run.json has them."""
        content: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return content

    @cached_property
    def charts(self) -> "dict[str, alt.TopLevelMixin]":
        """The report's Altair charts by name."""
        from suite.report.charts import charts_of  # noqa: PLC0415  # tables alone need no charting library
        from suite.report.comparisons import WAITS  # noqa: PLC0415

        tasks = self.run["spec"]["measure"].get("accuracy", {}).get("task", [])
        return charts_of(self.summary, self.landscapes, self.values_of(WAITS), self.tournament, tasks)


def write_tables(
    folder: Path,
    members: "pd.DataFrame",
    measurements: "Iterable[pd.DataFrame]",
    summary: "pd.DataFrame",
    landscapes: "pd.DataFrame | None",
    run: dict[str, Any],
) -> None:
    """Writes a study's tables, each file whole or not at all, run.json last.

    Raw values come as tables of equal columns, each of which is written before the next is asked for.
    """

    for name, table in zip(READABLE, (members, summary), strict=True):
        write_text(folder / name, table.to_csv(index=False))
    write_whole(folder / "measurements.parquet", _parquet(measurements))
    write_whole(folder / "summary.parquet", _parquet([summary]))
    if landscapes is None:
        (folder / "landscapes.parquet").unlink(missing_ok=True)
    else:
        write_whole(folder / "landscapes.parquet", _parquet([landscapes]))
    write_text(folder / "run.json", json.dumps(run, indent=2) + "\n")


def remove_tables(folder: Path) -> None:
    """Takes away what an earlier run wrote, run.json first, so that no half of it can be taken for results."""
    for file in ("run.json", "report.html", *(file.name for file in folder.glob("*") if file.suffix in _TABLES)):
        if file != TABLE:
            (folder / file).unlink(missing_ok=True)


_TABLES = (".csv", ".parquet")

_WORDS = ("outcome", "training", "group", "predictor", "kind", "statistic", "baseline", "hinges_on", "note")
"""Columns of tournament.csv in which nothing is a word, and no number that is lacking."""


def _parquet(tables: "Iterable[pd.DataFrame]") -> Callable[[BinaryIO], None]:
    """Writes tables of equal columns one below the other, each as a group of rows."""
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
