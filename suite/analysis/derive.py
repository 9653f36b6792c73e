"""Compute the tables of the analysis from the tables of a run, and write them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from suite.analysis.agreement import agreement_table
from suite.analysis.comparisons import comparisons_table
from suite.analysis.predictors import predictors_table
from suite.analysis.series import pick, selected, training_axes, with_layer_widths, with_series
from suite.analysis.trends import trends_table
from suite.analysis.verdicts import verdict_rows
from suite.catalog.charts import charts, facts
from suite.catalog.claims import Claim
from suite.catalog.quantities import QUANTITIES
from suite.results.folder import Results
from suite.results.schema import (
    AGREEMENT,
    BOUND_COLUMNS,
    BOUNDS,
    COMPARISONS,
    PHASE_COLUMNS,
    PHASES,
    PREDICTORS,
    TRENDS,
    VERDICT_COLUMNS,
    VERDICTS,
)
from suite.results.tables import write_analysis
from suite.statistics.paired import paired_means


def derive(results: Results, claims: Sequence[Claim], source: str) -> None:
    """Compute and write the tables of the analysis.

    They are the predictor ranking, agreement with theory, bounds, phases, comparisons, trends and verdicts.

    Args:
        results: The tables of a run.
        claims: The claims of the study, as its spec makes them now.
        source: The source of the study, for claims that name none.
    """
    summary = results.summary
    verdicts = verdict_rows(claims, results, source)
    write_analysis(
        results.folder,
        {
            PREDICTORS: predictors_table(results),
            AGREEMENT: agreement_table(summary, _compared_with_theory()),
            BOUNDS: bounds_table(summary, results.values_of((facts.BOUND.bound, facts.BOUND.outcome))),
            PHASES: phases_table(results.values_of(facts.PHASES.quantities), summary),
            COMPARISONS: comparisons_table(
                results.values_of((*facts.COMPARED_TIMES, *facts.COMPARED_OUTCOMES)), summary
            ),
            TRENDS: trends_table(with_layer_widths(summary, results.members), results.values_of),
            VERDICTS: pd.DataFrame(verdicts, columns=list(VERDICT_COLUMNS)),
        },
    )


def _compared_with_theory() -> list[str]:
    """Return the quantities that charts compare with theory, in the charts' order."""
    tables = [chart for chart in charts().values() if chart.table and chart.table.reads == "agreement"]
    return list(dict.fromkeys(quantity for chart in tables for quantity in chart.quantities))


def phases_table(values: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Return the change of the mean cosine of features in phase 1 and after it, with 95% intervals.

    For a network that never leaves phase 1, the whole change is in phase 1, and it is left out of the change after it.
    A network that diverged is left out. `start` and `peak` are values of the mean curve, which may peak well before
    phase 1 ends. `n` is the number of replicates with a change in phase 1.

    Args:
        values: The raw values of the cosine and of its changes.
        summary: The summary, which contains the selected learning rates.

    Returns:
        One row per member, training setting and layer; empty if features were not measured.
    """
    if not values["quantity"].isin([facts.PHASES.early, facts.PHASES.late]).any():
        return pd.DataFrame(columns=list(PHASE_COLUMNS))
    curves, early, late = (_by_place(values, summary, name) for name in facts.PHASES.quantities)
    found = []
    for place, curve in curves.items():
        mean = curve.groupby("step")["value"].mean()
        peak = int(mean.to_numpy(dtype=float).argmax())
        inside, after = (_change(changes[place]) for changes in (early, late))
        known = int(early[place]["value"].notna().sum())
        found.append((*place, known, mean.iloc[0], mean.iloc[peak], int(mean.index[peak]), *inside, *after))
    return pd.DataFrame(found, columns=list(PHASE_COLUMNS))


def _by_place(values: pd.DataFrame, summary: pd.DataFrame, quantity: str) -> dict[tuple[Any, ...], pd.DataFrame]:
    """Return the rows of a quantity, grouped by series, axis, value of the axis and layer."""
    rows = with_series(selected(values, summary, quantity))
    return {tuple(place): group for place, group in rows.groupby([*tuple(PHASE_COLUMNS)[:4]], sort=False)}


def _change(rows: pd.DataFrame) -> tuple[float, float, float]:
    """Return the mean change and the ends of its 95% interval; missing changes are left out."""
    changes = rows["value"].dropna().to_numpy(dtype=float)
    found = paired_means(np.zeros_like(changes), changes)
    low, high = np.clip(found.interval, *QUANTITIES[facts.PHASES.early].range)
    return found.value, float(low), float(high)


def bounds_table(summary: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Compare the success rate with the trainability, which bounds it from above.

    `bound` is "holds" if the success rate is at most the trainability, "holds within intervals" if it is larger but the
    two 95% intervals overlap, and "violated" if they do not. `without` counts the replicates that succeeded although
    draw i, from which replicate i starts, lacks what the task needs (its trainability is 0). It is 0 if dead neurons
    are determined exactly. Sampling finds too many dead neurons, so that `without` may then be larger.

    Args:
        summary: The summary of the study.
        values: The raw values of trainability and success.

    Returns:
        One row per member and training setting that has both; empty if the study does not measure both.
    """
    named = with_series(summary)
    able, success = pick(named, facts.BOUND.bound), pick(named, facts.BOUND.outcome)
    if able.empty or success.empty:
        return pd.DataFrame(columns=list(BOUND_COLUMNS))
    keys = ["member", *(axis for axis in training_axes(able) if able[axis].notna().any())]
    statistics = ["mean", "ci_low", "ci_high"]
    rows = success.merge(able[[*keys, *statistics, "theory"]], on=keys, suffixes=("_success", "_able"))
    slack = rows["mean_success"] - rows["mean_able"]
    apart = rows["ci_low_success"] > rows["ci_high_able"]
    bound = np.where(apart, "violated", np.where(slack > 0, "holds within intervals", "holds"))
    settings = ["member", *training_axes(summary)]
    return pd.DataFrame(
        {
            "series": rows["series"],
            "axis": rows["axis"],
            "along": rows["along"],
            "member": rows["member"],
            "theory": rows["theory_able"],
            facts.BOUND.bound: rows["mean_able"],
            f"{facts.BOUND.bound}_low": rows["ci_low_able"],
            f"{facts.BOUND.bound}_high": rows["ci_high_able"],
            facts.BOUND.outcome: rows["mean_success"],
            f"{facts.BOUND.outcome}_low": rows["ci_low_success"],
            f"{facts.BOUND.outcome}_high": rows["ci_high_success"],
            "replicates": rows["n"],
            "without": _count_successes_without(summary, values, keys, settings, rows),
            "bound": bound,
        }
    )


def _count_successes_without(
    summary: pd.DataFrame, values: pd.DataFrame, keys: list[str], settings: list[str], rows: pd.DataFrame
) -> list[int]:
    """Count the successful replicates of each row that start from a network of trainability 0."""
    able = values.loc[values["quantity"] == facts.BOUND.bound, [*keys, "draw", "value"]]
    done = selected(values, summary, facts.BOUND.outcome)[[*settings, "draw", "value"]]
    joined = done.merge(able, on=[*keys, "draw"], suffixes=("_success", "_able"))
    broken = joined[(joined["value_success"] == 1) & (joined["value_able"] == 0)]
    places = [tuple(place) for place in broken[settings].astype(str).itertuples(index=False)]
    return [places.count(tuple(row)) for row in rows[settings].astype(str).itertuples(index=False)]
