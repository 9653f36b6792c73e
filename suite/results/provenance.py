"""Record what numbers depend on: versions, commit and machine."""

import hashlib
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "altair",
    "jinja2",
    "loky",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "scipy",
    "torch",
    "vl-convert-python",
)
_NUMERIC = ("numpy", "scipy", "torch")
_HASHED = (".py", ".c", ".h", ".html", ".css", ".js", ".json", ".parquet")
_PACKAGE = Path(__file__).parents[1]


def suite_version() -> str:
    """Return the version of the suite, or "unknown" if it is not installed."""
    return _version("mlp-trainability-suite") or "unknown"


def environment(plugins: Mapping[str, str]) -> dict[str, Any]:
    """Return the versions, commit and machine that numbers may depend on besides the spec.

    Args:
        plugins: Digests of the loaded plug-ins, by file or module.
    """
    return {
        "suite": _version("mlp-trainability-suite"),
        "commit": commit(),
        "python": python(),
        "machine": platform.machine(),
        "system": platform.system(),
        "packages": packages(),
        **({"plugins": dict(plugins)} if plugins else {}),
    }


def python() -> str:
    """Return the version of the Python interpreter."""
    return platform.python_version()


def packages() -> dict[str, str | None]:
    """Return the versions of the packages that numbers, tables and pages depend on; None if missing."""
    return {name: _version(name) for name in _PACKAGES}


@cache
def numbers_follow_from() -> dict[str, str]:
    """Return the versions that two processes must share to compute the same numbers on one device."""
    released = {name: found.partition("+")[0] for name in _NUMERIC if (found := _version(name))}
    return {"suite": f"code {code()[:12]}", **released}


@cache
def code() -> str:
    """Return a hash of the suite's source files, templates and data, whether or not they are committed."""
    digest = hashlib.sha256()
    for file in sorted(file for file in _PACKAGE.rglob("*") if file.suffix in _HASHED):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(_PACKAGE).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@cache
def commit() -> str | None:
    """Return the commit of the suite's checkout, or None if there is none; `+` marks uncommitted changes."""
    if _git("ls-files", "--error-unmatch", "suite/__init__.py") is None:
        return None
    head = _git("rev-parse", "HEAD")
    return f"{head}+" if head and _git("status", "--porcelain", "--", "suite") else head


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=_PACKAGE.parent, capture_output=True, encoding="utf-8", timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
