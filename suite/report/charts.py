"""The Altair charts of a study, from its tables alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from suite.analysis.comparisons import WAITS
from suite.analysis.series import with_series
from suite.report import death, features, signal, tournament, training, variability
from suite.report.landscapes import decision_boundary, landscapes_chart
from suite.report.marks import Chart
from suite.report.measured import measured, undrawn
from suite.results.folder import Results


def draw_charts(results: Results) -> dict[str, Chart]:
    """Return the Altair charts of a study by name, in the order of the report.

    Args:
        results: The tables of a run and of its analysis.
    """
    tasks = results.run["spec"]["measure"].get("accuracy", {}).get("task", [])
    return charts_of(results.summary, results.landscapes, results.values_of(WAITS), results.tournament, tasks)


def charts_of(
    summary: pd.DataFrame,
    landscapes: pd.DataFrame | None = None,
    waits: pd.DataFrame | None = None,
    standings: pd.DataFrame | None = None,
    tasks: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Chart]:
    """Every chart that the study's quantities allow, by name, in the order of the report; no quantity is without one.

    Args:
        summary: statistics over draws.
        landscapes: outputs over the plane, if the study has two inputs.
        waits: raw values of waiting times, if the study has some.
        standings: of the tournament, if the spec asks for one.
        tasks: that networks are trained on, as run.json has them.
    """
    summary = with_series(summary)
    boards = None if landscapes is None else (landscapes, summary, tasks)
    makers: dict[str, Callable[[], Chart | None]] = {
        "variability": lambda: variability.variability(summary),
        "collapse": lambda: variability.collapse(summary),
        "collapse_ways": lambda: variability.collapse_ways(summary),
        "slope_variation": lambda: variability.slope_variation(summary),
        "correlation": lambda: signal.correlation(summary),
        "jacobian": lambda: signal.jacobian(summary),
        "dead_neurons": lambda: death.dead_neurons(summary),
        "success_bound": lambda: death.success_bound(summary),
        "trainability": lambda: death.trainability(summary),
        "gradients": lambda: variability.gradients(summary),
        "feature_diversity": lambda: features.feature_diversity(summary),
        "phase_1": lambda: None if waits is None else features.phase_1(waits, summary),
        "learning_curves": lambda: training.learning_curves(summary),
        "revival": lambda: death.revival(summary),
        "accuracy": lambda: training.accuracy(summary),
        "accuracy_against_v3": lambda: training.accuracy_against_v3(summary),
        "tournament": lambda: None if standings is None else tournament.ranked(standings),
        "tournament_by_training": lambda: None if standings is None else tournament.by_training(standings),
        "activation_ratio": lambda: variability.activation_ratio(summary),
        "landscapes": lambda: None if boards is None else landscapes_chart(*boards),
        "decision_boundary": lambda: None if boards is None else decision_boundary(*boards),
    }
    found = {name: chart for name, make in makers.items() if (chart := make()) is not None}
    return found | {name: measured(summary, quantities) for name, quantities in undrawn(summary, found).items()}
