"""The command line; the rest of the suite knows nothing of it."""

import sys
from pathlib import Path

from suite.cli import explaining, listing, running, viewing, writing  # noqa: F401  # their commands join the application
from suite.cli.app import app

__all__ = ["COMMAND", "app", "main"]

COMMAND = "suite"
"""What installation puts beside python: the same as `python -m suite`."""

_ORDER = ("new", "check", "explain", "list", "schema", "plan", "run", "merge", "claims", "report", "compare")
"""Commands as they come to be needed, and as --help lists them."""

app.registered_commands.sort(
    key=lambda command: _ORDER.index(command.name or getattr(command.callback, "__name__", ""))
)

_COMPLETION = {"--install-completion", "--show-completion"}


def main() -> None:
    """The command line's entry point, however it was called.

    A shell completes a command by its first word, which has to be `suite`: nobody's `python` is touched.
    """
    completing = not _COMPLETION.isdisjoint(sys.argv[1:])
    by_name = Path(sys.argv[0]).stem == COMMAND
    app(prog_name=COMMAND if by_name or completing else f"python -m {COMMAND}")
