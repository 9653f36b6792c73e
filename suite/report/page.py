"""The report: one page with every chart and table, readable without a network."""

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd
import vl_convert as vlc

from suite.analysis.series import main_axis, names_of_members
from suite.catalog.charts import CHARTS, declare_measured
from suite.catalog.dotted import load
from suite.formatting import counted
from suite.report.charts import choose_picture, draw_charts
from suite.report.formatting import PageTable, records
from suite.report.measured import declare_missing_charts, describe_chart
from suite.report.page_tables import tabulate_overview, tabulate_precision
from suite.report.templating import embedded, environment, packed
from suite.report.verdicts import sum_up, tabulate_verdicts, word_verdicts
from suite.results.files import write_text
from suite.results.schema import AGREEMENT, BOUNDS, COMPARISONS, INDEX, PHASES

if TYPE_CHECKING:
    from pathlib import Path

    from suite.results.folder import Results


def write_report(results: "Results") -> "Path":
    """Draw report.html from the tables of a run and of its analysis; return its path."""
    tables = {
        "predictors": results.predictors,
        "agreement": results.analysis(AGREEMENT),
        "bounds": results.analysis(BOUNDS),
        "phases": results.analysis(PHASES),
        "comparisons": results.analysis(COMPARISONS),
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
    """The page as text.

    Args:
        run: the content of run.json.
        summary: statistics over draws.
        tables: the tables of the analysis by name.
        charts: Altair charts by name.
        precise: what a precision took, if the spec asked for one.
    """
    verdicts = records(tables["verdicts"])
    beneath = _tables_beneath(tables)
    written = tables | ({} if precise is None else {"precision": precise})
    declared = CHARTS | declare_missing_charts(summary, CHARTS.keys() & charts.keys())
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
            told=word_verdicts(verdicts),
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


def _tables_beneath(tables: dict[str, pd.DataFrame]) -> dict[str, list[PageTable]]:
    """Return the tables beneath each chart that has some."""
    found = {}
    for name, chart in CHARTS.items():
        if chart.table is not None:
            shown: list[PageTable] = load(chart.table.function)(tables[chart.table.reads], chart.quantities)
            found[name] = [each for each in shown if each.rows]
    return found


_SHOWN = 12
"""Characters of a commit, or of a plug-in's checksum."""


def origin(run: dict[str, Any]) -> list[str]:
    """What ran, where and with what, a sentence or two each.

    Args:
        run: the content of run.json.
    """
    environment, cells = run["environment"], run["cells"]
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items() if version)
    commits = _listed(_commit(cell.get("commit")) for cell in cells)
    processors = _listed(cell.get("processor") for cell in cells)
    threads = _listed(cell.get("threads") for cell in cells)
    plugins = ", ".join(f"{name} ({digest[:_SHOWN]})" for name, digest in environment.get("plugins", {}).items())
    seconds = sum(cell["seconds"] for cell in cells)
    return [
        f"{counted(len(cells), 'cell')}, {seconds:,.0f} s of computing on {_listed(cell['device'] for cell in cells)}"
        + (f", {threads} {'thread' if threads == '1' else 'threads'} each" if threads else "")
        + (f", instructions {processors}" if processors else "")
        + (f", by the code of commit {commits}" if commits else "")
        + ".",
        f"Tables and page by suite {environment['suite']}"
        + (f", commit {_commit(environment['commit'])}" if environment["commit"] else "")
        + f", on {environment['system']} {environment['machine']}, Python {environment['python']}, {packages}"
        + (f"; plug-ins: {plugins}" if plugins else "")
        + ".",
    ]


def again(run: dict[str, Any]) -> str:
    """The command that computes a study again; empty where the run has not kept how it was asked for.

    Args:
        run: the content of run.json.
    """
    if not run.get("asked"):
        return ""
    environment = run["environment"]
    files = [name for name in environment.get("plugins", {}) if not _is_module(name)]
    plugins = [part for name in files for part in ("--plugin", name)]
    commit = environment["commit"]
    checkout = f"git checkout {commit.removesuffix('+')[:_SHOWN]} && " if commit else ""
    return f"{checkout}python -m suite run {shlex.join([*plugins, *run['asked']])}"


def caveat(run: dict[str, Any]) -> str:
    """Why that command may come to something else; empty where nothing is known that speaks against it."""
    reasons = []
    if (run["environment"]["commit"] or "").endswith("+"):
        reasons.append("whose code had changes that no commit has")
    if any(not _is_module(name) for name in run["environment"].get("plugins", {})):
        reasons.append("with the plug-in's file as it was")
    return f", {' and '.join(reasons)}" if run.get("asked") and reasons else ""


def _is_module(plugin: str) -> bool:
    """Whether a plug-in is an installed one, which needs no naming, and no file."""
    return not plugin.endswith(".py") and all(part.isidentifier() for part in plugin.split("."))


def _commit(commit: str | None) -> str | None:
    """Short, and said so where the code had changed since."""
    return commit and commit[:_SHOWN] + (" with changes" if commit.endswith("+") else "")


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values if value))
