"""This package is the command line; no other package imports it."""

import io
import os
import signal
import sys
from pathlib import Path

from suite.cli.commands import app

__all__ = ["COMMAND", "app", "main"]

COMMAND = "suite"
"""The name of the installed command, which is the same as `python -m suite`."""

_COMPLETION = {"--install-completion", "--show-completion"}


def main() -> None:
    """Run the command line, called as `suite` or as `python -m suite`.

    A shell selects completions by the first word of a command. They are installed for `suite`, so that completion of
    `python` stays as it is.
    """
    _open_standard_streams()
    completing = not _COMPLETION.isdisjoint(sys.argv[1:])
    by_name = Path(sys.argv[0]).stem == COMMAND
    try:
        app(prog_name=COMMAND if by_name or completing else f"python -m {COMMAND}")
    finally:
        _ignore_signals()


def _ignore_signals() -> None:
    """Ignore the signals that end a process, since one that arrives while Python exits would replace the exit code."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _open_standard_streams() -> None:
    """Open standard streams that the caller has closed, and print characters that they cannot encode as escapes.

    Otherwise a file that is opened later takes the number of a closed stream, and libraries write to it.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
