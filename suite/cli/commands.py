"""This module defines the commands with their arguments and their help.

Each command imports the function that runs it when it is called, so that `--help` loads none of these functions.
"""

from pathlib import Path
from typing import Annotated

import typer

from suite.cli.errors import errors_as_exit_codes, terminated_as_interrupted
from suite.cli.options import (
    AsJson,
    Categories,
    Changes,
    DataFiles,
    Device,
    Ignored,
    MustHold,
    PlugIns,
    Quick,
    ResultsFolder,
    SpecOptions,
    Specs,
    Targets,
    WhatToPredict,
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


def _print_version(context: typer.Context, asked: bool) -> None:
    if not asked:
        return
    if context.params.get("verbose"):
        with errors_as_exit_codes():
            from suite.cli.versions import print_versions  # noqa: PLC0415  # see the module's docstring

            print_versions()
    else:
        typer.echo(suite_version())
    raise typer.Exit


@app.callback()
def _program(
    version: Annotated[  # the callback prints the version
        bool, typer.Option("--version", callback=_print_version, help="Print the version.")
    ] = False,
    verbose: Annotated[  # eager, so that the callback of --version knows it
        bool,
        typer.Option(
            "--verbose",
            is_eager=True,
            help="With --version, also print the commit, the versions of Python and of packages, and the kernels.",
        ),
    ] = False,
) -> None:
    """Benchmarks of what makes multi-layer perceptrons trainable: specs in, tables and charts out."""
    if verbose:
        raise typer.BadParameter("it requires --version; add --version, or remove --verbose", param_hint="--verbose")


def _complete_study(incomplete: str) -> list[str]:
    from suite.spec.files import shipped_specs  # noqa: PLC0415  # used by shell completion only

    return [name for name in shipped_specs() if name.startswith(incomplete)]


def _complete_entry(incomplete: str) -> list[str]:
    from suite.cli.entries import names  # noqa: PLC0415  # used by shell completion only

    return [name for name in names() if name.startswith(incomplete)]


@app.command(short_help="Write a small spec to start from.")
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The name of the study, its file and its results folder.")
    ],
    like: Annotated[
        str | None,
        typer.Option(
            metavar="STUDY",
            help="Copy a shipped study, such as variability, or a spec file. Comments say what to change.",
            autocompletion=_complete_study,
        ),
    ] = None,
    folder: Annotated[Path, typer.Option(metavar="DIR", parser=path_given, help="The folder of the new spec.")] = Path(
        "specs"
    ),
) -> None:
    """Write a spec that runs as it is, with comments on each key. Existing files are never overwritten."""
    with errors_as_exit_codes():
        from suite.cli.specs import write_new_spec  # noqa: PLC0415  # see the module's docstring

        write_new_spec(name, like, folder)


@app.command(short_help="Report all errors in specs, with lines and hints.")
def check(
    paths: Specs, in_part: Quick = False, changes: Changes = None, data: DataFiles = None, plugins: PlugIns = None
) -> None:
    """Report all errors in specs, with lines and hints, without computing anything."""
    with errors_as_exit_codes():
        from suite.cli.specs import check_specs  # noqa: PLC0415  # see the module's docstring

        check_specs(SpecOptions(paths, in_part, changes, data, plugins))


@app.command(short_help="Describe what studies will compute.")
def explain(
    paths: Specs, in_part: Quick = False, changes: Changes = None, data: DataFiles = None, plugins: PlugIns = None
) -> None:
    """Describe the members, measures, training, claims and predictors of studies, without computing anything."""
    with errors_as_exit_codes():
        from suite.cli.running import explain_studies  # noqa: PLC0415  # see the module's docstring

        explain_studies(SpecOptions(paths, in_part, changes, data, plugins))


@app.command("list", short_help="List the names that a spec can use.")
def list_entries(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="An entry or a quantity to describe, or a heading such as measures.",
            autocompletion=_complete_entry,
        ),
    ] = None,
    plugins: PlugIns = None,
) -> None:
    """List measures, activations, initializations, tasks, domains, optimizers and claims that a spec can use."""
    with errors_as_exit_codes():
        from suite.cli.specs import print_entries  # noqa: PLC0415  # see the module's docstring

        print_entries(name, plugins)


@app.command(short_help="Print the JSON schema of specs, for editors.")
def schema(plugins: PlugIns = None) -> None:
    """Print the JSON schema of specs, with which editors complete and check them."""
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
            help="The number of processes. Default: the same as for `run`.",
        ),
    ] = None,
    as_json: AsJson = False,
    in_part: Quick = False,
    changes: Changes = None,
    data: DataFiles = None,
    plugins: PlugIns = None,
) -> None:
    """Show what a run would compute and why, and estimate its time, memory and disk. Nothing is stored."""
    with errors_as_exit_codes(), terminated_as_interrupted():
        from suite.cli.running import plan_studies  # noqa: PLC0415  # see the module's docstring

        plan_studies(SpecOptions(paths, in_part, changes, data, plugins), results, workers, as_json)


@app.command(short_help="Compute missing cells, then write tables and reports.")
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
        typer.Option(metavar="I/N", help="Compute only part I of N, such as 1/8. `merge` then writes the tables."),
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
            help="Let the workers of the cluster write to the results folder, which all machines must have at the "
            "same path.",
        ),
    ] = False,
    must_hold: MustHold = False,
    in_part: Quick = False,
    changes: Changes = None,
    data: DataFiles = None,
    plugins: PlugIns = None,
) -> None:
    """Compute the missing cells of studies, then write tables and reports that are not up to date."""
    with errors_as_exit_codes(), terminated_as_interrupted():
        from suite.cli.running import run_studies  # noqa: PLC0415  # see the module's docstring

        specs = SpecOptions(paths, in_part, changes, data, plugins)
        run_studies(specs, results, (device.value, workers, scheduler, shared), shard, must_hold)


