"""The commands that compute, or say what there is to compute: run, plan, merge, explain."""

import json
from collections import Counter
from pathlib import Path

import typer

from suite.cells.resources import Resources
from suite.cli.errors import echo, warn
from suite.cli.folders import check_folder, load_specs, run_into
from suite.cli.formatting import print_run
from suite.cli.options import LACKING, UNEXPECTED, SpecOptions
from suite.formatting import format_count
from suite.results.shards import parse_shard
from suite.runs.explain import explain
from suite.runs.plan import format_plans, plan_study
from suite.runs.progress import Progress, StatusLine
from suite.runs.run import find_computed, run_shard, run_study


def run_studies(
    specs: SpecOptions,
    results: Path,
    computing: tuple[str, int | None, str | None, bool],
    shard: str | None,
    must_hold: bool,
) -> None:
    """Run studies, or one part of each, and print what they found; `computing` are the attributes of Resources."""
    resources = Resources(*computing)
    part = parse_shard(shard) if shard is not None else None
    studies = load_specs(specs)
    check_folder(results)
    failed = unmet = 0
    for study in studies:
        warn(study.warnings)
        with Progress(study) as progress:
            if part:
                found = run_shard(study, results, part, resources, progress.announce)
            else:
                found = run_study(study, results, resources, progress.announce, progress.announce_writing)
        failed += len(found.failures)
        unmet += print_run(found)
    if failed:
        raise typer.Exit(LACKING)
    if must_hold and unmet:
        raise typer.Exit(UNEXPECTED)


def plan_studies(
    specs: SpecOptions,
    results: Path,
    workers: int | None,
    as_json: bool,
) -> None:
    """Print what a run of studies would compute, and about what it takes."""
    check_folder(results)
    studies = load_specs(specs)
    with StatusLine() as status:

        def announce(study: str, measure: str, number: int, of: int) -> None:
            status.show(f"{study}: timing a small part of {measure} ({number}/{of})", always=number == 1)

        plans = [plan_study(study, results, workers, announce) for study in studies]
    if as_json:
        typer.echo(json.dumps([found.as_json() for found in plans], indent=2))
    else:
        for line in format_plans(plans):
            echo(line)


def merge_studies(specs: SpecOptions, results: Path) -> None:
    """Write the tables and reports of studies whose cells are all there, and print what is missing of the others."""
    check_folder(results)
    incomplete = False
    for study in load_specs(specs):
        found = find_computed(study, results)
        missing = Counter(cell.name for cell in found.cells if cell.key not in found.cached)
        if missing:
            incomplete = True
            counts = ", ".join(f"{number} of {name}" for name, number in missing.items())
            folder = results / study.spec.name / "cells"
            verb = "is" if missing.total() == 1 else "are"
            echo(
                f"{study.spec.name}: {format_count(missing.total(), 'cell')} {verb} missing from {folder}: "
                f"{counts}; copy them there, or compute them: {run_into(results, [study])}",
                err=True,
            )
        else:
            echo(f"{study.spec.name}: {run_study(study, results, Resources('cpu', workers=1)).report}")
    if incomplete:
        raise typer.Exit(LACKING)


def explain_studies(specs: SpecOptions) -> None:
    """Print what studies will compute."""
    for number, study in enumerate(load_specs(specs)):
        warn(study.warnings)
        for line in [*([""] if number else []), *explain(study)]:
            echo(line)
