"""Draw the Altair charts of a study from its tables, and choose the one that answers its question."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from suite.analysis.series import with_layer_widths, with_series
from suite.catalog.charts import ANSWERS, CHARTS
from suite.catalog.charts import charts as catalog
from suite.catalog.dotted import load
from suite.catalog.measures import TRAINING
from suite.report.marks import Chart
from suite.report.measured import declare_missing_charts
from suite.results.folder import Results


def draw_charts(results: Results) -> dict[str, Chart]:
    """Draw the Altair charts of a study; return them by name, in the order of the report.

    Args:
        results: The tables of a run and of its analysis.
    """
    tasks = results.run["spec"]["measure"].get(TRAINING, {}).get("task", [])
    raw = [quantity for chart in CHARTS.values() if chart.needs == "values" for quantity in chart.quantities]
    summary = with_layer_widths(results.summary, results.members)
    return charts_of(summary, results.landscapes, results.values_of(raw), results.predictors, tasks)


def charts_of(
    summary: pd.DataFrame,
    landscapes: pd.DataFrame | None = None,
    values: pd.DataFrame | None = None,
    ranking: pd.DataFrame | None = None,
    tasks: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Chart]:
    """Draw every chart that the study's quantities allow; return them by name, in the order of the report.

    Each quantity appears in at least one chart.

    Args:
        summary: Statistics over draws.
        landscapes: Outputs over the plane, if the study has two inputs.
        values: Raw values of the quantities whose charts need them, if the study has some.
        ranking: The predictor ranking, if the spec requests one.
        tasks: The tasks that networks are trained on, in the form of run.json.
    """
    summary = with_series(summary)
    inputs: dict[str, Sequence[Any]] = {
        "summary": [summary],
        "values": [] if values is None else [values, summary],
        "landscapes": [] if landscapes is None else [landscapes, summary, tasks],
        "ranking": [] if ranking is None else [ranking],
    }
    found = {}
    for name, chart in CHARTS.items():
        given = inputs[chart.needs]
        if given and (drawn := load(chart.function)(*given, chart)) is not None:
            found[name] = drawn
    missing = declare_missing_charts(summary, found)
    return found | {name: load(chart.function)(summary, chart) for name, chart in missing.items()}


def choose_picture(spec: Mapping[str, Any], charts: Iterable[str]) -> str | None:
    """Return the name of the chart that answers a study's question, or None if there are no charts.

    It is the first of these that exists: the chart that the spec names; a chart of the first claim that has one,
    preferably one of exactly the claim's quantities; the predictor ranking; the outcome of training; the first chart.

    Args:
        spec: The spec in the form of run.json.
        charts: Names of the available charts, in the order of the page.
    """
    drawn = list(charts)
    if spec.get("picture") in drawn:
        return str(spec["picture"])
    known = catalog()
    shown = {name: known[name] for name in drawn if name in known}
    for claim in spec.get("claim", []):
        named = [claim[key] for key in ("quantity", "first", "second", "bound") if key in claim]
        both = [name for name, chart in shown.items() if chart.every and set(chart.quantities) == set(named)]
        some = [name for quantity in named for name, chart in shown.items() if quantity in chart.quantities]
        if both or some:
            return [*both, *some][0]
    return next((name for name in (*ANSWERS, *drawn) if name in drawn), None)
