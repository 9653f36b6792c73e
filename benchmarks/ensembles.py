"""The shapes that are timed, and how a benchmark gets networks of them."""

from dataclasses import dataclass
from time import perf_counter

import torch

from suite.catalog.activations import Relu
from suite.catalog.initializations import Critical
from suite.nets.ensemble import Ensemble
from suite.nets.initialization import draw_parameters
from suite.theory.scaling import layer_variances


@dataclass(frozen=True)
class Shape:
    """Many networks of one architecture."""

    draws: int
    width: int
    depth: int

    @property
    def widths(self) -> tuple[int, ...]:
        """Two inputs, one output."""
        return (2, *[self.width] * self.depth, 1)


SHAPES = {
    "narrow, 120 layers of 6": Shape(256, 6, 120),
    "deep, 20 layers of 16": Shape(256, 16, 20),
    "middle, 5 layers of 34": Shape(256, 34, 5),
    "wide, 10 layers of 128": Shape(64, 128, 10),
}

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def networks(shape: Shape, device: str, dtype: torch.dtype = torch.float64, normalization: str = "none") -> Ensemble:
    """Critical ReLU networks."""
    activation, initialization = Relu(), Critical(bias_std=0.1)
    variances = layer_variances(initialization, activation, shape.widths)
    content = {"widths": list(shape.widths)}
    normalized = normalization != "none"
    parameters = draw_parameters(initialization, shape.widths, variances, 1, content, 0, shape.draws, normalized)
    return Ensemble(shape.widths, activation, variances, parameters, normalization).to(dtype, device)


class Timed:
    """What the benchmarks of one estimator share; asv times its subclasses."""

    params = (list(SHAPES), DEVICES)
    param_names = ("shape", "device")
    timeout = 300

    def setup(self, shape: str, device: str) -> None:
        """Draws the networks, which is not timed."""
        torch.set_num_threads(1)
        self.shape, self.device = SHAPES[shape], device
        self.ensemble = networks(self.shape, device)

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
