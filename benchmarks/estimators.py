"""The estimators of networks on the domain: forward pass, V3, Collapse to Constant, dead neurons, trainability."""

from dataclasses import replace

import torch

from benchmarks.ensembles import Timed, draws_a_second
from suite.catalog.measure_settings import (
    CollapseSettings,
    DeadNeuronsSettings,
    TrainabilitySettings,
    V3LimitSettings,
    V3Settings,
)
from suite.catalog.tasks import Checkerboard
from suite.measures.collapse import collapse
from suite.measures.dead_neurons import dead_neurons
from suite.measures.trainability import TaskAt, trainability
from suite.measures.v3 import v3
from suite.measures.v3_limit import v3_limit
from suite.nets.sample import sample_domain

STEP = 0.125
"""17 points a side, 289 in all."""


class Estimator(Timed):
    """Estimators over a grid."""

    def setup(self, shape: str, device: str) -> None:
        """The grid, too."""
        super().setup(shape, device)
        self.domain = sample_domain(2, STEP, 1, 1).to(self.dtype, device)


class Pass(Estimator):
    """Outputs of all draws on the grid."""

    def work(self) -> None:
        """One forward pass."""
        self.ensemble(self.domain.points())


class Forward(Pass):
    """The forward pass as shipped, float64."""

    def time_forward(self, shape: str, device: str) -> None:
        self.run()

    def peakmem_forward(self, shape: str, device: str) -> None:
        self.run()

    def track_draws(self, shape: str, device: str) -> float:
        return draws_a_second(self.shape.draws, 3, device, self.work)

    time_forward.version = peakmem_forward.version = track_draws.version = "1"  # type: ignore[attr-defined]
    track_draws.unit = "draws/s"  # type: ignore[attr-defined]


class ForwardInSinglePrecision(Pass):
    """The forward pass as shipped, float32."""

    dtype = torch.float32

    def time_forward(self, shape: str, device: str) -> None:
        self.run()

    time_forward.version = "1"  # type: ignore[attr-defined]


class ForwardCompiled(Pass):
    """The forward pass with narrow layers compiled together, float64."""

    params = (["narrow, 120 layers of 6"], ["cpu"])

    def setup(self, shape: str, device: str) -> None:
        """Compiles, too."""
        super().setup(shape, device)
        self.ensemble = replace(self.ensemble, compiled=True)
        self.work()

    def time_forward(self, shape: str, device: str) -> None:
        self.run()

    time_forward.version = "1"  # type: ignore[attr-defined]


class Variability(Estimator):
    """V3."""

    def work(self) -> None:
        """All draws."""
        v3(self.ensemble, self.domain, V3Settings(step=STEP))

    def time_v3(self, shape: str, device: str) -> None:
        self.run()

    def track_draws(self, shape: str, device: str) -> float:
        return draws_a_second(self.shape.draws, 3, device, self.work)

    time_v3.version = track_draws.version = "2"  # type: ignore[attr-defined]
    track_draws.unit = "draws/s"  # type: ignore[attr-defined]


class VariabilityLimit(Estimator):
    """What V3 tends to as its step falls."""

    def work(self) -> None:
        """Eight draws, since exact breakpoints cost far more than the forward pass."""
        v3_limit(self.ensemble[:8], self.domain, V3LimitSettings(step=STEP))

    def time_v3_limit(self, shape: str, device: str) -> None:
        self.run()

    def track_draws(self, shape: str, device: str) -> float:
        return draws_a_second(8, 2, device, self.work)

    time_v3_limit.version = track_draws.version = "1"  # type: ignore[attr-defined]
    track_draws.unit = "draws/s"  # type: ignore[attr-defined]


class Collapse(Estimator):
    """Collapse to Constant with its causes."""

    def work(self) -> None:
        """All criteria of all draws."""
        collapse(self.ensemble, self.domain, CollapseSettings(step=STEP))

    def time_collapse(self, shape: str, device: str) -> None:
        self.run()

    def track_draws(self, shape: str, device: str) -> float:
        return draws_a_second(self.shape.draws, 3, device, self.work)

    time_collapse.version = track_draws.version = "2"  # type: ignore[attr-defined]
    track_draws.unit = "draws/s"  # type: ignore[attr-defined]


class DeadNeurons(Estimator):
    """Dead neurons by layer, and networks born dead."""

    def work(self) -> None:
        """All draws."""
        dead_neurons(self.ensemble, self.domain, DeadNeuronsSettings(step=STEP))

    def time_dead_neurons(self, shape: str, device: str) -> None:
        self.run()

    def track_draws(self, shape: str, device: str) -> float:
        return draws_a_second(self.shape.draws, 3, device, self.work)

    time_dead_neurons.version = track_draws.version = "1"  # type: ignore[attr-defined]
    track_draws.unit = "draws/s"  # type: ignore[attr-defined]


class Trainability(Estimator):
    """Whether networks have the live neurons that a task needs."""

    def work(self) -> None:
        """All draws, on a task of two inputs."""
        task = Checkerboard(squares=4, train=2048, test=16)
        trainability(self.ensemble, TaskAt(task, self.domain), TrainabilitySettings(step=STEP))

    def time_trainability(self, shape: str, device: str) -> None:
        self.run()

    def track_draws(self, shape: str, device: str) -> float:
        return draws_a_second(self.shape.draws, 3, device, self.work)

    time_trainability.version = track_draws.version = "1"  # type: ignore[attr-defined]
    track_draws.unit = "draws/s"  # type: ignore[attr-defined]
