"""What a page folds or leaves out because it shows little, and what it says of that; and the counts of a study."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from suite.analysis.series import with_series
from suite.catalog.charts import CHARTS, declare_measured
from suite.report.analysis_tables import tabulate_outcomes
from suite.report.counts import Count, count_study
from suite.report.folding import count_panels, describe_folded
from suite.report.marks import without_zero
from suite.report.random_networks import draw_collapse_ways
from suite.results.folder import Results
from tests.report.claim_rows import ROW

SERIES = [{"mean": 1.0}, {"mean": 2.0}, {"mean": None, "median": 8.0}]


def chart(rows: list[dict[str, Any]], panels: int = 1) -> dict[str, Any]:
    """Return a faceted chart as Vega-Lite."""
    facet = {"field": "series", "sort": [str(place) for place in range(panels)]}
    spec = {"layer": [{"mark": {"type": "point"}, "encoding": {"y": {"title": "loss"}}}]}
    return {"datasets": {"a": rows}, "facet": facet, "spec": spec}


def test_the_remaining_quantities_of_a_measure_are_folded_with_their_range() -> None:
    """Those of a chart that is designed for them are shown, and a measure's only chart, too."""
    assert describe_folded(declare_measured("v3_more", ["v3_floor"], "v3"), chart(SERIES)) == "3 values from 1 to 8"
    assert describe_folded(declare_measured("snip", ["snip"], "snip"), chart(SERIES)) == ""
    assert describe_folded(CHARTS["variability"], chart(SERIES)) == ""


def test_a_chart_of_one_value_is_folded() -> None:
    """And the line has it."""
    assert describe_folded(CHARTS["collapse_ways"], chart([{"mean": 0.0}] * 8)) == "all 8 values are 0"


def test_a_chart_of_very_many_panels_is_folded() -> None:
    """The line has their number and what they show."""
    assert describe_folded(CHARTS["learning_curves"], chart(SERIES, panels=31)) == "31 panels: loss"
    assert describe_folded(CHARTS["learning_curves"], chart(SERIES, panels=30)) == ""


def test_panels_are_counted_in_all_parts_and_a_strip_of_pictures_is_one() -> None:
    """As those of the landscapes, which are many."""
    strip = chart([], panels=9)
    strip["spec"]["layer"][0]["mark"]["type"] = "image"

    assert count_panels({"vconcat": [chart([], panels=4), {"hconcat": [{"mark": "bar"}, strip]}]}) == 6


def test_panels_of_zeros_are_left_out_with_a_note() -> None:
    """Unless all are like that."""
    zero, some = pd.DataFrame({"mean": [0.0, 0.0]}), pd.DataFrame({"mean": [0.0, 0.1]})

    assert list(without_zero({"exact": zero, "relative": some})[0]) == ["relative"]
    assert without_zero({"exact": zero, "relative": some})[1] == "Not drawn, since every value is 0: exact."
    assert without_zero({"exact": zero}) == ({"exact": zero}, "")


def test_networks_that_never_collapse_have_no_panel(results_of: Callable[[str], Results]) -> None:
    """The note of the chart names them."""
    summary = with_series(results_of("tiny").summary)
    ways = summary["quantity"].isin(CHARTS["collapse_ways"].drawn)
    first = summary["series"] == "relu"
    some = summary.assign(mean=summary["mean"].where(~ways, first.astype(float) / 4))

    drawn = draw_collapse_ways(some, CHARTS["collapse_ways"]).to_dict()

    assert {row["series"] for rows in drawn["datasets"].values() for row in rows} == {"relu"}
    assert drawn["usermeta"]["note"] == "Not drawn, since every value is 0: tanh; leaky_relu(slope=0.1)."


def test_numbers_of_neurons_are_drawn_as_shares_of_their_layer(results_of: Callable[[str], Results]) -> None:
    """Whose widths are in members.csv; the count stands beside the share."""
    results = results_of("tiny")
    widths = {member: text.split() for member, text in results.members[["member", "widths"]].to_numpy()}

    rows = [row for rows in results.charts["dead_neurons_more"].to_dict()["datasets"].values() for row in rows]

    assert any(row["count"] > 1 for row in rows)
    for row in rows:
        assert row["mean"] == pytest.approx(row["count"] / int(widths[row["member"]][int(row["layer"])]))
        assert 0 <= row["mean"] <= 1


def _comparison(setting: float, reference: float, verdict: str) -> dict[str, Any]:
    numbers = {
        "difference": setting - reference,
        "ci_low": -0.1,
        "ci_high": 0.1,
        "p": 1.0,
        "p_holm": 1.0,
        "n": 8,
        "diverged_runs": "",
    }
    names = {"quantity": "success", "axis": "momentum", "setting": "0.9", "reference": "0.0", "at": ""}
    return {**names, "verdict": verdict, "of_setting": setting, "of_reference": reference, **numbers}


def test_comparisons_of_equal_means_are_counted_and_not_listed() -> None:
    """Those that differ are, and all are if there are no others."""
    equal, other = _comparison(1.0, 1.0, "undecided"), _comparison(1.0, 0.5, "higher")

    (table,) = tabulate_outcomes(pd.DataFrame([equal, other, equal]), ["success"])
    (same,) = tabulate_outcomes(pd.DataFrame([equal, equal]), ["success"])

    assert [row[4:6] for row in table.rows] == [["1.0000", "0.5000"]]
    assert table.note.endswith("2 undecided comparisons of equal means are only in comparisons.csv.")
    assert len(same.rows) == 2


RUN = {
    "failed": [],
    "cells": [
        {"member": "a", "draws": [0, 512], "seconds": 100.0},
        {"member": "a", "draws": [512, 1024], "seconds": 50.0},
        {"member": "b", "draws": [0, 512], "seconds": 30.0},
    ],
}


def test_a_study_is_counted() -> None:
    """Claims by verdict, controls apart, then members, draws, diverged runs and time."""
    summary = pd.DataFrame({"member": ["a", "b", "a"]})
    run = RUN | {"trained": {"runs": 16, "lost": 2}}
    verdicts = [
        ROW,
        ROW,
        ROW | {"verdict": "undecided"},
        ROW | {"control": "yes", "verdict": "fails", "expected": "fails"},
    ]

    assert count_study(run, summary, verdicts) == [
        Count("2", "claims hold", "holds"),
        Count("1", "claim is undecided", "undecided"),
        Count("1 of 1", "control passed"),
        Count("2", "members"),
        Count("up to 1,024", "draws per member"),
        Count("2 of 16", "training runs diverged"),
        Count("3.0 min", "of computing time"),
    ]


def test_a_study_without_claims_and_training_has_the_other_counts() -> None:
    """Failed cells are among them."""
    summary = pd.DataFrame({"member": ["a"]})
    run = {"failed": [{}], "cells": [{"member": "a", "draws": [0, 1], "seconds": 0.2}]}

    found = [(count.number, count.what) for count in count_study(run, summary, [])]

    assert found == [
        ("1", "member"),
        ("1", "draw per member"),
        ("1", "cell failed"),
        ("0.2 s", "of computing time"),
    ]
