"""The command line; the rest of the suite knows nothing of it."""

from suite.cli import running, viewing  # noqa: F401  # their commands join the application
from suite.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """The command line's entry point."""
    app(prog_name="python -m suite")
