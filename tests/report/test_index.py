"""The index over all studies: their verdicts, the way to their reports, and what damage leaves of it."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

from suite.cells.resources import Resources
from suite.report.index import Entry, entries, studies, summed, write_index
from suite.results.folder import Results
from suite.runs.run import run_study
from suite.spec.changes import parse_changes
from suite.spec.load import load_studies
from suite.spec.quick import NOTE, quick
from tests.drawn import draw
from tests.report.browser import open_in_browser

SMALL = """title = "A study that </title><script>document.title = 0</script>"
question = "Are cosines <b>large</b>?"
seed = 1
[family]
width = 4
inputs = 2
depth = [1, 2]
activation = "relu"
[measure.correlation]
draws = 6
[[claim]]
says = "Cosines lie above -1."
test = "level"
quantity = "correlation"
at_least = -1.0
of = "draw"
[[claim]]
says = "Cosines lie below -0.9."
test = "level"
quantity = "correlation"
at_most = -0.9
of = "draw"
source = "A paper"
expected = "holds"
[[claim]]
says = "Cosines lie below -1."
test = "level"
quantity = "correlation"
at_most = -1.0
of = "draw"
control = true
expected = "fails"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two studies."""
    found = tmp_path_factory.mktemp("index")
    for name in ("other", "small"):
        (found / f"{name}.toml").write_text(SMALL)
        (study,) = load_studies([found / f"{name}.toml"])
        run_study(study, found / "results", Resources(workers=1))
    return found


def links(page: str) -> list[str]:
    """Where the page points."""
    return [unquote(found) for found in re.findall(r'href="([^"#]+)"', page) if not found.startswith("data:")]


def test_a_run_leaves_an_index_of_all_studies_with_their_verdicts(folder: Path) -> None:
    """Each with a link to its report, what is not as the source states, and how many controls passed."""
    page = (folder / "results" / "index.html").read_text()

    assert links(page) == ["other/report.html", "small/report.html"]
    assert all((folder / "results" / link).exists() for link in links(page))
    counted = ("1 holds", "1 fails", "1 not as the source states", "controls passed: 1 of 1")
    assert [page.count(words) for words in counted] == [2] * 4
    assert page.count("Are cosines &lt;b&gt;large&lt;/b&gt;?") == 2
    assert "<script" not in page
    assert not re.search(r"(src|href)=.?(https?:)?//", page)


def test_links_of_index_and_reports_lead_to_what_is_there(folder: Path) -> None:
    """Every file that a page names, and every place within it."""
    for page in (folder / "results").rglob("*.html"):
        text = page.read_text().split("<script>", maxsplit=1)[0]
        found = re.findall(r'href="([^"]+)"', text)
        assert len(found) > 2, page
        for link in found:
            file, _, place = unquote(link).partition("#")
            assert file == "data:," or not file or (page.parent / file).exists(), link
            assert not place or f'id="{place}"' in text, link


def test_the_index_follows_from_the_studies_files_alone(folder: Path) -> None:
    """Written again it is the same to the last byte, and a finished study puts it back where it is gone."""
    page = folder / "results" / "index.html"
    before = page.read_bytes()
    assert write_index(folder / "results").read_bytes() == before

    page.unlink()
    (study,) = load_studies([folder / "small.toml"])
    run_study(study, folder / "results", Resources(workers=1))

    assert page.read_bytes() == before


def test_what_failed_wholly_leaves_the_index(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its older report is gone, and nothing points there any more; nor does what a killed writer left stay."""
    results = Path(shutil.copytree(folder / "results", tmp_path / "results"))
    left = results / ".index.html.abcdefgh"
    left.touch()
    os.utime(left, (0, 0))
    (tmp_path / "small.toml").write_text(SMALL.replace("seed = 1", "seed = 2"))
    (study,) = load_studies([tmp_path / "small.toml"])
    record = results / "small" / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"asked": study.asked}))
    monkeypatch.setattr("suite.measures.correlation.correlation", lambda *_: 1 / 0)

    found = run_study(study, results, Resources(workers=1))

    assert not found.has_tables
    assert links((results / "index.html").read_text()) == ["other/report.html"]
    assert not left.exists()


def test_a_damaged_study_hides_no_other(folder: Path, results_of: Callable[[str], Results], tmp_path: Path) -> None:
    """It is listed with what is wrong; files that are no study are not."""
    results = shutil.copytree(folder / "results", tmp_path / "results", ignore=shutil.ignore_patterns("cells"))
    (results / "small" / "run.json").write_text("{")
    shutil.copytree(results / "small", results / "no_table")
    (results / "no_table" / "run.json").write_text("[]")
    (results / "other").rename(results / "50% of #1")  # no plain part of an address
    (results / "asv").mkdir()
    (results / "README.md").touch()
    shutil.copytree(results_of("tiny_scores").folder, results / "tiny_scores", ignore=shutil.ignore_patterns("cells"))
    draw(Results(results / "tiny_scores"))

    page = write_index(results).read_text()

    assert links(page) == [
        "50% of #1/report.html",
        "no_table/report.html",
        "small/report.html",
        "tiny_scores/report.html",
    ]
    assert "The tables cannot be read (JSONDecodeError" in page
    assert "The tables cannot be read (TypeError: run.json: expected an object, got list" in page
    assert page.count("1 holds") == 1
    assert "Zero-cost scores of very small networks" in page


