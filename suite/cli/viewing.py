"""The commands that look at specs and at what runs have left: claims, compare, check, report."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from suite.cli.app import app
from suite.cli.endings import echo, errors_as_exit_codes, warn
from suite.cli.folders import alike, check_tables, damage_explained, loaded, plug_in
from suite.cli.options import (
    LACKING,
    UNEXPECTED,
    AsJson,
    Changes,
    MustHold,
    PlugIns,
    Quick,
    ResultsFolder,
    Specs,
    path_given,
)
from suite.cli.telling import tell_verdicts
from suite.formatting import counted

if TYPE_CHECKING:
    from suite.results.folder import Results
    from suite.spec.load import Study


@app.command("claims", short_help="Judge the specs' claims again by a run's tables.")
def judge_claims(
    paths: Specs,
    results: ResultsFolder = Path("results"),
    as_json: AsJson = False,
    must_hold: MustHold = False,
    in_part: Quick = False,
    changes: Changes = None,
    plugins: PlugIns = None,
) -> None:
    """Judge the specs' claims by the tables that a run has left, without computing."""
    with errors_as_exit_codes():
        from suite.analysis.verdicts import judge_results, rows_of  # noqa: PLC0415
        from suite.report.verdicts import convert_to_json, count_unexpected  # noqa: PLC0415
        from suite.results.folder import Results  # noqa: PLC0415

        plug_in(plugins)
        studies = loaded(paths, changes, in_part)
        check_tables(studies, results)
        rows: list[dict[str, Any]] = []
        surprises = 0
        for study in studies:
            found = Results(results / study.spec.name)
            with damage_explained(found):
                _warn_of_change(study, found, ("seed", "family", "domain", "measure"))  # claims may have been added
                verdicts = rows_of(judge_results(study.spec.claim, found), study.spec.source)
            rows += convert_to_json(study.spec.name, verdicts)
            surprises += count_unexpected(verdicts) if as_json else tell_verdicts(study.spec.name, verdicts)
        if as_json:
            typer.echo(json.dumps(rows, indent=2))
        if must_hold and surprises:
            raise typer.Exit(UNEXPECTED)


@app.command(short_help="Say what differs between two runs.")
def compare(
    first: Annotated[
        Path, typer.Argument(metavar="A", parser=path_given, help="A results folder, or one study's in it.")
    ],
    second: Annotated[Path, typer.Argument(metavar="B", parser=path_given, help="Another.")],
    must_agree: Annotated[
        bool, typer.Option("--numbers-must-agree", help="Exit code 1 also where numbers differ beyond chance.")
    ] = False,
    as_json: AsJson = False,
    plugins: PlugIns = None,
) -> None:
    """Compare two runs: spec, environment, numbers beyond chance, and verdicts; exit code 1 where a verdict changed."""
    with errors_as_exit_codes():
        from suite.analysis.compare import compare as compared  # noqa: PLC0415
        from suite.report.comparison_text import lines_of  # noqa: PLC0415
        from suite.results.folder import Results  # noqa: PLC0415

        plug_in(plugins)
        found = []
        for one, other in alike(first, second):
            results = Results(one), Results(other)
            with damage_explained(results[0]), damage_explained(results[1]):
                found.append(compared(*results))
        for line in () if as_json else (line for each in found for line in lines_of(each)):
            echo(line)
        if as_json:
            typer.echo(json.dumps([each.as_json() for each in found], indent=2))
        if any(each.verdicts or (must_agree and not each.numbers_agree) for each in found):
            raise typer.Exit(LACKING)


@app.command(short_help="Find every fault of specs, with its line and a cure.")
def check(paths: Specs, in_part: Quick = False, changes: Changes = None, plugins: PlugIns = None) -> None:
    """Check specs: every fault with its line and a cure, before anything is computed."""
    with errors_as_exit_codes():
        from suite.catalog.measures import precisely  # noqa: PLC0415

        plug_in(plugins)
        for study in loaded(paths, changes, in_part):
            warn(study.warnings)
            measures = ", ".join(name + precisely(name, settings) for name, settings in study.spec.measures.items())
            echo(f"{study.spec.name}: {counted(len(study.members), 'member')}; {measures}")


@app.command(short_help="Draw the reports again from a run's tables.")
def report(
    paths: Specs,
    results: ResultsFolder = Path("results"),
    figures: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            parser=path_given,
            help="Also write each chart as PNG and SVG, sized for print, into DIR/STUDY.",
        ),
    ] = None,
    in_part: Quick = False,
    changes: Changes = None,
    plugins: PlugIns = None,
) -> None:
    """Draw the reports again from the tables that a run has left, without computing."""
    with errors_as_exit_codes():
        from suite.report.figures import write_figures  # noqa: PLC0415
        from suite.report.index import write_index  # noqa: PLC0415
        from suite.results.folder import Results  # noqa: PLC0415
        from suite.runs.run import draw_report  # noqa: PLC0415

        plug_in(plugins)
        studies = loaded(paths, changes, in_part)
        check_tables(studies, results)
        for study in studies:
            found = Results(results / study.spec.name)
            with damage_explained(found):
                _warn_of_change(study, found, found.run["spec"].keys() | study.spec.as_run().keys())
                page = draw_report(study, found)
                drawn = [] if figures is None else write_figures(found, figures)
            echo(f"{study.spec.name}: {page}")
            if drawn:
                echo(f"{study.spec.name}: {counted(len(drawn), 'figure')} in {drawn[0].parent}")
        write_index(results)


def _warn_of_change(study: "Study", found: "Results", keys: Iterable[str]) -> None:
    """That tables are of another spec than the one at hand, as far as these keys go."""
    now = study.spec.as_run()
    if any(found.run["spec"].get(key) != now.get(key) for key in keys):
        echo(f"{study.spec.name}: the spec has changed since these tables; run it again (warning)", err=True)
