"""Collect the draws of one quantity from the tables, for each member and training setting of a claim."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from suite.catalog.measures.training import DIVERGED
from suite.catalog.quantities import QUANTITIES
from suite.catalog.where import Scalar
from suite.statistics.contrasts import Estimate, estimate
from suite.statistics.intervals import NORMAL_QUANTILE, Array
from suite.statistics.paired import by_number
from suite.statistics.summary import STATISTICS

_NO_AXES = {
    "member",
    "parameters",
    "quantity",
    "draw",
    "layer",
    "step",
    "learning_rate",
    "method",
    "value",
    "theory",
    "z",
    "relative_difference",
    *STATISTICS,
}
"""Columns of the tables that are not axes."""


@dataclass(frozen=True)
class Tables:
    """The tables of a run.

    Attributes:
        summary: Statistics over draws.
        values_of: Returns the raw values of some quantities, one per row.
        members: One row per member: axes, widths and parameter counts.
    """

    summary: pd.DataFrame
    values_of: Callable[[Sequence[str]], pd.DataFrame]
    members: pd.DataFrame


@dataclass(frozen=True)
class Point:
    """The draws of one quantity of one member under one training setting.

    Attributes:
        member: The name of the member.
        axes: The values of the axes of members and of the training that the point has.
        kind: The kind of the quantity: "value", "frequency", "time" or "ratio".
        values: One value per draw, in the order of the draws; a censored time is nan. None for a ratio of means.
        draws: The numbers of the draws; nan for a quantity without draws. None for a ratio of means.
        stated: The mean in the summary, with the standard error that its interval implies.
        theory: The theoretical value; nan if there is none.
        diverged: The number of training runs that diverged, which have no losses, accuracies or errors; 0 for a
            quantity of untrained networks.
    """

    member: str
    axes: dict[str, Any]
    kind: str
    values: Array | None
    draws: Array | None
    stated: Estimate
    theory: float
    diverged: int = 0

    def estimate(self, statistic: str) -> Estimate:
        """Return the statistic by which claims about this point are tested, with its error.

        Args:
            statistic: "mean" or "median". It matters only for quantities of the kind "value": times to an event always
                have their median, frequencies their frequency, and ratios of means the value in the summary.
        """
        if self.values is None or self.draws is None:
            return self.stated
        if np.isnan(self.draws).all() and len(self.values) == 1:  # follows from the architecture alone, so it is exact
            return Estimate(float(self.values[0]))
        if self.kind == "frequency":
            return estimate(self.values, "frequency")
        if self.kind == "time":
            return estimate(np.where(np.isnan(self.values), np.inf, self.values), "median", lower=True)
        return estimate(self.values, "median" if statistic == "median" else "mean")

    def but(self, *axes: str) -> tuple[tuple[str, Any], ...]:
        """Return all axes except the given ones; points that differ only in these have this in common."""
        return tuple((name, value) for name, value in sorted(self.axes.items()) if name not in axes)


def points(
    tables: Tables,
    quantity: str,
    *,
    where: Mapping[str, Sequence[Scalar]] | None = None,
    layer: int | None = None,
) -> list[Point]:
    """Return the points of a quantity; if it is recorded during training, those after the last step.

    Args:
        tables: The tables of one run.
        quantity: The name of the quantity.
        where: The values to select, by axis. Default: all.
        layer: The layer, for a quantity that has layers. Default: the last layer of each member.
    """
    summary = _chosen(tables.summary[tables.summary["quantity"] == quantity], where or {}, layer)
    if summary.empty:
        return []
    kind = QUANTITIES[quantity].kind
    axes = axes_of(summary)
    keys = [name for name in ("member", "learning_rate", *axes) if name in summary.columns]
    raw: Mapping[Any, tuple[Array, Array]] = {}
    if kind != "ratio":
        rows = _chosen(tables.values_of((quantity,)), where or {}, layer).sort_values("draw", kind="stable")
        raw = {
            _key(key): (group["value"].to_numpy(float), group["draw"].to_numpy(float, na_value=np.nan))
            for key, group in rows.groupby(keys, dropna=False, observed=True)
        }
    diverged = _count_diverged(tables.summary, keys)
    found = []
    for row in summary.to_dict("records"):
        key = _key(tuple(row[name] for name in keys))
        values, draws = raw.get(key, (None, None))
        found.append(
            Point(
                str(row["member"]),
                {name: row[name] for name in axes if not pd.isna(row[name])},
                kind,
                values,
                draws,
                Estimate(row["mean"], (row["ci_high"] - row["ci_low"]) / (2 * NORMAL_QUANTILE), draws=int(row["n"])),
                float(row["theory"]),
                diverged.get(key, 0),
            )
        )
    return found


def _count_diverged(summary: pd.DataFrame, keys: Sequence[str]) -> dict[tuple[Any, ...], int]:
    """Return the number of diverged training runs by the columns that identify a point."""
    rows = summary[summary["quantity"] == DIVERGED]
    return {
        _key(tuple(row[name] for name in keys)): round(row["n"] * row["mean"])
        for row in rows.to_dict("records")
        if row["n"]
    }


def axes_of(table: pd.DataFrame) -> list[str]:
    """Return the columns of the axes of members and of the training, except the learning rate."""
    return [name for name in table.columns if name not in _NO_AXES]


def lines(found: Sequence[Point], along: str) -> Iterator[list[Point]]:
    """Yield lists of points that differ in one axis alone, in its order.

    Points without that axis are left out.
    """
    having = sorted((point for point in found if along in point.axes), key=lambda point: repr(point.but(along)))
    for _, group in groupby(having, key=lambda point: point.but(along)):
        yield sorted(group, key=lambda point: point.axes[along])


def matched(first: Sequence[Point], second: Sequence[Point], *axes: str) -> Iterator[tuple[Point, Point]]:
    """Yield pairs of points, one from each set, that agree in all axes except the given ones."""
    others = {point.but(*axes): point for point in second}
    for point in first:
        if (other := others.get(point.but(*axes))) is not None:
            yield point, other


def unshared(first: Sequence[Point], second: Sequence[Point]) -> set[str]:
    """Return the axes that only one of two sets of points has.

    The axes of the training are an example, if one of two quantities is measured on untrained networks.
    """
    one, other = ({name for point in found for name in point.axes} for found in (first, second))
    return one ^ other


def both_drawn(first: Point, second: Point) -> tuple[Array, Array, Array]:
    """Return the numbers of the draws with a finite value in both points, and the values of the two points.

    Draws are matched by their numbers, since a failed cell leaves a gap in one of the points.
    """
    if first.values is None or second.values is None or first.draws is None or second.draws is None:
        return np.empty(0), np.empty(0), np.empty(0)
    numbers, one, other = by_number(first.draws, first.values, second.draws, second.values)
    known = np.isfinite(one) & np.isfinite(other)
    return numbers[known], one[known], other[known]


def differing_divergence(first: Point, second: Point) -> str:
    """Return why two points cannot be compared, since runs diverged; empty if they can.

    If more runs diverged in one than in the other, those that are left are a biased selection, and if all diverged,
    none is left. Frequencies and times to an event include diverged runs.
    """
    runs = [0 if point.values is None else len(point.values) for point in (first, second)]
    lost = (first.diverged, second.diverged)
    if first.kind != "value" or not any(lost) or (lost[0] == lost[1] < min(runs)):
        return ""
    numbers = [
        f"{point.diverged} of {all_runs} of {point.member}"
        for point, all_runs in zip((first, second), runs, strict=True)
    ]
    return f"runs that diverged: {', '.join(numbers)}; compare success, which counts them as failures"


def at(found: Sequence[Point], axis: str, value: Scalar) -> list[Point]:
    """Return the points that have a value on an axis."""
    return [point for point in found if axis in point.axes and _same(point.axes[axis], value)]


def _chosen(rows: pd.DataFrame, where: Mapping[str, Sequence[Scalar]], layer: int | None) -> pd.DataFrame:
    """Return the rows with the wanted values of axes, after the last step, of one layer per member."""
    # An axis without a column is the same for all rows; one without values belongs to the training alone.
    for axis, wanted in ((name, wanted) for name, wanted in where.items() if name in rows.columns):
        if rows[axis].isna().all():
            continue
        there = [found for found in rows[axis].unique() if any(_same(found, value) for value in wanted)]
        rows = rows[rows[axis].isin(there)]
    if rows["step"].notna().any():
        rows = rows[rows["step"] == rows["step"].max()]
    if rows["layer"].notna().any():
        last = rows.groupby("member", observed=True)["layer"].transform("max")
        rows = rows[rows["layer"] == (last if layer is None else layer)]
    return rows


def _same(found: Any, value: Scalar) -> bool:
    if isinstance(value, bool):  # tables contain "yes" and "no"
        return bool(found == ("yes" if value else "no"))
    return bool(not pd.isna(found) and found == value)


def _key(values: Any) -> tuple[Any, ...]:
    """Return a row's key with None for missing values, which tables mark in different ways."""
    return tuple(None if pd.isna(value) else value for value in (values if isinstance(values, tuple) else (values,)))
