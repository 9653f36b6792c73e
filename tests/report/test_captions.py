"""Captions agree with the data of their charts: what they say of a fall is not said of a peak, or of a flat curve."""

import html
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from suite.analysis.trends import trends_table
from suite.catalog.charts import CHARTS, charts
from suite.catalog.charts.declaration import ChartDeclaration, Drawn
from suite.report.captions import write_caption
from suite.report.charts import charts_of
from suite.report.formatting import records
from suite.report.page import render
from suite.report.trend_text import describe_trends, format_number
from suite.results.folder import Results
from suite.results.schema import ANALYSIS, TREND_COLUMNS
from tests.analysis.simulated import tables_of
from tests.analysis.test_trends import around, curve
from tests.report.browser import act_in_browser

V3 = {"v3": Drawn("V3")}
CURVES = {"falls": (8.0, 6.0, 4.0, 2.0, 1.0), "peaks": (2.0, 5.0, 8.0, 4.0, 1.0), "hardly changes": (50.0,) * 5}
"""The means by depth (1, 2, 3, 4 and 6), by the verb that describes them."""

EMPTY: dict[str, list[Any]] = {name: [] for name in ("predictors", "bounds", "phases", "comparisons", "trends")}


def summary_of(lines: dict[str, Sequence[np.ndarray]], quantity: str = "v3") -> pd.DataFrame:
    """The summary of a study with one line of draws by depth for each activation."""
    rows = [row for name, draws in lines.items() for row in curve(quantity, draws, activation=name)]
    summary = tables_of(rows).summary.assign(parameters=100)
    return summary.astype({"layer": "Int64", "step": "Int64", "quantity": "category"})


def rows_of(summary: pd.DataFrame) -> list[dict[str, Any]]:
    return records(trends_table(summary, lambda _: pd.DataFrame()))


def told(**lines: Sequence[float]) -> str:
    """What is said of V3 with these means by depth, by activation."""
    summary = summary_of({name: around(centers) for name, centers in lines.items()})
    return " ".join(describe_trends(V3, rows_of(summary)))


@pytest.mark.parametrize("verb", list(CURVES))
def test_one_curve_is_described_by_its_shape_alone(verb: str) -> None:
    """Whichever of the three it is."""
    sentence = told(relu=CURVES[verb])

    assert sentence.startswith(f"V3 {verb} ")
    assert [other for other in (*CURVES, "rises", "dips") if f" {other} " in sentence] == [verb]


def test_a_fall_is_told_by_its_ends_and_a_peak_by_its_place() -> None:
    """With the values of the summary, and 95% intervals."""
    means = {
        verb: [format_number(value) for value in summary_of({"relu": around(CURVES[verb])})["mean"]] for verb in CURVES
    }
    interval, change = r"95% CI \[\d\.?\d*, \d\.?\d*\]", r"change -\d\.?\d*, 95% CI \[-\d\.?\d*, -\d\.?\d*\]"

    first, *_, last = means["falls"]
    ends = f"V3 falls from depth 1 to depth 6, from {re.escape(first)} to {re.escape(last)}"
    assert re.fullmatch(rf"{ends} \({change}\)\.", told(relu=CURVES["falls"]))
    largest = re.escape(means["peaks"][2])
    assert re.fullmatch(rf"V3 peaks at depth 3 \({largest}, {interval}\)\.", told(relu=CURVES["peaks"]))


def test_two_curves_share_a_sentence_where_they_agree() -> None:
    """And have a part of it each where they do not; none is described by the shape of the other."""
    both = told(abs=CURVES["peaks"], relu=CURVES["peaks"])
    mixed = told(abs=CURVES["peaks"], relu=CURVES["falls"])

    assert re.fullmatch(r"V3 peaks at depth 3 \(.*?\) for abs and at depth 3 \(.*?\) for relu\.", both)
    assert re.fullmatch(
        r"V3 peaks at depth 3 \(.*?\) for abs; it falls from depth 1 to depth 6 for relu, from .*\.", mixed
    )


