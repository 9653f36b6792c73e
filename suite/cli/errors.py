"""How commands end and print: the only place that turns errors into exit codes."""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from suite.cli.options import FAULTY, INTERRUPTED
from suite.spec.problems import SpecError, printable

_LESS = "ask for smaller networks or fewer points, or free memory"


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Turn errors that a user can fix into a line and an exit code. Errors of the suite keep their traceback."""
    try:
        yield
    except SpecError as error:
        fail(str(error))
    except BrokenPipeError:
        raise  # nobody reads on, which typer ends quietly; no fault of the results
    except ConnectionError as error:
        fail(f"error: {error}")
    except OSError as error:
        what = (
            f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error.strerror or str(error)
        )
        fail(f"error: {what}; check that the results folder is whole and can be written")
    except ValueError as error:
        fail(f"error: {error}")
    except MemoryError as error:
        fail(f"error: out of memory: {error or _LESS}; finished cells are cached")
    except KeyboardInterrupt:
        typer.echo("interrupted; finished cells are cached: run the same command again to continue", err=True)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Treat SIGTERM, which clusters and `kill` send, and SIGHUP of a closed terminal like Ctrl-C, once."""
    ends = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    found = {end: signal.getsignal(end) for end in ends}
    before = {end: handler for end, handler in found.items() if handler is not signal.SIG_IGN}  # as under nohup

    def interrupt(*_: object) -> None:
        for end in before:  # the run is ending already
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
    """Print one line; control characters from specs and file names are escaped."""
    typer.echo(printable(line), err=err)


def fail(message: str) -> NoReturn:
    """Print a message and end the command."""
    for line in message.split("\n"):
        echo(line, err=True)
    raise typer.Exit(FAULTY)


def warn(warnings: Iterable[object]) -> None:
    """Print warnings, one per line."""
    for warning in warnings:
        echo(f"Warning: {warning}", err=True)
