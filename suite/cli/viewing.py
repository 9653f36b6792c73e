"""This module runs the commands that read existing results: claims, report, compare."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from suite.analysis.compare import compare
from suite.analysis.verdicts import verdict_rows
from suite.cli.errors import echo
from suite.cli.folders import alike, check_tables, damage_explained, load_plugins, load_specs
from suite.cli.formatting import print_verdicts
from suite.cli.options import LACKING, UNEXPECTED, SpecOptions
from suite.formatting import format_count
from suite.report.comparison_text import format_comparison
from suite.report.figures import write_figures
from suite.report.index import write_index
from suite.report.verdicts import convert_to_json, count_unmet
from suite.results.folder import Results
from suite.runs.draw import analyze_and_draw
from suite.spec.load import Study


def judge_claims(
    specs: SpecOptions,
    results: Path,
    as_json: bool,
    must_hold: bool,
) -> None:
    """Print a verdict on each claim of the current specs, from the tables of an earlier run.

    Raises:
        typer.Exit: If claims must hold and one has another verdict than the expected one.
    """
    studies = load_specs(specs)
    check_tables(studies, results)
    rows: list[dict[str, Any]] = []
    unmet = 0
    for study in studies:
        found = Results(results / study.spec.name)
        with damage_explained(found):
            # Claims may differ, since they are judged here.
            _warn_of_change(study, found, ("seed", "family", "domain", "measure"))
            verdicts = verdict_rows(study.spec.claim, found, study.spec.source)
        rows += convert_to_json(study.spec.name, verdicts)
        unmet += count_unmet(verdicts) if as_json else print_verdicts(study.spec.name, verdicts)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    if must_hold and unmet:
        raise typer.Exit(UNEXPECTED)


def draw_reports(
    specs: SpecOptions,
    results: Path,
    figures: Path | None,
) -> None:
    """Judge the claims of the current specs and draw the reports again, with figures if asked for."""
    studies = load_specs(specs)
    check_tables(studies, results)
    for study in studies:
        found = Results(results / study.spec.name)
        with damage_explained(found):
            _warn_of_change(study, found, found.run["spec"].keys() | study.spec.as_run().keys())
            page = analyze_and_draw(study, found)
            drawn = [] if figures is None else write_figures(found, figures)
        echo(f"{study.spec.name}: {page}")
        if drawn:
            echo(f"{study.spec.name}: {format_count(len(drawn), 'figure')} in {drawn[0].parent}")
    write_index(results)


def compare_runs(first: Path, second: Path, must_agree: bool, as_json: bool, plugins: list[Path] | None) -> None:
    """Print the differences between two results folders, or between two folders of a study.

    Raises:
        typer.Exit: If a verdict changed or, with `must_agree`, numbers differ beyond chance.
    """
    load_plugins(plugins)
    found = []
    for one, other in alike(first, second):
        results = Results(one), Results(other)
        with damage_explained(results[0]), damage_explained(results[1]):
            found.append(compare(*results))
    for line in () if as_json else (line for each in found for line in format_comparison(each)):
        echo(line)
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in found], indent=2))
    if any(each.verdicts or (must_agree and not each.numbers_agree) for each in found):
        raise typer.Exit(LACKING)


def _warn_of_change(study: Study, found: Results, keys: Iterable[str]) -> None:
    """Warn if the tables are from a spec that differs from the current one in any of these keys."""
    now = study.spec.as_run()
    if any(found.run["spec"].get(key) != now.get(key) for key in keys):
        echo(
            f"Warning: {study.spec.name}: the spec has changed since its tables were written; run the spec again",
            err=True,
        )
