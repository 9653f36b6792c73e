"""Charts of the tiny studies, drawn once for all tests of this file: what is in them, and how it is drawn."""

from collections.abc import Callable, Iterator
from math import isfinite, isnan
from typing import Any

import pytest

from suite.analysis.derive import phases_table
from suite.catalog.charts import CHARTS as DECLARED
from suite.catalog.charts import charts as catalog
from suite.catalog.charts.declaration import PLANE, TOURNAMENT
from suite.catalog.charts.facts import PHASES
from suite.catalog.measures import MEASURES
from suite.results.folder import Results
from tests.report.test_looks import assert_one_look
from tests.report.test_measured import numbers
from tests.runs.tiny import NAMES

IN_TABLES = {"feature_change_phase1": "in_phase_1", "feature_change_phase2": "after"}
"""What the table of phases has, and in which column."""

AS_CURVES = {"phase1_steps"}
"""What is drawn as a share of runs by steps, of which the raw values make up the steps."""


CHARTS = {
    "tiny": {
        *(set(DECLARED) - {"tournament_by_training"}),  # it trains in one way
        *(f"{measure}_more" for measure in ("v3", "collapse", "dead_neurons", "jacobian", "accuracy", "revival")),
    },
    "tiny_death": {
        "dead_neurons",
        "success_bound",
        "trainability",
        "learning_curves",
        "revival",
        "accuracy",
        "dead_neurons_more",
        "accuracy_more",
        "revival_more",
    },
    "tiny_digits": {
        "collapse",
        "collapse_ways",
        "gradients",
        "feature_diversity",
        "phase_1",
        "learning_curves",
        "accuracy",
        "collapse_more",
        "accuracy_more",
    },
    "tiny_scores": {
        "grad_norm",
        "snip",
        "grasp",
        "synflow",
        "fisher",
        "jacobian_covariance",
        "naswot",
        "ntk",
    },
    "tiny_table": {"activation_ratio", "learning_curves", "accuracy", "accuracy_more"},
}
LAWS = {
    "tiny": {"correlation", "jacobian", "dead_neurons", "trainability", "dead_neurons_more"},
    "tiny_death": {"dead_neurons", "trainability", "dead_neurons_more"},
    "tiny_digits": set(),
    "tiny_scores": set(),
    "tiny_table": set(),
}


def drawn_fields(spec: Any) -> Iterator[str]:
    """The fields that a chart's marks are placed by, in all its layers and panels."""
    if isinstance(spec, list):
        for part in spec:
            yield from drawn_fields(part)
    elif isinstance(spec, dict):
        for channel, encoding in spec.get("encoding", {}).items():
            if channel in ("x", "y") and "field" in encoding:
                yield encoding["field"]
        for key in ("layer", "concat", "hconcat", "vconcat", "spec"):
            yield from drawn_fields(spec.get(key))


@pytest.mark.parametrize("name", NAMES)
def test_a_study_has_the_charts_of_what_it_measures(name: str, results_of: Callable[[str], Results]) -> None:
    """All of them where it measures everything, and the catalog knows each."""
    charts = results_of(name).charts

    assert set(charts) == CHARTS[name]
    assert set(charts) <= set(catalog())


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_is_valid_vega_lite_with_rows_behind_it(
    name: str, written_of: Callable[[str], dict[str, Any]]
) -> None:
    """The schema is checked as the dictionary is made; no dataset is empty, and no number in it is nan."""
    for title, chart in written_of(name).items():
        datasets = chart["datasets"]
        assert datasets, title
        for rows in datasets.values():
            assert rows, title
            assert not [value for row in rows for value in row.values() if isinstance(value, float) and isnan(value)]


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_that_is_drawn_has_what_the_catalog_says_that_it_needs(
    name: str, results_of: Callable[[str], Results]
) -> None:
    """So that what a spec may name for its picture is there when the page is made."""
    results = results_of(name)
    measured = {*results.summary["quantity"], PLANE, TOURNAMENT}

    for chart in results.charts:
        needed = catalog()[chart]
        assert (all if needed.every else any)(quantity in measured for quantity in needed.quantities), chart


def test_the_tiny_studies_have_every_quantity_of_the_catalog(results_of: Callable[[str], Results]) -> None:
    """So that what is asked of them below is asked of all."""
    there = {quantity for name in NAMES for quantity in results_of(name).summary["quantity"]}

    assert {quantity for measure in MEASURES.values() for quantity in measure.quantities} == there


