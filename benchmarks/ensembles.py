"""How a benchmark gets networks, and what all benchmarks of them share."""

from time import perf_counter
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.shapes import SHAPES, Shape
from suite.catalog.activations import Relu
from suite.catalog.initializations import Critical
from suite.nets.ensemble import Ensemble
from suite.nets.initialization import draw_parameters
from suite.theory.scaling import LayerVariances, layer_variances

CRITICAL = Critical(bias_std=0.1)

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def networks(shape: Shape, device: str, dtype: torch.dtype = torch.float64, normalization: str = "none") -> Ensemble:
    """Critical ReLU networks."""
    parameters = draw_parameters(*_drawn(shape), 0, shape.draws, normalization != "none")
    return ensemble_of(shape, parameters.to(device, dtype), normalization)


def ensemble_of(shape: Shape, parameters: Float[Tensor, "draws parameters"], normalization: str = "none") -> Ensemble:
    """The ReLU networks that have these parameters."""
    return Ensemble(shape.widths, Relu(), _variances(shape), parameters, normalization)


def _variances(shape: Shape) -> LayerVariances:
    return layer_variances(CRITICAL, Relu(), shape.widths)


def _drawn(shape: Shape) -> tuple[Critical, tuple[int, ...], LayerVariances, int, dict[str, Any]]:
    return CRITICAL, shape.widths, _variances(shape), 1, {"widths": list(shape.widths)}


class Timed:
    """What the benchmarks of one estimator share; asv times its subclasses."""

    params: tuple[list[str], ...] = (list(SHAPES), DEVICES)
    param_names: tuple[str, ...] = ("shape", "device")
    timeout = 300
    dtype = torch.float64

    def setup(self, shape: str, device: str) -> None:
        """Draws the networks, which is not timed."""
        torch.set_num_threads(1)
        self.shape, self.device = SHAPES[shape], device
        self.ensemble = networks(self.shape, device, self.dtype)

    def work(self) -> None:
        """What is timed."""
        raise NotImplementedError

    def run(self) -> None:
        """The work, and the wait for it."""
        self.work()
        settle(self.device)


def settle(device: str) -> None:
    """Waits until a GPU has done what it was told, so that a time is a time."""
    if device == "cuda":
        torch.cuda.synchronize()


def draws_a_second(draws: int, repeats: int, device: str, work: object) -> float:
    """How many draws a second a piece of work gets through, in the fastest of some repeats."""
    assert callable(work)
    best = float("inf")
    for _ in range(repeats):
        start = perf_counter()
        work()
        settle(device)
        best = min(best, perf_counter() - start)
    return draws / best
