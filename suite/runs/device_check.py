"""A short check of a GPU: what the suite computes with must agree with the CPU before `--device auto` uses it."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from suite.catalog.activations import Tanh
from suite.catalog.optimizers import Adam, Optimizer, Sgd
from suite.nets.backward import loss_gradient
from suite.nets.differentiable import trace
from suite.nets.ensemble import Ensemble
from suite.nets.losses import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, HALF_SQUARE, Loss, LossAt
from suite.nets.matmul import full_precision
from suite.nets.streams import stream
from suite.runs.provenance import numbers_follow_from
from suite.runs.store import write_whole
from suite.training.tasks import Data, Points
from suite.training.trainer import train

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-12}
"""Largest difference from the CPU, as a share of the largest value: some hundred roundings; TF32 makes 4e-4."""

MOST_KEPT = 100
"""Checks that the cache remembers; the oldest are forgotten first."""


@dataclass(frozen=True)
class Numbers:
    """The inputs of a check, which are the same on every device.

    Attributes:
        dtype: of floating-point numbers.
        device: where they are.
    """

    dtype: torch.dtype
    device: str

    def normal(self, *shape: int) -> Tensor:
        """Return standard normal numbers that depend on the shape alone."""
        drawn = stream(0, device_check=list(shape)).standard_normal(shape)
        return torch.from_numpy(drawn).to(self.device, self.dtype)

    def spread(self) -> Tensor:
        """Return numbers from -6 to 6, among them 0."""
        return torch.linspace(-6, 6, 1001, dtype=torch.float64).to(self.device, self.dtype)

    def networks(self) -> Ensemble:
        """Return four networks of 5 inputs, two hidden layers and 3 outputs, normalized over layers."""
        widths = (5, 16, 16, 3)
        parameters = sum(below * above + above for below, above in pairwise(widths)) + 4 * 16
        variances = ((1.0, 1.0),) * 3
        return Ensemble(widths, Tanh(), variances, 0.5 * self.normal(4, parameters), normalization="layer")

    def at_points(self, loss: Loss) -> LossAt:
        """Return a loss at 24 points of each network."""
        return LossAt(loss, self.normal(4, 5, 24), (self.normal(4, 3, 24) > 0).to(self.dtype))


def _products(numbers: Numbers) -> list[Tensor]:
    left, right, bias = numbers.normal(3, 65, 64), numbers.normal(3, 64, 33), numbers.normal(3, 65, 1)
    into = torch.empty(3, 65, 33, dtype=left.dtype, device=left.device)
    return [torch.bmm(left, right), torch.bmm(right.mT, left.mT), torch.baddbmm(bias, left, right, out=into)]


def _elementwise(numbers: Numbers) -> list[Tensor]:
    z = numbers.spread()
    above, zero = z.abs() + 0.1, torch.zeros((), dtype=z.dtype, device=z.device)
    functions: list[Callable[[Tensor], Tensor]] = [torch.relu, torch.tanh, torch.sigmoid, torch.erf, torch.sin]
    functions += [torch.cos, torch.expm1, torch.exp, torch.sign, torch.selu, torch.special.ndtr, functional.elu]
    functions += [functional.gelu, functional.silu, functional.leaky_relu, functional.hardtanh]
    found = [function(z.clone()) for function in functions]
    found += [torch.threshold(z, 0, 0), torch.logaddexp(z, zero), above.copysign(z), z.clamp(-1, 1)]
    return [*found, above.log(), above.sqrt(), above.rsqrt(), z.square(), z**3, torch.where(z > 1, z, 0.5)]


def _reductions(numbers: Numbers) -> list[Tensor]:
    z = numbers.normal(7, 31, 129)
    found = [z.sum(2), z.mean(1), z.var(2, correction=0), z.amax(2), z.amin(1), z.norm(dim=1), z.argmax(2)]
    return [
        *found,
        torch.linalg.vector_norm(z, dim=(1, 2)),
        z.cumsum(2),
        (z > 2).any(1),
        (z < 2).all(2),
        (z > 0).sum(1),
    ]


def _sorting(numbers: Numbers) -> list[Tensor]:
    z = numbers.normal(5, 257)
    values, order = z.sort(dim=1, stable=True)
    steps = values[0].contiguous()
    counts = torch.bincount(order.flatten() % 7, minlength=9)
    found = [values, order, order.cummax(1).values, (z > 0).flip(1).cummin(1).values, counts]
    return [*found, torch.searchsorted(steps, z[1], right=True), (z > 1).nonzero()]


def _indexing(numbers: Numbers) -> list[Tensor]:
    z = numbers.normal(5, 257)
    order = z.argsort(dim=1, stable=True)
    chosen, row = order[:, :9], torch.arange(5, device=z.device)
    written = torch.zeros_like(z)
    written[row, chosen[:, 0]] = z[row, chosen[:, 1]]
    written[z > 2] = 3.0
    least = z.scatter_reduce(1, order % 11, z.abs(), "amin")
    found = [z[z > 0], z[:, chosen[0]], z.gather(1, chosen), least, written, z.diff(n=3, dim=1)]
    return [*found, torch.cat([z, z[:2]]), torch.stack([z, z], dim=1), z.repeat(2, 1), functional.one_hot(row, 6)]


def _eigenvalues(numbers: Numbers) -> list[Tensor]:
    z = numbers.normal(3, 24, 40)
    return [torch.linalg.eigvalsh(torch.bmm(z, z.mT))]


def _singular_values(numbers: Numbers) -> list[Tensor]:
    z = numbers.normal(3, 24, 40)
    return [torch.linalg.svdvals(z), torch.linalg.matrix_norm(z, ord=2)]


def _losses(numbers: Numbers) -> list[Tensor]:
    networks, found = numbers.networks(), []
    for loss in (BINARY_CROSS_ENTROPY, CROSS_ENTROPY, HALF_SQUARE):
        _, points, labels = numbers.at_points(loss)
        outputs = networks(points)
        found += [outputs, loss.value(outputs, labels), loss_gradient(networks, LossAt(loss, points, labels))]
    return found


def _derivatives(numbers: Numbers) -> list[Tensor]:
    networks, (loss, points, labels) = numbers.networks(), numbers.at_points(BINARY_CROSS_ENTROPY)
    with torch.enable_grad():
        theta = networks.parameters.clone().requires_grad_()
        value = loss.value(trace(networks, points, theta)[1], labels).sum()
        (first,) = torch.autograd.grad(value, theta, create_graph=True)
        (second,) = torch.autograd.grad(first, theta, first.detach())
    return [first.detach(), second]


def _training(*optimizers: Optimizer) -> Callable[[Numbers], list[Tensor]]:
    def trained(numbers: Numbers) -> list[Tensor]:
        networks, (loss, points, labels) = numbers.networks(), numbers.at_points(HALF_SQUARE)
        data = Points(points, labels)
        for optimizer in optimizers:
            for _ in train(networks, Data(0, loss, data, data, data), (optimizer,), (4,)):
                pass
        return [networks.parameters]

    return trained


_EVERY, _SINGLE = (torch.float32, torch.float64), (torch.float32,)

PRIMITIVES: dict[str, tuple[Callable[[Numbers], list[Tensor]], Sequence[torch.dtype]]] = {
    "matmul": (_products, _EVERY),
    "elementwise functions": (_elementwise, _EVERY),
    "reductions": (_reductions, _EVERY),
    "sorting": (_sorting, _EVERY),
    "indexing": (_indexing, _EVERY),
    "eigenvalues": (_eigenvalues, _EVERY),
    "singular values": (_singular_values, _EVERY),
    "losses and gradients": (_losses, _EVERY),
    "second derivatives": (_derivatives, _EVERY),
    "training with Adam": (_training(Adam(learning_rate=0.01, batch=12)), _SINGLE),
    "training with SGD": (_training(Sgd(learning_rate=0.1, momentum=0.9, batch=12)), _SINGLE),
}
"""By name, what is computed on both devices, and the precisions in which the suite does so."""


def find_fault() -> str | None:
    """Return why this machine's GPUs should not be used; None if they agree with the CPU.

    GPUs that have passed are remembered by name, driver, versions and the suite's code, and not checked again.
    """
    passed = _read_passed()
    try:
        for number, name in _distinct_gpus().items():
            identity = _identity(number, name)
            if identity in passed:
                continue
            if found := next(_faults(f"cuda:{number}"), None):
                return f"on {name}, {found}"
            torch.cuda.empty_cache()
            passed.append(identity)
            _write_passed(passed[-MOST_KEPT:])
    except RuntimeError as error:  # CUDA cannot even start
        return _first_line(error)
    return None


def _distinct_gpus() -> dict[int, str]:
    """Return the number and name of the first GPU of each name."""
    found: dict[str, int] = {}
    for number in range(torch.cuda.device_count()):
        found.setdefault(str(torch.cuda.get_device_name(number)), number)
    return {number: name for name, number in found.items()}


def _faults(device: str) -> Iterator[str]:
    """Yield each primitive that differs on a device, with the difference."""
    with full_precision():
        for name, (compute, dtypes) in PRIMITIVES.items():
            for dtype in dtypes:
                what, tolerance = f"{name} in {str(dtype).removeprefix('torch.')}", TOLERANCE[dtype]
                expected = compute(Numbers(dtype, "cpu"))
                try:
                    found = [values.cpu() for values in compute(Numbers(dtype, device))]
                except (RuntimeError, TypeError, ValueError) as error:  # whatever keeps a GPU from computing
                    yield f"{what} fails: {_first_line(error)}"
                    continue
                difference = max(map(_difference, found, expected))
                if difference > tolerance:
                    yield f"{what} differs from the CPU by {difference:.2g} (tolerance {tolerance:.0e})"


def _difference(found: Tensor, expected: Tensor) -> float:
    """Return the largest difference as a share of the largest expected value.

    It is infinite where shapes differ, or values are not finite.
    """
    if found.shape != expected.shape or not found.isfinite().all():
        return inf
    scale = expected.double().abs().amax().clamp(min=1e-30)
    return float(((found.double() - expected.double()).abs() / scale).amax())


def _first_line(error: Exception) -> str:
    (reason, *_) = str(error).strip().splitlines() or [type(error).__name__]
    return reason


def _identity(number: int, name: str) -> dict[str, Any]:
    """Return what a check's result depends on, in JSON's types."""
    return {
        "gpu": name,
        "capability": list(torch.cuda.get_device_capability(number)),
        "driver": _driver(),
        "cuda": torch.version.cuda or torch.version.hip,
        "torch": str(torch.__version__),
        "suite": numbers_follow_from()["suite"],
    }


def _driver() -> int | None:
    """Return the version of CUDA that the driver has; None where torch cannot tell."""
    version = getattr(torch._C, "_cuda_getDriverVersion", None)
    return int(version()) if version else None


def cache_file() -> Path | None:
    """Return the file in the user's cache folder that remembers GPUs; None where there is no such folder."""
    given = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    with suppress(RuntimeError):  # nobody's home
        folder = Path(given) if given and Path(given).is_absolute() else Path.home() / ".cache"
        return folder / "mlp-trainability-suite" / "gpus.json"
    return None


def _read_passed() -> list[dict[str, Any]]:
    """Return what has passed; nothing if the file is absent, damaged or cannot be read."""
    if (file := cache_file()) is None:
        return []
    try:
        read = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    return read if isinstance(read, list) else []


def _write_passed(passed: list[dict[str, Any]]) -> None:
    """Remember what has passed, where there is a place for it."""
    if (file := cache_file()) is not None:
        with suppress(OSError):
            write_whole(file, lambda opened: opened.write(json.dumps(passed, indent=1).encode()), at_once=False)
