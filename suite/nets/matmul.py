"""The precision of matrix products in float32, which torch lets a caller lower for the whole process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

_BACKENDS: list[Any] = [getattr(backend, "matmul", None) for backend in (torch.backends.cuda, torch.backends.mkldnn)]
"""Whose newer torches have a setting of their own, `fp32_precision`."""


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute float32 products in float32 whatever the caller has set, such as TF32, and restore these settings."""
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
