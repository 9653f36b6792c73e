"""Run a study: compute its missing cells, write its tables, analyze them and draw its page."""

import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from suite.catalog.datasets import Dataset
from suite.cells.cache import Cache, cached_arrays
from suite.cells.cell import Cell
from suite.cells.execute import Announce, ComputedStudy, compute_study, find_cached
from suite.cells.resources import Resources
from suite.cells.sampling import cells_of
from suite.native.build import TORCH
from suite.plugins.loading import loaded_plugins
from suite.results.files import remove_abandoned, write_failures
from suite.results.folder import Results, remove_tables
from suite.results.manifest import is_up_to_date, remove_manifest, write_manifest
from suite.results.provenance import environment
from suite.results.schema import INDEX
from suite.results.shards import Shard
from suite.spec.load import Study
from suite.spec.problems import printable

if TYPE_CHECKING:
    from suite.report.marks import Chart

DEFAULT_RESOURCES = Resources()

Writing = Callable[[], None]
"""Called after all cells are computed and before tables and pages are written."""


@dataclass(frozen=True)
class StudyResults(Results):
    """The results of a study's run, with its charts."""

    @cached_property
    def charts(self) -> "dict[str, Chart]":
        """The Altair charts of the report by name."""
        from suite.report.charts import draw_charts  # noqa: PLC0415  # tables alone need no charting library

        return draw_charts(self)


def run_study(
    study: Study,
    results: Path,
    resources: Resources = DEFAULT_RESOURCES,
    announce: Announce | None = None,
    writing: Writing | None = None,
) -> StudyResults:
    """Run a study unless its results are up to date; write its tables, analysis and page, and the index.

    Cells that fail are listed in `failures` of the returned results, and the next run computes them again.

    Arguments and errors are those of `compute_tables`.
    """
    folder, cells = results / study.spec.name, cells_of(study)
    basis = follows_from(study, cells)
    remove_abandoned(folder)
    if is_up_to_date(folder, basis):
        if not (results / INDEX).exists():
            with suppress(OSError):  # the study is finished even if its index cannot be written
                _write_index(results)
        found = StudyResults(folder)
        if announce:
            announce(study, _recorded(found, cells), [])
        return found
    found = compute_tables(study, results, resources, announce, writing)
    if found.failures:
        remove_manifest(folder)
    if found.has_tables:
        from suite.runs.draw import analyze_and_draw  # noqa: PLC0415  # needs charts, which cells and tables do not

        analyze_and_draw(study, found)
    if found.has_tables or (results / INDEX).exists():  # if every cell failed, an older page has been removed
        _write_index(results)
    if not found.failures:
        write_manifest(folder, basis)
    return found


def compute_tables(
    study: Study,
    results: Path,
    resources: Resources = DEFAULT_RESOURCES,
    announce: Announce | None = None,
    writing: Writing | None = None,
) -> StudyResults:
    """Compute the cells of a study that are not cached, and write the tables of those that did not fail.

    If every cell failed, there are no tables, and older ones are removed.

    Args:
        study: The study.
        results: The folder of all results. The study's own folder is created in it.
        resources: The device, processes or cluster to compute with.
        announce: Called before cells are computed.
        writing: Called after cells are computed and before tables are written.

    Raises:
        ValueError: If the device or the cluster is unavailable.
        OSError: If a file cannot be written, or the connection to a cluster is lost.
    """
    folder = results / study.spec.name
    check_owner(study, folder)
    cache = Cache(folder / "cells")
    computed = compute_study(study, cache, resources, announce, base=_base_cache(study, results))
    if writing:
        writing()
    write_failures(folder, _failure_rows(computed))
    if any(cell.key in computed.cached for cell in computed.cells if cell.in_tables):
        from suite.runs.tables import write_study_tables  # noqa: PLC0415  # needs pandas, which cells do not

        shapes, read = cached_arrays(computed.cells, computed.cached)
        write_study_tables(study, folder, computed.cells, shapes, read, computed.targets, _run_record(study, computed))
    else:
        remove_tables(folder)
    return StudyResults(folder)


def run_shard(
    study: Study,
    results: Path,
    shard: Shard,
    resources: Resources = DEFAULT_RESOURCES,
    announce: Announce | None = None,
) -> StudyResults:
    """Compute one part of a study's cells; `merge` writes the tables once all parts are computed.

    The other arguments and the errors are those of `compute_tables`.
    """
    folder = results / study.spec.name
    check_owner(study, folder)
    cache = Cache(folder / "cells")
    cache.prepare()  # even if the part has no cells, so that its folder can be copied like the others
    computed = compute_study(study, cache, resources, announce, shard, _base_cache(study, results))
    write_failures(folder, _failure_rows(computed), shard)
    return StudyResults(folder, shard)


