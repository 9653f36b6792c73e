"""The estimators of signals through random networks: correlation of two inputs, moments of the Jacobian."""

from benchmarks.ensembles import Timed, draws_a_second
from suite.catalog.measure_settings import CorrelationSettings, JacobianSettings
from suite.measures.correlation import correlation
from suite.measures.jacobian import jacobian
from suite.nets.pairs import draw_pairs


class OnPairs(Timed):
    """Estimators at pairs of inputs."""

    draws = 64

    def setup(self, shape: str, device: str) -> None:
        """Some of the networks, and inputs for them."""
        super().setup(shape, device)
        self.ensemble = self.ensemble[: self.draws]
        self.pairs = draw_pairs(2, 0.5, 1, 0, self.draws).to(device)


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
