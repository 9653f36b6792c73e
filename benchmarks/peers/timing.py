"""Takes contenders in turn, checks that they agree, and keeps the times of each."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.peers.cases import Case, Contender
from benchmarks.peers.torch_peers import Gemm

AGREEMENT = {"float32": 1e-3, "float64": 1e-8}
"""Largest difference between two contenders' answers that rounding explains, relative to the largest answer."""

THIRD_DIFFERENCE = 1e4
"""How many times more it is of V3, which divides by the step's third power."""


@dataclass(frozen=True)
class Row:
    """The times of one contender at one case.

    Attributes:
        work: forward, v3 or training.
        dtype: of all numbers.
        case: draws, width, depth, points.
        contender: its name.
        device: cpu or cuda.
        seconds: median over rounds, of all networks together.
        spread: half the distance of the quartiles, relative to the median.
        rounds: how many.
        flop: operations of the matrix products.
    """

    work: str
    dtype: str
    case: str
    contender: str
    device: str
    seconds: float
    spread: float
    rounds: int
    flop: int

    def as_json(self) -> dict[str, Any]:
        """As `--json` writes it."""
        return asdict(self)


def compare(case: Case, contenders: Sequence[Contender], limit: Gemm, device: str, budget: float) -> list[Row]:
    """Times all contenders, one after the other in every round; on a GPU a first round is not counted.

    Args:
        case: what they do.
        contenders: who does it; all but the first must agree with the first.
        limit: a matrix product, timed among them.
        device: where.
        budget: seconds for the rounds, of which there are three at least.

    Raises:
        ArithmeticError: two contenders do not come to the same.
    """
    check(case, contenders)
    field: list[Contender | Gemm] = [*contenders, limit]
    taken: dict[str, list[float]] = {each.name: [] for each in field}
    if device != "cpu":  # the first use of each kernel loads it
        for each in field:
            each.seconds()
    start = perf_counter()
    while len(taken[limit.name]) < 3 or perf_counter() - start < budget:
        for each in field:
            taken[each.name].append(each.seconds())
    flops = {limit.name: limit.flop}
    return [row(case, name, device, times, flops.get(name, case.flop)) for name, times in taken.items()]


def row(case: Case, name: str, device: str, times: Sequence[float], flop: int) -> Row:
    """What the table says of a contender's times."""
    low, middle, high = quantiles(times, n=4)
    spread = (high - low) / 2 / middle
    return Row(case.work, case.dtype, case.name, name, device, median(times), spread, len(times), flop)


def check(case: Case, contenders: Sequence[Contender]) -> None:
    """Raises ArithmeticError where answers differ by more than rounding."""
    first, *others = contenders
    expected = first.answer().astype(np.float64)
    for other in others:
        difference = np.abs(other.answer() - expected).max() / np.abs(expected).max()
        largest = AGREEMENT[case.dtype] * (THIRD_DIFFERENCE if case.work == "v3" else 1)
        if not difference < largest:
            raise ArithmeticError(
                f"{other.name} differs from {first.name} by {difference:.1e} at {case.work}, {case.dtype}, {case.name}"
            )
