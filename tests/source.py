"""The source of the suite, as the tests of its structure read it."""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1] / "suite"


def modules() -> Iterator[tuple[str, str]]:
    """Yield each module's place below `suite/`, such as `spec/load.py`, and its code."""
    for file in sorted(ROOT.rglob("*.py")):
        yield file.relative_to(ROOT).as_posix(), file.read_text()


def names_in(code: str, names: Collection[str]) -> set[str]:
    """Return those of the names that are string literals of a module."""
    literals = {node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)}
    return {str(name) for name in names if name in literals}
