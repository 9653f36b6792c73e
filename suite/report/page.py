"""The report: one page with every chart, readable without a network."""

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from suite.report.predictors import predictors_table
from suite.report.series import pick, with_series

if TYPE_CHECKING:
    from pathlib import Path

    from suite.runs.results import Results

CAPTIONS = {
    "variability": (
        "Variability at initialisation",
        "Means over draws with 95% intervals; medians dashed. A few draws carry the mean of deep, narrow members.",
    ),
    "collapse": (
        "Collapse to Constant",
        "Share of draws whose output hardly varies, with Wilson's 95% interval: against its own size (relative), "
        "against the size that theory predicts (absolute), or not at all (exact: one value, or a dead hidden layer).",
    ),
    "collapse_ways": (
        "The way they collapsed",
        "Shares of all draws: a dead layer; biases that outweigh the signal; norm: variation small for the predicted "
        "scale but not for the output's own size; or hidden vectors "
        "that all point the same way.",
    ),
    "slope_variation": (
        "Without a resolution",
        "Total variation of the slope per unit length, and kinks per line across the domain, from exact breakpoints. "
        "Medians dashed. V3 at a step wider than the kinks are apart smooths over them, so its peak may lie elsewhere.",
    ),
    "gradients": (
        "Gradients at initialisation",
        "Of the training loss, medians over draws. Collapse goes with small gradients but is not the same thing.",
    ),
    "learning_curves": (
        "Learning curves",
        "Means over replicates with 95% intervals, at the learning rate that validation chose.",
    ),
    "accuracy": ("After training", "Test accuracy and success rate against depth, with 95% intervals."),
    "accuracy_against_v3": (
        "Does variability tell what will train?",
        "A point a member, labelled with its depth. The table below has the rank correlations.",
    ),
    "activation_ratio": (
        "Activation ratio",
        "Hidden activations per parameter. One hidden layer with few inputs is an outlier, and belongs in no trend.",
    ),
    "landscapes": (
        "Landscapes",
        "Outputs over the plane, blue below 0 and red above: random ones scaled by their own largest value, "
        "trained ones as probabilities.",
    ),
}
"""Title and what to see, by chart."""


def write_report(results: "Results") -> "Path":
    """Draws report.html and predictors.csv in the results folder, from its tables alone.

    Returns:
        The page.
    """
    from suite.runs.store import write_whole  # noqa: PLC0415  # the page itself needs no store

    predictors = predictors_table(results.summary)
    page = render(results.run, results.summary, predictors, results.charts)
    write_whole(results.folder / "predictors.csv", lambda file: file.write(predictors.to_csv(index=False).encode()))
    file = results.folder / "report.html"
    write_whole(file, lambda handle: handle.write(page.encode()))
    return file


def render(run: dict[str, Any], summary: pd.DataFrame, predictors: pd.DataFrame, charts: dict[str, Any]) -> str:
    """The page as text.

    Args:
        run: the content of run.json.
        summary: statistics over draws.
        predictors: rank correlations.
        charts: Altair charts by name.
    """
    import jinja2  # noqa: PLC0415  # `list` and `check` need no templates
    import vl_convert as vlc  # noqa: PLC0415

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("suite.report"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    sections = [
        {
            "name": name,
            "title": CAPTIONS[name][0],
            "caption": CAPTIONS[name][1],
            "chart": _embedded(chart.to_dict()),
        }
        for name, chart in charts.items()
    ]
    return environment.get_template("page.html").render(
        run=run,
        sections=sections,
        overview=_overview(summary),
        predictors=_strongest(predictors),
        libraries=vlc.javascript_bundle(),  # type: ignore[call-arg]  # its stub asks for what its documentation leaves out,
    )


def _embedded(value: object) -> str:
    """JSON that may stand inside a script element: no text of a spec can end the element."""
    return json.dumps(value).replace("<", "\\u003c")


_OVERVIEW = {
    "v3": ("V3, mean; median", "{mean:.3g}; {median:.3g} ({ci_low:.3g} to {ci_high:.3g})"),
    "v3_over_rms": ("V3 / rms, mean; median", "{mean:.3g}; {median:.3g} ({ci_low:.3g} to {ci_high:.3g})"),
    "collapsed_relative": ("C2C, relative", "{mean:.3f} ({ci_low:.3f} to {ci_high:.3f})"),
    "collapsed_absolute": ("C2C, absolute", "{mean:.3f} ({ci_low:.3f} to {ci_high:.3f})"),
    "test_accuracy": ("test accuracy", "{mean:.3f} ({ci_low:.3f} to {ci_high:.3f})"),
    "success": ("success rate", "{mean:.2f} ({ci_low:.2f} to {ci_high:.2f})"),
}


def _overview(summary: pd.DataFrame) -> dict[str, Any]:
    """One row a member and series: the quantities that the study turns on."""
    rows: dict[tuple[str, int], dict[str, str]] = {}
    named = with_series(summary)
    for quantity, (title, pattern) in _OVERVIEW.items():
        for row in _records(pick(named, quantity)):
            cell = rows.setdefault((row["series"], row["depth"]), {"parameters": f"{row['parameters']:,}"})
            shown = pattern if pd.notna(row["ci_low"]) else pattern.partition(" (")[0]
            cell[title] = shown.format(**row) if pd.notna(row["mean"]) else ""
    titles = [
        "parameters",
        *(title for title, _ in _OVERVIEW.values() if any(title in cell for cell in rows.values())),
    ]
    ordered = sorted(rows, key=lambda key: key)
    return {
        "titles": titles,
        "rows": [(series, depth, [rows[series, depth].get(t, "") for t in titles]) for series, depth in ordered],
    }


def _strongest(predictors: pd.DataFrame) -> list[dict[str, Any]]:
    """The rank correlations as text, by group, the largest first."""
    ordered = predictors.sort_values(["training", "members", "spearman"], ascending=[True, True, False])
    return [
        row
        | {
            "spearman": _signed(row["spearman"]),
            "interval": _span(row, "ci_low", "ci_high"),
            "advantage": _signed(row["over_depth"]),
            "advantage_interval": _span(row, "over_depth_low", "over_depth_high"),
        }
        for row in _records(ordered)
    ]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _span(row: dict[str, Any], low: str, high: str) -> str:
    return "none" if pd.isna(row[low]) else f"{_signed(row[low])} to {_signed(row[high])}"


def _signed(value: float) -> str:
    return "none" if pd.isna(value) else f"{value:+.2f}"
