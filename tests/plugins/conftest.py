"""Plug-ins for tests, unloaded at the end of each."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from suite.plugins import loading

Write = Callable[..., Path]

SNAKE = '''
import torch
from suite.plugins import activation

@activation
def snake(z, frequency: float = 1.0):
    """Snake."""
    return z + torch.sin(frequency * z) ** 2 / frequency
'''


@pytest.fixture(autouse=True)
def unloaded() -> Iterator[None]:
    """Unload what a test has loaded."""
    before = set(loading.loaded_plugins())
    yield
    for plugin in set(loading.loaded_plugins()) - before:
        loading.unload(plugin.name)


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """(text, file's name) -> a plug-in's file."""

    def write(text: str, name: str = "mine.py") -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.fixture
def loaded(written: Write) -> Write:
    """(text, file's name) -> a plug-in's file, which is loaded."""

    def load(text: str = SNAKE, name: str = "mine.py") -> Path:
        file = written(text, name)
        loading.load_plugin(file)
        return file

    return load


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let Python import from the folder of plug-ins; forget in the end what it has imported from there."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, importable: None) -> Iterator[str]:
    """Install a package with an entry point: its module `smooth` decorates, and imports `more`, which does, too."""
    package = tmp_path / "my_snakes"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "smooth.py").write_text(SNAKE + "\nimport my_snakes.more\n")
    (package / "more.py").write_text(SNAKE.replace("def snake", "def adder"))
    point = EntryPoint("snake", "my_snakes.smooth", "suite.plugins")
    monkeypatch.setattr(loading, "entry_points", lambda group: [point] if group == "suite.plugins" else [])
    loading.load_installed.cache_clear()
    yield "my_snakes.smooth"
    loading.load_installed.cache_clear()
