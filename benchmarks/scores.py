"""Benchmarks of the zero-cost scores, each at the same 64 points of the domain."""

from collections.abc import Callable
from functools import partial

from benchmarks import adapter
from benchmarks.ensembles import Timed, version

SCORES = ["grad_norm", "snip", "grasp", "synflow", "fisher", "naswot", "ntk"]
"""All scores except `jacobian_covariance`, which needs three inputs and has the same passes as `grad_norm`."""


class Scores(Timed):
    """One score, for sixteen draws."""

    params = (*Timed.params, SCORES)
    param_names = (*Timed.param_names, "score")
    draws = 16

    def prepare(self) -> Callable[[], object]:
        """Return a function that computes the score of all draws."""
        (score,) = self.options
        if score not in adapter.MEASURES:
            raise NotImplementedError(f"this commit of the suite has no {score}")
        measure = adapter.MEASURES[score]
        points = adapter.sample_domain(2, 0.0625, 1, 1).to(self.dtype, self.device).some(64)
        loss = adapter.LossAt(adapter.HALF_SQUARE, points, points.new_zeros(1, 64))
        domain = None if score == "synflow" else loss  # it depends on the weights alone
        return partial(adapter.load(measure.function), self.ensemble, domain, measure.settings())

    @version("3")
    def time_score(self, shape: str, device: str, score: str) -> None:
        self.run()
