"""A plug-in adds what its checksum is of, and nothing that it imports from elsewhere."""

import importlib
import sys

import pytest
from typer.testing import CliRunner

from suite.catalog.activations import ACTIVATIONS
from suite.cli import app
from suite.plugins import sources
from suite.plugins.sources import PlugInError
from tests.plugins.conftest import SNAKE

runner = CliRunner()
BORROWED = (
    "import torch\nfrom suite.plugins import activation\n{}\n@activation\ndef boa(z):\n    return torch.tanh(3 * z)\n"
)


@pytest.mark.parametrize("line", ["from lent_snakes import snake", "import lent_snakes", "from lent_snakes import *"])
@pytest.mark.parametrize("text", [BORROWED, "{}\n"], ids=["with its own", "alone"])
def test_what_a_file_imports_cannot_be_of_it(written, importable, line, text):
    """Its edits would not be seen, at first or later, whoever imported it before; the error says what to do."""
    written(SNAKE, "lent_snakes.py")
    file = written(text.format(line))

    for _ in range(2):
        with pytest.raises(PlugInError) as refused:
            sources.plug_in(file)
        assert str(refused.value) == (
            f"{file}: it imports snake from lent_snakes, and results would not follow edits there; put that into this "
            "file, or import nothing of it and give it, too: --plugin lent_snakes.py"
        )
        assert not {"snake", "boa"} & set(ACTIVATIONS)
        assert str(file) not in sources.plugged_in()
        file.write_text(file.read_text() + "# edited\n")


def test_what_a_plug_in_imports_only_to_use_something_else_of_it_adds_nothing(written, importable):
    """What is decorated there stays an ordinary function, at first and when the file is taken up again."""
    written(SNAKE + "\nHALF = 0.5\n", "lent_snakes.py")
    file = written(BORROWED.format("from lent_snakes import HALF"))

    for _ in range(2):
        sources.plug_in(file)
        assert "boa" in ACTIVATIONS
        assert "snake" not in ACTIVATIONS
        file.write_text(file.read_text() + "# edited\n")


def test_a_file_may_use_what_an_installed_plug_in_adds(written, installed):
    """That is added by its own package, before or after; a file with nothing else is told whose it is."""
    line = "from snakes_of_mine.smooth import snake"
    both, alone = written(BORROWED.format(line), "both.py"), written(line, "alone.py")

    sources.plug_in(both)
    assert "boa" in ACTIVATIONS
    assert "snake" not in ACTIVATIONS
    sources.plug_in_installed()
    assert ACTIVATIONS["snake"].source.name == installed

    with pytest.raises(
        PlugInError, match=r"snake, which it imports, is of the plug-in snakes_of_mine.smooth; put @acti"
    ):
        sources.plug_in(alone)


def test_an_installed_plug_in_has_what_its_own_package_has_alone(installed, importable, written, tmp_path):
    """Its checksum is not of others; the error says what to do."""
    written(SNAKE.replace("def snake", "def boa"), "lent_boas.py")
    module = tmp_path / "snakes_of_mine" / "smooth.py"
    module.write_text(module.read_text() + "from lent_boas import boa\n")

    for _ in range(2):
        done = runner.invoke(app, ["list"])
        assert done.exit_code == 2
        assert "snakes_of_mine.smooth: it imports boa from lent_boas, and results would not follow edits" in done.stderr
        assert not {"snake", "adder", "boa"} & set(ACTIVATIONS)


@pytest.mark.parametrize("line", ["from snakes_of_mine import more", "from snakes_of_mine.more import adder"])
def test_an_installed_plug_in_has_what_its_package_has_each_time(installed, tmp_path, line):
    """Of the modules of its package, those that it imports by name; also when it is taken up again."""
    (tmp_path / "snakes_of_mine" / "smooth.py").write_text(line + SNAKE)

    for _ in range(2):
        sources.plug_in_installed.cache_clear()
        sources.plug_in_installed()
        assert {"snake", "adder"} <= set(ACTIVATIONS)
        sources.unplug(installed)


def test_what_an_earlier_import_of_an_installed_plug_in_had_is_not_added(installed, tmp_path):
    """Where a package was imported again, only what its modules have now is of it."""
    sources.plug_in_installed()
    sources.unplug(installed)
    for name in [name for name in sys.modules if name.startswith("snakes_of_mine")]:
        del sys.modules[name]
    (tmp_path / "snakes_of_mine" / "smooth.py").write_text(SNAKE.replace("def snake", "def boa"))

    sources.plug_in_installed.cache_clear()
    importlib.invalidate_caches()
    sources.plug_in_installed()

    assert "boa" in ACTIVATIONS
    assert not {"snake", "adder"} & set(ACTIVATIONS)
