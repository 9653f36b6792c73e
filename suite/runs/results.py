"""A study's results folder: its tables, written whole and read back."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from suite.runs.store import write_whole

if TYPE_CHECKING:
    import altair as alt


@dataclass(frozen=True)
class Results:
    """What a study found.

    Attributes:
        folder: where its files are.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The study's name."""
        return self.folder.name

    @cached_property
    def members(self) -> pd.DataFrame:
        """One row a member: axes, widths, exact parameter count, variances."""
        return pd.read_csv(self.folder / "members.csv")

    @cached_property
    def measurements(self) -> pd.DataFrame:
        """Every raw value, one a row."""
        return pd.read_parquet(self.folder / "measurements.parquet")

    def values_of(self, quantities: Sequence[str]) -> pd.DataFrame:
        """The raw values of some quantities alone, without reading the others."""
        return pd.read_parquet(self.folder / "measurements.parquet", filters=[("quantity", "in", list(quantities))])

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Statistics over draws, one row a member, quantity, layer and step."""
        return pd.read_parquet(self.folder / "summary.parquet")

    @cached_property
    def landscapes(self) -> pd.DataFrame | None:
        """Outputs over the plane, for studies of two inputs."""
        file = self.folder / "landscapes.parquet"
        return pd.read_parquet(file) if file.exists() else None

    @cached_property
    def precision(self) -> pd.DataFrame | None:
        """How tight the intervals became that the spec asked to be tight, and what it took, if it asked for any."""
        file = self.folder / "precision.csv"
        return pd.read_csv(file, dtype={"layer": "Int64"}, converters={"note": str}) if file.exists() else None

    def imprecise(self) -> list[str]:
        """What did not become as tight as the spec asked, a line each member and quantity."""
        if self.precision is None:
            return []
        lines = []
        lacking = self.precision[self.precision["reached"] == "no"]
        for (member, quantity), rows in lacking.groupby(["member", "quantity"], sort=False):
            worst = rows.sort_values("half_width", na_position="last").iloc[-1]
            known = "cannot be told" if pd.isna(worst["half_width"]) else f"is {worst['half_width']:.3g}"
            lines.append(
                f"{self.name}: {member}: half the interval of {quantity} {known} after {worst['draws']:,} draws, "
                f"{worst['precision']:g} is asked for ({worst['note']})"
            )
        return lines

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

        return charts_of(self.summary, self.landscapes, self.values_of(WAITS))


def write_tables(
    folder: Path,
    members: pd.DataFrame,
    measurements: pd.DataFrame,
    summary: pd.DataFrame,
    landscapes: pd.DataFrame | None,
    run: dict[str, Any],
) -> None:
    """Writes a study's tables, each file whole or not at all, run.json last."""

    def parquet(table: pd.DataFrame) -> Callable[[Any], object]:
        return lambda file: table.to_parquet(file, index=False)

    def text(content: str) -> Callable[[Any], object]:
        return lambda file: file.write(content.encode())

    write_whole(folder / "members.csv", text(members.to_csv(index=False)))
    write_whole(folder / "measurements.parquet", parquet(measurements))
    write_whole(folder / "summary.parquet", parquet(summary))
    write_whole(folder / "summary.csv", text(summary.to_csv(index=False)))
    if landscapes is None:
        (folder / "landscapes.parquet").unlink(missing_ok=True)
    else:
        write_whole(folder / "landscapes.parquet", parquet(landscapes))
    write_whole(folder / "run.json", text(json.dumps(run, indent=2) + "\n"))
