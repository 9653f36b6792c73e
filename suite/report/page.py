"""The report: one page with every chart and table, readable without a network."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import TypeAdapter

from suite.catalog.charts import CHARTS
from suite.catalog.claims import AnyClaim
from suite.claims.judge import judge_results
from suite.claims.spreadsheets import as_cell
from suite.claims.tell import COLUMNS, rows_of
from suite.report.answer import picture, summed, told
from suite.report.bounds import BOUND, bounds_table
from suite.report.captions import caption_of
from suite.report.comparisons import OUTCOMES, WAITS, comparisons_table
from suite.report.embedding import embedded, packed
from suite.report.index import FILE as INDEX
from suite.report.measured import undrawn
from suite.report.origin import again, caveat, origin
from suite.report.page_tables import PageTable, agreement, overview
from suite.report.phases import PHASES, phases_table
from suite.report.series import main_axis, names_of_members
from suite.report.templating import environment
from suite.report.tournament import standings
from suite.report.verdict_tables import bounds, outcomes, phases, precision, verdicts, waits

if TYPE_CHECKING:
    from pathlib import Path

    from suite.runs.results import Results


def _verdicts(results: "Results") -> pd.DataFrame:
    claims = TypeAdapter(list[AnyClaim]).validate_python(results.run["spec"].get("claim", []))
    judged = rows_of(judge_results(claims, results), results.run["spec"].get("source", ""))
    return pd.DataFrame(judged, columns=list(COLUMNS))


_TABLES: dict[str, Callable[["Results"], pd.DataFrame]] = {
    "tournament": lambda results: results.tournament,
    "bounds": lambda results: bounds_table(results.summary, results.values_of(BOUND)),
    "phases": lambda results: phases_table(results.values_of(PHASES), results.summary),
    "comparisons": lambda results: comparisons_table(results.values_of((*WAITS, *OUTCOMES)), results.summary),
    "verdicts": _verdicts,
}

DRAWN_UP = tuple(f"{name}.csv" for name in _TABLES)
"""The tables that reports write, each where there is something in it."""

_FORMER = ("predictors.csv",)
"""What reports of earlier versions wrote, and none writes any more."""


def write_report(results: "Results") -> "Path":
    """Draws report.html, and the tables that only reports need, from the study's tables alone.

    Returns:
        The page.
    """
    from suite.runs.store import write_text  # noqa: PLC0415  # the page itself needs no store

    tables = {name: drawn_up(results) for name, drawn_up in _TABLES.items()}
    page = render(results.run, results.summary, tables, results.charts, results.precision)
    for name, table in tables.items():
        file = results.folder / f"{name}.csv"
        if table.empty:
            file.unlink(missing_ok=True)
        else:
            write_text(file, _for_spreadsheets(table).to_csv(index=False))
    for former in _FORMER:
        (results.folder / former).unlink(missing_ok=True)
    file = results.folder / "report.html"
    write_text(file, page)
    return file


def _for_spreadsheets(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose words, which are a spec's author's, no spreadsheet runs; all other text is the suite's own."""
    words = [name for name in ("claim", "source") if name in table.columns]
    return table.assign(**{name: table[name].map(as_cell) for name in words})


def render(
    run: dict[str, Any],
    summary: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    charts: dict[str, Any],
    precise: pd.DataFrame | None = None,
) -> str:
    """The page as text.

    Args:
        run: the content of run.json.
        summary: statistics over draws.
        tables: the tournament, bounds, phases, comparisons and verdicts, by name.
        charts: Altair charts by name.
        precise: what a precision took, if the spec asked for one.
    """
    import vl_convert as vlc  # noqa: PLC0415  # `list` and `check` draw nothing

    beside = _beside(summary, tables)
    written = tables | ({} if precise is None else {"precision": precise})
    rest = undrawn(summary, CHARTS.keys() & charts.keys())
    runs_along = summary[main_axis(summary)].nunique() > 1
    captions = {name: caption_of(name, rest.get(name, []), runs_along) for name in charts}
    sections = {
        name: {
            "name": name,
            "title": captions[name][0],
            "caption": captions[name][1],
            "chart": embedded(packed(chart.to_dict(), ". ".join(captions[name]))),
            "tables": beside.get(name, []),
        }
        for name, chart in charts.items()
    }
    return (
        environment()
        .get_template("page.html")
        .render(
            run=run,
            failed=run["failed"],
            told=told(tables["verdicts"], run["spec"].get("claim", [])),
            summed=summed(tables["verdicts"]),
            verdicts=verdicts(tables["verdicts"]),
            answer=sections.pop(picture(run["spec"], charts) or "", None),
            sections=list(sections.values()),
            overview=overview(summary),
            precision=precision(precise),
            files=[
                "summary.csv",
                "members.csv",
                *(name + ".csv" for name, table in written.items() if not table.empty),
            ],
            members=embedded(names_of_members(summary)),
            axis=main_axis(summary),
            index=INDEX,
            provenance=origin(run),
            again=again(run),
            caveat=caveat(run),
            libraries=vlc.javascript_bundle(),  # type: ignore[call-arg]  # its stub asks for what its documentation leaves out
        )
    )


def _beside(summary: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> dict[str, list[PageTable]]:
    """The tables under each chart."""
    found = {
        "tournament": standings(tables["tournament"]),
        "success_bound": [bounds(tables["bounds"])],
        "feature_diversity": [phases(tables["phases"])],
        "phase_1": [waits(tables["comparisons"])],
        "accuracy": outcomes(tables["comparisons"]),
        "correlation": [agreement(summary, ["correlation"])],
        "jacobian": [agreement(summary, ["jacobian_mean", "jacobian_ratio"])],
        "dead_neurons": [agreement(summary, ["dead_fraction", "born_dead"])],
    }
    return {name: [table for table in some if table.rows] for name, some in found.items()}
