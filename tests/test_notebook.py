"""The example notebook runs from its first cell to its last, and a run's progress is one line in it."""

import os
from pathlib import Path
from typing import Any

import pytest

from suite.cells.sampling import cells_of
from suite.runs.progress import Progress, StatusLine, notebook_display
from suite.spec.load import load_studies
from tests.runs.tiny import SPECS

ROOT = Path(__file__).parents[1]


class _Display:
    """Stands for IPython's: keeps what is shown, and how often it was put there anew."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.displays = 0

    def __call__(self, data: dict[str, str], *, raw: bool, display_id: bool) -> "_Display":
        assert raw
        assert display_id
        self.displays += 1
        self.shown.append(data["text/plain"])
        return self

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(data["text/plain"])


def test_progress_in_a_notebook_is_one_line_that_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """One output, updated; nothing on the streams, where every line would stay."""
    (study,) = load_studies([SPECS / "tiny_precise.toml"])
    found, display = cells_of(study), _Display()

    with Progress(study, StatusLine(display=display)) as progress:
        told = progress.announce(study, found[:4], found[1:4])
        for cell in found[1:4]:
            told(cell, 1.0)
        progress.announce_writing()
        assert display.shown[-1].endswith(": writing tables and the report")

    assert display.displays == 1
    assert display.shown[0] == "tiny_precise: 3 cells to compute, 1 cached"
    assert display.shown[-1].startswith("tiny_precise: 4/4 cells, done in ")
    assert capsys.readouterr() == ("", "")
    assert notebook_display() is None


@pytest.mark.slow
def test_the_example_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a kernel of its own; the first run shows one line, the last cell the plug-in's numbers; no file is left."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    folders = {name: tmp_path / name for name in ("here", "home", "temporary")}
    for folder in folders.values():
        folder.mkdir()
    monkeypatch.setenv("HOME", str(folders["home"]))
    monkeypatch.setenv("TMPDIR", str(folders["temporary"]))
    notebook = nbformat.read(ROOT / "docs" / "notebook.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells), "outputs are left to whoever runs it"

    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folders["here"])}})
    done = client.execute()

    outputs: dict[str, Any] = {cell.source.splitlines()[0]: cell.outputs for cell in done.cells if "outputs" in cell}
    (line,) = outputs['study = suite.load("first.toml")']
    assert "cells, done in" in line["data"]["text/plain"]
    assert "True" in outputs['again = suite.run(suite.load("first.toml"))'][-1]["data"]["text/plain"]
    assert "snake(frequency=4)" in outputs['suite.plug_in("snake.py")'][-1]["data"]["text/plain"]
    streams = [output for found in outputs.values() for output in found if output.output_type == "stream"]
    assert [stream.text.strip() for stream in streams] == ["Writing snake.py"]
    assert list(folders["here"].iterdir()) == []
    assert [file.name for file in folders["temporary"].glob("*/*.toml")]
