"""Runs a study: what is missing is computed, then everything is put into tables and a report."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from suite.cells.cache import Kept, Store, cached_arrays
from suite.cells.cell import Cell, cells_of
from suite.cells.checkpoint import sweep
from suite.cells.execute import Failure, Progress, execute
from suite.cells.executor import Crew, Pool
from suite.cells.resources import Resources, check_compiler, choose_device, workers_for
from suite.cells.rounds import Rounds
from suite.plugins.sources import plugged_in
from suite.results.files import remove_abandoned, write_failures
from suite.results.folder import Results, remove_tables
from suite.results.manifest import is_up_to_date, remove_manifest, write_manifest
from suite.results.provenance import environment
from suite.results.schema import INDEX
from suite.results.shards import Shard
from suite.spec.load import Study

if TYPE_CHECKING:
    from suite.report.marks import Chart

WHATEVER_THERE_IS = Resources()

Announce = Callable[[Study, Sequence[Cell], Sequence[Cell]], Progress]
"""Called with a study, all its cells and those to compute; returns what to call with each finished one.

Where a precision is asked for, it is called again whenever more cells have come.
"""

Writing = Callable[[], None]
"""Called when all that can be computed is, and tables and pages are to be made of it."""


@dataclass(frozen=True)
class StudyResults(Results):
    """The results of a study that was run, with its charts."""

    @cached_property
    def charts(self) -> "dict[str, Chart]":
        """The report's Altair charts by name."""
        from suite.report.charts import draw_charts  # noqa: PLC0415  # tables alone need no charting library

        return draw_charts(self)


def complete(
    study: Study,
    results: Path,
    resources: Resources = WHATEVER_THERE_IS,
    announce: Announce | None = None,
    writing: Writing | None = None,
) -> StudyResults:
    """Compute what a study lacks and write its tables, analysis and report, and the index, if they are out of date.

    Cells that fail are listed in `failures` of the returned results, and tried again by the next run.

    Arguments and errors are those of `run_study`.
    """
    folder, cells = results / study.spec.name, cells_of(study)
    basis = follows_from(study, cells)
    remove_abandoned(folder)
    if is_up_to_date(folder, basis):
        if not (results / INDEX).exists():
            with suppress(OSError):  # a finished study is no fault on a disk that cannot be written
                _write_index(results)
        found = StudyResults(folder)
        if announce:
            announce(study, _recorded(found, cells), [])
        return found
    found = run_study(study, results, resources, announce, writing)
    if found.failures:
        remove_manifest(folder)
    if found.has_tables:
        draw_report(study, found)
    if found.has_tables or (results / INDEX).exists():  # where everything failed, an older report has gone
        _write_index(results)
    if not found.failures:
        write_manifest(folder, basis)
    return found


def follows_from(study: Study, cells: Sequence[Cell]) -> dict[str, Any]:
    """Return what the files of a results folder follow from, besides code and packages."""
    return {"study": study.spec.name, "spec": study.spec.as_run(), "cells": [cell.key for cell in cells]}


def draw_report(study: Study, results: Results) -> Path:
    """Judge a study's claims by its tables, write the tables of the analysis, then draw the page; return the page."""
    from suite.runs.outputs import analyze_and_draw  # noqa: PLC0415  # cells need neither pandas nor charts

    return analyze_and_draw(study, results)


def _write_index(results: Path) -> None:
    from suite.report.index import write_index  # noqa: PLC0415  # a study that is up to date needs no templates

    write_index(results)


def _recorded(results: Results, cells: Sequence[Cell]) -> list[Cell]:
    """A finished study's cells: where a precision was asked for, more than its first look has."""
    first = {(cell.name, cell.member.name): cell for cell in cells}
    return [
        replace(first[entry["measure"], entry["member"]], start=entry["draws"][0], stop=entry["draws"][1])
        for entry in results.run["cells"]
    ]


def run_study(
    study: Study,
    results: Path,
    resources: Resources = WHATEVER_THERE_IS,
    announce: Announce | None = None,
    writing: Writing | None = None,
) -> StudyResults:
    """Computes the cells of a study that are not stored yet and writes its tables, of what did not fail.

    Where everything failed there are no tables, and no older ones are left either.

    Args:
        study: what to run.
        results: the folder of all results; the study's own is made in it.
        resources: what to compute with.
        announce: told what there is to do.
        writing: told when that is done, before tables are written.

    Raises:
        ValueError: the device or the cluster is not to be had, or nothing can be compiled.
        ConnectionError: the cluster is lost.
    """
    folder = results / study.spec.name
    store = Store(folder / "cells")
    work = _compute(study, store, resources, announce, lender=_lender(study, results))
    if writing:
        writing()
    write_failures(folder, _failed(work))
    _write(study, folder, store, work)
    return StudyResults(folder)


def run_shard(
    study: Study,
    results: Path,
    shard: Shard,
    resources: Resources = WHATEVER_THERE_IS,
    announce: Announce | None = None,
) -> StudyResults:
    """Computes one part of a study's cells; its tables are for whoever has all of them.

    Other arguments and errors are those of `run_study`.
    """
    folder = results / study.spec.name
    store = Store(folder / "cells")
    store.prepare()  # also where a part has nothing to do: its folder can then be copied like the others
    work = _compute(study, store, resources, announce, shard, lender=_lender(study, results))
    write_failures(folder, _failed(work), shard)
    return StudyResults(folder, shard)


