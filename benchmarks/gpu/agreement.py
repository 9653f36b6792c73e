"""Whether a device computes the same: the same weights to the last bit, and every path as float64 on the CPU does."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.adapter import Cell, Ensemble, LossAt, ScoreSettings, compute
from benchmarks.gpu.paths import PathCell, path_cells, weight_cells
from benchmarks.gpu.record import Row, Rows, Setup

Array = NDArray[np.float64]

WEIGHTS = 200
"""Draws whose weights are compared; more than share a stream of random numbers."""

MARGIN = 100.0
"""How many times as much as the CPU's own rounding a device's may be: it sums in another order, and errors vary."""

LEAST = 1000.0
"""The tolerance at least, in units of the precision."""

FLIPS = 0.05
"""Share of draws that may differ by more in float32, where rounding can move a unit across its kink."""


def weight_rows(setup: Setup) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield a row for each initialization and shape: the networks' parameters and data on both devices."""
    draws = 70 if setup.tiny else WEIGHTS
    cells = weight_cells()
    for cell in cells[::4] if setup.tiny else cells:
        key = f"{cell.member.initialization.label}, depth {cell.member.depth}, width {cell.member.widths[1]}"
        yield key, lambda cell=cell: _compare_weights(cell, setup.device, draws)  # type: ignore[misc]


def weight_line(key: str, row: Row) -> str:
    """Return whether all numbers are the same."""
    return f"{row['numbers']:,} numbers of {row['draws']} draws, {row['different']} different"


class _Given(ScoreSettings):  # type: ignore[misc]  # the adapter has no types
    """Settings of a measure that returns what measures are given: the networks' parameters and the batch."""

    @staticmethod
    def declared(ensemble: Ensemble, batch: LossAt, settings: Any) -> dict[str, Tensor]:
        each = batch.of_each(ensemble.draws)
        return {"parameters": ensemble.parameters, "points": each.points, "labels": each.labels}


def _compare_weights(cell: Cell, device: str, draws: int) -> Row:
    cell = replace(cell, stop=draws, settings=_Given(draws=draws, step=cell.settings.step, points=32))
    here, there = compute(cell), compute(cell, device)
    different = sum(int((here[name] != there[name]).sum()) for name in here)
    return {"draws": draws, "numbers": sum(values.size for values in here.values()), "different": different}


