"""Write the report: one page with every chart and table, which works offline."""

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from suite.analysis.series import main_axis, names_of_members
from suite.catalog.charts import CHARTS, declare_measured
from suite.catalog.dotted import load
from suite.formatting import format_count
from suite.report.answer import answer_question
from suite.report.captions import write_caption
from suite.report.charts import choose_picture, draw_charts
from suite.report.counts import count_study
from suite.report.folding import describe_folded
from suite.report.forest import group_claims
from suite.report.formatting import PageTable, count_diverged, records
from suite.report.measured import declare_missing_charts, describe_chart
from suite.report.page_tables import tabulate_overview, tabulate_precision
from suite.report.templating import embedded, environment, libraries, packed
from suite.report.verdicts import sum_up, tabulate_verdicts
from suite.results.files import write_text
from suite.results.schema import AGREEMENT, BOUNDS, COMPARISONS, INDEX, PHASES, TRENDS

if TYPE_CHECKING:
    from pathlib import Path

    from suite.results.folder import Results


def write_report(results: "Results") -> "Path":
    """Write report.html from the tables of a run and of its analysis; return its path."""
    tables = {
        "predictors": results.predictors,
        "agreement": results.analysis(AGREEMENT),
        "bounds": results.analysis(BOUNDS),
        "phases": results.analysis(PHASES),
        "comparisons": results.analysis(COMPARISONS),
        "trends": results.analysis(TRENDS),
        "verdicts": results.verdicts,
    }
    page = render(results.run, results.summary, tables, draw_charts(results), results.precision)
    write_text(results.report, page)
    return results.report


def render(
    run: dict[str, Any],
    summary: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    charts: dict[str, Any],
    precise: pd.DataFrame | None = None,
) -> str:
    """Render the report as HTML.

    Args:
        run: The content of run.json.
        summary: Statistics over draws.
        tables: The tables of the analysis by name.
        charts: Altair charts by name.
        precise: The table of the precision targets, if the spec has any.
    """
    rows = {name: records(table) for name, table in tables.items()}
    verdicts = rows["verdicts"]
    beneath = _tabulate_beneath(tables)
    written = tables | ({} if precise is None else {"precision": precise})
    declared = CHARTS | declare_missing_charts(summary, CHARTS.keys() & charts.keys())
    runs_along = summary[main_axis(summary)].nunique() > 1
    described = {
        name: describe_chart(declared.get(name, declare_measured(name, [name])), runs_along, bool(rows["predictors"]))
        for name in charts
    }
    answering = choose_picture(run["spec"], charts) or ""
    captions = {name: write_caption(chart, summary, rows) for name, chart in described.items()}
    sections = {}
    for name, chart in charts.items():
        # The schema of Vega-Lite is checked by tests, since checking takes longer than drawing.
        drawn = chart.to_dict(validate=False)
        sections[name] = {
            "name": name,
            "title": described[name].title,
            "caption": captions[name],
            "note": drawn.get("usermeta", {}).get("note", ""),
            "folded": "" if name == answering else describe_folded(described[name], drawn),
            "chart": embedded(packed(drawn, f"{described[name].title}. {captions[name]}")),
            "tables": beneath.get(name, []),
        }
    return (
        environment()
        .get_template("page.html")
        .render(
            run=run,
            failed=run["failed"],
            diverged=count_diverged(run),
            claim_groups=group_claims(verdicts),
            summed=sum_up(verdicts),
            verdicts=tabulate_verdicts(verdicts),
            answer=sections.pop(answering, None),
            counts=count_study(run, summary, verdicts),
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
            answer_sentence=answer_question(run, rows),
            provenance=origin(run),
            again=again(run),
            caveat=caveat(run),
            libraries=libraries(),
        )
    )


def _tabulate_beneath(tables: dict[str, pd.DataFrame]) -> dict[str, list[PageTable]]:
    """Format the tables beneath charts; return them by the name of the chart."""
    found = {}
    for name, chart in CHARTS.items():
        if chart.table is not None:
            shown: list[PageTable] = load(chart.table.function)(tables[chart.table.reads], chart.quantities)
            found[name] = [each for each in shown if each.rows]
    return found


_CHARACTERS = 12
"""Number of characters shown of a commit, or of a plug-in's checksum."""


def origin(run: dict[str, Any]) -> list[str]:
    """Return one sentence on the cells and their devices, and one on the software that wrote the page.

    Args:
        run: The content of run.json.
    """
    environment, cells = run["environment"], run["cells"]
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items() if version)
    commits = _join(_format_commit(cell.get("commit")) for cell in cells)
    processors = _join(cell.get("processor") for cell in cells)
    kernels = _join(cell.get("kernels") for cell in cells)
    threads = _join(cell.get("threads") for cell in cells)
    plugins = ", ".join(f"{name} ({digest[:_CHARACTERS]})" for name, digest in environment.get("plugins", {}).items())
    seconds = sum(cell["seconds"] for cell in cells)
    return [
        f"{format_count(len(cells), 'cell')}, {seconds:,.0f} s of computing time"
        + f" on {_join(cell['device'] for cell in cells)}"
        + (f", {threads} {'thread' if threads == '1' else 'threads'} each" if threads else "")
        + (f", CPU capability {processors}" if processors else "")
        + (f", kernels: {kernels}" if kernels else "")
        + (f", computed by commit {commits}" if commits else "")
        + ".",
        f"Tables and page written by suite {environment['suite']}"
        + (f", commit {_format_commit(environment['commit'])}" if environment["commit"] else "")
        + f", on {environment['system']} {environment['machine']}, Python {environment['python']}, {packages}"
        + (f"; plug-ins: {plugins}" if plugins else "")
        + ".",
    ]


def again(run: dict[str, Any]) -> str:
    """Return the command that computes a study again, or an empty string if the run did not record it.

    Args:
        run: The content of run.json.
    """
    if not run.get("asked"):
        return ""
    environment = run["environment"]
    files = [name for name in environment.get("plugins", {}) if not _is_module(name)]
    plugins = [part for name in files for part in ("--plugin", name)]
    commit = environment["commit"]
    checkout = f"git checkout {commit.removesuffix('+')[:_CHARACTERS]} && " if commit else ""
    return f"{checkout}python -m suite run {shlex.join([*plugins, *run['asked']])}"


def caveat(run: dict[str, Any]) -> str:
    """Return the reasons why that command may give other results, as the end of a sentence.

    It is empty if there is no command, or no such reason is known.
    """
    reasons = []
    if (run["environment"]["commit"] or "").endswith("+"):
        reasons.append("with uncommitted changes in the code")
    if any(not _is_module(name) for name in run["environment"].get("plugins", {})):
        reasons.append("with the original version of the plug-in's file")
    return f", {' and '.join(reasons)}" if run.get("asked") and reasons else ""


def _is_module(plugin: str) -> bool:
    """Return whether a plug-in is an installed module, which the command need not name, and not a file."""
    return not plugin.endswith(".py") and all(part.isidentifier() for part in plugin.split("."))


def _format_commit(commit: str | None) -> str | None:
    """Return a commit's first characters, and whether the code had changes since."""
    return commit and commit[:_CHARACTERS] + (" with uncommitted changes" if commit.endswith("+") else "")


def _join(values: Iterable[Any]) -> str:
    """Join distinct values by commas, without empty ones."""
    return ", ".join(dict.fromkeys(str(value) for value in values if value))
