"""The layout of a page in a browser, in a wide window and on a phone: charts keep within their column."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from suite.report.charts import charts_of
from suite.report.page import render
from suite.results.folder import Results
from suite.results.schema import AGREEMENT, ANALYSIS, BOUNDS, COMPARISONS, PHASES, PREDICTORS, TRENDS
from tests.drawn import draw
from tests.report.browser import act_in_browser
from tests.report.test_looks import REFERENCE, SHIPPED

WIDE, PHONE = (1280, 800), (390, 844)

UNDRAWN = ("feature_diversity",)
"""Studies whose picture is drawn from raw values, which reference results lack, so that a taller chart answers."""

LOOK = """
const box = (element) => { const { left, right, top, bottom } = element.getBoundingClientRect(); return { left, right, top, bottom }; };
// Pairs of texts of a chart whose boxes overlap; boxes have some space above and below the letters.
const overlaps = (svg) => {
  const texts = [...svg.querySelectorAll("text")].map((each) => ({ text: each.textContent, opacity: getComputedStyle(each).opacity, ...box(each) }))
    .filter(({ text, opacity }) => text.trim() && opacity !== "0");
  return texts.flatMap((one, place) => texts.slice(0, place).filter((other) =>
    Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1
    && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 3).map((other) => [one.text, other.text]));
};
const answer = document.querySelector("#first .chart svg");
const widths = () => [...document.querySelectorAll(".chart")].map((chart) => ({ name: chart.id,
  chart: Number(chart.querySelector("svg").getAttribute("width")), column: document.querySelector("main").clientWidth }));
"""  # noqa: E501

SCRIPT = (
    LOOK
    + """
const texts = [...answer.querySelectorAll("text")].filter((each) => each.textContent.trim());
const found = { widths: widths(), page: [document.documentElement.scrollWidth, innerWidth], overlaps: overlaps(answer),
  question: box(document.getElementById("question") || document.querySelector("h1")),
  sentence: box(document.getElementById("answer-sentence") || document.querySelector("#first p")), chart: box(answer),
  counts: box(document.getElementById("counts")), rest: box(document.querySelector("nav")),
  verdicts: document.getElementById("verdicts") && box(document.getElementById("verdicts")) };
texts[0].setAttribute("transform", texts[1].getAttribute("transform") || "");
texts[1].parentNode.append(texts[0]);
found.moved = overlaps(answer).length;
return found;
"""
)


def _table(results: Results, file: str) -> pd.DataFrame:
    """Return a table of reference results with all columns, also those that an earlier version did not write."""
    columns, table = ANALYSIS[file], results.analysis(file)
    return table.assign(**{name: "" if kind is str else np.nan for name, kind in columns.items() if name not in table})


def _shipped_page(name: str, folder: Path) -> Path:
    """Draw the page of a shipped study from its reference results, which have no raw values and no cells."""
    results = Results(REFERENCE / name)
    tasks = results.run["spec"]["measure"].get("accuracy", {}).get("task", [])
    files = (PREDICTORS, AGREEMENT, BOUNDS, PHASES, COMPARISONS, TRENDS)
    tables = {file.removesuffix(".csv"): _table(results, file) for file in files} | {"verdicts": results.verdicts}
    charts = charts_of(results.summary, None, None, tables["predictors"], tasks)
    page = folder / "report.html"
    page.write_text(render(results.run | {"cells": [], "failed": []}, results.summary, tables, charts))
    return page


def _check(found: Any) -> None:
    """Check that every chart and the page keep within their widths, and that labels of the answer do not overlap."""
    assert len(found["widths"]) > 1
    assert [each for each in found["widths"] if each["chart"] > each["column"]] == []
    assert found["page"][0] <= found["page"][1]
    assert found["overlaps"] == []
    assert found["moved"] > 0  # a label that is moved onto another is found


@pytest.mark.parametrize("window", [WIDE, PHONE])
@pytest.mark.parametrize(
    "name", ["tiny", *(pytest.param(f"tiny_{end}", marks=pytest.mark.slow) for end in ("death", "digits"))]
)
def test_no_chart_is_wider_than_its_column_and_no_labels_of_the_answer_overlap(
    name: str, window: tuple[int, int], results_of: Callable[[str], Results], tmp_path: Path
) -> None:
    """Also where a study has many panels, and pictures of the plane."""
    page = draw(results_of(name))

    _check(act_in_browser(page, SCRIPT, tmp_path, window))


@pytest.mark.parametrize("window", [WIDE, PHONE])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "controls" else pytest.mark.slow) for name in SHIPPED]
)
def test_the_first_screen_has_the_question_its_answer_the_chart_and_the_counts(
    name: str, window: tuple[int, int], tmp_path: Path
) -> None:
    """In this order and without scrolling; on a phone the counts come first, and the chart may begin at the bottom."""
    found = act_in_browser(_shipped_page(name, tmp_path), SCRIPT, tmp_path, window)

    _check(found)
    chart, counts = found["chart"], found["counts"]
    first, second = (chart, counts) if window == WIDE else (counts, chart)
    assert 0 <= found["question"]["top"] < found["question"]["bottom"] <= found["sentence"]["top"]
    assert found["sentence"]["top"] < found["sentence"]["bottom"] <= first["top"]
    assert first["bottom"] <= second["top"]
    if window == PHONE or name not in UNDRAWN:
        assert second["top"] < window[1]
        assert counts["bottom"] <= window[1]
        assert chart["right"] - chart["left"] > 0.85 * window[0]
    assert max(chart["bottom"], counts["bottom"]) <= found["rest"]["top"]
    if found["verdicts"]:
        assert max(chart["bottom"], counts["bottom"]) <= found["verdicts"]["top"]


def test_charts_are_drawn_again_when_the_window_changes(results_of: Callable[[str], Results], tmp_path: Path) -> None:
    """They fit the new width, and a member that was highlighted stays so."""
    script = (
        LOOK
        + """
    const before = widths();
    window.report.drawn.get("variability").marks.find((mark) => mark.members.size === 1).element
      .dispatchEvent(new MouseEvent("click", { bubbles: true }));
    const dimmed = () => document.querySelectorAll("#chart-variability .dim").length;
    const dims = [dimmed()];
    window.frameElement.style.width = "390px";
    for (let wait = 0; wait < 600; wait += 1) {
      await new Promise((next) => { setTimeout(next, 50); });
      if (widths().every(({ chart, column }) => column < 390 && chart <= column)) break;
    }
    dims.push(dimmed());
    return { before, after: widths(), dims };
    """
    )
    found = act_in_browser(draw(results_of("tiny")), script, tmp_path, WIDE)

    assert all(each["column"] > 390 for each in found["before"])
    assert [each for each in found["after"] if each["chart"] > each["column"] or each["column"] > 390] == []
    assert found["dims"][0] == found["dims"][1] > 0


def test_no_labels_of_the_picture_in_the_readme_overlap(tmp_path: Path) -> None:
    """Which is drawn in advance, from the reference results."""
    page = tmp_path / "picture.html"
    drawing = (REFERENCE.parents[1] / "docs" / "picture.svg").read_text()
    page.write_text(f'<!DOCTYPE html><title>picture</title><body data-ready="yes">{drawing}</body>')
    script = LOOK + 'return [document.querySelectorAll("svg text").length, overlaps(document.querySelector("svg"))];'

    labels, overlapping = act_in_browser(page, script, tmp_path)

    assert labels > 10
    assert overlapping == []
