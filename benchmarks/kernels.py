"""Benchmarks of the core estimators and the trainer on narrow networks, with the compiled kernels and with torch."""

from contextlib import AbstractContextManager, nullcontext

from benchmarks import adapter, estimators, training
from benchmarks.ensembles import DEVICES, Timed, version
from benchmarks.shapes import SHAPES, Shape

KERNELS = ["native", "torch"]
"""What computes: the compiled kernels or torch."""

NARROW = {name: shape for name, shape in SHAPES.items() if "wide" not in name}

SMALL = {"1 layer of 12": Shape(192, 12, 1), "4 layers of 8": Shape(192, 8, 4)}


class WithKernels(Timed):
    """A computation of narrow networks by what the last parameter names."""

    params: tuple[list[str], ...] = (list(NARROW), DEVICES, KERNELS)
    param_names = ("shape", "device", "kernels")

    def setup(self, shape: str, device: str, *options: str) -> None:
        """Prepare as `Timed.setup` does, and check that there are such kernels."""
        super().setup(shape, device, *options)
        computing(options[-1], device)

    def run_once(self) -> None:
        """Run the computation once, with the kernels or without them."""
        with computing(self.options[-1], self.device):
            super().run_once()


def computing(kernels: str, device: str) -> AbstractContextManager[None]:
    """Return a context in which the compiled kernels compute, or torch.

    Raises:
        NotImplementedError: If this commit or this machine has no kernels.
    """
    if kernels == "native":
        if device != "cpu" or adapter.kernels() == "torch":
            raise NotImplementedError("there are no compiled kernels for this device")
        return nullcontext()
    try:
        context: AbstractContextManager[None] = adapter.computing_with("torch")
    except NotImplementedError:  # a commit from before the kernels
        return nullcontext()
    return context


class Forward(WithKernels, estimators.Pass):
    """The forward pass in float64."""

    @version("1")
    def time_forward(self, shape: str, device: str, kernels: str) -> None:
        self.run()


class Variability(WithKernels, estimators.Variability):
    """V3 of all draws."""

    @version("1")
    def time_v3(self, shape: str, device: str, kernels: str = "") -> None:
        self.run()


class VariabilityLimit(WithKernels, estimators.VariabilityLimit):
    """The limit of V3 from exact kinks, for two draws."""

    @version("1")
    def time_v3_limit(self, shape: str, device: str, kernels: str = "") -> None:
        self.run()


class Collapse(WithKernels, estimators.Collapse):
    """Collapse to Constant and its causes, for all draws."""

    @version("1")
    def time_collapse(self, shape: str, device: str, kernels: str = "") -> None:
        self.run()


class Steps(WithKernels, training.Training):
    """Ten steps of Adam on batches of 512 points, in float32."""

    params = (list(training.SHAPES), DEVICES, KERNELS)

    @version("1")
    def time_ten_steps(self, shape: str, device: str, kernels: str) -> None:
        self.run()


class StepsOfSmallBatches(WithKernels, training.Training):
    """Fifty steps of Adam on batches of 32 points, in float32."""

    shapes = SMALL
    params = (list(SMALL), DEVICES, KERNELS)
    steps, batch = 50, 32

    @version("1")
    def time_fifty_steps(self, shape: str, device: str, kernels: str) -> None:
        self.run()
