"""From a parameter budget to layer widths, in integers only.

Uniform widths miss a budget by up to a fifth in deep, narrow networks, which confounds whatever is then
measured against depth. So widths may differ between layers, as little as the budget allows.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

_MAX_SPREAD = 64
"""Widths further apart than this are not searched; a budget that needs them counts as unreachable."""


_MAX_EFFORT = 200_000_000
"""Words of memory that a search goes through at most, some tenths of a second: wide layers have many counts."""


class UnreachableBudgetError(ValueError):
    """No widths of this depth meet the budget within its tolerance.

    Attributes:
        depth: number of hidden layers.
        below: the largest reachable parameter count under the budget, or None.
        above: the smallest reachable parameter count over the budget, or None.
    """

    def __init__(self, depth: int, below: int | None, above: int | None) -> None:
        super().__init__(f"depth {depth} cannot meet the budget; nearest counts {below} and {above}")
        self.depth, self.below, self.above = depth, below, above


def count_parameters(widths: Sequence[int], normalized: bool = False) -> int:
    """Number of parameters of a network with widths n_0 .. n_{L+1}.

    Weights and biases, the readout's too, and a gain and a shift for each hidden unit that is normalized.
    """
    affine = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths))
    return affine + _of_a_unit(normalized) * sum(widths[1:-1])


def _of_a_unit(normalized: bool) -> int:
    """Parameters of a hidden unit beside its weights and its bias."""
    return 2 if normalized else 0


def fit_widths(
    budget: int, depth: int, inputs: int, outputs: int, tolerance: float, normalized: bool = False
) -> tuple[int, ...]:
    """Hidden widths that bring a network's parameter count to the budget.

    The smallest spread (largest less smallest width) that meets the tolerance wins; within it the count
    closest to the budget; within that the widths with the wider layers first.

    Args:
        budget: wanted number of parameters.
        depth: number of hidden layers, 1 or more.
        inputs: input units.
        outputs: output units.
        tolerance: allowed relative deviation from the budget.
        normalized: whether hidden units are, which gives each a gain and a shift.

    Returns:
        One width a hidden layer.

    Raises:
        UnreachableBudgetError: no widths meet the tolerance; it carries the nearest reachable counts.
    """
    slack = Fraction(str(tolerance)) * budget
    low, high = ceil(budget - slack), floor(budget + slack)
    reachable: set[int] = set()
    left = _MAX_EFFORT
    for spread in range(_MAX_SPREAD + 1 if depth > 1 else 1):
        best: tuple[int, tuple[int, ...]] | None = None
        for narrowest in _narrowest_widths(spread, budget, depth, inputs, outputs, normalized):
            left -= _effort(narrowest, spread, depth, inputs, outputs, normalized)
            if left < 0:
                break
            box = _Box(narrowest, spread, depth, inputs, outputs, normalized)
            for count in box.nearest_counts(budget):
                reachable.add(count)
                if low <= count <= high:
                    candidate = (-abs(count - budget), box.widths_of(count))
                    best = candidate if best is None else max(best, candidate)
        if best is not None:
            return best[1]
        nearest = min((count for count in reachable if count > budget), default=high)
        if left < 0 or _cheapest(spread + 1, depth, inputs, outputs, normalized) > max(high, nearest):
            break
    below = max((count for count in reachable if count < budget), default=None)
    above = min((count for count in reachable if count > budget), default=None)
    raise UnreachableBudgetError(depth, below, above)


def _narrowest_widths(
    spread: int, budget: int, depth: int, inputs: int, outputs: int, normalized: bool
) -> Iterator[int]:
    """Every smallest width whose box stands around the budget, and the two that stand just beside it.

    A box farther away is closest to the budget at its uniform end, which spread 0 has tried already.
    """

    def uniform(width: int) -> int:
        return count_parameters((inputs, *[width] * depth, outputs), normalized)

    first = max(1, _largest(lambda width: uniform(width) < budget, budget) - spread)
    for width in range(first, budget + 2):
        yield width
        if uniform(width) > budget:
            return


def _cheapest(spread: int, depth: int, inputs: int, outputs: int, normalized: bool) -> int:
    """The fewest parameters with which widths are so far apart: one layer is wider than one unit, the rest is not."""
    return min(
        count_parameters((inputs, *[1] * place, 1 + spread, *[1] * (depth - place - 1), outputs), normalized)
        for place in (0, depth // 2, depth - 1)
    )


def _effort(narrowest: int, spread: int, depth: int, inputs: int, outputs: int, normalized: bool) -> int:
    """Words that a box is made of, times how often each is gone through."""
    least, most = (
        count_parameters((inputs, *[width] * depth, outputs), normalized) for width in (narrowest, narrowest + spread)
    )
    return depth * (spread + 1) ** 2 * (1 + (most - least) // 64)


def _largest(holds: Callable[[int], bool], limit: int) -> int:
    """The largest width in 0 .. limit for which a statement, true of small widths only, holds."""
    below, above = 0, limit + 1
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if holds(middle) else (below, middle)
    return below


class _Box:
    """All hidden widths between `narrowest` and `narrowest + spread`, and the counts they reach.

    A set of counts is one integer whose bit k stands for "k parameters more than all layers at their
    narrowest", so that adding a layer is a shift and uniting two sets an or.
    """

    def __init__(self, narrowest: int, spread: int, depth: int, inputs: int, outputs: int, normalized: bool) -> None:
        self.narrowest, self.inputs, self.depth = narrowest, inputs, depth
        self.of_a_unit = _of_a_unit(normalized)
        self.base = count_parameters((inputs, *[narrowest] * depth, outputs), normalized)
        self.steps = range(spread, -1, -1)
        tails = [{step: 1 << step * outputs for step in self.steps}]
        for _ in range(depth - 1):
            tails.append({step: self._union(tails[-1], step) for step in self.steps})
        self.tails = tails[::-1]
        """By layer, by its width over the narrowest: the counts that the layers after it can add."""
        self.counts = 0
        for step in self.steps:
            self.counts |= self.tails[0][step] << self._first_cost(step)

    def _first_cost(self, step: int) -> int:
        return (self.inputs + 1 + self.of_a_unit) * step

    def _cost(self, step: int, following: int) -> int:
        narrowest = self.narrowest
        affine = (narrowest + step + 1) * (narrowest + following) - (narrowest + 1) * narrowest
        return affine + self.of_a_unit * following

    def _union(self, tail: dict[int, int], step: int) -> int:
        united = 0
        for following, counts in tail.items():
            united |= counts << self._cost(step, following)
        return united

    def nearest_counts(self, budget: int) -> list[int]:
        """The reachable counts next to the budget: at or below it, and at or above it."""
        target = budget - self.base
        found = []
        mask = (2 << min(target, self.counts.bit_length())) - 1 if target >= 0 else 0
        if below := self.counts & mask:
            found.append(self.base + below.bit_length() - 1)
        if above := self.counts >> max(target, 0):
            found.append(self.base + max(target, 0) + (above & -above).bit_length() - 1)
        return found

    def widths_of(self, count: int) -> tuple[int, ...]:
        """The widths with that count whose wider layers come first."""
        left = count - self.base
        steps: list[int] = []
        for layer in range(self.depth):
            for step in self.steps:
                cost = self._cost(steps[-1], step) if layer else self._first_cost(step)
                if left >= cost and self.tails[layer][step] >> (left - cost) & 1:
                    steps.append(step)
                    left -= cost
                    break
        return tuple(self.narrowest + step for step in steps)
