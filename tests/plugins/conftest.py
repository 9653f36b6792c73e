"""Plug-ins for tests, taken out again at the end of each."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
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


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A package of an entry point: its module `more` decorates, `smooth` decorates and imports from there."""
    package = tmp_path / "snakes_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "smooth.py").write_text(SNAKE + "\nfrom snakes_of_mine.more import adder\n")
    (package / "more.py").write_text(SNAKE.replace("def snake", "def adder"))
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("snake", "snakes_of_mine.smooth", sources.GROUP)
    monkeypatch.setattr(sources, "entry_points", lambda group: [point] if group == sources.GROUP else [])
    sources.plug_in_installed.cache_clear()
    yield "snakes_of_mine.smooth"
    sources.plug_in_installed.cache_clear()
    for name in [name for name in sys.modules if name.startswith("snakes_of_mine")]:
        del sys.modules[name]


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Python looks in the folder of plug-ins, too; what is imported from there is forgotten in the end."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
