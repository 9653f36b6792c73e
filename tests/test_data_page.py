"""docs/your-own-data.md: its code, commands and spec work, and its output is that of its command."""

import re
import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from suite.cli import app
from tests.pages import blocks, text_of

PAGE = "docs/your-own-data.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the file that the page writes."""
    found = tmp_path_factory.mktemp("data_page")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(found)
        exec(compile(blocks(PAGE, "python")[0].text, PAGE, "exec"), {})  # the project's own text
    return found


def _invoke(folder: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)
    python, module, suite, *words = shlex.split(command)
    assert (python, module, suite) == ("python", "-m", "suite")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_leaderboard_is_that_of_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows may differ in the last digit, and in their order, on a processor that rounds otherwise."""
    first, *_ = blocks(PAGE, "")
    printed = _invoke(folder, first.text, monkeypatch)
    shown = blocks(PAGE, "text")[0].text

    def rows(text: str) -> pd.DataFrame:
        lines = [re.split(r"  +", line) for line in text.splitlines() if re.match(r"\d+ +\d ", line)]
        return pd.DataFrame({"test": [float(row[6]) for row in lines if len(row) > 8]})

    assert shown.splitlines()[5] in printed.splitlines()
    assert len(rows(printed)) == len(rows(shown)) == 4
    assert abs(rows(printed)["test"].mean() - rows(shown)["test"].mean()) < 0.01
    assert printed.splitlines()[0] == shown.splitlines()[0]


def test_the_function_gives_a_leaderboard_and_a_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    frame = pd.read_csv("private.csv")
    names: dict[str, Any] = {"frame": frame}
    exec(compile(blocks(PAGE, "python")[1].text, PAGE, "exec"), names)  # the project's own text
    assert isinstance(names["network"], torch.nn.Sequential)
    outputs = names["network"](torch.tensor(frame.drop(columns="label").to_numpy()).float())
    classes = pd.Categorical(frame["label"]).codes
    assert (outputs.argmax(1).numpy() == classes).mean() > 0.75
    assert (folder / "recommendation.html").exists()


def test_the_spec_is_explained_as_shown_and_takes_other_data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mine.toml").write_text(blocks(PAGE, "toml")[0].text)
    explained = _invoke(folder, "python -m suite explain mine.toml", monkeypatch)
    assert blocks(PAGE, "text")[1].text in explained
    pd.read_csv(folder / "private.csv").iloc[:300].to_csv(folder / "other.csv", index=False)
    other = _invoke(folder, "python -m suite explain mine.toml --data private=other.csv", monkeypatch)
    assert "other.csv: 300 rows, 12 inputs" in other


def test_every_key_of_a_table_is_documented() -> None:
    from suite.catalog.datasets import Table

    rows = re.findall(r"^\| (`.*?) \|", text_of(PAGE), flags=re.MULTILINE)
    documented = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
    assert documented == Table.model_fields.keys() - {"name"}
