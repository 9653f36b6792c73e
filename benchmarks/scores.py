"""The zero-cost scores, each on the same points of the domain."""

from typing import Any

from benchmarks.ensembles import Timed, draws_a_second
from suite.catalog.dotted import load
from suite.catalog.measure_settings import ScoreSettings, SynflowSettings
from suite.catalog.measures import MEASURES
from suite.nets.losses import HALF_SQUARE, LossAt
from suite.nets.sample import sample_domain

SCORES = [
    name
    for name, measure in MEASURES.items()
    if measure.settings in (ScoreSettings, SynflowSettings) and name != "jacobian_covariance"
]
"""Networks of two inputs, as these are, have no Jacobian covariance; of more, it takes the passes of `grad_norm`."""


class Scores(Timed):
    """One score after the other."""

    params = (*Timed.params, SCORES)
    param_names = (*Timed.param_names, "score")
    draws = 16

    def setup(self, shape: str, device: str, score: str = "grad_norm") -> None:
        """Some of the networks, and a batch for them."""
        super().setup(shape, device)
        self.ensemble = self.ensemble[: self.draws]
        self.measure: Any = load(MEASURES[score].function)
        self.settings = MEASURES[score].settings()
        points = sample_domain(2, 0.0625, 1, 1).to(self.dtype, device).some(64)
        self.domain = LossAt(HALF_SQUARE, points, points.new_zeros(1, 64))

    def work(self) -> None:
        """Sixteen draws."""
        self.measure(self.ensemble, self.domain, self.settings)

    def time_score(self, shape: str, device: str, score: str) -> None:
        self.run()

    def track_draws(self, shape: str, device: str, score: str) -> float:
        return draws_a_second(self.draws, 2, device, self.work)

    time_score.version = track_draws.version = "1"  # type: ignore[attr-defined]
    track_draws.unit = "draws/s"  # type: ignore[attr-defined]