def test_the_index_opens_offline_and_shows_markup_as_text(folder: Path, tmp_path: Path) -> None:
    """Nothing of a title is run, and the console is silent."""
    document, log = open_in_browser(folder / "results" / "index.html", tmp_path / "profile")

    assert "<title>Studies of trainability</title>" in document
    assert document.count("A study that &lt;/title&gt;&lt;script&gt;") == 2
    assert "CONSOLE" not in log


def test_words_of_a_claim_are_no_formula_of_a_spreadsheet(tmp_path: Path) -> None:
    """They have an apostrophe before them in verdicts.csv and nowhere else; numbers stay numbers."""
    (tmp_path / "small.toml").write_text(SMALL.replace("Cosines lie above -1.", "=1+1"))
    (study,) = load_studies([tmp_path / "small.toml"])
    found = run_study(study, tmp_path / "results", Resources(workers=1))

    table = pd.read_csv(found.folder / "verdicts.csv")
    assert list(table["claim"]) == ["'=1+1", "Cosines lie below -0.9.", "Cosines lie below -1."]
    assert table["estimate"].dtype == float
    assert found.verdict_rows[0]["claim"] == "=1+1"
    assert "<span>=1+1</span>" in found.report.read_text()


def entry(name: str, study: str, title: str) -> Entry:
    return Entry(name, study, f"{name}/report.html", title, verdicts=(("holds", 1),))


def test_variants_stand_under_their_study(folder: Path, tmp_path: Path) -> None:
    """What --set and --quick have made of it, with what was changed; a study of a like name is one of its own."""
    (tmp_path / "small.toml").write_text(SMALL)
    (tmp_path / "small-set-up.toml").write_text(SMALL)
    results = tmp_path / "results"
    for changes, in_part, file in (
        ((), False, "small"),
        ((), True, "small"),
        (("seed=5",), True, "small"),
        ((), False, "small-set-up"),
    ):
        (study,) = load_studies([tmp_path / f"{file}.toml"], parse_changes(changes))
        run_study(quick(study) if in_part else study, results, Resources(workers=1))

    found = studies(entries(results))

    assert [listed.entry.name for listed in found] == ["small", "small-set-up"]
    assert [changed for changed, _ in found[0].variants] == [NOTE, f"set: seed = 5; {NOTE}"]
    page = (results / "index.html").read_text()
    assert page.count("<article") == 2
    assert len(links(page)) == 4
    assert "2 studies and 2 variants of them, with the verdicts on their claims" in page


@pytest.mark.parametrize(
    ("name", "run", "study"),
    [
        ("deep-quick", {}, "deep"),
        ("deep-set-seed-3-78b89c36-quick", {}, "deep"),
        ("deep-quick", {"asked": ["specs/deep-quick.toml"]}, "deep-quick"),
        ("deep-quick-quick", {"asked": ["--quick", "specs/deep-quick.toml"]}, "deep-quick"),
        ("a copy", {"asked": ["specs/deep.toml"]}, "a copy"),
        ("deep-set-up", {}, "deep-set-up"),
    ],
)
def test_the_study_of_a_folder(name: str, run: dict[str, list[str]], study: str, tmp_path: Path) -> None:
    """By what was asked for, or by its name; a folder that was given another name is its own."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "report.html").touch()
    about = {"spec": {"title": "T"}, "failed": [], "cells": []}
    (tmp_path / name / "run.json").write_text(json.dumps(about | run))

    assert [found.study for found in entries(tmp_path)] == [study]


def test_the_summary_counts_studies_and_variants() -> None:
    """Singular and plural, with and without verdicts."""
    one, changed = entry("deep", "deep", "Deep"), entry("deep-quick", "deep", "Deep (quick: a tenth)")
    other = Entry("wide", "wide", "wide/report.html", "Wide")

    assert summed(studies([one])) == "1 study, with the verdicts on its claims."
    assert summed(studies([one, changed])) == "1 study and a variant of it, with the verdicts on their claims."
    assert summed(studies([one, other])) == "2 studies, with the verdicts on their claims."
    assert summed(studies([other])) == "1 study."
    assert summed([]) == "No study has a report."
    assert [found.entry for found in studies([changed])] == [changed]
