"""What commands tell of a study: what failed, what is not as precise as asked, verdicts, who tells best, its page."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from suite.cli.endings import echo, warn
from suite.formatting import counted
from suite.report.predictor_text import format_predictors
from suite.report.verdicts import count_unexpected, format_lines
from suite.results.folder import Results

_SHOWN = 8
"""Lines of what failed, or did not become as precise as asked; a study may have hundreds of members."""


def tell_run(found: Results) -> int:
    """What a run, or a part of one, has left; the number of verdicts that are not the expected ones."""
    _tell_failures(found)
    if found.shard:
        echo(f"{found.name}: part {found.shard.part} of {found.shard.of} is in {found.folder / 'cells'}")
        return 0
    if not found.has_tables:
        return 0
    _warn_of_imprecise(imprecise(found))
    surprises = tell_verdicts(found.name, found.verdict_rows)
    for line in format_predictors(found.name, found.folder):
        echo(line)
    echo(f"{found.name}: {found.report}")
    return surprises


def tell_verdicts(study: str, rows: Sequence[dict[str, Any]]) -> int:
    """A line a claim; the number of verdicts that are not the expected ones."""
    for line in format_lines(study, rows):
        echo(line)
    return count_unexpected(rows)


def _tell_failures(found: Results) -> None:
    """A line each cell that failed, and where to read on."""
    for failure in found.failures[:_SHOWN]:
        echo(
            f"{found.name}: {failure['measure']} of {failure['member']}, draws {failure['first']} to "
            f"{failure['last']}: failed: {failure['reason']}",
            err=True,
        )
    if found.failures:
        number = len(found.failures)
        more = f" ({number - _SHOWN} more than shown)" if number > _SHOWN else ""
        echo(
            f"{found.name}: {counted(number, 'cell')} failed{more}; {found.failure_log} has the tracebacks; "
            "run the same command to try again",
            err=True,
        )


def imprecise(found: Results) -> list[str]:
    """A line for each member and quantity whose interval did not become as narrow as the spec asks."""
    if found.precision is None:
        return []
    lines = []
    missed = found.precision[found.precision["reached"] == "no"]
    for (member, quantity), rows in missed.groupby(["member", "quantity"], sort=False):
        worst = rows.sort_values("half_width", na_position="last").iloc[-1]
        known = f"is {worst['half_width']:.3g}" if isfinite(worst["half_width"]) else "cannot be told"
        lines.append(
            f"{found.name}: {member}: half the interval of {quantity} {known} after {worst['draws']:,} draws, "
            f"{worst['precision']:g} is asked for ({worst['note']})"
        )
    return lines


def _warn_of_imprecise(lines: list[str]) -> None:
    """A line each, of the first few."""
    warn(lines[:_SHOWN])
    if len(lines) > _SHOWN:
        echo(f"Warning: {len(lines) - _SHOWN} more like these; precision.csv has all of them", err=True)
