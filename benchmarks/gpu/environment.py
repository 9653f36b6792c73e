"""The environment of GPU results: the hardware, versions and the commit."""

import hashlib
import importlib.metadata
import platform
import subprocess
from pathlib import Path

import torch

from benchmarks.gpu.record import Row

ROOT = Path(__file__).parents[2]


def identify(device: str, tiny: bool, commit: str | None) -> Row:
    """Return the environment, which must be equal for results of two calls in one file."""
    return {
        "device": device,
        "tiny": tiny,
        "GPU": torch.cuda.get_device_name() if device == "cuda" else "none",
        "GPU memory": f"{torch.cuda.mem_get_info()[1] / 2**30:.1f} GiB" if device == "cuda" else "none",
        "driver": _driver() if device == "cuda" else "none",
        "CUDA": torch.version.cuda or "none",
        "torch": str(torch.__version__),
        "Triton": _version("triton"),
        "JAX": _version("jax"),
        "Python": platform.python_version(),
        "processor": _processor(),
        "commit": commit or _git("rev-parse", "HEAD") or "unknown",
        "edited": "yes" if _git("status", "--porcelain", "--", "suite", "benchmarks") else "no",
        "sources": _digest(),
    }


def commit_time(commit: str) -> int:
    """Return the time of a commit in seconds since 1970, or 0 if git does not know it."""
    return int(_git("show", "-s", "--format=%ct", commit) or 0)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _driver() -> str:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    return _output(command).partition("\n")[0] or "unknown"


def _processor() -> str:
    """Return the processor's model, or the machine type if the system does not report it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _git(*arguments: str) -> str:
    return _output(["git", "-C", str(ROOT), *arguments])


def _output(command: list[str]) -> str:
    """Return the output of a command; an empty string if it fails or does not exist."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _digest() -> str:
    """Return a digest of all source files, which changes with every edit, committed or not."""
    digest = hashlib.sha256()
    for folder in ("suite", "benchmarks"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            digest.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:12]
