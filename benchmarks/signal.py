"""The estimators of signals through random networks: correlation of two inputs, moments of the Jacobian."""

import torch

from benchmarks.ensembles import DEVICES, SHAPES, draws_a_second, networks, settle
from suite.catalog.measure_settings import CorrelationSettings, JacobianSettings
from suite.measures.correlation import correlation
from suite.measures.jacobian import jacobian
from suite.nets.pairs import draw_pairs


class OnPairs:
    """What the benchmarks of one estimator share; asv times its subclasses."""

    params = (list(SHAPES), DEVICES)
    param_names = ("shape", "device")
    timeout = 300
    draws = 64

    def setup(self, shape: str, device: str) -> None:
        """Draws networks and inputs, which is not timed."""
        torch.set_num_threads(1)
        self.device = device
        self.ensemble = networks(SHAPES[shape], device)[: self.draws]
        self.pairs = draw_pairs(2, 0.5, 1, 0, self.draws).to(device)

    def work(self) -> None:
        """What is timed."""
        raise NotImplementedError

    def run(self) -> None:
        """The work, and the wait for it."""
        self.work()
        settle(self.device)


class Correlation(OnPairs):
    """Cosine of two inputs' pre-activations in every layer."""

    def work(self) -> None:
        """All draws."""
        correlation(self.ensemble, self.pairs, CorrelationSettings())

    def time_correlation(self, shape: str, device: str) -> None:
        self.run()

    def track_draws(self, shape: str, device: str) -> float:
        return draws_a_second(self.draws, 3, device, self.work)

    time_correlation.version = track_draws.version = "1"  # type: ignore[attr-defined]
    track_draws.unit = "draws/s"  # type: ignore[attr-defined]


class Jacobian(OnPairs):
    """Moments and largest singular value of every layer's Jacobian."""

    draws = 8

    def work(self) -> None:
        """Eight draws, whose singular values cost far more than the forward pass."""
        jacobian(self.ensemble, self.pairs, JacobianSettings())

    def time_jacobian(self, shape: str, device: str) -> None:
        self.run()

    def track_draws(self, shape: str, device: str) -> float:
        return draws_a_second(self.draws, 2, device, self.work)

    time_jacobian.version = track_draws.version = "1"  # type: ignore[attr-defined]
    track_draws.unit = "draws/s"  # type: ignore[attr-defined]
