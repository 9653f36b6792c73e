"""The commands and scripts of docs/scaling.md, which tests run as they stand there."""

import importlib.util
import re
import shutil
from pathlib import Path

from tests.runs.tiny import BRIEF

PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"

NO_DASK = importlib.util.find_spec("distributed") is None
"""Where `run --scheduler` cannot be tried: it needs the extra dask."""

_SMALLER = {"--array=1-8": "--array=1-3", "--cpus-per-task=4": "--cpus-per-task=2", "--ntasks=16": "--ntasks=2"}
"""What is too much for a test: 8 parts, 4 or 16 processes."""


def commands(section: str) -> list[str]:
    """The blocks of shell commands under a heading, scripts left out."""
    return [block for block in _blocks(section) if not block.startswith("#!")]


def scripts(section: str) -> dict[str, str]:
    """The scripts under a heading by the names that they give themselves in their second line, for fewer processes."""
    found = {}
    for block in _blocks(section):
        if block.startswith("#!"):
            name = re.match(r"#!/bin/bash\n# ([\w.]+):", block)
            assert name, block
            found[name[1]] = "\n".join(_smaller(line) for line in block.split("\n"))
    return found


def _smaller(line: str) -> str:
    asked = line.removeprefix("#SBATCH ")
    return line.replace(asked, _SMALLER.get(asked, asked))


def workplace(folder: Path) -> Path:
    """A folder in which the page's commands can be run: its specs/ has one small study alone."""
    (folder / "specs").mkdir(parents=True)
    shutil.copy(BRIEF, folder / "specs")
    return folder


def _blocks(section: str) -> list[str]:
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
