"""Charts that know of each other, in a browser: what is picked in one shows in all, by pointer and by keyboard."""

import json
from pathlib import Path
from typing import Any

import pytest

from suite.cells.resources import Resources
from suite.report.charts import draw_charts
from suite.results.folder import Results
from suite.runs.run import compute_tables
from suite.spec.load import load_studies
from tests.drawn import draw
from tests.report.browser import act_in_browser
from tests.runs.tiny import tiny_with

LOOK = """
const { drawn, contentOf } = window.report;
const dims = () => Object.fromEntries([...document.querySelectorAll(".chart")].map((chart) => [chart.id.slice(6),
  { dim: chart.querySelectorAll(".dim").length, off: chart.querySelectorAll(".off").length,
    all: chart.querySelectorAll(".role-mark > *").length }]));
const point = (name) => drawn.get(name).marks.find((mark) => mark.members.size === 1);
const click = (element) => element.dispatchEvent(new MouseEvent("click", { bubbles: true }));
const press = (element, key) => element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const text = (id) => document.getElementById(id).textContent;
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a small study."""
    folder = tmp_path_factory.mktemp("linking")
    (folder / "linked.toml").write_text(tiny_with("v3", "collapse", "accuracy"))
    return draw(compute_tables(load_studies([folder / "linked.toml"])[0], folder, Resources(workers=1)))


