"""What commands tell of a study: what failed, what is not as precise as asked, verdicts, who tells best, its page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from suite.cli.endings import echo, warn
from suite.words import pieces

if TYPE_CHECKING:
    from suite.runs.results import Results

_SHOWN = 8
"""Lines of what failed, or did not become as precise as asked; a study may have hundreds of members."""


def tell_run(found: "Results") -> int:
    """What a run, or a part of one, has left; the number of verdicts that are not the expected ones."""
    from suite.claims.tell import kept_rows  # noqa: PLC0415  # --help is instant
    from suite.tournament.tell import lines_of  # noqa: PLC0415  # as above

    _tell_failures(found)
    if found.shard:
        echo(f"{found.name}: part {found.shard.part} of {found.shard.of} is in {found.folder / 'cells'}")
        return 0
    if not found.has_tables:
        return 0
    _warn_of_imprecise(found.imprecise())
    surprises = tell_verdicts(found.name, kept_rows(found.folder))
    for line in lines_of(found.name, found.folder):
        echo(line)
    echo(f"{found.name}: {found.report}")
    return surprises


def tell_verdicts(study: str, rows: Sequence[dict[str, Any]]) -> int:
    """A line a claim; the number of verdicts that are not the expected ones."""
    from suite.claims.tell import lines_of, surprising  # noqa: PLC0415  # as above

    for line in lines_of(study, rows):
        echo(line)
    return surprising(rows)


def _tell_failures(found: "Results") -> None:
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
            f"{found.name}: {pieces(number)} failed{more}, the rest is done; {found.failure_log} has the tracebacks, "
            "and the same command tries again",
            err=True,
        )


def _warn_of_imprecise(lines: list[str]) -> None:
    """A line each, of the first few."""
    warn(lines[:_SHOWN])
    if len(lines) > _SHOWN:
        echo(f"and {len(lines) - _SHOWN} more like these; precision.csv has every one (warning)", err=True)
