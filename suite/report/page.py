"""The report: one page with every chart and table, readable without a network."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from suite.analysis.series import main_axis, names_of_members
from suite.catalog.charts import CHARTS
from suite.report.answer import picture, summed, told
from suite.report.captions import caption_of
from suite.report.charts import draw_charts
from suite.report.embedding import embedded, packed
from suite.report.index import FILE as INDEX
from suite.report.measured import undrawn
from suite.report.origin import again, caveat, origin
from suite.report.page_tables import PageTable, agreement, overview
from suite.report.templating import environment
from suite.report.tournament import standings
from suite.report.verdict_tables import bounds, outcomes, phases, precision, verdicts, waits
from suite.results.files import write_text
from suite.results.schema import BOUNDS, COMPARISONS, PHASES

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
            told=told(tables["verdicts"], claims),
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
