"""Write the captions of charts: what is drawn, and what the study's own tables say about it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from suite.analysis.series import main_axis, pick, with_series
from suite.catalog.charts.declaration import ChartDeclaration
from suite.catalog.charts.facts import BOUND
from suite.catalog.dotted import load
from suite.formatting import format_count
from suite.report.predictor_text import beating_baselines, describe_best, describe_predictor, group_outcomes
from suite.report.trend_text import describe_trends, join_words
from suite.results.schema import STEP, WITHIN_ACTIVATION

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]
"""The tables of the analysis as rows, by name: trends, bounds, phases, comparisons and predictors."""


def write_caption(chart: ChartDeclaration, summary: pd.DataFrame, rows: Rows) -> str:
    """Return the caption of a chart.

    It says what is drawn, and then what the data show; nothing in it is about data that a study does not have.

    Args:
        chart: The declaration of the chart, with a caption.
        summary: Statistics over draws.
        rows: The tables of the analysis.
    """
    found = summary[summary["quantity"].isin([*chart.drawn, *chart.beside])]
    measured = set(found["quantity"])
    parts = [chart.caption]
    parts += [drawn.about for quantity, drawn in [*chart.drawn.items(), *chart.beside.items()] if quantity in measured]
    if summary[main_axis(summary)].nunique() > 1 and any(
        drawn.median for quantity, drawn in chart.drawn.items() if quantity in measured
    ):
        parts.append("Medians are dashed; if they differ much from the means, a few draws dominate these.")
    if found.loc[found["quantity"].isin(list(chart.drawn)), "theory"].notna().any():
        parts.append(chart.theory)
    parts += load(chart.sentences)(chart, rows, summary) if chart.sentences else []
    return " ".join(filter(None, parts))


def state_trends(chart: ChartDeclaration, rows: Rows, _summary: pd.DataFrame) -> list[str]:
    """Return sentences on the trends of the quantities that a chart draws."""
    return describe_trends(chart.drawn, rows["trends"])


def state_trends_of_both(chart: ChartDeclaration, rows: Rows, _summary: pd.DataFrame) -> list[str]:
    """Return sentences on the trends of the quantities that a chart draws, and of those beside them."""
    return describe_trends({**chart.drawn, **chart.beside}, rows["trends"])


def state_revival(chart: ChartDeclaration, rows: Rows, summary: pd.DataFrame) -> list[str]:
    """Return sentences on the curves that the chart of revivals draws.

    They are those of the largest members of each series that starts with dead neurons.
    """
    (revivable,) = chart.beside
    start = pick(with_series(summary), revivable)
    dead = set(start.loc[start["mean"] > 0, "series"])
    curves = [row for row in rows["trends"] if row["axis"] == STEP and row["quantity"] in chart.drawn]
    largest = {name: max(row["along"] for row in curves if row["series"] == name) for name in _series_of(curves) & dead}
    return describe_trends(chart.drawn, [row for row in curves if row["along"] == largest.get(row["series"])])


def _series_of(rows: Sequence[Row]) -> set[str]:
    return {str(row["series"]) for row in rows}


def state_bounds(_chart: ChartDeclaration, rows: Rows, _summary: pd.DataFrame) -> list[str]:
    """Return a sentence on how often success exceeds the quantity that bounds it."""
    found = rows["bounds"]
    violated = sum(row["bound"] == "violated" for row in found)
    within = sum(row["bound"] == "holds within intervals" for row in found)
    if not found:
        return []
    return [
        f"{BOUND.outcome.capitalize()} exceeds {BOUND.bound} in {violated + within} of "
        f"{format_count(len(found), 'point')}; the 95% intervals "
        + (f"do not overlap in {violated} of these." if violated else "overlap in all of these.")
    ]


def state_phases(_chart: ChartDeclaration, rows: Rows, _summary: pd.DataFrame) -> list[str]:
    """Return a sentence on how the cosine of features changes in phase 1 and after it, in the last recorded layer."""
    last: dict[tuple[str, float], Row] = {}
    for row in rows["phases"]:
        place = (row["series"], row["along"])
        if place not in last or row["layer"] > last[place]["layer"]:
            last[place] = row
    if not last:
        return []
    rises, later_rises = (sum(row[low] > 0 for row in last.values()) for low in ("in_low", "after_low"))
    falls, later_falls = (sum(row[high] < 0 for row in last.values()) for high in ("in_high", "after_high"))
    return [
        f"In phase 1, the cosine over all pairs rises in {rises} and falls in {falls} of "
        f"{format_count(len(last), 'network')}; after it, it rises in {later_rises} and falls in {later_falls} "
        "(95% intervals that exclude 0, not corrected)."
    ]


def state_times(chart: ChartDeclaration, rows: Rows, _summary: pd.DataFrame) -> list[str]:
    """Return a sentence on the comparisons of times to an event between settings."""
    found = [row for row in rows["comparisons"] if row["quantity"] in chart.drawn]
    shorter, longer = (sum(row["verdict"] == verdict for row in found) for verdict in ("shorter", "longer"))
    if not found:
        return []
    return [
        f"In {format_count(len(found), 'comparison')} of a setting with one listed before it, the time is shorter in "
        f"{shorter} and longer in {longer}; the others are undecided (log-rank test, corrected for all of them)."
    ]


def state_prediction(chart: ChartDeclaration, rows: Rows, _summary: pd.DataFrame) -> list[str]:
    """Return a sentence on the rank correlation of the chart's predictor with its outcome, for each training."""
    outcome, predictor = chart.drawn
    sentences = []
    for (found, training), ranking in group_outcomes(rows["predictors"]):
        row = next((each for each in ranking if each["predictor"].lstrip("-") == predictor), None)
        if found == outcome and row is not None:
            of = f" ({training})" if training else ""
            sentences.append(
                f"Rank correlation over members with two or more hidden layers{of}: {describe_predictor(row)}."
            )
    return sentences[:2] if len(sentences) <= 2 else []


def state_ranking(_chart: ChartDeclaration, rows: Rows, _summary: pd.DataFrame) -> list[str]:
    """Return sentences on the best predictor of each outcome and training, if there are few, and on its groups."""
    found = list(group_outcomes(rows["predictors"]))
    sentences = []
    if any(row["group"] == WITHIN_ACTIVATION for row in rows["predictors"]):
        sentences.append("'within activation' averages the correlations within each activation.")
    if len(found) > 2:
        leading = [ranking for _, ranking in found if beating_baselines(ranking)]
        return [
            *sentences,
            f"A predictor is shown to beat its best baseline in {len(leading)} of {len(found)} outcomes and settings.",
        ]
    return sentences + [
        f"{outcome.replace('_', ' ').capitalize()}{f' ({training})' if training else ''}: {describe_best(ranking)}."
        for (outcome, training), ranking in found
    ]


def state_ranking_by_training(_chart: ChartDeclaration, rows: Rows, _summary: pd.DataFrame) -> list[str]:
    """Return a sentence on which measured predictors come first, over the training settings."""
    firsts = [ranking[0]["predictor"] for _, ranking in group_outcomes(rows["predictors"]) if ranking]
    if not firsts:
        return []
    counts = sorted({name: firsts.count(name) for name in firsts}.items(), key=lambda pair: -pair[1])
    named = join_words([f"{name} in {count}" for name, count in counts[:3]])
    more = f", others in {sum(count for _, count in counts[3:])}" if len(counts) > 3 else ""
    return [f"Of {format_count(len(firsts), 'setting')}, the first measured predictor is {named}{more}."]
