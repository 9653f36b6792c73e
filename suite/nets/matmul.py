"""The precision of matrix products in float32, which torch lets a caller lower for the thread or the process."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

_BACKENDS: list[Any] = [getattr(backend, "matmul", None) for backend in (torch.backends.cuda, torch.backends.mkldnn)]
"""Whose newer torches have a setting of their own, `fp32_precision`."""


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute float32 products in float32 whatever the caller has set, such as TF32 or autocast, and restore it."""
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
    except RuntimeError:  # set through `fp32_precision`, which this function does not read
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
