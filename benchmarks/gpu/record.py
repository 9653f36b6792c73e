"""The file of results, row by row, and the sections that fill it."""

import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Rows = dict[str, Row]


@dataclass(frozen=True)
class Setup:
    """What every section is given.

    Attributes:
        device: "cuda" or "cpu".
        tiny: Whether sizes and repeats are the smallest, to try the script.
        identity: What the results depend on: the GPU, versions and the commit.
    """

    device: str
    tiny: bool
    identity: Row


@dataclass(frozen=True)
class Section:
    """One part of the script.

    Attributes:
        name: Of the section.
        limit: Seconds that it has, besides what the sections before have left, until no further row is begun.
        rows: Yields the key of each row, and a function that takes the row.
        line: Returns what is printed of a row as soon as it is there.
        summary: Returns the lines that are printed at the end, from all rows.
    """

    name: str
    limit: float
    rows: Callable[[Setup], Iterable[tuple[str, Callable[[], Row]]]]
    line: Callable[[str, Row], str]
    summary: Callable[[Rows], list[str]] = lambda rows: []


class Record:
    """The rows of all sections in a JSON file that is replaced whole after each row."""

    def __init__(self, file: Path, identity: Row) -> None:
        """Read the rows of an earlier call, if the file is of the same machine, versions and commit."""
        self.file = file
        self.content: Row = {"identity": identity, "sections": {}}
        if not file.exists():
            return
        try:
            found = json.loads(file.read_text())
            before = found["identity"]
            found["sections"].items()
        except (ValueError, KeyError, TypeError, AttributeError):
            say(f"{file} is not a file of this script: starting over")
            return
        if changes := [key for key in identity | before if identity.get(key) != before.get(key)]:
            told = ", ".join(f"{key} was {before.get(key)}, is {identity.get(key)}" for key in changes)
            say(f"{file} is from other circumstances ({told}): starting over")
            return
        self.content = found
        say(f"continuing {file}: {sum(len(self.rows(name)) for name in found['sections'])} rows are there")

    def rows(self, section: str) -> Rows:
        """Return the rows of a section that did not fail."""
        rows: Rows = self.content["sections"].get(section, {})
        return {key: row for key, row in rows.items() if "error" not in row}

    def failures(self) -> dict[str, str]:
        """Return the messages of rows that failed, by section and key."""
        return {
            f"{name}: {key}": row["error"]
            for name, rows in self.content["sections"].items()
            for key, row in rows.items()
            if "error" in row
        }

    def add(self, section: str, key: str, row: Row) -> None:
        """Write a row, so that the file has it whole or not at all."""
        self.content["sections"].setdefault(section, {})[key] = row
        temporary = self.file.with_name(f"{self.file.name}.part")
        with temporary.open("w") as file:
            json.dump(self.content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.file)


def run_section(section: Section, setup: Setup, record: Record, stop: float) -> bool:
    """Take the rows that are missing, and return whether all are there.

    Args:
        section: What to do.
        setup: Where.
        record: The rows that are there, and where new ones go.
        stop: When no further row is begun, by `time.monotonic`.
    """
    start = time.monotonic()
    there, taken, left = record.rows(section.name), 0, 0
    say(f"\n{section.name} (at most {max(stop - start, 0):.0f} s)")
    for key, take in section.rows(setup):
        if key in there:
            continue
        if time.monotonic() >= stop:
            left += 1
            continue
        began = time.monotonic()
        try:
            row = take()
        except Exception as error:  # whatever it is, the other rows are still worth having
            row = {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"}
        record.add(section.name, key, row | {"took": round(time.monotonic() - began, 3)})
        say(f"  {key}: {row['error'] if 'error' in row else section.line(key, row)}")
        taken += 1
    for line in section.summary(record.rows(section.name)):
        say(f"  {line}")
    rest = f", {left} left out by the time limit: run the same command again for them" if left else ""
    say(f"  {section.name}: {taken} rows in {time.monotonic() - start:.1f} s, {len(there)} from before{rest}")
    return not left


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)
