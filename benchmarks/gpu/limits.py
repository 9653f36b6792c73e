"""The peak performance of a device, and the number of kernels that a computation starts."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.ensembles import settle
from benchmarks.peers.torch_peers import Gemm

COPIED = 2**28
"""Size in bytes of the copy that measures memory bandwidth, five times the cache of an H200."""

LAUNCHES = 1000


def measure_limits(device: str, tiny: bool) -> dict[str, float]:
    """Measure the device's limits.

    They are operations per second of torch.mm in both precisions, bytes per second of a copy, and seconds per launch. A
    launch is an operation on a single number in a sequence of such operations, so its time includes the overhead of
    Python and torch.
    """
    repeats = 3 if tiny else 20
    found = {}
    for dtype in ("float32", "float64"):
        product = Gemm(dtype, device)
        found[dtype] = product.flop / min(product.seconds() for _ in range(repeats))
    source = torch.zeros((COPIED // 16 if tiny else COPIED) // 4, device=device)
    target = torch.empty_like(source)
    found["bytes"] = 2 * source.nbytes / min(_seconds(lambda: target.copy_(source), device) for _ in range(repeats))
    one = torch.zeros(1, device=device)

    def launch() -> None:
        for _ in range(LAUNCHES):
            one.zero_()

    found["launch"] = min(_seconds(launch, device) for _ in range(repeats)) / LAUNCHES
    return found


def count_launches(work: Callable[[], object], device: str, compiled: bool = False) -> int | None:
    """Return the number of kernels and copies that a computation starts on a GPU.

    On the CPU, or if the GPU cannot be profiled, count the operations that torch dispatches, each of which is about one
    launch. Return None for compiled computations, which hide these operations.
    """
    work()
    settle(device)
    if device == "cuda":
        with profile(activities=[ProfilerActivity.CUDA]) as profiled:
            work()
            settle(device)
        kernels: int = sum(event.device_type.name == "CUDA" for event in profiled.events())
        if kernels:
            return kernels
    if compiled:
        return None
    operations: _Operations = _Operations()  # type: ignore[no-untyped-call]
    with operations:
        work()
    return operations.number


class _Operations(TorchDispatchMode):
    """A mode that counts operations that compute, which excludes views and allocations."""

    number: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.number += not (func.is_view or func._schema.name.startswith(("aten::empty", "aten::new_empty")))
        return func(*args, **(kwargs or {}))


def _seconds(work: Callable[[], object], device: str) -> float:
    settle(device)
    start = perf_counter()
    work()
    settle(device)
    return perf_counter() - start
