"""A short check that a GPU agrees with the CPU, which `--device auto` requires before it uses the GPU."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from suite.cells.primitives import PRIMITIVES, Numbers
from suite.nets.torch_settings import standard_settings
from suite.results.files import user_cache, write_whole
from suite.results.provenance import numbers_follow_from

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-12}
"""Largest difference from the CPU, as a share of the largest value: a few hundred rounding errors; TF32 makes 4e-4."""

_SETTINGS = ("CUBLAS_", "NVIDIA_TF32_OVERRIDE", "TORCH_")
"""Prefixes of the names of environment variables that change how CUDA's libraries compute."""

_MOST_STORED = 100
"""Maximum number of checks that the cache stores; the oldest are removed first."""


def find_deviation() -> str | None:
    """Return the reason why this machine's GPUs should not be used; None if they agree with the CPU.

    A GPU is not checked again if one with the same name, driver, versions, settings and suite code has passed.
    """
    passed = _read_passed()
    try:
        for number in range(torch.cuda.device_count()):
            identity = _identity(number)
            if identity in passed:
                continue
            if found := next(_faults(f"cuda:{number}"), None):
                return f"on {identity['gpu']}, {found}"
            torch.cuda.empty_cache()
            passed.append(identity)
            _write_passed(passed[-_MOST_STORED:])
    except RuntimeError as error:  # CUDA cannot start
        return _first_line(error)
    return None


def _faults(device: str) -> Iterator[str]:
    """Yield each primitive that differs on a device, with the difference."""
    with standard_settings():
        for name, (compute, dtypes) in PRIMITIVES.items():
            for dtype in dtypes:
                what, tolerance = f"{name} in {str(dtype).removeprefix('torch.')}", TOLERANCE[dtype]
                expected = compute(Numbers(dtype, "cpu"))
                try:
                    found = [values.cpu() for values in compute(Numbers(dtype, device))]
                except (RuntimeError, TypeError, ValueError) as error:  # the GPU cannot compute this primitive
                    yield f"{what} fails: {_first_line(error)}"
                    continue
                difference = max(map(_difference, found, expected))
                if difference > tolerance:
                    yield f"{what} differs from the CPU by {difference:.2g} (tolerance {tolerance:.0e})"


def _difference(found: Tensor, expected: Tensor) -> float:
    """Return the largest difference as a share of the largest expected value.

    It is infinite if shapes differ or values are not finite.
    """
    if found.shape != expected.shape or not found.isfinite().all():
        return inf
    scale = expected.double().abs().amax().clamp(min=1e-30)
    return float(((found.double() - expected.double()).abs() / scale).amax())


def _first_line(error: Exception) -> str:
    (reason, *_) = str(error).strip().splitlines() or [type(error).__name__]
    return reason


def _identity(number: int) -> dict[str, Any]:
    """Return everything that a check's result depends on, in JSON's types."""
    return {
        "gpu": str(torch.cuda.get_device_name(number)),
        "capability": list(torch.cuda.get_device_capability(number)),
        "driver": _driver(),
        "cuda": torch.version.cuda or torch.version.hip,
        "torch": str(torch.__version__),
        "settings": {name: value for name, value in sorted(os.environ.items()) if name.startswith(_SETTINGS)},
        "suite": numbers_follow_from()["suite"],
    }


def _driver() -> int | None:
    """Return the CUDA version of the driver; None if torch does not report it."""
    version = getattr(torch._C, "_cuda_getDriverVersion", None)
    return int(version()) if version else None


def cache_file() -> Path | None:
    """Return the file in the user's cache folder that stores checks of GPUs; None if there is no folder."""
    folder = user_cache()
    return folder / "gpus.json" if folder else None


def _read_passed() -> list[dict[str, Any]]:
    """Return the checks that have passed; an empty list if the file is absent, damaged or unreadable."""
    if (file := cache_file()) is None:
        return []
    try:
        read = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    return read if isinstance(read, list) else []


def _write_passed(passed: list[dict[str, Any]]) -> None:
    """Store the checks that have passed, if the cache file can be written."""
    if (file := cache_file()) is not None:
        with suppress(OSError):
            write_whole(file, lambda opened: opened.write(json.dumps(passed, indent=1).encode()), at_once=False)
