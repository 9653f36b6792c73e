"""The file of results, which is updated row by row, and the sections of the script."""

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
    """The input of every section.

    Attributes:
        device: "cuda" or "cpu".
        tiny: Whether sizes and repeats are the smallest, to try the script.
        identity: The environment of the results: the GPU, versions and the commit.
    """

    device: str
    tiny: bool
    identity: Row


@dataclass(frozen=True)
class Section:
    """One part of the script.

    Attributes:
        name: The name of the section.
        limit: Time limit in seconds after which no further row starts; time that earlier sections left is added.
        rows: A function that yields the key of each row, and a function that computes the row.
        line: A function that returns the line to print for a row as soon as it is computed.
        summary: A function that returns the lines to print at the end, from all rows.
    """

    name: str
    limit: float
    rows: Callable[[Setup], Iterable[tuple[str, Callable[[], Row]]]]
    line: Callable[[str, Row], str]
    summary: Callable[[Rows], list[str]] = lambda rows: []


class Record:
    """The rows of all sections, in a JSON file that is replaced atomically after each row."""

    def __init__(self, file: Path, identity: Row) -> None:
        """Read the rows of an earlier call, if there are any, and write them back.

        Raises:
            ValueError: If the file is not from this script, or is from another machine, version or commit.
            OSError: If it cannot be read or written.
        """
        self.file = file
        self.content: Row = {"identity": identity, "sections": {}}
        if file.exists():
            self.content = _read(file, identity)
            say(f"continuing {file}: {sum(map(len, self.content['sections'].values()))} rows exist")
        self._write()

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
        """Add a row and write the file atomically."""
        self.content["sections"].setdefault(section, {})[key] = row
        self._write()

    def _write(self) -> None:
        temporary = self.file.with_name(f"{self.file.name}.part")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(self.content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.file)


def _read(file: Path, identity: Row) -> Row:
    """Return the content of a file of this script.

    Raises:
        ValueError: If the file is not from this script, or has another identity.
    """
    try:
        found: Row = json.loads(file.read_bytes())
        before, sections = dict(found["identity"]), found["sections"].values()
        readable = all(isinstance(rows, dict) for rows in sections)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        readable = False
    if not readable:
        raise ValueError(f"{file}: expected results of this script; use another file, or remove this one")
    if changes := [key for key in identity | before if identity.get(key) != before.get(key)]:
        differences = ", ".join(f"{key}: {before.get(key)} before, {identity.get(key)} now" for key in changes)
        raise ValueError(f"{file} contains other results ({differences}); use another file, or remove this one")
    return found


def run_section(section: Section, setup: Setup, record: Record, stop: float) -> bool:
    """Compute the missing rows of a section, and return whether all rows exist.

    Args:
        section: The section.
        setup: The device and the environment.
        record: The existing rows, to which new ones are added.
        stop: The time by `time.monotonic` after which no further row starts.
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
        except Exception as error:  # a failure must not prevent the other rows
            row = {"error": ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])}
        record.add(section.name, key, row | {"took": round(time.monotonic() - began, 3)})
        say(f"  {key}: {row['error'] if 'error' in row else section.line(key, row)}")
        taken += 1
    for line in section.summary(record.rows(section.name)):
        say(f"  {line}")
    rest = f", {left} skipped by the time limit; run the same command again to add them" if left else ""
    say(f"  {section.name}: {taken} rows in {time.monotonic() - start:.1f} s, {len(there)} existed before{rest}")
    return not left


def say(line: str) -> None:
    """Print a line and flush the output."""
    print(line, flush=True)
