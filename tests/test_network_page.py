"""docs/your-own-network.md: its code and its command work, and the output is that of the command."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from suite.cli import app
from suite.report.diagnosis import Diagnosis
from tests.pages import blocks, text_of

PAGE = "docs/your-own-network.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two files of the page."""
    found = tmp_path_factory.mktemp("network_page")
    data, model, *_ = blocks(PAGE, "python")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(found)
        exec(compile(data.text, PAGE, "exec"), {})  # the project's own text
    (found / "model.py").write_text(model.text)
    return found


def test_the_output_is_that_of_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores may differ a little on a processor that rounds otherwise, and with them what is recommended."""
    monkeypatch.chdir(folder)
    command, *_ = blocks(PAGE, "")
    with torch.random.fork_rng():
        done = CliRunner().invoke(app, shlex.split(command.text)[3:])
    assert done.exit_code == 0, done.output
    shown = blocks(PAGE, "text")[0].text

    def headings(text: str) -> list[str]:
        return re.findall(r"^(?:high|medium|low|info): .*$", text, flags=re.MULTILINE)

    def scores(text: str) -> list[float]:
        return [float(row.split()[-1]) for row in re.findall(r"^[\w ().]+?(?: +\d\.\d+){3}", text, flags=re.MULTILINE)]

    assert headings(done.stdout)[:2] == headings(shown)[:2]
    assert {line.split(": ")[1] for line in headings(shown)} == {line.split(": ")[1] for line in headings(done.stdout)}
    assert len(scores(shown)) == 6
    assert scores(done.stdout) == pytest.approx(scores(shown), abs=0.08)
    assert done.stdout.splitlines()[:2] == shown.splitlines()[:2]
    assert (folder / "results" / "diagnose-model-net" / "diagnosis.html").exists()


def test_the_fixed_network_has_no_severe_finding(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    with torch.random.fork_rng():
        exec(compile(blocks(PAGE, "python")[2].text, PAGE, "exec"), names)  # the project's own text
    found = names["found"]
    assert isinstance(found, Diagnosis)
    assert not set(found.findings["severity"]) & {"high", "medium"}
    assert found.tried.loc[0, "test"] > 0.75


def test_the_page_names_every_scheme() -> None:
    from suite.diagnosis.initialize import SCHEMES

    assert all(f'`"{scheme}"`' in text_of(PAGE) for scheme in SCHEMES)
