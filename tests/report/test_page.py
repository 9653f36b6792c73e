"""The report in a browser: offline, every chart drawn, text from a spec shown as text."""

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from suite.analysis.agreement import agreement_table
from suite.analysis.comparisons import comparisons_table
from suite.analysis.derive import bounds_table, phases_table
from suite.analysis.trends import trends_table
from suite.analysis.verdicts import judge, rows_of
from suite.catalog.charts import facts
from suite.catalog.claims import PeaksInside
from suite.cells.resources import Resources
from suite.report import page
from suite.report.page import render
from suite.report.templating import embedded
from suite.results.folder import Results
from suite.runs.run import StudyResults, compute_tables
from suite.spec.load import load_studies
from tests.analysis.simulated import member, tables_of
from tests.drawn import draw
from tests.report.browser import open_in_browser
from tests.runs.tiny import BRIEF, SPECS, ran, tiny_with

TINY = SPECS / "tiny.toml"
TEMPLATES = Path(page.__file__).with_name("templates")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A small study whose texts try to break out of the page; its cells are those of the study it is written from."""
    folder = tmp_path_factory.mktemp("report")
    spec = folder / "markup.toml"
    nasty = 'title  = "1 < 2 & </script><script>document.title = 0</script>"\nsource = "<img src=x onerror=alert(1)>"'
    spec.write_text(re.sub(r"title .*\nsource .*", lambda _: nasty, TINY.read_text()))
    shutil.copytree(ran("tiny", tmp_path_factory).folder / "cells", folder / "results" / "markup" / "cells")
    found = compute_tables(load_studies([spec])[0], folder / "results", Resources(workers=1))
    draw(found)
    return found


def assert_drawn(results: StudyResults, document: str, log: str) -> None:
    """Each chart has become a picture, and the console is silent."""
    drawn = re.findall(r'id="chart-(\w+)"[^>]*data-drawn="yes"', document)
    assert sorted(drawn) == sorted(results.charts)
    assert document.count('class="marks"') == len(drawn)
    assert "CONSOLE" not in log


@pytest.fixture(scope="module")
def opened(results: Results, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The page of the small study."""
    return open_in_browser(results.folder / "report.html", tmp_path_factory.mktemp("profile"))


def test_every_chart_is_drawn_offline(results: Results, opened: tuple[str, str]) -> None:
    """With the network blocked each chart becomes a picture, and the console stays silent."""
    assert_drawn(results, *opened)


def test_an_analysis_takes_away_tables_that_no_longer_have_rows(
    results_of: Callable[[str], Results], tmp_path: Path
) -> None:
    """But no file of the user's own."""
    folder = Path(shutil.copytree(results_of("tiny_scores").folder, tmp_path / "scores", ignore=lambda *_: ["cells"]))
    for name in ("bounds.csv", "mine.csv"):
        (folder / name).write_text("a\n1\n")

    draw(Results(folder))

    assert not (folder / "bounds.csv").exists()
    assert (folder / "mine.csv").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny_death", "tiny_digits", "tiny_scores"])
def test_every_chart_of_the_other_tiny_studies_is_drawn(
    name: str, results_of: Callable[[str], Results], tmp_path: Path
) -> None:
    """Neither regressions of one input nor normalized networks on digits leave a frame empty."""
    shutil.copytree(results_of(name).folder, tmp_path / name, ignore=shutil.ignore_patterns("cells"))
    results = StudyResults(tmp_path / name)
    page = draw(results)

    document, log = open_in_browser(page, tmp_path / "profile")

    assert_drawn(results, document, log)
    assert ("not reached" in document) == (name == "tiny_digits")
    assert ("Is success bounded by trainability?" in document) == (name == "tiny_death")
    assert ("Which settings shorten phase 1?" in document) == (name == "tiny_digits")
    assert ("Features grow alike before training takes off." in document) == (name == "tiny_digits")
    assert (results.folder / "bounds.csv").exists() == (name == "tiny_death")


@pytest.mark.slow
def test_a_law_that_no_member_has_leaves_the_console_silent(
    results_of: Callable[[str], Results], tmp_path: Path
) -> None:
    """No chart keeps a layer for what is missing all over, of whose axes Vega would warn."""
    folder = shutil.copytree(results_of("tiny_death").folder, tmp_path / "lawless", ignore=lambda *_: ["cells"])
    summary = pd.read_parquet(folder / "summary.parquet")
    assert summary["theory"].notna().any()
    summary.assign(theory=float("nan")).to_parquet(folder / "summary.parquet")
    found = StudyResults(Path(folder))

    document, log = open_in_browser(draw(found), tmp_path / "profile")

    assert "trainability" in found.charts
    assert_drawn(found, document, log)


def test_warnings_are_seen_on_a_console_as_errors_are(tmp_path: Path) -> None:
    """A page that warns is no silent one."""
    page = tmp_path / "warns.html"
    page.write_text("<!DOCTYPE html><title>warns</title><script>console.warn('Infinite extent')</script>")

    _, log = open_in_browser(page, tmp_path / "profile")

    assert "CONSOLE" in log


