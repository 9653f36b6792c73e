"""Runs a study: what is missing is computed, then everything is put into tables and a report."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from suite.runs.cells import Cell, cells_of
from suite.runs.execute import Progress, check_compiler, choose_device, execute, workers_for
from suite.runs.failures import Failure, write_failures
from suite.runs.pool import Pool
from suite.runs.provenance import environment
from suite.runs.results import Results, remove_tables, write_tables
from suite.runs.rounds import Rounds
from suite.runs.seal import is_sealed, seal, unseal
from suite.runs.shards import Shard
from suite.runs.store import Kept, Store, remove_abandoned
from suite.spec.load import Study

Announce = Callable[[Study, Sequence[Cell], Sequence[Cell]], Progress]
"""Called with a study, all its cells and those to compute; returns what to call with each finished one.

Where a precision is asked for, it is called again whenever more cells have come.
"""


def complete(
    study: Study,
    results: Path,
    device: str = "auto",
    workers: int | None = None,
    announce: Announce | None = None,
    compiled: bool = False,
) -> Results:
    """Computes what a study lacks and writes its tables and its report; nothing where all is as a run would leave it.

    Cells that fail are told in `failures` of what is returned, and tried again by the next run.

    Arguments and errors are those of `run_study`.
    """
    folder, cells = results / study.spec.name, cells_of(study)
    remove_abandoned(folder)
    if is_sealed(study, folder, cells):
        found = Results(folder)
        if announce:
            announce(study, _recorded(found, cells), [])
        return found
    from suite.report.page import write_report  # noqa: PLC0415  # pandas and charts are not needed for the above

    found = run_study(study, results, device, workers, announce, compiled)
    if found.failures:
        unseal(folder)
    if found.has_tables:
        write_report(found)
    if not found.failures:
        seal(study, folder, cells)
    return found


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
    device: str = "auto",
    workers: int | None = None,
    announce: Announce | None = None,
    compiled: bool = False,
) -> Results:
    """Computes the cells of a study that are not stored yet and writes its tables, of what did not fail.

    Where everything failed there are no tables, and no older ones are left either.

    Args:
        study: what to run.
        results: the folder of all results; the study's own is made in it.
        device: "auto", "cpu" or "cuda".
        workers: processes; one a core by default.
        announce: told what there is to do.
        compiled: whether forward passes of narrow networks are compiled.

    Raises:
        ValueError: the device is not to be had, or nothing can be compiled.
    """
    folder = results / study.spec.name
    store = Store(folder / "cells")
    work = _compute(study, store, device, workers, announce, compiled)
    write_failures(folder, work.rounds.cells, work.failures)
    _write(study, folder, store, work)
    return Results(folder)


def run_shard(
    study: Study,
    results: Path,
    shard: Shard,
    device: str = "auto",
    workers: int | None = None,
    announce: Announce | None = None,
    compiled: bool = False,
) -> Results:
    """Computes one part of a study's cells; its tables are for whoever has all of them.

    Other arguments and errors are those of `run_study`.
    """
    folder = results / study.spec.name
    work = _compute(study, Store(folder / "cells"), device, workers, announce, compiled, shard)
    if folder.is_dir():  # a part may have nothing to do
        write_failures(folder, work.rounds.cells, work.failures, shard)
    return Results(folder, shard)


def survey(study: Study, results: Path) -> tuple[list[Cell], dict[str, Kept]]:
    """A study's cells, as far as can be told from those that are there, and these by their keys; computes nothing."""
    work = _compute(study, Store(results / study.spec.name / "cells"), computing=False)
    return work.rounds.cells, work.kept


class _Work(NamedTuple):
    """What a run has come to: its cells, those that are in the store, and those that failed, by their keys."""

    rounds: Rounds
    kept: dict[str, Kept]
    failures: dict[str, Failure]


def _compute(
    study: Study,
    store: Store,
    device: str = "auto",
    workers: int | None = None,
    announce: Announce | None = None,
    compiled: bool = False,
    shard: Shard | None = None,
    computing: bool = True,
) -> _Work:
    """Computes what is missing, round by round; or finds out what is, as far as can be told without computing."""
    rounds, kept, failures = Rounds(study, store, shard), dict[str, Kept](), dict[str, Failure]()
    chosen: str | None = None
    announced = False
    with Pool() as pool:
        while True:
            new = [cell for cell in rounds.cells if cell.key not in kept and cell.key not in failures]
            kept |= {cell.key: found for cell in new if (found := store.check(cell.key))}
            if rounds.advance(kept):
                continue
            missing = [cell for cell in new if cell.key not in kept]
            if not computing or (announced and not missing):
                break
            progress = announce(study, rounds.cells, missing) if announce else lambda _: None
            announced = True
            if not missing:
                continue
            if chosen is None:
                chosen = _device(device, compiled)
                store.prepare()
            if not pool.started:
                pool.workers = min(len(missing), workers_for(missing, chosen, workers))
            failures |= execute(missing, store, chosen, pool, progress, compiled)
            kept |= {cell.key: _read_back(store, cell) for cell in missing if cell.key not in failures}
    return _Work(rounds, kept, failures)


def _device(asked: str, compiled: bool) -> str:
    """Where to compute, which is found out before anything is written."""
    chosen = choose_device(asked)
    if compiled:
        check_compiler(chosen)
    return chosen


def _read_back(store: Store, cell: Cell) -> Kept:
    found = store.check(cell.key)
    if found is None:
        raise OSError(
            f"the results of {cell.name} of {cell.member.name} were stored but cannot be read back from {store.folder}"
        )
    return found


def _write(study: Study, folder: Path, store: Store, work: _Work) -> None:
    # Imported late: pandas is not needed while cells are computed.
    from suite.runs.blocks import blocks_of, training_columns  # noqa: PLC0415
    from suite.runs.landscapes import landscapes_table  # noqa: PLC0415
    from suite.runs.precision import write_precision  # noqa: PLC0415
    from suite.runs.tables import measurements_tables, member_axes, members_table, summary_table  # noqa: PLC0415

    cells, shapes = work.rounds.cells, {key: cell.shapes for key, cell in work.kept.items()}
    if not any(cell.key in work.kept for cell in cells if cell.name != "landscape"):
        remove_tables(folder)
        return
    axes, training = member_axes(study.members), training_columns(study)
    blocks = blocks_of(cells, shapes, store.read, training)
    write_precision(folder, work.rounds.aims)
    write_tables(
        folder,
        members_table(study.members, axes),
        measurements_tables(blocks, axes, training),
        summary_table(blocks, axes, training),
        landscapes_table(cells, shapes, store.read, axes, training),
        _run_record(study, work),
    )


def _run_record(study: Study, work: _Work) -> dict[str, Any]:
    rounds, kept, failures = work
    return {
        "study": study.spec.name,
        "spec": study.spec.as_run(),
        "seed": study.spec.seed,
        "environment": environment(),
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
