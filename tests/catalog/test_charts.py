"""The declarations of charts: what they name is there, and nothing else is needed to draw a new one."""

import numpy as np
import pandas as pd
import pytest

from suite.catalog.charts import CHARTS, charts
from suite.catalog.charts.declaration import PLANE, TOURNAMENT, ChartDeclaration, Drawn
from suite.catalog.charts.facts import BOUND, COMPARED_OUTCOMES, COMPARED_TIMES, OVERVIEW, PHASES, THEORIES
from suite.catalog.dotted import load
from suite.catalog.predict import BASELINES
from suite.catalog.quantities import QUANTITIES
from suite.report.charts import charts_of


@pytest.mark.parametrize("chart", charts().values(), ids=list(charts()))
def test_a_declaration_names_functions_and_quantities_that_there_are(chart: ChartDeclaration) -> None:
    """The functions are in the report; a ranking's chart may use baselines beside quantities."""
    functions = [chart.function, *([chart.table.function] if chart.table else [])]

    assert all(path.startswith("suite.report.") and callable(load(path)) for path in functions)
    assert set(chart.quantities) <= {*QUANTITIES, PLANE, TOURNAMENT}
    assert set(chart.beside) <= {*QUANTITIES, *BASELINES}


def test_facts_are_of_quantities_that_there_are() -> None:
    """Columns of the overview, theories, the bound, phases and comparisons."""
    named = {*OVERVIEW, *THEORIES, BOUND.bound, BOUND.outcome, *PHASES.quantities, *COMPARED_TIMES, *COMPARED_OUTCOMES}

    assert named <= set(QUANTITIES)


def test_a_chart_is_added_by_its_declaration_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its label, its scale and its place; what it draws has no other chart then."""
    row = {
        "depth": 2,
        "activation": "relu",
        "initialization": "he",
        "parameters": 100,
        "quantity": "naswot",
        "layer": pd.NA,
        "step": pd.NA,
        "n": 8,
        **dict.fromkeys(("mean", "median", "q05", "q95", "ci_low", "ci_high"), 2.0),
        "theory": np.nan,
    }
    summary = pd.DataFrame([row | {"member": f"relu-d{depth}", "depth": depth} for depth in (2, 4)])
    assert list(charts_of(summary)) == ["naswot"]

    declared = ChartDeclaration(
        name="sides",
        title="Sides",
        caption="Look for a rise.",
        function="suite.report.measured:draw_panels",
        drawn={"naswot": Drawn("log determinant", "log")},
    )
    monkeypatch.setitem(CHARTS, declared.name, declared)
    (name, chart), *others = charts_of(summary).items()

    assert (name, others) == ("sides", [])
    assert "log determinant" in str(chart.to_dict())