def find_computed(study: Study, results: Path) -> ComputedStudy:
    """Return the cells of a study and which of them are cached; compute nothing."""
    return find_cached(study, Cache(results / study.spec.name / "cells"), _base_cache(study, results))


def check_owner(study: Study, folder: Path, *, reads_only: bool = False) -> None:
    """Check that a results folder does not hold the tables of another spec file.

    A file of the same name in another folder counts as another spec if the recorded file still exists; otherwise it
    counts as the same spec, which may have been moved.

    Args:
        study: The study that will use the folder.
        folder: The study's results.
        reads_only: Whether nothing will be written, so that a file of the same name may be another version of the spec.

    Raises:
        ValueError: If it does.
    """
    try:
        recorded = Results(folder).run["asked"]
        other = _asked_for(recorded)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # no run, a damaged record, or one of an earlier version
    own = _asked_for(study.asked)
    if own and other and (other != own or (not reads_only and _is_elsewhere(recorded[-1], study.asked[-1]))):
        command = shlex.join(["python", "-m", "suite", "run", *recorded])
        raise ValueError(
            f"{folder} holds the results of another spec ({printable(command)}); rename the file, or use --results DIR"
        )


def _is_elsewhere(recorded: str, given: str) -> bool:
    """Return whether two paths are those of two files that both exist."""
    try:
        return not Path(recorded).samefile(given)
    except OSError:
        return False


def _asked_for(asked: Sequence[str]) -> tuple[str, bool] | None:
    """Return the name of the spec file that a run was given, and whether it was a quick run."""
    return (PurePath(asked[-1]).name, "--quick" in asked) if asked else None


def follows_from(study: Study, cells: Sequence[Cell]) -> dict[str, Any]:
    """Return the inputs that the files of a results folder follow from, besides code and packages."""
    return {"study": study.spec.name, "spec": study.spec.as_run(), "cells": [cell.key for cell in cells]}


def _base_cache(study: Study, results: Path) -> Cache | None:
    """Return the cache of the study that --set changes, from which equal cells are copied; None if none."""
    return Cache(results / study.base / "cells") if study.base else None


def _recorded(results: Results, cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells of a finished study, including those that later sampling rounds added."""
    first = {(cell.name, cell.member.name): cell for cell in cells}
    return [
        replace(first[entry["measure"], entry["member"]], start=entry["draws"][0], stop=entry["draws"][1])
        for entry in results.run["cells"]
    ]


def _write_index(results: Path) -> None:
    from suite.report.index import write_index  # noqa: PLC0415  # a study that is up to date needs no templates

    write_index(results)


def _failure_rows(computed: ComputedStudy) -> list[dict[str, Any]]:
    """Return the rows of failures.csv, with the tracebacks."""
    return [
        {"measure": cell.name, "member": cell.member.name, "first": cell.start, "last": cell.stop - 1, "key": cell.key}
        | {"reason": computed.failures[cell.key].reason, "trace": computed.failures[cell.key].trace}
        for cell in computed.cells
        if cell.key in computed.failures
    ]


def _run_record(study: Study, computed: ComputedStudy) -> dict[str, Any]:
    """Return the content of run.json."""

    def identity(cell: Cell) -> dict[str, Any]:
        return {
            "measure": cell.name,
            "member": cell.member.name,
            "draws": [cell.start, cell.stop],
            "key": cell.key,
        }

    cached, failures = computed.cached, computed.failures
    return {
        "study": study.spec.name,
        "asked": study.asked,
        "spec": study.spec.as_run(),
        "seed": study.spec.seed,
        "environment": {
            **environment({plugin.name: plugin.digest for plugin in loaded_plugins()}),
            "kernels": sorted({found.provenance.get("kernels", TORCH) for found in cached.values()}),
        },
        "data": [
            {"file": task.recorded_file, "digest": task.facts.digest, "rows": task.facts.rows}
            for task in (study.spec.training.task if study.spec.training else ())
            if isinstance(task, Dataset)
        ],
        "cells": [
            {**identity(cell), "version": cell.version, "sha256": cached[cell.key].digest} | cached[cell.key].provenance
            for cell in computed.cells
            if cell.key in cached
        ],
        "failed": [
            {**identity(cell), "reason": failures[cell.key].reason} for cell in computed.cells if cell.key in failures
        ],
    }
