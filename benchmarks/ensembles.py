"""The networks that benchmarks time, and the base class of those that asv runs."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks import adapter
from benchmarks.shapes import SHAPES, Shape

DEVICES = ["cpu", "cuda"]
"""Always both, so that results of all machines have the same parameters; `check_device` skips a missing one."""


def available_devices() -> list[str]:
    """Return the devices of this machine."""
    return ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def check_device(device: str) -> None:
    """Raise NotImplementedError, by which asv skips a benchmark, if this machine lacks the device."""
    if device == "cuda" and not torch.cuda.is_available():
        raise NotImplementedError("this machine has no CUDA device")


def networks(shape: Shape, device: str, dtype: torch.dtype = torch.float64, normalization: str = "none") -> Any:
    """Draw ReLU networks with the critical initialization and biases of standard deviation 0.1.

    Args:
        shape: Number of networks, width and depth.
        device: "cpu" or "cuda".
        dtype: Precision of the parameters, which are drawn in float32.
        normalization: "none", "batch" or "layer".

    Returns:
        The ensemble of the networks.

    Raises:
        NotImplementedError: If this commit of the suite has no normalization.
    """
    critical = adapter.Critical(bias_std=0.1)
    variances = adapter.layer_variances(critical, adapter.Relu(), shape.widths)
    content = {"widths": list(shape.widths)}
    normalized = {} if normalization == "none" else {"normalized": True}
    if normalized and not hasattr(adapter.Ensemble, "normalization"):
        raise NotImplementedError("this commit of the suite has no normalization")
    parameters = adapter.draw_parameters(critical, shape.widths, variances, 1, content, 0, shape.draws, **normalized)
    return ensemble_of(shape, parameters.to(device, dtype), normalization)


def ensemble_of(shape: Shape, parameters: Float[Tensor, "draws parameters"], normalization: str = "none") -> Any:
    """Return the ensemble of the ReLU networks that have these parameters."""
    variances = adapter.layer_variances(adapter.Critical(bias_std=0.1), adapter.Relu(), shape.widths)
    options = {} if normalization == "none" else {"normalization": normalization}
    return adapter.Ensemble(shape.widths, adapter.Relu(), variances, parameters, **options)


class Timed:
    """Networks and a piece of work on them; asv times the subclasses.

    Each time is the median over two rounds, which asv spreads over all commits of a run, of two to six samples each.
    """

    params: tuple[list[str], ...] = (list(SHAPES), DEVICES)
    param_names: tuple[str, ...] = ("shape", "device")
    shapes = SHAPES
    timeout = 300
    rounds = 2
    repeat = (2, 6, 0.4)
    warmup_time = 0.05
    dtype = torch.float64
    draws: int | None = None
    """Number of networks, if fewer than the shape says."""

    def setup(self, shape: str, device: str, *options: str) -> None:
        """Draw the networks and prepare the work, which is not timed."""
        check_device(device)
        torch.set_num_threads(1)
        self.shape, self.device, self.options = self.shapes[shape], device, options
        self.ensemble = self.draw_networks()[: self.draws]
        self.work = self.prepare()

    def draw_networks(self) -> Any:
        """Return the networks."""
        return networks(self.shape, self.device, self.dtype)

    def prepare(self) -> Callable[[], object]:
        """Return the work to be timed."""
        raise NotImplementedError

    def run(self) -> None:
        """Do the work and wait until it is done."""
        self.work()
        settle(self.device)

    def draws_per_second(self) -> float:
        """Return how many networks the work takes in a second."""
        return work_per_second(len(self.ensemble.parameters), self.device, self.work)


F = TypeVar("F", bound=Callable[..., object])


def version(number: str, unit: str | None = None) -> Callable[[F], F]:
    """Decorate a benchmark with its version and unit.

    asv drops the stored results of a benchmark whose version changes: raise it when the benchmark does other work.
    """

    def decorate(benchmark: F) -> F:
        vars(benchmark)["version"] = number
        if unit is not None:
            vars(benchmark)["unit"] = unit
        return benchmark

    return decorate


def settle(device: str) -> None:
    """Wait until a GPU has finished."""
    if device == "cuda":
        torch.cuda.synchronize()


def work_per_second(units: int, device: str, work: Callable[[], object]) -> float:
    """Return the number of units of work done in a second, by the faster of two runs."""
    best = float("inf")
    for _ in range(2):
        start = perf_counter()
        work()
        settle(device)
        best = min(best, perf_counter() - start)
    return units / best
