"""This package is the command line; no other package imports it."""

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
    completing = not _COMPLETION.isdisjoint(sys.argv[1:])
    by_name = Path(sys.argv[0]).stem == COMMAND
    app(prog_name=COMMAND if by_name or completing else f"python -m {COMMAND}")
