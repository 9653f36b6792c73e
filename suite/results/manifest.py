"""The manifest of a results folder, which shows whether a file is missing, damaged or out of date.

It is written last. It contains a fingerprint of the inputs that the files follow from, and the checksum of every file.
If the manifest matches, the files are those that a run would write.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suite.results.files import write_text
from suite.results.provenance import code, packages, python
from suite.results.schema import MANIFEST


def write_manifest(folder: Path, follows_from: Mapping[str, Any]) -> None:
    """Write the manifest of a folder whose other files have all been written.

    Args:
        folder: The results folder of a study.
        follows_from: The inputs that the files follow from besides code and packages, in JSON's types.
    """
    content = {"fingerprint": _fingerprint(follows_from), "files": _checksums(folder)}
    write_text(folder / MANIFEST, json.dumps(content, indent=2) + "\n")


def remove_manifest(folder: Path) -> None:
    """Remove the manifest of a folder whose results are incomplete."""
    (folder / MANIFEST).unlink(missing_ok=True)


def is_up_to_date(folder: Path, follows_from: Mapping[str, Any]) -> bool:
    """Return whether the files of a folder are those that a run would write, by reading all of them.

    Args:
        folder: The results folder of a study.
        follows_from: As for `write_manifest`.
    """
    try:
        content = json.loads((folder / MANIFEST).read_bytes())
        if content != {"fingerprint": _fingerprint(follows_from), "files": _checksums(folder)}:
            return False
        recorded = json.loads((folder / "run.json").read_bytes())["cells"]
        return all(_checksum(folder / "cells" / f"{cell['key']}.npz") == cell["sha256"] for cell in recorded)
    except (OSError, ValueError, RecursionError):  # a file is missing, cannot be read or is not JSON
        return False


def _checksums(folder: Path) -> dict[str, str]:
    """Return the checksums of all files except cells, whose checksums are in run.json."""
    files = sorted(
        file for file in folder.iterdir() if file.is_file() and file.name[0] != "." and file.name != MANIFEST
    )
    return {file.name: _checksum(file) for file in files}


def _checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _fingerprint(follows_from: Mapping[str, Any]) -> str:
    content = {**follows_from, "code": code(), "python": python(), "packages": packages()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
