"""The command line; the rest of the suite knows nothing of it."""

import sys
from pathlib import Path

from suite.cli.commands import app

__all__ = ["COMMAND", "app", "main"]

COMMAND = "suite"
"""What installation puts beside python: the same as `python -m suite`."""

_COMPLETION = {"--install-completion", "--show-completion"}


def main() -> None:
    """The command line's entry point, however it was called.

    A shell completes a command by its first word, which has to be `suite`: nobody's `python` is touched.
    """
    completing = not _COMPLETION.isdisjoint(sys.argv[1:])
    by_name = Path(sys.argv[0]).stem == COMMAND
    app(prog_name=COMMAND if by_name or completing else f"python -m {COMMAND}")