def test_the_list_of_contents_stands_below_the_first_screen(opened: tuple[str, str], results: Results) -> None:
    """And above all charts but the one that answers; it names every chart, that of the answer too."""
    document, _ = opened
    start = document.index('<nav id="charts"')
    contents = document[start : document.index("</nav>", start)]
    charts = [found.start() for found in re.finditer('class="chart', document)]

    assert charts[0] < document.index('id="counts"') < start < charts[1]
    assert set(re.findall(r'href="#([\w-]+)"', contents)) == {
        *(f"section-{name}" for name in results.charts),
        "overview",
    }


def test_text_of_a_spec_shows_as_text(opened: tuple[str, str]) -> None:
    """Markup in a title or source is neither run nor rendered."""
    document, _ = opened
    assert "1 &lt; 2 &amp; &lt;/script&gt;" in document
    assert "<img src=x" not in document
    assert '<img src="x"' not in document


HOSTILE = [
    "</script><script>document.title = 0</script>",
    "</title></style><img src=x onerror=alert(1)>",
    "<!-- <script>",
    "]]></textarea><svg/onload=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "&lt;script&gt; &amp;amp; &#60;",
    "{{ 7 * 7 }} {% raw %} {# none #} ${7*7} <%= 7 %>",
    "datum.series; toString.constructor('alert(1)')()",
    "javascript:alert(1)",
    "\x1b[31mred\x1b[0m \x07\x00",
    "two\nlines\r\nor three\u2028\u2029",
    "\u202eturned around\u2066",
]
"""Texts that would be more than text in a page, a script, a template, a chart or a terminal."""


class _Elements(HTMLParser):
    """What a browser makes of a page: its elements with their attributes, and their text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.words: list[str] = []
        self.other: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    unknown_decl = handle_pi = handle_comment


@pytest.fixture(scope="module")
def tables(results: Results) -> dict[str, pd.DataFrame]:
    """The tables that the page of the small study is drawn from, but for verdicts."""
    return {
        "predictors": results.predictors,
        "agreement": agreement_table(results.summary, list(results.summary["quantity"].unique())),
        "bounds": bounds_table(results.summary, results.values_of((facts.BOUND.bound, facts.BOUND.outcome))),
        "phases": phases_table(results.values_of(facts.PHASES.quantities), results.summary),
        "comparisons": comparisons_table(
            results.values_of((*facts.COMPARED_TIMES, *facts.COMPARED_OUTCOMES)), results.summary
        ),
        "trends": trends_table(results.summary, results.values_of),
    }


def _page_saying(text: str, results: Results, tables: dict[str, pd.DataFrame], *charts: str) -> str:
    """The page of a study whose author, and whose failures, say this; with a chart, and further ones by these names."""
    spec = results.run["spec"] | {
        "title": text,
        "question": text,
        "source": text,
        "claims": [text, text],
        "findings": [text],
    }
    claim = PeaksInside(says=text, quantity="v3", along="depth")
    failed = [{"measure": "v3", "member": "relu", "draws": [0, 1], "key": "", "reason": text}]
    run = results.run | {"spec": spec, "failed": failed}
    verdicts = pd.DataFrame(rows_of(judge([claim], tables_of([member("v3", [1.0, 2.0], depth=1)])), text))
    written = tables | {"verdicts": verdicts}
    return render(run, results.summary, written, dict.fromkeys(["variability", *charts], results.charts["variability"]))


def test_texts_add_nothing_to_a_page_but_text(
    results: Results, tables: dict[str, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever title, source, claims, findings and reasons say, a browser finds the same elements, and that text."""
    monkeypatch.setattr("suite.report.page.libraries", lambda: "")
    plain = _Elements(_page_saying("quince", results, tables))
    # The title twice, the question, two claims of the source, the judged one in the list and in its table, a finding;
    # answer, source and reason have words around them.
    assert plain.words.count("quince") == 8

    for text in HOSTILE:
        found = _Elements(_page_saying(text, results, tables))
        assert found.elements == plain.elements, text
        assert found.other == plain.other, text
        assert "".join(found.words) == "".join(plain.words).replace("quince", text), text


def test_data_inside_a_script_element_cannot_end_it() -> None:
    """JSON is embedded whole, whatever texts it holds."""
    for text in HOSTILE:
        written = embedded({text: [text]})
        found = _Elements(f'<script type="application/json">{written}</script><p>')
        assert [tag for tag, _ in found.elements] == ["script", "p"]
        assert json.loads("".join(found.words)) == {text: [text]}


def test_what_is_no_number_is_null_in_a_page() -> None:
    """NaN and infinity are no JSON: a browser would draw none of the chart."""
    value = {"a": [1.5, float("nan")], "b": {"c": (float("inf"), -float("inf"))}}

    assert embedded(value) == '{"a":[1.5,null],"b":{"c":[null,null]}}'


@pytest.mark.parametrize("template", ["page.html", "base.html"])
def test_a_page_sends_nothing_and_takes_no_base(template: str) -> None:
    """Neither of which falls under the policy's default."""
    text = (TEMPLATES / template).read_text()

    assert "base-uri 'none'" in text
    assert "form-action 'none'" in text