@app.command(short_help="Diagnose a network of your own on a data file.")
def diagnose(
    model: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py:NAME",
            help="A Python file and the name of a torch.nn.Module in it, or of a function that returns one. The file "
            "is executed.",
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(metavar="FILE", parser=path_given, help="The data: a CSV, Parquet or NPZ file."),
    ],
    target: Targets = None,
    ignore: Ignored = None,
    categories: Categories = None,
    target_type: WhatToPredict = None,
    standardize: Annotated[
        bool,
        typer.Option("--standardize", help="Give the network inputs of mean 0 and variance 1, as your training does."),
    ] = False,
    learning_rate: Annotated[
        float | None,
        typer.Option(metavar="RATE", help="The learning rate of your training, above 0. Default: the best of four."),
    ] = None,
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="The number of steps of each training.")] = 400,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="The seed of splits, batches and new weights.")] = 0,
    results: ResultsFolder = Path("results"),
) -> None:
    """Find out what is wrong with a network on data, try what would fix it, and print the findings."""
    with errors_as_exit_codes(), terminated_as_interrupted():
        from suite.cli.diagnosing import diagnose as run_diagnose  # noqa: PLC0415  # see the module's docstring
        from suite.spec.recommendation import DataOptions  # noqa: PLC0415  # as above

        columns = (tuple(target or ()), tuple(ignore or ()), tuple(categories or ()))
        options = DataOptions(*columns, None if target_type is None else target_type.value)
        run_diagnose(model, data, options, standardize, learning_rate, steps, seed, results)


@app.command(short_help="Recommend a network to train on a data file.")
def recommend(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", parser=path_given, help="The data: a CSV, Parquet or NPZ file.")
    ],
    target: Targets = None,
    parameters: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="The number of parameters of each network. Default: 10,000."),
    ] = None,
    ignore: Ignored = None,
    categories: Categories = None,
    target_type: WhatToPredict = None,
    spec: Annotated[
        Path | None,
        typer.Option(
            metavar="SPEC",
            parser=path_given,
            help="Compare the networks and learning rates of this spec, whose data file is replaced.",
        ),
    ] = None,
    trainings: Annotated[
        float | None,
        typer.Option(metavar="N", min=1, help="The budget in full trainings. Default: 15% of all, at least 6."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", min=1, help="Stop after this time with what is known by then.")
    ] = None,
    results: ResultsFolder = Path("results"),
    plugins: PlugIns = None,
) -> None:
    """Compare networks on a data file by successive halving, and print a leaderboard with test scores."""
    with errors_as_exit_codes(), terminated_as_interrupted():
        from suite.cli.recommending import recommend as run_recommend  # noqa: PLC0415  # see the module's docstring
        from suite.spec.recommendation import DataOptions  # noqa: PLC0415  # as above

        columns = (tuple(target or ()), tuple(ignore or ()), tuple(categories or ()))
        options = DataOptions(*columns, None if target_type is None else target_type.value)
        run_recommend(file, options, parameters, spec, trainings, seconds, results, plugins)


@app.command(short_help="Write tables and reports of studies that were run in parts.")
def merge(
    paths: Specs,
    results: ResultsFolder = Path("results"),
    in_part: Quick = False,
    changes: Changes = None,
    data: DataFiles = None,
    plugins: PlugIns = None,
) -> None:
    """Write the tables and reports of studies that were run in parts, or report missing cells. Nothing is computed."""
    with errors_as_exit_codes(), terminated_as_interrupted():
        from suite.cli.running import merge_studies  # noqa: PLC0415  # see the module's docstring

        merge_studies(SpecOptions(paths, in_part, changes, data, plugins), results)


@app.command(short_help="Judge the claims of specs again, from the tables of a run.")
def claims(
    paths: Specs,
    results: ResultsFolder = Path("results"),
    as_json: AsJson = False,
    must_hold: MustHold = False,
    in_part: Quick = False,
    changes: Changes = None,
    data: DataFiles = None,
    plugins: PlugIns = None,
) -> None:
    """Judge the claims of specs from the tables of an earlier run, without computing anything."""
    with errors_as_exit_codes():
        from suite.cli.viewing import judge_claims  # noqa: PLC0415  # see the module's docstring

        judge_claims(SpecOptions(paths, in_part, changes, data, plugins), results, as_json, must_hold)


@app.command(short_help="Write the reports again, from the tables of a run.")
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
    data: DataFiles = None,
    plugins: PlugIns = None,
) -> None:
    """Write reports again from the tables of an earlier run, without computing anything."""
    with errors_as_exit_codes():
        from suite.cli.viewing import draw_reports  # noqa: PLC0415  # see the module's docstring

        draw_reports(SpecOptions(paths, in_part, changes, data, plugins), results, figures)


@app.command(short_help="Compare two runs.")
def compare(
    first: Annotated[
        Path, typer.Argument(metavar="A", parser=path_given, help="A results folder, or the folder of one study in it.")
    ],
    second: Annotated[Path, typer.Argument(metavar="B", parser=path_given, help="The folder to compare it with.")],
    must_agree: Annotated[
        bool, typer.Option("--numbers-must-agree", help="Exit with code 1 if numbers differ beyond chance.")
    ] = False,
    as_json: AsJson = False,
    plugins: PlugIns = None,
) -> None:
    """Compare the specs, environments, numbers and verdicts of two runs. Exit with code 1 if a verdict changed."""
    with errors_as_exit_codes():
        from suite.cli.viewing import compare_runs  # noqa: PLC0415  # see the module's docstring

        compare_runs(first, second, must_agree, as_json, plugins)
