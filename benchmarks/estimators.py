"""Benchmarks of the estimators on the domain: forward pass, V3, collapse, dead neurons, trainability."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from benchmarks import adapter
from benchmarks.ensembles import Timed, version

STEP = 0.125
"""Step of the grid, which has 17 points per side and 289 in all."""


class Estimator(Timed):
    """An estimator on a grid of two inputs."""

    def grid(self) -> Any:
        """Return the sample of the domain."""
        return adapter.sample_domain(2, STEP, 1, 1).to(self.dtype, self.device)


class Pass(Estimator):
    """A benchmark of the outputs of all draws on the grid."""

    def prepare(self) -> Callable[[], object]:
        """Return a function that computes one forward pass."""
        points = self.grid().points()
        return lambda: self.ensemble(points)


class Forward(Pass):
    """The forward pass in float64."""

    @version("3")
    def time_forward(self, shape: str, device: str) -> None:
        self.run()

    @version("3")
    def peakmem_forward(self, shape: str, device: str) -> None:
        self.run_once()


class ForwardInSinglePrecision(Pass):
    """The forward pass in float32."""

    dtype = torch.float32

    @version("3")
    def time_forward(self, shape: str, device: str) -> None:
        self.run()


class Variability(Estimator):
    """V3 of all draws."""

    def prepare(self) -> Callable[[], object]:
        """Return a function that computes V3 alone.

        A commit without `v3_limit` computes both in one function, which is not comparable; it raises
        NotImplementedError here.
        """
        _ = adapter.v3_limit
        return partial(adapter.v3, self.ensemble, self.grid(), adapter.V3Settings(step=STEP))

    @version("3")
    def time_v3(self, shape: str, device: str) -> None:
        self.run()


class VariabilityLimit(Estimator):
    """The limit of V3 as its step tends to 0, for two draws, since it costs far more than a forward pass."""

    draws = 2

    def prepare(self) -> Callable[[], object]:
        """Return a function that computes the limit of V3 from exact breakpoints."""
        return partial(adapter.v3_limit, self.ensemble, self.grid(), adapter.V3LimitSettings(step=STEP))

    @version("3")
    def time_v3_limit(self, shape: str, device: str) -> None:
        self.run()


class Collapse(Estimator):
    """Collapse to Constant and its causes, for all draws."""

    def prepare(self) -> Callable[[], object]:
        """Return a function that computes all criteria and causes."""
        return partial(adapter.collapse, self.ensemble, self.grid(), adapter.CollapseSettings(step=STEP))

    @version("3")
    def time_collapse(self, shape: str, device: str) -> None:
        self.run()


class DeadNeurons(Estimator):
    """Dead neurons by layer, and networks born dead, for all draws."""

    def prepare(self) -> Callable[[], object]:
        """Return a function that counts dead neurons."""
        return partial(adapter.dead_neurons, self.ensemble, self.grid(), adapter.DeadNeuronsSettings(step=STEP))

    @version("3")
    def time_dead_neurons(self, shape: str, device: str) -> None:
        self.run()


class Trainability(Estimator):
    """Whether networks have as many live neurons as a task of two inputs needs, for all draws."""

    def prepare(self) -> Callable[[], object]:
        """Return a function that computes the trainability on a checkerboard."""
        task = adapter.TaskAt(adapter.Checkerboard(squares=4, train=2048, test=16), self.grid())
        return partial(adapter.trainability, self.ensemble, task, adapter.TrainabilitySettings(step=STEP))

    @version("3")
    def time_trainability(self, shape: str, device: str) -> None:
        self.run()
