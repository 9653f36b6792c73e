"""How commands end, and what they say on the way: the only place that turns errors into exit codes."""

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
    """Whatever a user can mend ends in a line and an exit code; what is a fault of ours keeps its traceback."""
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
    """SIGTERM, by which clusters and `kill` end a run, and SIGHUP of a closed terminal are taken as Ctrl-C is, once."""
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
    """One line, in which whatever a terminal might obey, in a text of a spec or a name of a file, is written out."""
    typer.echo(printable(line), err=err)


def fail(message: str) -> NoReturn:
    """Ends the command with a line."""
    for line in message.split("\n"):
        echo(line, err=True)
    raise typer.Exit(FAULTY)


def warn(warnings: Iterable[object]) -> None:
    """A line each."""
    for warning in warnings:
        echo(f"Warning: {warning}", err=True)
