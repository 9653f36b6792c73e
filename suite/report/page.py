"""The report: one page with every chart and table, readable without a network."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import vl_convert as vlc

from suite.analysis.series import main_axis, names_of_members
from suite.catalog.charts import CHARTS, declare_measured
from suite.catalog.dotted import load
from suite.report.charts import choose_picture, draw_charts
from suite.report.formatting import PageTable, records
from suite.report.measured import describe_chart, find_undrawn
from suite.report.origin import again, caveat, origin
from suite.report.page_tables import tabulate_overview, tabulate_precision
from suite.report.templating import embedded, environment, packed
from suite.report.verdicts import sum_up, tabulate_verdicts, word_verdicts
from suite.results.files import write_text
from suite.results.schema import BOUNDS, COMPARISONS, INDEX, PHASES

if TYPE_CHECKING:
    from pathlib import Path

    from suite.results.folder import Results


def write_report(results: "Results", claims: Sequence[Mapping[str, Any]]) -> "Path":
    """Draw report.html from the tables of a run and of its analysis.

    Args:
        results: The study's results.
        claims: The claims that the verdicts are on, in the same order and in JSON's types.

    Returns:
        The page.
    """
    tables = {
        "tournament": results.tournament,
        "bounds": results.analysis(BOUNDS),
        "phases": results.analysis(PHASES),
        "comparisons": results.analysis(COMPARISONS),
        "verdicts": results.verdicts,
    }
    page = render(results.run, results.summary, tables, draw_charts(results), results.precision, claims)
    write_text(results.report, page)
    return results.report


def render(
    run: dict[str, Any],
    summary: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    charts: dict[str, Any],
    precise: pd.DataFrame | None = None,
    claims: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The page as text.

    Args:
        run: the content of run.json.
        summary: statistics over draws.
        tables: the tournament, bounds, phases, comparisons and verdicts, by name.
        charts: Altair charts by name.
        precise: what a precision took, if the spec asked for one.
        claims: that the verdicts are on, in the same order.
    """
    verdicts = records(tables["verdicts"])
    beneath = _tables_beneath(summary, tables)
    written = tables | ({} if precise is None else {"precision": precise})
    declared = CHARTS | find_undrawn(summary, CHARTS.keys() & charts.keys())
    runs_along = summary[main_axis(summary)].nunique() > 1
    described = {
        name: describe_chart(declared.get(name, declare_measured(name, [name])), runs_along) for name in charts
    }
    sections = {
        name: {
            "name": name,
            "title": described[name].title,
            "caption": described[name].caption,
            "chart": embedded(packed(chart.to_dict(), f"{described[name].title}. {described[name].caption}")),
            "tables": beneath.get(name, []),
        }
        for name, chart in charts.items()
    }
    return (
        environment()
        .get_template("page.html")
        .render(
            run=run,
            failed=run["failed"],
            told=word_verdicts(verdicts, claims),
            summed=sum_up(verdicts),
            verdicts=tabulate_verdicts(verdicts),
            answer=sections.pop(choose_picture(run["spec"], charts) or "", None),
            sections=list(sections.values()),
            overview=tabulate_overview(summary),
            precision=tabulate_precision(precise),
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


def _tables_beneath(summary: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> dict[str, list[PageTable]]:
    """Return the tables beneath each chart that has some."""
    found = {}
    for name, chart in CHARTS.items():
        if chart.table is not None:
            table = summary if chart.table.reads == "theory" else tables[chart.table.reads]
            shown: list[PageTable] = load(chart.table.function)(table, chart.quantities)
            found[name] = [each for each in shown if each.rows]
    return found
