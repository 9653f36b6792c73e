"""Benchmarks of signals in random networks: correlation of two inputs, and moments of the Jacobian."""

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import adapter
from benchmarks.ensembles import Timed, version


class OnPairs(Timed):
    """An estimator evaluated at pairs of inputs, one pair for each draw."""

    draws = 64

    def pairs(self) -> Any:
        """Return the inputs, (draws, 2, 2)."""
        return adapter.draw_pairs(2, 0.5, 1, 0, len(self.ensemble.parameters)).to(self.device)


class Correlation(OnPairs):
    """Cosine of two inputs' preactivations in every layer."""

    def prepare(self) -> Callable[[], object]:
        """Return a function that computes the correlations of all layers."""
        return partial(adapter.correlation, self.ensemble, self.pairs(), adapter.CorrelationSettings())

    @version("3")
    def time_correlation(self, shape: str, device: str) -> None:
        self.run()


class Jacobian(OnPairs):
    """Moments and largest singular value of every layer's Jacobian, for eight draws."""

    draws = 8

    def prepare(self) -> Callable[[], object]:
        """Return a function that computes the moments of all layers."""
        return partial(adapter.jacobian, self.ensemble, self.pairs(), adapter.JacobianSettings())

    @version("3")
    def time_jacobian(self, shape: str, device: str) -> None:
        self.run()