@pytest.mark.parametrize("name", NAMES)
def test_every_quantity_of_a_study_is_drawn(
    name: str, results_of: Callable[[str], Results], written_of: Callable[[str], dict[str, Any]]
) -> None:
    """In a chart that the catalog says it is in, with numbers of its own that the tables have."""
    results = results_of(name)
    drawn = {title: numbers(chart) for title, chart in written_of(name).items()}
    for quantity, rows in results.summary.groupby("quantity"):
        said = [title for title, chart in catalog().items() if quantity in chart.quantities]
        shown = set().union(*(drawn.get(title, set()) for title in said))
        own = {value for value in rows[["mean", "median"]].to_numpy().ravel() if isfinite(value)}
        if quantity in AS_CURVES:
            own = set(results.values_of([str(quantity)])["value"].dropna())
        if quantity in IN_TABLES:
            shown = set(phases_table(results.values_of(PHASES.quantities), results.summary)[IN_TABLES[str(quantity)]])
        assert own & shown, quantity


@pytest.mark.parametrize("name", NAMES)
def test_a_series_looks_the_same_in_every_chart(name: str, written_of: Callable[[str], dict[str, Any]]) -> None:
    """Also where waits are drawn of raw values."""
    assert_one_look(written_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_laws_are_drawn_where_there_are_some(name: str, written_of: Callable[[str], dict[str, Any]]) -> None:
    """As marks of their own beside what was sampled; elsewhere nothing pretends to be a law."""
    charts = written_of(name)

    assert {title for title, chart in charts.items() if "theory" in set(drawn_fields(chart))} == LAWS[name]
    for title in LAWS[name]:
        rows = [row for rows in charts[title]["datasets"].values() for row in rows]
        assert any(row.get("theory") is not None for row in rows), title


def test_curves_of_phase_1_count_runs_that_never_leave_it(
    results_of: Callable[[str], Results], written_of: Callable[[str], dict[str, Any]]
) -> None:
    """At the learning rate that validation chose: all runs at first, at last the share of those that are censored."""
    results = results_of("tiny_digits")
    kept = results.summary.loc[results.summary["quantity"] == "phase1_steps", ["member", "momentum", "learning_rate"]]
    (rows,) = written_of("tiny_digits")["phase_1"]["datasets"].values()

    waits = results.measurements[results.measurements["quantity"] == "phase1_steps"]
    waits = waits.astype({"member": str}).merge(kept.astype({"member": str}))
    assert len(waits) == 2 * len(kept) == 24
    curves: dict[str, list[dict[str, float]]] = {}
    for row in rows:
        curves.setdefault(str(row["series"]), []).append(row)
    assert {curve[0]["share"] for curve in curves.values()} == {1}
    assert {curve[-1]["step"] for curve in curves.values()} == {8}
    # Groups are equally large, so that the mean of their last shares is the share of all runs that is censored.
    last = sum(curve[-1]["share"] for curve in curves.values()) / len(curves)
    assert last == pytest.approx(waits["value"].isna().mean())
    assert 0 < last < 1


DEEP = ("phase_1", "feature_diversity", "unit_activity")
"""Charts of one line or panel a depth, which their names say."""


def test_one_network_has_one_line_in_every_chart(written_of: Callable[[str], dict[str, Any]]) -> None:
    """Series are named alike wherever they turn up."""
    names = {}
    for title, chart in written_of("tiny").items():
        rows = [row for rows in chart["datasets"].values() for row in rows]
        names[title] = {row["series"] for row in rows if "series" in row}

    assert set().union(*(found for title, found in names.items() if title not in DEEP)) == {
        "relu",
        "tanh",
        "leaky_relu(slope=0.1)",
    }


def test_letters_stand_on_the_bars_that_they_name(written_of: Callable[[str], dict[str, Any]]) -> None:
    """Bars and letters are stacked in one order, which both state."""
    chart = written_of("tiny")["collapse_ways"]

    orders = [layer["encoding"]["order"]["field"] for layer in chart["spec"]["layer"]]

    assert orders == ["place", "place"]
    (rows,) = chart["datasets"].values()
    assert {(row["letter"], row["place"]) for row in rows} == {("d", 0), ("b", 1), ("n", 2), ("a", 3)}