def test_many_curves_are_counted_with_an_example() -> None:
    """By shape, the most frequent one first."""
    sentence = told(abs=CURVES["falls"], relu=CURVES["falls"], tanh=CURVES["peaks"], sin=(0.0,) * 5)

    assert re.fullmatch(
        r"V3 falls with depth in 2 of 4 settings and peaks inside in 1, with no established trend in 1; "
        r"for example, abs: from .* at depth 1 to .* at depth 6 \(.*\)\.",
        sentence,
    )


def test_what_is_not_established_is_said_to_be_open() -> None:
    """For all such quantities together."""
    summary = summary_of({"relu": around((0.0,) * 5)})
    rows = rows_of(summary)
    both = [*rows, *(row | {"quantity": "snip"} for row in rows)]

    assert describe_trends(V3 | {"snip": Drawn("SNIP")}, both) == ["No trend of V3 or SNIP with depth is established."]


def test_draws_that_are_all_equal_are_said_to_be_so() -> None:
    """A small range is not claimed of what was never seen to vary, in many draws."""
    summary = summary_of({"relu": [np.zeros(64)] * 5})

    assert describe_trends(V3, rows_of(summary)) == ["V3 is 0 in every draw."]


@pytest.mark.parametrize(
    ("times", "numbers"),
    [
        ([[8.0] * 28 + [np.nan] * 32, [8.0] * 2 + [np.nan] * 58], "the median is not reached at either end"),
        ([[16.0] * 20 + [32.0] * 40, [32.0] * 40 + [64.0] * 20], "the median is 32 at both ends"),
        ([[8.0] * 29 + [33.0] * 31, [32.0] * 31 + [64.0] * 29], "the medians are 33 and 32"),
    ],
)
def test_times_that_rise_without_their_medians_do_so_by_their_order(times: list[list[float]], numbers: str) -> None:
    """No sentence says that a number rises to the same, or a smaller one."""
    (rising,), falling, many = (
        described(lines)
        for lines in ({"relu": times}, {"relu": times[::-1]}, dict.fromkeys(("abs", "relu", "tanh"), times))
    )

    order = f"by the order of all times ({numbers})"
    assert rising == f"Steps to success rises from depth 1 to depth 2, {order}."
    assert falling[0].startswith("Steps to success falls from depth 1 to depth 2, by the order of all times (")
    assert many[0].endswith(f"in all 3 settings; for example, abs: {order} between depth 1 and depth 2.")


def test_settings_whose_medians_are_not_reached_differ_by_their_order() -> None:
    """The one with the shorter times comes last."""
    lines = {name: [[8.0] * events + [np.nan] * (60 - events)] for name, events in (("abs", 28), ("relu", 2))}

    assert described(lines) == [
        "Steps to success is larger for relu (not reached) than for abs (not reached, 95% CI [8, not reached]), "
        "by the order of all times."
    ]


def described(lines: dict[str, list[list[float]]]) -> list[str]:
    """What is said of times to success by depth, by activation."""
    tables = tables_of(
        [
            row
            for name, times in lines.items()
            for row in curve("steps_to_success", [*map(np.array, times)], activation=name)
        ]
    )
    summary = tables.summary.assign(parameters=100).astype({"layer": "Int64", "step": "Int64"})
    look = {"steps_to_success": Drawn("Steps to success")}
    return describe_trends(look, records(trends_table(summary, tables.values_of)))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.999995, "0.999995"), (1.0, "1"), (103.4, "103"), (12345.6, "12,346"), (1e-9, "1e-09"), (np.inf, "not reached")],
)
def test_numbers_are_short_but_nothing_is_rounded_to_1(value: float, text: str) -> None:
    """Where it matters that it is not."""
    assert format_number(value) == text