def path_rows(setup: Setup) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield a row for each study of the paths."""
    for study, group in groupby(path_cells(), key=lambda path: path.study):
        paths = list(group)
        if setup.tiny:  # one of each measure
            paths = list({path.cell.name: path for path in reversed(paths)}.values())
        yield study, lambda paths=paths: _compare_paths(paths, setup.device)  # type: ignore[misc]


def path_line(key: str, row: Row) -> str:
    """Return the quantity that deviates most, as a share of its tolerance."""
    name, worst = max(row["quantities"].items(), key=lambda item: (item[1]["beyond"], item[1]["share"]))
    beyond = f", {worst['beyond']} of {worst['draws']} draws beyond it" if worst["beyond"] else ""
    return f"{row['cells']} cells; greatest deviation {_percent(worst['share'])} of the tolerance ({name}){beyond}"


def path_summary(rows: Rows) -> list[str]:
    """Return a table of all quantities in each precision over all studies; `greatest` is a share of the tolerance."""
    lines = [f"{'measure, precision, quantity':<52}{'draws':>7}{'beyond':>8}{'allowed':>9}{'greatest':>10}"]
    for name, found in _by_quantity(rows).items():
        told = f"{name:<52}{found['draws']:>7}{found['beyond']:>8}{found['allowed']:>9}{_percent(found['share']):>10}"
        lines.append(told + ("  BEYOND TOLERANCE" if found["beyond"] > found["allowed"] else ""))
    return lines


def find_deviations(rows: Rows) -> list[str]:
    """Return every quantity, with measure and precision, that deviates in more draws than is allowed."""
    return [name for name, found in _by_quantity(rows).items() if found["beyond"] > found["allowed"]]


def _compare_paths(paths: Sequence[PathCell], device: str) -> Row:
    """Return, for each measure, precision and quantity, in how many draws the device is beyond the tolerance."""
    quantities: Rows = {}
    for path in paths:
        cell = path.cell
        exact, rounded = (compute(cell, dtype=each) for each in (torch.float64, torch.float32))
        found = compute(cell, device)
        if missing := exact.keys() ^ found.keys():
            raise ValueError(f"{cell.name} of {cell.member.name} has {', '.join(sorted(missing))} on one device only")
        for name in exact:
            values = [_by_draw(each[name], cell) for each in (exact, rounded, found)]
            _add(quantities, f"{cell.name}, {path.dtype}, {name}", judge(*values, dtype=path.dtype))
    return {"cells": len(paths), "quantities": quantities}


def _add(quantities: Rows, name: str, judged: Row) -> None:
    """Add a judgment to those of the same quantity: sums of draws, and the greatest share and tolerance."""
    known = quantities.setdefault(name, dict.fromkeys(judged, 0))
    for key, value in judged.items():
        known[key] = known[key] + value if key in ("draws", "beyond") else max(known[key], value)


def judge(exact: Array, rounded: Array, found: Array, *, dtype: str) -> Row:
    """Return in how many draws a device deviates by more than rounding explains.

    The tolerance is a multiple of the error that the CPU makes in float32, which tells how sensitive the quantity is to
    rounding, in proportion to the precision. What is not finite must be the same, in float32 as in float32 on the CPU.

    Args:
        exact: (draws, values), on the CPU in float64.
        rounded: The same in float32.
        found: The same on the device, in the precision to be judged.
        dtype: That precision.
    """
    precision, single = (float(torch.finfo(each).eps) for each in (getattr(torch, dtype), torch.float32))
    finite = np.isfinite(exact)
    scale = float(np.abs(exact[finite]).max(initial=0.0)) or 1.0
    lost = np.where(np.isfinite(rounded), rounded, 0.0) - exact  # all of it, where float32 has no number
    rounding = float(np.abs(lost[finite]).max(initial=0.0)) / scale
    tolerance = precision * max(MARGIN * rounding / single, LEAST)
    with np.errstate(invalid="ignore"):
        deviation = np.abs(found - exact) / scale
    same = _same(found, exact) | (_same(found, rounded) & (dtype == "float32"))
    deviation = np.where(same, 0.0, np.where(finite & np.isfinite(found), deviation, np.inf))
    greatest = deviation.max(axis=1, initial=0.0)
    within = greatest[np.isfinite(greatest)]
    return {
        "draws": len(exact),
        "beyond": int((greatest > tolerance).sum()),
        "share": float(within.max(initial=0.0) / tolerance),
        "tolerance": tolerance,
    }


def _by_draw(values: NDArray[Any], cell: Cell) -> Array:
    """Return values as (draws, values of each); under training each learning rate counts as a draw."""
    draws = values.shape[0] * values.shape[1] if cell.trains else (values.shape[0] if values.ndim else 1)
    return values.astype(np.float64).reshape(draws, -1)


def _same(left: Array, right: Array) -> Any:
    """Return where both have the same number, or none."""
    return (left == right) | (np.isnan(left) & np.isnan(right))


def _by_quantity(rows: Rows) -> Rows:
    """Return what all studies say of each quantity, with the number of draws that may be beyond the tolerance."""
    found: Rows = {}
    for row in rows.values():
        for name, each in row["quantities"].items():
            _add(found, name, each)
    for name, each in found.items():
        each["allowed"] = max(1, int(FLIPS * each["draws"])) if "float32" in name else 0
    return dict(sorted(found.items()))


def _percent(share: float) -> str:
    return f"{share:.0%}" if share < 100 else f"{share:.0e}"
