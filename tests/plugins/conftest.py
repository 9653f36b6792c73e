"""Plug-ins for tests, taken out again at the end of each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from suite.plugins import sources

Plugging = Callable[..., Path]

SNAKE = '''
import torch
from suite.plugins import activation

@activation
def snake(z, frequency: float = 1.0):
    """Snake."""
    return z + torch.sin(frequency * z) ** 2 / frequency
'''


@pytest.fixture(autouse=True)
def unplugged() -> Iterator[None]:
    """Whatever a test takes up is gone after it."""
    before = set(sources.plugged_in())
    yield
    for name in set(sources.plugged_in()) - before:
        sources.unplug(name)


@pytest.fixture
def written(tmp_path: Path) -> Plugging:
    """(text, file's name) -> a plug-in's file."""

    def write(text: str, name: str = "mine.py") -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.fixture
def plugged(written: Plugging) -> Plugging:
    """The same, taken up."""

    def plug(text: str = SNAKE, name: str = "mine.py") -> Path:
        file = written(text, name)
        sources.plug_in(file)
        return file

    return plug
