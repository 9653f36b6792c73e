"""Points: the draws of one quantity at each setting that a claim is about, as the tables have them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from suite.catalog.claims import Scalar
from suite.catalog.quantities import QUANTITIES
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


@dataclass(frozen=True)
class Tables:
    """What a run has left.

    Attributes:
        summary: statistics over draws.
        values_of: the raw values of some quantities, one a row.
    """

    summary: pd.DataFrame
    values_of: Callable[[Sequence[str]], pd.DataFrame]


@dataclass(frozen=True)
class Point:
    """One member under one setting of the training.

    Attributes:
        member: its name.
        axes: what it is, by axis.
        kind: of the quantity.
        values: one a draw, in the draws' order, nan for waits that did not end; None of a ratio of means.
        draws: their numbers, nan of what has no draws; None likewise.
        stated: what the summary says of it.
        theory: what its law says; nan where there is none.
    """

    member: str
    axes: dict[str, Any]
    kind: str
    values: Array | None
    draws: Array | None
    stated: Estimate
    theory: float

    def estimate(self, statistic: str) -> Estimate:
        """The statistic that claims about it go by; of a frequency and a ratio of means it is that."""
        if self.values is None or self.draws is None:
            return self.stated
        if np.isnan(self.draws).all() and len(self.values) == 1:  # a number of the architecture
            return Estimate(float(self.values[0]))
        if self.kind == "frequency":
            return estimate(self.values, "frequency")
        if self.kind == "time":
            return estimate(np.where(np.isnan(self.values), np.inf, self.values), "median")
        return estimate(self.values, "median" if statistic == "median" else "mean")

    def but(self, *axes: str) -> tuple[tuple[str, Any], ...]:
        """All its axes but some: what matches where only those differ."""
        return tuple((name, value) for name, value in sorted(self.axes.items()) if name not in axes)


def points(
    tables: Tables,
    quantity: str,
    *,
    where: Mapping[str, Sequence[Scalar]] | None = None,
    layer: int | None = None,
) -> list[Point]:
    """A quantity's points, after the last step.

    Args:
        tables: of one run.
        quantity: its name.
        where: axes with the values that are asked for; everything unless given.
        layer: of a quantity that has layers; each member's last one unless given.
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
    found = []
    for row in summary.to_dict("records"):
        values, draws = raw.get(_key(tuple(row[name] for name in keys)), (None, None))
        found.append(
            Point(
                str(row["member"]),
                {name: row[name] for name in axes if not pd.isna(row[name])},
                kind,
                values,
                draws,
                Estimate(row["mean"], (row["ci_high"] - row["ci_low"]) / (2 * NORMAL_QUANTILE), draws=int(row["n"])),
                float(row["theory"]),
            )
        )
    return found


def axes_of(table: pd.DataFrame) -> list[str]:
    """The columns that say which members, and which setting of the training, a row is of."""
    return [name for name in table.columns if name not in _NO_AXES]


def lines(found: Sequence[Point], along: str) -> Iterator[list[Point]]:
    """The points that differ in one axis alone, in its order."""
    having = sorted((point for point in found if along in point.axes), key=lambda point: repr(point.but(along)))
    for _, group in groupby(having, key=lambda point: point.but(along)):
        yield sorted(group, key=lambda point: point.axes[along])


def matched(first: Sequence[Point], second: Sequence[Point], *axes: str) -> Iterator[tuple[Point, Point]]:
    """Points of two sets that match in all axes but some, which either may lack."""
    others = {point.but(*axes): point for point in second}
    for point in first:
        if (other := others.get(point.but(*axes))) is not None:
            yield point, other


def unshared(first: Sequence[Point], second: Sequence[Point]) -> set[str]:
    """The axes that only one of two sets of points has, such as the training's beside what is measured untrained."""
    one, other = ({name for point in found for name in point.axes} for found in (first, second))
    return one ^ other


def both_drawn(first: Point, second: Point) -> tuple[Array, Array]:
    """The values of draws that both have, by the draws' numbers: a cell that failed leaves a gap in one."""
    if first.values is None or second.values is None or first.draws is None or second.draws is None:
        return np.empty(0), np.empty(0)
    return by_number(first.draws, first.values, second.draws, second.values)


def at(found: Sequence[Point], axis: str, value: Scalar) -> list[Point]:
    """The points with a value of an axis."""
    return [point for point in found if axis in point.axes and _same(point.axes[axis], value)]


def _chosen(rows: pd.DataFrame, where: Mapping[str, Sequence[Scalar]], layer: int | None) -> pd.DataFrame:
    # An axis that has no column is the same for all, and one without values is of the training alone.
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
    if isinstance(value, bool):
        return bool(found == ("yes" if value else "no"))
    return bool(not pd.isna(found) and found == value)


def _key(values: Any) -> tuple[Any, ...]:
    """What rows of different tables have in common, whose gaps are of different kinds."""
    return tuple(None if pd.isna(value) else value for value in (values if isinstance(values, tuple) else (values,)))