@pytest.fixture(scope="module")
def found(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All that one visit of the page brings to light."""
    script = """
    const seen = {};
    const picked = point("variability");
    seen.member = [...picked.members][0];
    click(picked.element);
    seen.clicked = dims();
    seen.itself = picked.element.classList.contains("dim");
    seen.bar = text("highlighted-text");
    seen.others = [...drawn.values()].every(({ marks }) => marks.every(({ element, members }) => !members.size ||
      !marks.some((mark) => mark.members.has(seen.member)) ||
      element.classList.contains("dim") === !members.has(seen.member)));
    press(document.body, "Escape");
    seen.escaped = dims();
    const hover = (kind, element) => element.dispatchEvent(new PointerEvent(kind, { bubbles: true }));
    hover("pointerover", picked.element);
    seen.hovered = dims();
    seen.barWhileHovering = document.getElementById("highlighted").hidden;
    hover("pointerover", document.querySelector("#chart-variability svg"));
    seen.left = dims();
    const label = document.querySelector("#chart-variability .role-legend-label text");
    seen.value = label.textContent;
    click(label);
    seen.hidden = dims();
    seen.pressed = label.getAttribute("aria-pressed");
    seen.wrong = [...drawn.values()].flatMap(({ marks }) => marks).filter(({ element, data }) =>
      element.classList.contains("off") !== (data[0].series === seen.value)).length;
    press(label, "Enter");
    seen.back = dims();
    const chart = document.getElementById("chart-collapse");
    press(chart, "ArrowRight");
    seen.first = text("said");
    press(chart, "ArrowRight");
    seen.second = text("said");
    press(chart, "Escape");
    for (const details of document.querySelectorAll("details[data-table]")) details.open = true;
    await new Promise((next) => { setTimeout(next, 100); });
    seen.tables = Object.fromEntries([...document.querySelectorAll("details[data-table]")].map((details) =>
      [details.dataset.table, details.querySelectorAll("tbody tr").length]));
    const ink = () => getComputedStyle(document.querySelector("#chart-variability .role-axis-label text")).fill;
    const ground = () => getComputedStyle(document.body).backgroundColor;
    seen.light = [ink(), ground()];
    click(document.getElementById("scheme"));
    seen.dark = [ink(), ground()];
    return seen;
    """
    return act_in_browser(page, LOOK + script, tmp_path_factory.mktemp("visit"))


def test_a_clicked_member_is_highlighted_in_every_chart(found: Any) -> None:
    """All other members are dimmed in charts that have this member; Escape clears the selection."""
    assert not found["itself"]
    assert found["others"]
    assert {name for name, count in found["clicked"].items() if count["dim"]} > {"variability", "collapse", "accuracy"}
    assert "highlighted in" in found["bar"]
    assert all(count["dim"] == 0 for count in found["escaped"].values())


def test_pointing_at_a_member_highlights_it_until_the_pointer_leaves(found: Any) -> None:
    """The charts look as after a click, but the bar with the button stays hidden."""
    assert found["hovered"] == found["clicked"]
    assert found["barWhileHovering"]
    assert found["left"] == found["escaped"]


def test_a_legend_entry_hides_a_series_in_every_chart(found: Any) -> None:
    """Only that series is hidden, and the same entry shows it again by keyboard."""
    assert found["wrong"] == 0
    assert {name for name, count in found["hidden"].items() if count["off"]} >= {"variability", "collapse", "accuracy"}
    assert found["pressed"] == "false"
    assert all(count["off"] == 0 for count in found["back"].values())


def test_arrow_keys_go_from_member_to_member_and_say_so(found: Any) -> None:
    """Each with its numbers, for whoever hears the page."""
    assert found["first"] != found["second"]
    assert "depth" in found["first"]
    assert "C2C frequency" in found["first"]


def test_every_chart_has_its_data_as_a_table(found: Any) -> None:
    """Built when it is opened."""
    assert len(found["tables"]) == len(found["clicked"])
    assert all(rows > 1 for rows in found["tables"].values()), found["tables"]


@pytest.mark.slow
def test_a_table_opened_before_its_chart_is_drawn_is_filled_when_it_is(page: Path, tmp_path: Path) -> None:
    """A reader may be faster than the drawing; downloads wait for it too."""
    text = page.read_text()
    assert text.count('<button type="button" disabled data-chart=') == text.count(" data-kind=") > 0
    opened = tmp_path / "opened.html"
    opened.write_text(text.replace("<details data-table=", "<details open data-table="))
    script = """
    const tables = [...document.querySelectorAll("details[data-table]")];
    return { rows: tables.map((each) => each.querySelectorAll("tr").length),
             waiting: document.querySelectorAll("button[data-kind]:disabled").length };
    """

    found = act_in_browser(opened, script, tmp_path)

    assert all(rows > 1 for rows in found["rows"]), found
    assert found["waiting"] == 0


def test_a_dark_page_has_light_text_in_its_charts_too(found: Any) -> None:
    """Text and ground change places."""
    assert found["light"] != found["dark"]
    assert found["dark"][0] != found["dark"][1]


@pytest.mark.slow
def test_charts_can_be_downloaded_in_four_formats(page: Path, tmp_path: Path) -> None:
    """As a picture, a drawing, a specification with its data, and a table, none of them marked by what is lit."""
    script = """
    const found = {};
    click(point("variability").element);
    for (const name of ["variability", "collapse_ways", "landscapes"]) {
      const kinds = ["png", "svg", "json", "csv"].map((kind) => contentOf(name, kind));
      const [png, svg, json, csv] = await Promise.all(kinds);
      const head = new Uint8Array(await png.slice(0, 4).arrayBuffer());
      found[name] = { png: String.fromCharCode(...head.slice(1)), svg: (await svg.text()).slice(0, 4),
                      marked: /class="[^"]*(dim|off)/.test(await svg.text()),
                      rows: Object.values(JSON.parse(await json.text()).datasets).flat().length,
                      lines: (await csv.text()).split("\\r\\n").length };
    }
    return found;
    """
    charts = draw_charts(Results(page.parent))

    found = act_in_browser(page, LOOK + script, tmp_path)

    assert len(found) == 3  # one of lines, one of bars in panels, one of pictures
    for name, got in found.items():
        assert (got["png"], got["svg"], got["marked"]) == ("PNG", "<svg", False), name
        assert got["rows"] == sum(len(rows) for rows in charts[name].to_dict()["datasets"].values()), name
        assert got["lines"] > 2, name


@pytest.mark.slow
def test_text_that_a_spreadsheet_would_run_has_an_apostrophe_before_it(page: Path, tmp_path: Path) -> None:
    """Numbers, and names with a minus, stay as they are."""
    script = """
    const rows = Object.values(drawn.get("variability").spec.datasets)[0];
    rows[0].series = "=1+1"; rows[1].series = "-depth"; rows[2].series = "-A1+1"; rows[0].mean = -2.5;
    const lines = (await (await contentOf("variability", "csv")).text()).split("\\r\\n");
    const names = lines[0].split(",");
    return [1, 2, 3].map((line) => lines[line].split(",")[names.indexOf("series")])
      .concat(lines[1].split(",")[names.indexOf("mean")]);
    """

    assert act_in_browser(page, LOOK + script, tmp_path) == ["'=1+1", "-depth", "'-A1+1", "-2.5"]


def test_data_of_a_page_are_those_of_its_charts(page: Path) -> None:
    """To six digits: columns that the script puts together again."""
    text = page.read_text()
    for name, chart in draw_charts(Results(page.parent)).items():
        start = text.index(f'id="data-{name}">') + len(f'id="data-{name}">')
        packed = json.loads(text[start : text.index("</script>", start)])
        for key, rows in chart.to_dict()["datasets"].items():
            columns = packed["datasets"][key]["columns"]
            assert packed["datasets"][key]["rows"] == len(rows)
            for place, row in enumerate(rows):
                for column, value in row.items():
                    assert _at(columns[column], place) == (pytest.approx(value, rel=1e-5) if _number(value) else value)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _at(column: Any, place: int) -> Any:
    if isinstance(column, dict):
        return column["words"][column["at"][place]]
    return column[place] if isinstance(column, list) else column
