"""Full precision of float32 matrix products, which users of torch can lower per thread or per process."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

_BACKENDS: list[Any] = [getattr(backend, "matmul", None) for backend in (torch.backends.cuda, torch.backends.mkldnn)]
"""Backends that have a separate setting, `fp32_precision`, in newer versions of torch."""


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute float32 matrix products in full precision inside the context, and restore settings on exit.

    Autocast and lower precisions, such as TF32, are turned off.
    """
    with ExitStack() as stack:
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(_without_tf32())
        yield


@contextmanager
def _without_tf32() -> Iterator[None]:
    try:
        before = torch.get_float32_matmul_precision()
    except RuntimeError:  # torch raises it if the precision was set through `fp32_precision`
        before = ""
    if before == "highest":
        yield
        return
    newer = [(own, own.fp32_precision) for own in _BACKENDS if hasattr(own, "fp32_precision")]
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        if before:
            torch.set_float32_matmul_precision(before)
        for own, precision in newer:
            own.fp32_precision = precision