@pytest.mark.parametrize("chart", [chart for chart in CHARTS.values() if chart.drawn], ids=lambda chart: chart.name)
def test_a_caption_mentions_nothing_that_a_study_lacks(chart: ChartDeclaration) -> None:
    """Without data there are the words of the declaration, which name no panel, medians or theory."""
    summary = summary_of({"relu": around(CURVES["falls"])}, "naswot")

    caption = write_caption(chart, summary, EMPTY)

    assert caption == chart.caption
    assert not re.search(
        r"\bpanel|\bright\b(?! corner)(?!\.)|dashed|theoretical|Lines", caption.replace("left to right", "")
    )


def test_a_sentence_about_a_quantity_is_there_with_the_quantity() -> None:
    """As that about the panel of collapse, and about dashed medians."""
    both = [summary_of({"relu": around(CURVES["falls"])}, name) for name in ("input_gradient", "collapsed_relative")]
    gradients = CHARTS["gradients"]

    alone, together = (write_caption(gradients, found, EMPTY) for found in (both[0], pd.concat(both)))

    assert "last panel" not in alone
    assert "last panel" in together
    assert "Medians are dashed" in write_caption(CHARTS["variability"], summary_of({"relu": around((1.0, 2.0))}), EMPTY)


def test_every_chart_of_the_catalog_names_a_function_for_its_sentences_or_none() -> None:
    """All of which take a study that has no table of the analysis."""
    summary = summary_of({"relu": around(CURVES["falls"])}, "naswot")

    assert all(write_caption(chart, summary, EMPTY) == chart.caption for chart in charts().values())


@pytest.fixture
def page_of(results_of: Callable[[str], Results], tmp_path: Path) -> Callable[[str], Path]:
    """The verb of a curve -> the page of a study with that curve."""

    def write(verb: str) -> Path:
        summary = summary_of({"relu": around(CURVES[verb])})
        tables = {name.removesuffix(".csv"): pd.DataFrame(columns=list(columns)) for name, columns in ANALYSIS.items()}
        tables["trends"] = trends_table(summary, lambda _: pd.DataFrame())
        assert list(tables["trends"].columns) == list(TREND_COLUMNS)
        run = results_of("tiny").run
        page = tmp_path / "report.html"
        page.write_text(render(run, summary, tables, charts_of(summary)))
        return page

    return write


@pytest.mark.parametrize("verb", list(CURVES))
def test_a_page_says_the_same_above_its_chart_and_as_its_answer(verb: str, page_of: Callable[[str], Path]) -> None:
    """A study without claims and ranking is answered by its trend."""
    page = page_of(verb).read_text()

    (caption,) = re.findall(r'id="caption-variability">(.*?)</p>', page)
    (answer,) = re.findall(r'id="answer-sentence">(.*?)</p>', page)
    assert answer.startswith(f"V3 {verb} ")
    assert caption.endswith(answer)


SCRIPT = """
const { spec } = window.report.drawn.get("variability");
const rows = Object.values(spec.datasets)[0];
return {
  caption: document.getElementById("caption-variability").textContent,
  data: rows.map((row) => [row.along, row.mean]),
};
"""


@pytest.mark.slow
@pytest.mark.parametrize("verb", list(CURVES))
def test_a_caption_agrees_with_the_data_of_the_drawn_chart(
    verb: str, page_of: Callable[[str], Path], tmp_path: Path
) -> None:
    """The ends, or the place of the largest mean, are those of the rows that a browser has drawn."""
    found = act_in_browser(page_of(verb), SCRIPT, tmp_path)
    data = sorted(tuple(row) for row in json.loads(json.dumps(found["data"])))
    caption = html.unescape(found["caption"])

    assert f"V3 {verb} " in caption
    if verb == "peaks":
        place, largest = max(data, key=lambda row: row[1])
        assert f"at depth {place:g} ({format_number(largest)}," in caption
    elif verb == "falls":
        assert f"from {format_number(data[0][1])} to {format_number(data[-1][1])} (" in caption
    else:
        assert max(mean for _, mean in data) < 1.05 * min(mean for _, mean in data)
