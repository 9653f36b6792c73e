"""How charts look: one color and one second cue a series all over a page, ticks at the study's values, no holes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from suite.analysis.series import once, with_series
from suite.report.charts import charts_of
from suite.report.looks import color, dash, shape
from suite.report.marks import along, columns_of
from suite.report.scatter import labels

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
SHIPPED = sorted(folder.name for folder in REFERENCE.iterdir())


def _looks(spec: Any) -> Iterator[tuple[str, str, str]]:
    """Every hue of a chart with its channel and what it looks like there."""
    if isinstance(spec, list):
        for part in spec:
            yield from _looks(part)
    elif isinstance(spec, dict):
        for channel, encoding in spec.get("encoding", {}).items():
            if channel in ("color", "shape", "strokeDash") and encoding.get("field") == "hue":
                scale = encoding["scale"]
                assert len(scale["domain"]) == len(scale["range"])
                yield from (
                    (channel, hue, str(look)) for hue, look in zip(scale["domain"], scale["range"], strict=True)
                )
        for key in ("layer", "concat", "hconcat", "vconcat", "spec"):
            yield from _looks(spec.get(key))


def assert_one_look(written: dict[str, Any]) -> None:
    """Every hue has one look a channel in all charts, and those that a chart's rows have are those of its legend."""
    looks: dict[tuple[str, str], set[str]] = {}
    for name, chart in written.items():
        drawn = {row["hue"] for rows in chart["datasets"].values() for row in rows if "hue" in row}
        found = list(_looks(chart))
        assert {hue for _, hue, _ in found} <= drawn, name
        for channel, hue, look in found:
            looks.setdefault((channel, hue), set()).add(look)
    assert {key: some for key, some in looks.items() if len(some) != 1} == {}
    colored = [(hue, look) for (channel, hue), (look,) in looks.items() if channel == "color"]
    if len(colored) <= 8:
        assert len({look for _, look in colored}) == len(colored)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "controls" else pytest.mark.slow) for name in SHIPPED]
)
def test_a_series_looks_the_same_in_every_chart_of_a_shipped_study(name: str) -> None:
    """Whatever part of the study a panel shows: no two colors a hue, and no hue without one of its own."""
    summary = pd.read_csv(REFERENCE / name / "summary.csv")

    charts = charts_of(summary)

    assert len(charts) > 1
    assert_one_look({title: chart.to_dict() for title, chart in charts.items()})


def _table(members: dict[str, str], depths: tuple[int, ...] = (2, 6), tasks: tuple[str | None, ...] = (None,)) -> Any:
    rows = [
        {"member": f"{name}-{depth}", "activation": name, "depth": depth, "quantity": quantity, "task": task}
        for name, quantities in members.items()
        for depth in depths
        for quantity in quantities.split()
        for task in (tasks if quantity == "success" else (None,))
    ]
    return pd.DataFrame(rows).assign(initialization="he", layer=pd.NA, learning_rate=0.1)


def test_part_of_a_study_keeps_the_colors_of_the_whole() -> None:
    """Of three activations the last two are drawn alone in their own colors, and the legend has no other."""
    whole = with_series(_table({"tanh": "v3", "relu": "v3 kinks", "abs": "v3 kinks"}))
    part = whole[whole["quantity"] == "kinks"]

    for channel in (color, shape, dash):
        all_of, some = channel(whole).to_dict()["scale"], channel(part).to_dict()["scale"]
        assert some["domain"] == ["relu", "abs"]
        assert some["range"] == all_of["range"][1:]
        assert len({str(look) for look in all_of["range"]}) == 3


def test_a_network_looks_the_same_before_and_after_each_training() -> None:
    """Trainings are told by panels: hues are what networks are, in the tables of both kinds."""
    table = _table({"tanh": "v3 success", "relu": "v3 success"}, tasks=("a", "b"))
    trained, untrained = with_series(table), once(table)

    assert set(zip(trained["hue"], trained["cue"], strict=True)) == {("tanh", 0), ("relu", 1)}
    assert set(zip(untrained["hue"], untrained["cue"], strict=True)) == {("tanh", 0), ("relu", 1)}
    assert set(trained.loc[trained["quantity"] == "success", "panel"]) == {"a", "b"}


def test_where_trainings_alone_are_varied_untrained_rows_go_by_their_activation() -> None:
    """In whatever chart, and no name is empty."""
    table = _table({"relu": "v3 success"}, tasks=("a", "b"))
    placed = with_series(table)

    assert set(placed.loc[placed["quantity"] == "v3", "series"]) == {"relu"} == set(once(table)["series"])
    assert set(placed.loc[placed["quantity"] == "success", "series"]) == {"a", "b"}
    assert "" not in set(placed["hue"])


def test_more_hues_than_colors_are_told_by_the_second_cue() -> None:
    """Twenty of them: no two with the same color and shape."""
    whole = with_series(_table({f"phi{number}": "v3" for number in range(20)}))

    pairs = zip(color(whole).to_dict()["scale"]["range"], shape(whole).to_dict()["scale"]["range"], strict=True)

    assert len(set(pairs)) == 20


def test_an_axis_ticks_at_the_values_of_the_study() -> None:
    """From the least to the largest; of very many values at some."""
    axis = along(with_series(_table({"relu": "v3"}, depths=(1, 2, 3, 6, 48)))).to_dict()

    assert axis["axis"]["values"] == [1, 2, 3, 6, 48]
    assert not axis["scale"]["nice"]
    assert "values" not in along(with_series(_table({"relu": "v3"}, depths=tuple(range(1, 40))))).to_dict()["axis"]


@pytest.mark.parametrize(("panels", "columns"), [(1, 1), (2, 2), (3, 3), (4, 2), (5, 3), (6, 3), (8, 2), (9, 3)])
def test_panels_leave_as_few_holes_as_they_can(panels: int, columns: int) -> None:
    """Four are two by two."""
    assert columns_of(panels) == columns


def test_labels_do_not_lie_on_each_other() -> None:
    """All in one place: a series says its depths once, a second one on the other side, a third has no room."""
    table = with_series(_table({"relu": "v3", "abs": "v3", "tanh": "v3"}, depths=(2, 4, 6)))
    nowhere = np.zeros(len(table))

    said = labels(table, nowhere, nowhere)

    assert said["label_right"] == ["2 to 6", *[""] * 8]
    assert said["label_left"] == ["", "", "", "2 to 6", *[""] * 5]


def test_labels_that_have_room_are_all_there() -> None:
    """To the right of their points."""
    table = with_series(_table({"relu": "v3"}, depths=(2, 4, 6)))

    said = labels(table, np.array([0.0, 100.0, 200.0]), np.zeros(3))

    assert said == {"label_right": ["2", "4", "6"], "label_left": ["", "", ""]}
