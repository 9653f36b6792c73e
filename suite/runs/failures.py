"""Cells that came to nothing: recorded with the reason, never a silent gap."""

import csv
import io
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.runs.cells import Cell
from suite.runs.shards import Shard, own_name
from suite.runs.store import write_text

TABLE, LOG = "failures.csv", "failures.log"
COLUMNS = ("measure", "member", "first", "last", "reason", "key")


@dataclass(frozen=True)
class Failure:
    """Why a cell has no numbers.

    Attributes:
        reason: in a line.
        trace: where it happened, as Python tells it; empty where a process died without a word.
    """

    reason: str
    trace: str = ""


def failure_of(error: BaseException) -> Failure:
    """What is kept of an error."""
    (first, *_) = str(error).splitlines() or [""]
    return Failure(f"{type(error).__name__}: {first}".removesuffix(": "), "".join(traceback.format_exception(error)))


def process_died(_: Cell) -> Failure:
    """Of a cell whose process ended twice."""
    return Failure("its process was ended twice, by hand or since memory ran out; run fewer workers or free memory")


def write_failures(
    folder: Path, cells: Sequence[Cell], failures: Mapping[str, Failure], shard: Shard | None = None
) -> None:
    """Writes failures.csv and failures.log, or takes them away where nothing failed.

    Args:
        folder: the study's results.
        cells: of the study, in order.
        failures: by the cells' keys.
        shard: which part of the study this is, whose files have names of their own; the whole has everyone's.
    """
    names = [own_name(name, shard) for name in (TABLE, LOG)]
    for file in folder.glob("failures*") if shard is None else (folder / name for name in names):
        file.unlink(missing_ok=True)
    failed = [cell for cell in cells if cell.key in failures]
    if not failed:
        return
    table, log = io.StringIO(), io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cell in failed:
        failure = failures[cell.key]
        writer.writerow((cell.name, cell.member.name, cell.start, cell.stop - 1, failure.reason, cell.key))
        log.write(f"{cell.name} of {cell.member.name}, draws {cell.start} to {cell.stop - 1}, cell {cell.key}\n")
        log.write(f"{failure.trace or failure.reason}\n\n")
    for name, content in zip(names, (table, log), strict=True):
        write_text(folder / name, content.getvalue())
