"""Timing of contenders in turn, with a check that their results agree."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.peers.cases import Case, Contender
from benchmarks.peers.torch_peers import Gemm

AGREEMENT = {"float32": 1e-3, "float64": 1e-8}
"""Largest difference between two contenders' results that rounding explains, relative to the largest result."""

THIRD_DIFFERENCE = 1e4
"""Factor of this tolerance for V3, which divides by the third power of the step."""


@dataclass(frozen=True)
class Row:
    """The times of one contender at one case.

    Attributes:
        work: forward, v3 or training.
        dtype: The precision of all numbers.
        case: Draws, width, depth and points.
        contender: The name of the contender.
        device: cpu or cuda.
        seconds: The median over rounds, for all networks together; of training, for one step.
        spread: Half the distance of the quartiles, relative to the median.
        rounds: The number of rounds.
        flop: The number of floating-point operations of the matrix products.
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
        """Return the row as `--json` writes it."""
        return asdict(self)


def compare(case: Case, contenders: Sequence[Contender], limit: Gemm, device: str, budget: float) -> list[Row]:
    """Time all contenders in turn in every round; on a GPU a first round is not counted.

    Args:
        case: The computation.
        contenders: The contenders; the results of all must agree with those of the first.
        limit: A matrix product, timed in the same rounds.
        device: The device.
        budget: Seconds for the rounds, of which there are at least three.

    Raises:
        ArithmeticError: If the results of two contenders differ by more than rounding explains.
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
    """Return the row of a contender's times."""
    low, middle, high = quantiles(times, n=4)
    spread = (high - low) / 2 / middle
    return Row(case.work, case.dtype, case.name, name, device, median(times), spread, len(times), flop)


def check(case: Case, contenders: Sequence[Contender]) -> None:
    """Raise ArithmeticError if results differ by more than rounding explains."""
    first, *others = contenders
    expected = first.answer().astype(np.float64)
    for other in others:
        difference = np.abs(other.answer() - expected).max() / np.abs(expected).max()
        largest = AGREEMENT[case.dtype] * (THIRD_DIFFERENCE if case.work == "v3" else 1)
        if not difference < largest:
            raise ArithmeticError(
                f"{other.name} differs from {first.name} by {difference:.1e} for {case.work}, {case.dtype}, {case.name}"
            )
