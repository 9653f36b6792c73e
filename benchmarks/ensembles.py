"""The networks that benchmarks time, and the base class of the benchmarks that asv runs."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks import adapter
from benchmarks.shapes import SHAPES, Shape

DEVICES = ["cpu", "cuda"]
"""Both devices on every machine, so that all results have the same parameters; `check_device` skips a missing
device.
"""


def available_devices() -> list[str]:
    """Return the devices of this machine."""
    return ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def check_device(device: str) -> None:
    """Raise NotImplementedError if this machine lacks the device, so that asv skips the benchmark."""
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
    return make_ensemble(shape, parameters.to(device, dtype), normalization)


def make_ensemble(shape: Shape, parameters: Float[Tensor, "draws parameters"], normalization: str = "none") -> Any:
    """Return the ensemble of the ReLU networks that have these parameters."""
    variances = adapter.layer_variances(adapter.Critical(bias_std=0.1), adapter.Relu(), shape.widths)
    options = {} if normalization == "none" else {"normalization": normalization}
    return adapter.Ensemble(shape.widths, adapter.Relu(), variances, parameters, **options)


class FastestRuns:
    """A clock for asv that advances by the time of the fastest of several runs.

    Other processes can only slow a run down, and on shared machines they do so for seconds at a time. The fastest run
    therefore measures the code better than the mean or the median of consecutive runs.
    """

    window, fewest = 0.4, 2
    """Minimum total seconds of the runs of which the fastest counts, and the minimum number of runs."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the current time of this clock in seconds."""
        return self.now

    def advance(self, work: Callable[[], object]) -> None:
        """Run `work` several times and advance the clock by the time of the fastest run."""
        seconds: list[float] = []
        while len(seconds) < self.fewest or sum(seconds) < self.window:
            start = perf_counter()
            work()
            seconds.append(perf_counter() - start)
        self.now += min(seconds)


class Timed:
    """Networks and a computation on them; asv times the subclasses.

    asv runs all benchmarks three times and stores the median of the three results, each the fastest run.
    """

    params: tuple[list[str], ...] = (list(SHAPES), DEVICES)
    param_names: tuple[str, ...] = ("shape", "device")
    shapes = SHAPES
    timeout = 300
    rounds, repeat, number, warmup_time = 3, 1, 1, 0
    timer = FastestRuns()
    dtype = torch.float64
    draws: int | None = None
    """Number of networks, if fewer than the shape specifies."""

    def setup(self, shape: str, device: str, *options: str) -> None:
        """Draw the networks and prepare the computation; asv does not time this method."""
        check_device(device)
        torch.set_num_threads(1)
        self.shape, self.device, self.options = self.shapes[shape], device, options
        self.ensemble = self.draw_networks()[: self.draws]
        self.work = self.prepare()

    def draw_networks(self) -> Any:
        """Draw the networks."""
        return networks(self.shape, self.device, self.dtype)

    def prepare(self) -> Callable[[], object]:
        """Return the function to be timed."""
        raise NotImplementedError

    def run_once(self) -> None:
        """Run the computation and wait until the device has finished it."""
        self.work()
        settle(self.device)

    def run(self) -> None:
        """Time the computation."""
        self.timer.advance(self.run_once)


F = TypeVar("F", bound=Callable[..., object])


def version(number: str) -> Callable[[F], F]:
    """Decorate a benchmark with its version.

    asv drops the stored results of a benchmark whose version changes. Change the version if the benchmark computes
    something else.
    """

    def decorate(benchmark: F) -> F:
        vars(benchmark)["version"] = number
        return benchmark

    return decorate


def settle(device: str) -> None:
    """Wait until a GPU has finished all operations."""
    if device == "cuda":
        torch.cuda.synchronize()
