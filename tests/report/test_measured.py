"""Whatever a study measures is on its page: what no chart is made for has one all the same."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from suite.catalog.charts import CHARTS, declare_measured
from suite.report.looks import scale_if_one_is_larger, scale_of
from suite.report.measured import declare_missing_charts, describe_chart, draw_measured
from suite.statistics.intervals import wilson


def numbers(chart: dict[str, Any]) -> set[float]:
    """Every number that a chart is drawn from."""
    rows = [row for rows in chart["datasets"].values() for row in rows]
    return {value for row in rows for value in row.values() if isinstance(value, float)}


def _summary(quantity: str, values: list[float], **columns: Any) -> pd.DataFrame:
    rows = [
        {
            "member": f"relu-d{2**place}",
            "depth": 2**place,
            "activation": "relu",
            "initialization": "he",
            "parameters": 100,
            "quantity": quantity,
            "layer": pd.NA,
            "step": pd.NA,
            "n": 8,
            "mean": value,
            "median": value,
            "q05": value / 2,
            "q95": value * 2,
            "ci_low": value / 2,
            "ci_high": value * 2,
            "theory": np.nan,
            **columns,
        }
        for place, value in enumerate(values)
    ]
    return pd.DataFrame(rows).astype({"layer": "Int64", "step": "Int64"})


def measured(summary: pd.DataFrame, *quantities: str) -> Any:
    """Draw quantities that no chart is designed for."""
    return draw_measured(summary, declare_measured(quantities[0], quantities))


def caption_of(name: str, *quantities: str, runs_along: bool = True) -> tuple[str, str]:
    """Return the title and the caption of such a chart."""
    described = describe_chart(declare_measured(name, quantities), runs_along)
    return described.title, described.caption


def marks(chart: Any) -> list[Any]:
    """The layers of a chart of one panel."""
    spec = chart.to_dict()
    return list((spec["hconcat"][0] if "hconcat" in spec else spec)["layer"])


def test_numbers_that_lie_decades_apart_have_a_logarithmic_axis() -> None:
    """Where all are positive, their intervals, too."""
    apart = scale_of(_summary("snip", [1.0, 1000.0]), "mean").to_dict()
    near = scale_of(_summary("snip", [1.0, 10.0]), "mean").to_dict()
    signed = scale_of(_summary("grasp", [-1.0, 1000.0]), "mean").to_dict()

    assert (apart, near, signed) == ({"type": "log"}, {"zero": False}, {"zero": False})


@pytest.mark.parametrize(("tower", "lowest", "scale"), [
    (100.0, 1.0, {"type": "log"}),
    (100.0, 2e-4, {"type": "log"}),
    (20.0, 1.0, None),
    (100.0, -1.0, None),
])  # fmt: skip
def test_one_series_that_towers_over_others_does_not_flatten_them(tower, lowest, scale) -> None:
    """By the peaks of series: one that falls through decades, as V3 does with depth, stays on a linear axis."""
    series = {"a": tower, "b": 1.0, "c": 2.0}
    rows = pd.concat([_summary("v3", [lowest, peak]).assign(series=name) for name, peak in series.items()])

    found = scale_if_one_is_larger(rows)

    assert (found and found.to_dict()) == scale
    assert scale_if_one_is_larger(rows[rows["series"] == "a"]) is None
    assert (scale_if_one_is_larger(rows[rows["series"] != "c"]) is None) == (scale is None)


def test_waits_are_drawn_by_their_medians_with_the_intervals_that_are_closed() -> None:
    """Half an interval would be drawn to the axis."""
    chart = measured(_summary("steps_to_success", [8.0, 64.0]), "steps_to_success")

    fields = [layer["encoding"]["y"]["field"] for layer in marks(chart)]
    assert "median" in fields
    assert "mean" not in fields
    (rule,) = [layer for layer in marks(chart) if layer["mark"]["type"] == "rule"]
    assert rule["transform"] == [{"filter": "isValid(datum.ci_high)"}]


def test_what_has_no_number_anywhere_is_said() -> None:
    """In place of an empty frame; members without one, beside others that have, only lack a point."""
    nothing = measured(_summary("naswot", [np.nan, np.nan]), "naswot").to_dict()
    some = measured(_summary("naswot", [np.nan, 3.0]), "naswot").to_dict()

    assert list(nothing["datasets"].values()) == [[{"message": "There are no finite values of naswot."}]]
    assert [[row["mean"] for row in rows] for rows in some["datasets"].values()] == [[None, 3.0]]


def test_a_quantity_that_the_catalog_does_not_know_has_a_chart_too() -> None:
    """As a plug-in's that is not taken up where its tables are looked at."""
    summary = _summary("strange", [1.0, 2.0])

    assert declare_missing_charts(summary, CHARTS) == {"strange": declare_measured("strange", ["strange"])}
    assert numbers(measured(summary, "strange").to_dict()) >= {1.0, 2.0}
    assert caption_of("strange", "strange")[0] == "Measured: strange"


def test_a_strange_frequency_is_known_by_its_interval() -> None:
    """Wilson's: its axis runs from 0 to 1, as that of a plug-in which is taken up."""
    shares = [1 / 8, 4 / 8]
    summary = _summary("strange", shares)
    low, high = wilson(8 * np.array(shares), np.array(8.0))

    chart = measured(summary.assign(ci_low=low, ci_high=high), "strange").to_dict()

    (domain,) = {
        tuple(layer["encoding"]["y"]["scale"]["domain"])
        for layer in _layers(chart)
        if "scale" in layer["encoding"]["y"]
    }
    assert domain == (0, 1)


def _layers(chart: dict[str, Any]) -> list[dict[str, Any]]:
    """All that has an encoding, at whatever depth."""
    inside = [each for key in ("hconcat", "vconcat", "layer") for part in chart.get(key, []) for each in _layers(part)]
    return inside or [chart]


def test_medians_are_told_of_where_they_are_drawn() -> None:
    """Along an axis; where there is none, no dashes are."""
    assert "medians are dashed" in caption_of("snip", "snip")[1]
    assert "medians are dashed" not in caption_of("snip", "snip", runs_along=False)[1]


def test_a_caption_is_what_the_catalog_says() -> None:
    """What it is, its source, its formula, and which way a tournament takes it."""
    title, caption = caption_of("ntk", "ntk_trace", "ntk_condition")

    assert title == "Measured: ntk_trace, ntk_condition"
    assert caption.startswith(
        "Zero-cost score: trace and condition number of the neural tangent kernel (Jacot et al. 2018; Chen et al. 2021)"
    )
    assert "ntk_trace: trace of the neural tangent kernel on a batch; ntk_condition: condition number" in caption
    assert "assumes that networks with larger ntk_trace train better." in caption
    assert "assumes that networks with smaller ntk_condition train better." in caption
    assert "Means over the draws with a finite value, with 95% intervals; medians are dashed." in caption
