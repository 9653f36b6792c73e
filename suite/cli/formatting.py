"""This module prints a study's failures, missed precision targets, verdicts, best predictors and page."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from suite.cli.errors import echo, warn
from suite.formatting import format_count
from suite.report.answer import answer_question
from suite.report.formatting import count_diverged
from suite.report.predictor_text import format_predictors
from suite.report.verdicts import count_unmet, format_lines
from suite.results.folder import Results
from suite.results.schema import PREDICTORS, TRENDS, VERDICTS

_SHOWN = 8
"""The maximum number of lines about failures or missed targets, since a study can have hundreds of members."""


_ANSWERING = {"verdicts": VERDICTS, "predictors": PREDICTORS, "trends": TRENDS}
"""The tables that the answer to a study's question is made from."""


def print_run(found: Results) -> int:
    """Print the outcome of a run or a shard; return the number of claims without the expected verdict."""
    _print_failures(found)
    if found.shard:
        echo(f"{found.name}: part {found.shard.part} of {found.shard.of} is in {found.folder / 'cells'}")
        return 0
    if not found.has_tables:
        return 0
    _warn_of_imprecise(missed_targets(found))
    if diverged := count_diverged(found.run):
        echo(f"{found.name}: {diverged}; losses, accuracies and errors are of the other runs")
    unmet = print_verdicts(found.name, found.verdict_rows)
    for line in format_predictors(found.name, found.folder):
        echo(line)
    if answer := answer_question(found.run, {name: found.rows(file) for name, file in _ANSWERING.items()}):
        echo(f"{found.name}: answer: {answer}")
    echo(f"{found.name}: {found.report}")
    return unmet


def print_verdicts(study: str, rows: Sequence[dict[str, Any]]) -> int:
    """Print one line per claim; return the number of claims without the expected verdict."""
    for line in format_lines(study, rows):
        echo(line)
    return count_unmet(rows)


def _print_failures(found: Results) -> None:
    """Print one line per failed cell, at most `_SHOWN`, and the number of failures and their log."""
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
            f"{found.name}: {format_count(number, 'cell')} failed{more}; see {found.failure_log} for the tracebacks; "
            "run the same command to try again",
            err=True,
        )


def missed_targets(found: Results) -> list[str]:
    """Return one line per member and quantity whose interval is wider than its precision target."""
    if found.precision is None:
        return []
    lines = []
    missed = found.precision[found.precision["reached"] == "no"]
    for (member, quantity), rows in missed.groupby(["member", "quantity"], sort=False):
        worst = rows.sort_values("half_width", na_position="last").iloc[-1]
        known = f"{worst['half_width']:.3g}" if isfinite(worst["half_width"]) else "unknown"
        lines.append(
            f"{found.name}: {member}: half-width of {quantity} {known} after {worst['draws']:,} draws, target "
            f"{worst['precision']:g} ({worst['note']})"
        )
    return lines


def _warn_of_imprecise(lines: list[str]) -> None:
    """Print the first `_SHOWN` lines as warnings, and the number of the others."""
    warn(lines[:_SHOWN])
    if len(lines) > _SHOWN:
        echo(f"Warning: {len(lines) - _SHOWN} more like these; see precision.csv for all of them", err=True)
