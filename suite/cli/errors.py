"""Print messages and turn errors into exit codes, which no other module does."""

import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

import typer

from suite.cli.options import FAULTY, INTERRUPTED
from suite.spec.problems import Problem, SpecError, printable

_LESS = "use smaller networks or fewer points, or free memory"


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Turn errors that a user can fix into a message and an exit code; bugs keep their traceback."""
    try:
        yield
    except SpecError as error:
        fail(str(error))
    except BrokenPipeError:
        raise  # the reader of a pipe has closed it, and typer then exits silently
    except ConnectionError as error:
        fail(f"error: {error}")
    except OSError as error:
        what = (
            f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error.strerror or str(error)
        )
        fail(f"error: {what}; check that the results folder is complete and writable")
    except ValueError as error:
        fail(f"error: {error}")
    except MemoryError as error:
        fail(f"error: out of memory: {error or _LESS}; finished cells are cached")
    except KeyboardInterrupt:
        typer.echo("interrupted; finished cells are cached; run the same command again to continue", err=True)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def options_named() -> Iterator[None]:
    """Name options in place of a task's keys, in errors about a data file that the command line names."""
    try:
        yield
    except SpecError as error:
        raise SpecError([_name_options(problem) for problem in error.problems]) from None


_OPTIONS = ("target", "ignore", "categories", "target_type")
_IN_OPTIONS = {
    r"^target is missing; set it to": "the option is missing; name",
    r'set target_type = "(\w+)"': r"use --target-type \1",
    r", or add ('.*') to categories": r", or name it with --categories",
    r"remove it from categories": "do not name it with --categories",
    r"ignore the column": "leave it out with --ignore",
    r"; ignore ('.*')$": r"; leave out \1 with --ignore",
    r"add some, or ignore fewer": "leave out fewer with --ignore",
    r", or change split": "",
}


def _name_options(problem: Problem) -> Problem:
    """Return a problem with options in place of keys; a problem of a spec, which has a line, stays as it is."""
    if problem.line != "":
        return problem
    key, message = problem.key, problem.message
    for found, option in _IN_OPTIONS.items():
        message = re.sub(found, option, message)
    return replace(problem, key=f"--{key.replace('_', '-')}" if key in _OPTIONS else "", message=message)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Turn the first SIGTERM or SIGHUP into a KeyboardInterrupt, as Ctrl-C does, and ignore later ones.

    Clusters and `kill` send SIGTERM, and a closed terminal sends SIGHUP. Signals that are ignored, as under nohup,
    stay ignored. The previous handlers are restored at the end.
    """
    ends = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    found = {end: signal.getsignal(end) for end in ends}
    before = {end: handler for end, handler in found.items() if handler is not signal.SIG_IGN}  # nohup ignores SIGHUP

    def interrupt(*_: object) -> None:
        for end in before:  # a second signal must not interrupt the cleanup
            signal.signal(end, signal.SIG_IGN)
        raise KeyboardInterrupt

    for end in before:
        signal.signal(end, interrupt)
    try:
        yield
    finally:
        for end, handler in before.items():
            if signal.getsignal(end) is interrupt:
                signal.signal(end, handler)


def echo(line: str, err: bool = False) -> None:
    """Print one line, and escape control characters, which can come from specs and file names."""
    typer.echo(printable(line), err=err)


def fail(message: str) -> NoReturn:
    """Print a message to stderr and end the command with the exit code of an error."""
    for line in message.split("\n"):
        echo(line, err=True)
    raise typer.Exit(FAULTY)


def warn(warnings: Iterable[object]) -> None:
    """Print warnings to stderr, one per line."""
    for warning in warnings:
        echo(f"Warning: {warning}", err=True)
