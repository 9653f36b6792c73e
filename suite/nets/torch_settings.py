"""Torch's global settings, which a calling program may have changed and on which no number may depend."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any

import torch

_BACKENDS: list[Any] = [getattr(backend, "matmul", None) for backend in (torch.backends.cuda, torch.backends.mkldnn)]
"""Newer versions of torch give these a setting of their own, `fp32_precision`."""

_LOCK = Lock()
_undo: list[Callable[[], None]] = []
"""What restores the settings of the process, while a block is running."""
_active_blocks = 0
"""The number of blocks that are running, in all threads."""


@contextmanager
def standard_settings() -> Iterator[None]:
    """Compute with torch's default settings, and restore those of the calling program afterwards.

    These are the default dtype and device, autocast, gradient and inference mode, the detection of anomalies, the
    flushing of subnormal numbers, deterministic algorithms, and the precision of float32 products. The number of
    threads is set by `one_thread`. Blocks may be nested, and run in several threads at once.
    """
    with ExitStack() as stack:
        stack.enter_context(_settings_of_the_process())
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if _flushes_subnormal_numbers() and torch.set_flush_denormal(False):
            stack.callback(torch.set_flush_denormal, True)
        yield


@contextmanager
def _settings_of_the_process() -> Iterator[None]:
    """Change the settings that all threads share when the first block begins, and restore them after the last one."""
    global _active_blocks  # noqa: PLW0603  # the settings are global, too
    with _LOCK:
        if not _active_blocks:
            _undo[:] = _apply_defaults()
        _active_blocks += 1
    try:
        yield
    finally:
        with _LOCK:
            _active_blocks -= 1
            if not _active_blocks:
                for restore in reversed(_undo):
                    restore()


def _apply_defaults() -> list[Callable[[], None]]:
    """Change what differs from the default; return the functions that restore it."""
    undo: list[Callable[[], None]] = []
    if (dtype := torch.get_default_dtype()) != torch.float32:
        torch.set_default_dtype(torch.float32)
        undo.append(lambda: torch.set_default_dtype(dtype))
    if torch.are_deterministic_algorithms_enabled():
        warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
        torch.use_deterministic_algorithms(False)
        undo.append(lambda: torch.use_deterministic_algorithms(True, warn_only=warn_only))
    if torch.is_anomaly_enabled():
        check = torch.is_anomaly_check_nan_enabled()
        torch.autograd.set_detect_anomaly(False)  # otherwise networks that explode are errors
        undo.append(lambda: _detect_anomalies(check))
    return [*undo, *_set_float32_products()]


def _detect_anomalies(check_nan: bool) -> None:
    torch.autograd.set_detect_anomaly(True, check_nan=check_nan)


def _set_float32_products() -> list[Callable[[], None]]:
    """Have float32 products computed in float32, not in TF32 or bfloat16."""
    try:
        before = torch.get_float32_matmul_precision()
    except RuntimeError:  # set through `fp32_precision`, which this function does not read
        before = ""
    if before == "highest":
        return []
    inherited = getattr(torch.backends, "fp32_precision", None)
    newer = [(own, own.fp32_precision) for own in _BACKENDS if hasattr(own, "fp32_precision")]
    torch.set_float32_matmul_precision("highest")

    def restore() -> None:
        if before:
            torch.set_float32_matmul_precision(before)
        for own, precision in newer:
            own.fp32_precision = "none" if precision == inherited else precision

    return [restore]


def _flushes_subnormal_numbers() -> bool:
    smallest = torch.full((1,), 1e-310, dtype=torch.float64, device="cpu")
    return float(smallest * 1) == 0
