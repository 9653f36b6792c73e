"""The commands that compute, or say what there is to compute: run, plan, merge."""

import json
from pathlib import Path
from typing import Annotated

import typer

from suite.cli.app import app
from suite.cli.endings import echo, errors_as_exit_codes, terminated_as_interrupted, warn
from suite.cli.folders import check_folder, loaded, plug_in, run_into
from suite.cli.options import (
    LACKING,
    UNEXPECTED,
    AsJson,
    Changes,
    Device,
    MustHold,
    PlugIns,
    Quick,
    ResultsFolder,
    Specs,
    Where,
    workers_given,
)
from suite.cli.telling import tell_run
from suite.formatting import pieces


@app.command(short_help="Compute what is missing, then write tables and reports.")
def run(
    paths: Specs,
    results: ResultsFolder = Path("results"),
    device: Where = Device.auto,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=workers_given, help="Processes; unless given, one a core where it pays, or one a GPU."
        ),
    ] = None,
    compiled: Annotated[
        bool,
        typer.Option(
            "--compile",
            help="Compile the forward passes of narrow, deep networks; pays from some 100,000 draws a member.",
        ),
    ] = False,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N", help="Compute the I-th of N parts alone, such as 1/8; `merge` makes the tables of all."
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Have a Dask cluster compute, such as tcp://host:8786. Needs Dask, which the extra `dask` installs.",
        ),
    ] = None,
    shared: Annotated[
        bool,
        typer.Option(
            "--shared",
            help="The cluster's workers write to the results folder themselves, which all machines have at one path.",
        ),
    ] = False,
    must_hold: MustHold = False,
    in_part: Quick = False,
    changes: Changes = None,
    plugins: PlugIns = None,
) -> None:
    """Compute what is missing of the studies, then write their tables and reports where these are not up to date."""
    with errors_as_exit_codes(), terminated_as_interrupted():
        # Each command loads what it needs: --help is instant.
        from suite.cells.resources import Resources  # noqa: PLC0415
        from suite.results.shards import parse_shard  # noqa: PLC0415
        from suite.runs.progress import Progress  # noqa: PLC0415
        from suite.runs.run import complete, run_shard  # noqa: PLC0415

        resources = Resources(device.value, workers, compiled, scheduler, shared)
        part = parse_shard(shard) if shard is not None else None
        plug_in(plugins)
        studies = loaded(paths, changes, in_part)
        check_folder(results)
        failed = surprises = 0
        for study in studies:
            warn(study.warnings)
            with Progress(study) as progress:
                if part:
                    found = run_shard(study, results, part, resources, progress.announce)
                else:
                    found = complete(study, results, resources, progress.announce, progress.writing)
            failed += len(found.failures)
            surprises += tell_run(found)
        if failed:
            raise typer.Exit(LACKING)
        if must_hold and surprises:
            raise typer.Exit(UNEXPECTED)


@app.command(short_help="Say what a run would compute, and about what it takes.")
def plan(
    paths: Specs,
    results: ResultsFolder = Path("results"),
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=workers_given, help="Processes to plan for; as many as `run` would have unless given."
        ),
    ] = None,
    as_json: AsJson = False,
    in_part: Quick = False,
    changes: Changes = None,
    plugins: PlugIns = None,
) -> None:
    """Say what a run would compute and why, and about what time, memory and disk it takes. Stores nothing."""
    with errors_as_exit_codes(), terminated_as_interrupted():
        from suite.runs.plan import plan_of, tell  # noqa: PLC0415
        from suite.runs.progress import Trials  # noqa: PLC0415

        check_folder(results)
        plug_in(plugins)
        studies = loaded(paths, changes, in_part)
        with Trials() as trials:
            plans = [plan_of(study, results, workers, trials.announce) for study in studies]
        if as_json:
            typer.echo(json.dumps([found.as_json() for found in plans], indent=2))
        else:
            for line in tell(plans):
                echo(line)


@app.command(short_help="Make tables and reports of studies that were run in parts.")
def merge(
    paths: Specs,
    results: ResultsFolder = Path("results"),
    in_part: Quick = False,
    changes: Changes = None,
    plugins: PlugIns = None,
) -> None:
    """Make the tables and reports of studies that were run in parts, or say what is missing. Computes nothing."""
    with errors_as_exit_codes(), terminated_as_interrupted():
        from collections import Counter  # noqa: PLC0415

        from suite.cells.resources import Resources  # noqa: PLC0415
        from suite.runs.run import complete, survey  # noqa: PLC0415

        check_folder(results)
        plug_in(plugins)
        incomplete = False
        for study in loaded(paths, changes, in_part):
            cells, kept = survey(study, results)
            missing = Counter(cell.name for cell in cells if cell.key not in kept)
            if missing:
                incomplete = True
                counts = ", ".join(f"{number} of {name}" for name, number in missing.items())
                folder = results / study.spec.name / "cells"
                verb = "is" if missing.total() == 1 else "are"
                echo(
                    f"{study.spec.name}: {pieces(missing.total())} {verb} missing from {folder}: "
                    f"{counts}; copy them there, or compute them: {run_into(results, [study])}",
                    err=True,
                )
            else:
                echo(f"{study.spec.name}: {complete(study, results, Resources('cpu', workers=1)).report}")
        if incomplete:
            raise typer.Exit(LACKING)
