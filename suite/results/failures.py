"""The table and the log of cells that failed."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from suite.results.files import write_text
from suite.results.shards import Shard, own_name

TABLE, LOG = "failures.csv", "failures.log"
COLUMNS = ("measure", "member", "first", "last", "reason", "key")


def write_failures(folder: Path, failed: Sequence[Mapping[str, Any]], shard: Shard | None = None) -> None:
    """Write failures.csv and failures.log, or remove them if nothing failed.

    Args:
        folder: A study's results.
        failed: Rows of the table, each with the traceback of the failure under `trace` (empty if there is none).
        shard: The part of the study, whose files have names of their own. Without one, the files of all parts go.
    """
    names = [own_name(name, shard) for name in (TABLE, LOG)]
    for file in folder.glob("failures*") if shard is None else (folder / name for name in names):
        file.unlink(missing_ok=True)
    if not failed:
        return
    table, log = io.StringIO(), io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in failed:
        writer.writerow([row[name] for name in COLUMNS])
        log.write("{measure} of {member}, draws {first} to {last}, cell {key}\n".format_map(row))
        log.write(f"{row['trace'] or row['reason']}\n\n")
    for name, content in zip(names, (table, log), strict=True):
        write_text(folder / name, content.getvalue())
