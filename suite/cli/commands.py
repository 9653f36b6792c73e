"""This module defines the commands with their arguments and their help.

Each command imports the function that runs it when it is called, so that `--help` loads none of these functions.
"""

from pathlib import Path
from typing import Annotated

import typer

from suite.cli.errors import errors_as_exit_codes, terminated_as_interrupted
from suite.cli.options import (
    AsJson,
    Changes,
    Device,
    MustHold,
    PlugIns,
    Quick,
    ResultsFolder,
    Specs,
    Where,
    path_given,
    workers_given,
)
from suite.results.provenance import suite_version

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(suite_version())
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[  # the callback prints the version
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Benchmarks of what makes multi-layer perceptrons trainable: specs in, tables and charts out."""


def _complete_study(incomplete: str) -> list[str]:
    from suite.spec.files import shipped_specs  # noqa: PLC0415  # used by shell completion only

    return [name for name in shipped_specs() if name.startswith(incomplete)]


def _complete_entry(incomplete: str) -> list[str]:
    from suite.cli.entries import names  # noqa: PLC0415  # used by shell completion only

    return [name for name in names() if name.startswith(incomplete)]


@app.command(short_help="Write a small spec to start from.")
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The name of the study, of its file and of the folder of its results.")
    ],
    like: Annotated[
        str | None,
        typer.Option(
            metavar="STUDY",
            help="Copy a study that comes with the suite, such as variability, or a file; notes say what to change.",
            autocompletion=_complete_study,
        ),
    ] = None,
    folder: Annotated[Path, typer.Option(metavar="DIR", parser=path_given, help="The folder to write it to.")] = Path(
        "specs"
    ),
) -> None:
    """Write a spec to start from, which runs as it is and explains itself. Never overwrites a file."""
    with errors_as_exit_codes():
        from suite.cli.specs import write_new_spec  # noqa: PLC0415  # see the module's docstring

        write_new_spec(name, like, folder)


@app.command(short_help="Report every error in specs, with its line and a hint.")
def check(paths: Specs, in_part: Quick = False, changes: Changes = None, plugins: PlugIns = None) -> None:
    """Report every error in specs, with its line and a hint, before anything is computed."""
    with errors_as_exit_codes():
        from suite.cli.specs import check_specs  # noqa: PLC0415  # see the module's docstring

        check_specs(paths, in_part, changes, plugins)


@app.command(short_help="Describe what studies will compute.")
def explain(paths: Specs, in_part: Quick = False, changes: Changes = None, plugins: PlugIns = None) -> None:
    """Describe studies: members, measures with settings, training, claims and predictors. Computes nothing."""
    with errors_as_exit_codes():
        from suite.cli.running import explain_studies  # noqa: PLC0415  # see the module's docstring

        explain_studies(paths, in_part, changes, plugins)


@app.command("list", short_help="List what a spec can name.")
def list_entries(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="One of them, or a quantity: all there is to say of it; or a heading, such as measures.",
            autocompletion=_complete_entry,
        ),
    ] = None,
    plugins: PlugIns = None,
) -> None:
    """List what a spec can name: measures, activations, initializations, tasks, domains, optimizers, claims."""
    with errors_as_exit_codes():
        from suite.cli.specs import print_entries  # noqa: PLC0415  # see the module's docstring

        print_entries(name, plugins)


@app.command(short_help="Print the JSON schema of specs, for editors.")
def schema(plugins: PlugIns = None) -> None:
    """Print the JSON schema of specs, by which editors complete and check them as they are written."""
    with errors_as_exit_codes():
        from suite.cli.specs import print_schema  # noqa: PLC0415  # see the module's docstring

        print_schema(plugins)


@app.command(short_help="Estimate what a run would compute, and its time, memory and disk.")
def plan(
    paths: Specs,
    results: ResultsFolder = Path("results"),
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=workers_given,
            help="The number of processes. Default: as many as `run` would start.",
        ),
    ] = None,
    as_json: AsJson = False,
    in_part: Quick = False,
    changes: Changes = None,
    plugins: PlugIns = None,
) -> None:
    """Say what a run would compute and why, and about what time, memory and disk it takes. Stores nothing."""
    with errors_as_exit_codes(), terminated_as_interrupted():
        from suite.cli.running import plan_studies  # noqa: PLC0415  # see the module's docstring

        plan_studies(paths, results, workers, as_json, in_part, changes, plugins)


@app.command(short_help="Compute what is missing, then write tables and pages.")
def run(
    paths: Specs,
    results: ResultsFolder = Path("results"),
    device: Where = Device.auto,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=workers_given,
            help="The number of processes. Default: one per core, or one per GPU.",
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N", help="Compute only the I-th of N parts, such as 1/8; then `merge` writes the tables."
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Compute on a Dask cluster, such as tcp://host:8786. Needs the extra `dask`.",
        ),
    ] = None,
    shared: Annotated[
        bool,
        typer.Option(
            "--shared",
            help="Let the cluster's workers write to the results folder, which all machines have at the same path.",
        ),
    ] = False,
    must_hold: MustHold = False,
    in_part: Quick = False,
    changes: Changes = None,
    plugins: PlugIns = None,
) -> None:
    """Compute what is missing of the studies, then write their tables and reports where these are not up to date."""
    with errors_as_exit_codes(), terminated_as_interrupted():
        from suite.cli.running import run_studies  # noqa: PLC0415  # see the module's docstring

        computing = (device.value, workers, scheduler, shared)
        run_studies(paths, results, computing, shard, must_hold, in_part, changes, plugins)


@app.command(short_help="Write tables and pages of studies that were run in parts.")
def merge(
    paths: Specs,
    results: ResultsFolder = Path("results"),
    in_part: Quick = False,
    changes: Changes = None,
    plugins: PlugIns = None,
) -> None:
    """Make the tables and reports of studies that were run in parts, or say what is missing. Computes nothing."""
    with errors_as_exit_codes(), terminated_as_interrupted():
        from suite.cli.running import merge_studies  # noqa: PLC0415  # see the module's docstring

        merge_studies(paths, results, in_part, changes, plugins)


@app.command(short_help="Judge the claims of specs again, from a run's tables.")
def claims(
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
        from suite.cli.viewing import judge_claims  # noqa: PLC0415  # see the module's docstring

        judge_claims(paths, results, as_json, must_hold, in_part, changes, plugins)


@app.command(short_help="Draw the pages again, from a run's tables.")
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
        from suite.cli.viewing import draw_reports  # noqa: PLC0415  # see the module's docstring

        draw_reports(paths, results, figures, in_part, changes, plugins)


@app.command(short_help="Compare two runs.")
def compare(
    first: Annotated[
        Path, typer.Argument(metavar="A", parser=path_given, help="A results folder, or one study's in it.")
    ],
    second: Annotated[Path, typer.Argument(metavar="B", parser=path_given, help="Another.")],
    must_agree: Annotated[
        bool, typer.Option("--numbers-must-agree", help="Exit with code 1 if numbers differ beyond chance.")
    ] = False,
    as_json: AsJson = False,
    plugins: PlugIns = None,
) -> None:
    """Compare two runs: spec, environment, numbers beyond chance, and verdicts; exit code 1 where a verdict changed."""
    with errors_as_exit_codes():
        from suite.cli.viewing import compare_runs  # noqa: PLC0415  # see the module's docstring

        compare_runs(first, second, must_agree, as_json, plugins)
