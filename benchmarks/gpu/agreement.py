"""Checks that a device computes the same numbers as the CPU.

Weights must be the same to the last bit, and every path must agree with float64 on the CPU.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.adapter import Cell, Ensemble, LossAt, ScoreSettings, compute
from benchmarks.gpu.paths import dtype_of, path_cells, weight_cells
from benchmarks.gpu.record import Row, Rows, Setup

Array = NDArray[np.float64]

WEIGHTS = 200
"""Number of draws whose weights are compared; it exceeds the draws that share a stream of random numbers."""

MARGIN = {"float32": 100.0, "float64": 1000.0}
"""Largest ratio of a device's rounding error to the CPU's; the device sums in another order, and errors vary."""

LEAST = 1000.0
"""Minimum tolerance, in units of the precision."""

FLIPS, FLIPS_IN_A_CELL = 0.05, 0.25
"""Shares of all draws, and of a cell's, that may deviate in float32, since rounding can move a unit across its kink."""


def weight_rows(setup: Setup) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield a row for each initialization and shape.

    A row compares the networks' parameters and data on both devices.
    """
    draws = 70 if setup.tiny else WEIGHTS
    cells = weight_cells()
    for cell in cells[::4] if setup.tiny else cells:
        key = f"{cell.member.initialization.label}, depth {cell.member.depth}, width {cell.member.widths[1]}"
        yield key, lambda cell=cell: _compare_weights(cell, setup.device, draws)  # type: ignore[misc]


def weight_line(key: str, row: Row) -> str:
    """Return the number of values compared and the number that differ."""
    return f"{row['numbers']:,} numbers of {row['draws']} draws, {row['different']} differ"


def return_given(ensemble: Ensemble, batch: LossAt, settings: Any) -> dict[str, Tensor]:
    """Return the inputs of a measure: the networks' parameters and the batch."""
    each = batch.of_each(ensemble.draws)
    return {"parameters": ensemble.parameters, "points": each.points, "labels": each.labels}


def _compare_weights(cell: Cell, device: str, draws: int) -> Row:
    class Given(type(cell)):  # type: ignore[misc]  # the type of cell depends on the commit of the suite
        """The cell with a measure that returns its inputs."""

        in_tables = False
        measure = replace(cell.measure, function=f"{return_given.__module__}:{return_given.__name__}")

    known = {field.name: getattr(cell, field.name) for field in fields(cell)}
    settings = ScoreSettings(draws=draws, step=cell.settings.step, points=32)
    cell = Given(**known | {"stop": draws, "settings": settings})
    here, there = compute(cell), compute(cell, device)
    different = sum(int((here[name] != there[name]).sum()) for name in here)
    return {"draws": draws, "numbers": sum(values.size for values in here.values()), "different": different}


def path_rows(setup: Setup) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield a row for each measure and precision."""
    groups: dict[str, list[Cell]] = {}
    for cell in path_cells():
        groups.setdefault(f"{cell.name}, {dtype_of(cell)}", []).append(cell)
    for key, cells in groups.items():
        yield key, lambda cells=cells[:: 8 if setup.tiny else 1]: _compare_cells(cells, setup.device)  # type: ignore[misc]


def path_line(key: str, row: Row) -> str:
    """Return the quantity that deviates most, as a share of its tolerance."""
    name, worst = max(row["quantities"].items(), key=lambda item: (item[1]["beyond"], item[1]["share"]))
    beyond = f", {worst['beyond']} of {worst['draws']} draws beyond tolerance" if worst["beyond"] else ""
    return f"{row['cells']} cells; largest deviation {_percent(worst['share'])} of the tolerance ({name}){beyond}"


def path_summary(rows: Rows) -> list[str]:
    """Return a table of all quantities; the column `largest` is a share of the tolerance."""
    lines = [f"{'measure, precision, quantity':<52}{'draws':>7}{'beyond':>8}{'allowed':>9}{'largest':>10}"]
    for name, found in _by_quantity(rows).items():
        text = f"{name:<52}{found['draws']:>7}{found['beyond']:>8}{found['allowed']:>9}{_percent(found['share']):>10}"
        lines.append(text + ("  BEYOND TOLERANCE" if _deviates(found) else ""))
    return lines


def find_deviations(rows: Rows) -> list[str]:
    """Return every quantity, with measure and precision, that deviates in more draws than allowed."""
    return [name for name, found in _by_quantity(rows).items() if _deviates(found)]


def _by_quantity(rows: Rows) -> Rows:
    return {f"{key}, {name}": found for key, row in rows.items() for name, found in row["quantities"].items()}


def _deviates(found: Row) -> bool:
    return bool(found["beyond"] > found["allowed"] or found["wrong_cells"])


def _compare_cells(cells: Sequence[Cell], device: str) -> Row:
    """Return in how many draws and cells the device deviates, for each quantity of a measure."""
    quantities: Rows = {}
    for cell in cells:
        exact, rounded = (compute(cell, dtype=each) for each in (torch.float64, torch.float32))
        found = compute(cell, device)
        if missing := exact.keys() ^ found.keys():
            raise ValueError(
                f"{cell.name} of {cell.member.name} returns {', '.join(sorted(missing))} on only one device"
            )
        for name in exact:
            judged = judge(*(_by_draw(each[name], cell) for each in (exact, rounded, found)), dtype=dtype_of(cell))
            known = quantities.setdefault(name, {"draws": 0, "beyond": 0, "wrong_cells": 0, "share": 0.0})
            known["draws"] += judged["draws"]
            known["beyond"] += judged["beyond"]
            known["wrong_cells"] += judged["beyond"] > FLIPS_IN_A_CELL * judged["draws"]
            known["share"] = max(known["share"], judged["share"])
    for known in quantities.values():
        known["allowed"] = max(1, int(FLIPS * known["draws"])) if dtype_of(cells[0]) == "float32" else 0
    return {"cells": len(cells), "quantities": quantities}


def judge(exact: Array, rounded: Array, found: Array, *, dtype: str) -> Row:
    """Return in how many draws a device deviates by more than rounding explains.

    The tolerance is a multiple of the error that the CPU makes in float32, in proportion to the precision. That error
    measures how sensitive the quantity is to rounding. Values that are not finite must be the same; in float32, they
    may instead be the same as in float32 on the CPU.

    Args:
        exact: (draws, values), on the CPU in float64.
        rounded: The same values in float32 on the CPU.
        found: The same values on the device, in the precision to be judged.
        dtype: That precision.
    """
    precision, single = (float(torch.finfo(each).eps) for each in (getattr(torch, dtype), torch.float32))
    finite = np.isfinite(exact)
    scale = float(np.abs(exact[finite]).max(initial=0.0)) or 1.0
    lost = np.where(np.isfinite(rounded), rounded, 0.0) - exact  # the whole value if float32 is not finite
    rounding = float(np.abs(lost[finite]).max(initial=0.0)) / scale
    tolerance = precision * max(MARGIN[dtype] * rounding / single, LEAST)
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
    """Return values as (draws, values of each); in training, each learning rate counts as a draw."""
    draws = values.shape[0] * values.shape[1] if cell.trains else (values.shape[0] if values.ndim else 1)
    return values.astype(np.float64).reshape(draws, -1)


def _same(left: Array, right: Array) -> Any:
    """Return where both arrays have the same number, or both are nan."""
    return (left == right) | (np.isnan(left) & np.isnan(right))


def _percent(share: float) -> str:
    return f"{share:.0%}" if share < 100 else f"{share:.0e}"
