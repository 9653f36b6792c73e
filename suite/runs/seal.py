"""The seal of a results folder: by it a run knows that nothing is missing, damaged or out of date.

It is written last, and holds a fingerprint of what the files follow from and the checksum of every file. A folder
whose seal fits is what a run would leave: the same study, code and packages, and every byte as it was.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suite.runs.cells import Cell
from suite.runs.provenance import code, packages, python
from suite.runs.store import Store, write_text
from suite.spec.load import Study

_FILE = "seal.json"


def seal(study: Study, folder: Path, cells: Sequence[Cell]) -> None:
    """Puts the seal on a folder whose files have all been written.

    Args:
        study: that the files show.
        folder: the study's results.
        cells: of the study.
    """
    content = {"fingerprint": _fingerprint(study, cells), "files": _checksums(folder)}
    write_text(folder / _FILE, json.dumps(content, indent=2) + "\n")


def unseal(folder: Path) -> None:
    """Takes the seal off a folder where something is lacking."""
    (folder / _FILE).unlink(missing_ok=True)


def is_sealed(study: Study, folder: Path, cells: Sequence[Cell]) -> bool:
    """Whether the folder is what a run would leave; every file is read to its last byte.

    Args:
        study: to run.
        folder: where its results would be.
        cells: of the study.
    """
    try:
        content = json.loads((folder / _FILE).read_bytes())
        if content != {"fingerprint": _fingerprint(study, cells), "files": _checksums(folder)}:
            return False
        store = Store(folder / "cells")
        recorded = json.loads((folder / "run.json").read_bytes())["cells"]
        return all(_checksum(store.path(cell["key"])) == cell["sha256"] for cell in recorded)
    except (OSError, ValueError, RecursionError):  # something is missing, cannot be read or is no JSON
        return False


def _checksums(folder: Path) -> dict[str, str]:
    """Of all tables and pages; run.json among them has the cells' own."""
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.name[0] != "." and file.name != _FILE)
    return {file.name: _checksum(file) for file in files}


def _checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _fingerprint(study: Study, cells: Sequence[Cell]) -> str:
    """Of all that a results folder follows from: the spec as a whole, its cells, the code and what that builds on."""
    content: dict[str, Any] = {
        "study": study.spec.name,
        "spec": study.spec.as_run(),
        "cells": [cell.key for cell in cells],
        "code": code(),
        "python": python(),
        "packages": packages(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