def survey(study: Study, results: Path) -> tuple[list[Cell], dict[str, Kept]]:
    """A study's cells, as far as can be told from those that are there, and these by their keys; computes nothing."""
    store = Store(results / study.spec.name / "cells")
    work = _compute(study, store, computing=False, lender=_lender(study, results))
    return work.rounds.cells, work.kept


def _lender(study: Study, results: Path) -> Store | None:
    """The finished cells of the study that this one is a change of: those that are the same are taken from there."""
    return Store(results / study.base / "cells") if study.base else None


class _Work(NamedTuple):
    """What a run has come to: its cells, those that are in the store, and those that failed, by their keys."""

    rounds: Rounds
    kept: dict[str, Kept]
    failures: dict[str, Failure]


def _compute(
    study: Study,
    store: Store,
    resources: Resources = WHATEVER_THERE_IS,
    announce: Announce | None = None,
    shard: Shard | None = None,
    computing: bool = True,
    lender: Store | None = None,
) -> _Work:
    """Computes what is missing, round by round; or finds out what is, as far as can be told without computing."""
    rounds, kept, failures = Rounds(study, store, shard), dict[str, Kept](), dict[str, Failure]()
    crew: Crew | None = None
    announced = False

    def find(cell: Cell) -> Kept | None:
        if (found := store.check(cell.key)) or lender is None:
            return found
        return store.borrow(cell.key, lender) if computing else lender.check(cell.key)

    with ExitStack() as stack:
        while True:
            new = [cell for cell in rounds.cells if cell.key not in kept and cell.key not in failures]
            kept |= {cell.key: found for cell in new if (found := find(cell))}
            if rounds.advance(kept):
                continue
            missing = [cell for cell in new if cell.key not in kept]
            if not computing or (announced and not missing):
                break
            if missing and crew is None and resources.device == "cuda" and resources.scheduler is None:
                choose_device(resources.device)  # what cannot be done is not announced first
            progress = announce(study, rounds.cells, missing) if announce else lambda _: None
            announced = True
            if not missing:
                continue
            if crew is None:
                crew = stack.enter_context(_crew(resources))
                store.prepare()
                sweep(store)
            if isinstance(crew, Pool) and not crew.started:
                crew.workers = workers_for(missing, crew.device, resources.workers)
            failures |= execute(missing, store, crew, progress, resources.compiled)
            kept |= {cell.key: _read_back(store, cell) for cell in missing if cell.key not in failures}
    return _Work(rounds, kept, failures)


def _crew(resources: Resources) -> Crew:
    """Who computes; what is not to be had is found out before anything is written."""
    if resources.scheduler is not None:
        from suite.cells.cluster import Cluster  # noqa: PLC0415  # an extra

        return Cluster(resources.scheduler, resources.device, resources.shared)
    device = choose_device(resources.device)
    if resources.compiled:
        check_compiler(device)
    return Pool(device=device)


def _read_back(store: Store, cell: Cell) -> Kept:
    found = store.check(cell.key)
    if found is None:
        raise OSError(
            f"the results of {cell.name} of {cell.member.name} were stored but cannot be read back from {store.folder}"
        )
    return found


def _write(study: Study, folder: Path, store: Store, work: _Work) -> None:
    cells = work.rounds.cells
    if not any(cell.key in work.kept for cell in cells if cell.in_tables):
        remove_tables(folder)
        return
    from suite.runs.outputs import write_study_tables  # noqa: PLC0415  # cells need neither pandas nor charts

    shapes, read = cached_arrays(cells, work.kept, store)
    write_study_tables(study, folder, cells, shapes, read, work.rounds.aims, _run_record(study, work))


def _failed(work: _Work) -> list[dict[str, Any]]:
    """The rows of failures.csv, with the tracebacks."""
    return [
        {"measure": cell.name, "member": cell.member.name, "first": cell.start, "last": cell.stop - 1, "key": cell.key}
        | {"reason": work.failures[cell.key].reason, "trace": work.failures[cell.key].trace}
        for cell in work.rounds.cells
        if cell.key in work.failures
    ]


def _run_record(study: Study, work: _Work) -> dict[str, Any]:
    rounds, kept, failures = work
    return {
        "study": study.spec.name,
        "asked": study.asked,
        "spec": study.spec.as_run(),
        "seed": study.spec.seed,
        "environment": environment(plugged_in()),
        "cells": [
            {
                "measure": cell.name,
                "member": cell.member.name,
                "draws": [cell.start, cell.stop],
                "key": cell.key,
                "version": cell.version,
                "sha256": kept[cell.key].digest,
                **kept[cell.key].provenance,
            }
            for cell in rounds.cells
            if cell.key in kept
        ],
        "failed": [
            {"measure": cell.name, "member": cell.member.name, "draws": [cell.start, cell.stop], "key": cell.key}
            | {"reason": failures[cell.key].reason}
            for cell in rounds.cells
            if cell.key in failures
        ],
    }
