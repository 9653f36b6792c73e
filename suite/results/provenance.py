"""Where numbers come from: versions, commit and machine."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from suite.results.files import write_text

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
_HASHED = (".py", ".html", ".css", ".js", ".json", ".parquet")
_PACKAGE = Path(__file__).parents[1]


def environment(plugins: Mapping[str, str]) -> dict[str, Any]:
    """Return what the numbers may depend on besides the spec.

    Args:
        plugins: Digests of the plug-ins that are loaded, by file or module.
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
    """Return the version of the interpreter."""
    return platform.python_version()


def packages() -> dict[str, str | None]:
    """Return the versions of the packages that make numbers, tables and pages."""
    return {name: _version(name) for name in _PACKAGES}


@cache
def numbers_follow_from() -> dict[str, str]:
    """Return what two processes must have in common, besides the device, to compute the same numbers."""
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
    """Return the commit of the suite's checkout, with `+` if its code has changed since, or None outside of one."""
    if _git("ls-files", "--error-unmatch", "suite/__init__.py") is None:
        return None
    head = _git("rev-parse", "HEAD")
    return f"{head}+" if head and _git("status", "--porcelain", "--", "suite") else head


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=_PACKAGE.parent, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


_FILE = "seal.json"


def write_manifest(folder: Path, follows_from: Mapping[str, Any]) -> None:
    """Write the manifest of a folder whose other files have all been written.

    Args:
        folder: A study's results.
        follows_from: What the files follow from besides code and packages, in JSON's types.
    """
    content = {"fingerprint": _fingerprint(follows_from), "files": _checksums(folder)}
    write_text(folder / _FILE, json.dumps(content, indent=2) + "\n")


def remove_manifest(folder: Path) -> None:
    """Remove the manifest of a folder in which something is missing."""
    (folder / _FILE).unlink(missing_ok=True)


def is_up_to_date(folder: Path, follows_from: Mapping[str, Any]) -> bool:
    """Return whether the files of a folder are what a run would write. Every file is read to its last byte.

    Args:
        folder: A study's results.
        follows_from: As for `write_manifest`.
    """
    try:
        content = json.loads((folder / _FILE).read_bytes())
        if content != {"fingerprint": _fingerprint(follows_from), "files": _checksums(folder)}:
            return False
        recorded = json.loads((folder / "run.json").read_bytes())["cells"]
        return all(_checksum(folder / "cells" / f"{cell['key']}.npz") == cell["sha256"] for cell in recorded)
    except (OSError, ValueError, RecursionError):  # something is missing, cannot be read or is not JSON
        return False


def _checksums(folder: Path) -> dict[str, str]:
    """Return those of all tables and pages; run.json, which is among them, has the cells' own."""
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.name[0] != "." and file.name != _FILE)
    return {file.name: _checksum(file) for file in files}


def _checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _fingerprint(follows_from: Mapping[str, Any]) -> str:
    content = {**follows_from, "code": code(), "python": python(), "packages": packages()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
