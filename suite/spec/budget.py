"""This module finds layer widths for a parameter budget, with integer arithmetic only.

Uniform widths miss a budget by up to 20% in deep, narrow networks, which confounds measurements against depth.
Therefore widths may differ between layers, but only as much as the budget requires.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

_MAX_SPREAD = 64
"""The largest spread of widths that is searched; a budget that needs a larger one counts as unreachable."""

_MAX_EFFORT = 200_000_000
"""The maximum number of 64-bit words that a search processes, which takes a few tenths of a second.

The limit matters for wide layers, whose counts are many.
"""


class UnreachableBudgetError(ValueError):
    """An error for a budget that no widths of this depth meet within its tolerance.

    Attributes:
        depth: The number of hidden layers.
        below: The largest parameter count below the budget that the search reached, or None.
        above: The smallest parameter count above the budget that the search reached, or None.
    """

    def __init__(self, depth: int, below: int | None, above: int | None) -> None:
        super().__init__(f"depth {depth} cannot meet the budget; nearest counts {below} and {above}")
        self.depth, self.below, self.above = depth, below, above


def count_parameters(widths: Sequence[int], normalized: bool = False) -> int:
    """Return the number of parameters of a network with widths n_0 .. n_{L+1}.

    The parameters are the weights and biases of all layers, including the readout. If hidden layers are normalized,
    each hidden unit also has a gain and a shift.
    """
    affine = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths))
    return affine + _extra_per_unit(normalized) * sum(widths[1:-1])


def _extra_per_unit(normalized: bool) -> int:
    """Return the number of parameters of a hidden unit besides its weights and its bias."""
    return 2 if normalized else 0


def fit_widths(
    budget: int, depth: int, inputs: int, outputs: int, tolerance: float, normalized: bool = False
) -> tuple[int, ...]:
    """Return hidden widths with which a network's parameter count meets the budget.

    The search prefers the smallest spread (the largest width minus the smallest) that meets the tolerance. Within
    that spread it prefers the count closest to the budget, and for that count the widths with wider layers first.

    Args:
        budget: The target number of parameters.
        depth: The number of hidden layers, at least 1.
        inputs: The number of input units.
        outputs: The number of output units.
        tolerance: The allowed relative deviation from the budget.
        normalized: Whether hidden layers are normalized, which gives each hidden unit a gain and a shift.

    Returns:
        One width per hidden layer.

    Raises:
        UnreachableBudgetError: If no widths meet the tolerance. The error holds the nearest counts.
    """
    slack = Fraction(str(tolerance)) * budget
    low, high = ceil(budget - slack), floor(budget + slack)
    reachable: set[int] = set()
    left = _MAX_EFFORT
    for spread in range(_MAX_SPREAD + 1 if depth > 1 else 1):
        best: tuple[int, tuple[int, ...]] | None = None
        for narrowest in _narrowest_widths(spread, budget, depth, inputs, outputs, normalized):
            left -= _estimate_effort(narrowest, spread, depth, inputs, outputs, normalized)
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
        if left < 0 or _fewest_parameters(spread + 1, depth, inputs, outputs, normalized) > max(high, nearest):
            break
    below = max((count for count in reachable if count < budget), default=None)
    above = min((count for count in reachable if count > budget), default=None)
    raise UnreachableBudgetError(depth, below, above)


def _narrowest_widths(
    spread: int, budget: int, depth: int, inputs: int, outputs: int, normalized: bool
) -> Iterator[int]:
    """Yield the smallest widths of the boxes around the budget, and of the nearest box below and above it.

    In a box that is farther away, the count closest to the budget is one of uniform widths, which the search has
    already tried with a spread of 0.
    """

    def uniform(width: int) -> int:
        return count_parameters((inputs, *[width] * depth, outputs), normalized)

    first = max(1, _find_largest(lambda width: uniform(width) < budget, budget) - spread)
    for width in range(first, budget + 2):
        yield width
        if uniform(width) > budget:
            return


def _fewest_parameters(spread: int, depth: int, inputs: int, outputs: int, normalized: bool) -> int:
    """Return the smallest parameter count with this spread of widths.

    One layer has a width of 1 + spread, and all others have a width of 1.
    """
    return min(
        count_parameters((inputs, *[1] * place, 1 + spread, *[1] * (depth - place - 1), outputs), normalized)
        for place in (0, depth // 2, depth - 1)
    )


def _estimate_effort(narrowest: int, spread: int, depth: int, inputs: int, outputs: int, normalized: bool) -> int:
    """Estimate the 64-bit words that building a box processes: words per set times unions of sets."""
    least, most = (
        count_parameters((inputs, *[width] * depth, outputs), normalized) for width in (narrowest, narrowest + spread)
    )
    return depth * (spread + 1) ** 2 * (1 + (most - least) // 64)


def _find_largest(holds: Callable[[int], bool], limit: int) -> int:
    """Return the largest width in 0 .. limit that satisfies a condition which only small widths satisfy."""
    below, above = 0, limit + 1
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if holds(middle) else (below, middle)
    return below


class _Box:
    """All hidden widths from `narrowest` to `narrowest + spread`, and the parameter counts they reach.

    A set of counts is one integer. Its bit k means "k parameters more than with all layers at their narrowest", so
    that adding a layer is a shift and the union of two sets is a bitwise or.
    """

    def __init__(self, narrowest: int, spread: int, depth: int, inputs: int, outputs: int, normalized: bool) -> None:
        self.narrowest, self.inputs, self.depth = narrowest, inputs, depth
        self.extra_per_unit = _extra_per_unit(normalized)
        self.base = count_parameters((inputs, *[narrowest] * depth, outputs), normalized)
        self.steps = range(spread, -1, -1)
        tails = [{step: 1 << step * outputs for step in self.steps}]
        for _ in range(depth - 1):
            tails.append({step: self._union(tails[-1], step) for step in self.steps})
        self.tails = tails[::-1]
        """The counts that later layers can add, by layer and by the difference of its width from the narrowest."""
        self.counts = 0
        for step in self.steps:
            self.counts |= self.tails[0][step] << self._first_cost(step)

    def _first_cost(self, step: int) -> int:
        """Return the parameters that the first hidden layer adds by `step` units above the narrowest width."""
        return (self.inputs + 1 + self.extra_per_unit) * step

    def _cost(self, step: int, following: int) -> int:
        """Return the parameters that a later layer adds.

        Args:
            step: The units of the layer before it above the narrowest width.
            following: The units of the layer itself above the narrowest width.
        """
        narrowest = self.narrowest
        affine = (narrowest + step + 1) * (narrowest + following) - (narrowest + 1) * narrowest
        return affine + self.extra_per_unit * following

    def _union(self, tail: dict[int, int], step: int) -> int:
        """Return the counts that all layers after one with this step can add.

        Args:
            tail: The counts that the layers after the next one can add, by the next one's step.
            step: The units of the layer above the narrowest width.
        """
        united = 0
        for following, counts in tail.items():
            united |= counts << self._cost(step, following)
        return united

    def nearest_counts(self, budget: int) -> list[int]:
        """Return the largest reachable count <= budget and the smallest >= budget, if they exist."""
        target = budget - self.base
        found = []
        mask = (2 << min(target, self.counts.bit_length())) - 1 if target >= 0 else 0
        if below := self.counts & mask:
            found.append(self.base + below.bit_length() - 1)
        if above := self.counts >> max(target, 0):
            found.append(self.base + max(target, 0) + (above & -above).bit_length() - 1)
        return found

    def widths_of(self, count: int) -> tuple[int, ...]:
        """Return the widths with this reachable count whose wider layers come first."""
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