def test_charts_hold_no_text_of_a_spec(results: Results) -> None:
    """Vega reads expressions, so nothing that a spec's author has written comes into its reach."""
    assert "document.title" in results.run["spec"]["title"]
    for name, chart in results.charts.items():
        assert "document.title" not in json.dumps(chart.to_dict()), name


def test_the_page_names_no_other_host(results: Results) -> None:
    """Outside the libraries' own text the page holds no address to load from, and forbids loading."""
    page = (results.folder / "report.html").read_text()
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="(https?:)?//', page)
    assert len(page) < 3_000_000


def test_every_chart_has_data(results: Results) -> None:
    """No chart is an empty frame: each carries rows of the study."""
    for name, chart in results.charts.items():
        datasets = chart.to_dict()["datasets"]
        assert any(len(rows) > 1 for rows in datasets.values()), name


def test_a_study_that_trains_nothing_has_a_report(tmp_path: Path) -> None:
    """Charts and tables of what was not measured are left out."""
    spec = tmp_path / "untrained.toml"
    spec.write_text(tiny_with("v3", "collapse"))
    found = compute_tables(load_studies([spec])[0], tmp_path / "results", Resources(workers=1))

    page = draw(found).read_text()

    assert "accuracy" not in found.charts
    assert "What orders members" not in page
    assert "Variability at initialization" in page


def test_families_of_budget_and_of_width_keep_apart(tmp_path: Path) -> None:
    """Members that differ only in how their size is given are lines of their own, and rows of the table."""
    spec = tmp_path / "mixed.toml"
    text = re.sub("activation .*", 'activation = ["relu", "tanh"]', tiny_with("v3", "accuracy"))
    family = text[text.index("[family]") : text.index("[measure.v3]")]
    wide = family.replace("parameters     = 300", "width = 6")
    spec.write_text(
        text.replace(family, (family + wide).replace("[family]", "[[family]]")).replace("steps      = 24", "steps = 2")
    )
    found = compute_tables(load_studies([spec])[0], tmp_path / "results", Resources(workers=1))

    page = draw(found).read_text()

    assert len(found.members) == 12
    assert "relu, budget 300" in page
    assert "relu, width 6" in page


@pytest.mark.slow
@pytest.mark.parametrize("name", ["members", "overview", "lit"])
def test_a_measure_may_be_called_as_a_part_of_the_page_is(
    name: str, results: Results, tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    """As a plug-in's may be: its chart is drawn, and so are the others."""
    text = _page_saying("plain", results, tables, name)
    ids = re.findall(r'\bid="([^"]+)"', text)
    page = tmp_path / "report.html"
    page.write_text(text)

    document, log = open_in_browser(page, tmp_path / "profile")

    assert len(ids) == len(set(ids))
    assert sorted(re.findall(r'id="chart-(\w+)"[^>]*data-drawn="yes"', document)) == sorted(["variability", name])
    assert "CONSOLE" not in log


def test_one_replicate_has_no_interval_to_show(tmp_path: Path) -> None:
    """A single network's accuracy stands without a bracket of nothing."""
    spec = tmp_path / "single.toml"
    spec.write_text(BRIEF.read_text().replace("replicates = 4", "replicates = 1"))
    found = compute_tables(load_studies([spec])[0], tmp_path / "results", Resources(workers=1))

    assert "nan" not in draw(found).read_text().split('<section id="overview">')[1].split("</section>")[0]


TASKS = """
title = "Members that look at their task"
seed = 1

[family]
width = 4
inputs = 2
depth = [2, 3, 4, 5, 6]
activation = "relu"
initialization = "data_dependent"

[measure.activation_ratio]
[measure.v3]
draws = 2
step = 0.25
[measure.collapse]
draws = 2
[measure.gradients]
draws = 2
[measure.correlation]
draws = 2
[measure.accuracy]
task = { name = "checkerboard", squares = [2, 4], train = 16, test = 8 }
optimizer = { name = "sgd", learning_rate = 0.1, batch = 8 }
steps = 2
replicates = 2

[predict]
outcome = "test_accuracy"
"""


@pytest.mark.slow
def test_what_is_measured_for_each_task_has_a_report(tmp_path: Path) -> None:
    """Members that are drawn by their tasks' data have a value a task, also where charts go by member."""
    spec = tmp_path / "tasks.toml"
    spec.write_text(TASKS)
    found = compute_tables(load_studies([spec])[0], tmp_path / "results", Resources(workers=1))
    assert (found.summary.loc[found.summary["quantity"] == "v3", "member"].value_counts() == 2).all()

    page = draw(found).read_text()

    assert {"collapse", "gradients", "correlation", "variability", "accuracy_against_v3"} <= set(found.charts)
    assert all(chart.to_dict()["datasets"] for chart in found.charts.values())
    standings = pd.read_csv(found.folder / "predictors.csv")
    assert {"-depth", "width", "v3", "-collapsed_relative", "-correlation"} <= set(standings["predictor"])
    assert standings["training"].nunique() == 2
    assert not standings.duplicated(["training", "group", "predictor"]).any()
    assert "Predictors of test accuracy (squares 2)" in page
