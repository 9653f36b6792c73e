"""Runs a study: what is missing is computed, then everything is put into tables."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from suite.runs.cells import Cell
from suite.runs.execute import Progress, choose_device, default_workers, execute
from suite.runs.provenance import environment
from suite.runs.results import Results, write_tables
from suite.runs.rounds import Rounds
from suite.runs.store import Store, Stored
from suite.spec.load import Study

Announce = Callable[[Study, Sequence[Cell], Sequence[Cell]], Progress]
"""Called with a study, all its cells and those to compute; returns what to call with each finished one.

Where a precision is asked for, it is called again whenever more cells have come.
"""


def run_study(
    study: Study,
    results: Path,
    device: str = "auto",
    workers: int | None = None,
    announce: Announce | None = None,
) -> Results:
    """Computes the cells of a study that are not stored yet and writes its tables.

    Args:
        study: what to run.
        results: the folder of all results; the study's own is made in it.
        device: "auto", "cpu" or "cuda".
        workers: processes; one a core by default.
        announce: told what there is to do.

    Raises:
        ValueError: the device is not to be had.
    """
    folder = results / study.spec.name
    store = Store(folder / "cells")
    rounds, stored = Rounds(study, store), dict[str, Stored]()
    announced = False
    while True:
        new = [cell for cell in rounds.cells if cell.key not in stored]
        stored |= {cell.key: found for cell in new if (found := store.load(cell.key))}
        if rounds.advance(stored):
            continue
        missing = [cell for cell in new if cell.key not in stored]
        if announced and not missing:
            break
        progress = announce(study, rounds.cells, missing) if announce else lambda _: None
        announced = True
        if missing:
            execute(missing, store, choose_device(device), workers or default_workers(), progress)
            stored |= {cell.key: _read_back(store, cell) for cell in missing}
    _write(study, folder, rounds, stored)
    return Results(folder)


def _read_back(store: Store, cell: Cell) -> Stored:
    found = store.load(cell.key)
    if found is None:
        raise OSError(
            f"the results of {cell.name} of {cell.member.name} were stored but cannot be read back from {store.folder}"
        )
    return found


def _write(study: Study, folder: Path, rounds: Rounds, stored: dict[str, Stored]) -> None:
    # Imported late: pandas is not needed while cells are computed.
    from suite.runs.blocks import blocks_of, training_columns  # noqa: PLC0415
    from suite.runs.landscapes import landscapes_table  # noqa: PLC0415
    from suite.runs.precision import write_precision  # noqa: PLC0415
    from suite.runs.tables import measurements_table, member_axes, members_table, summary_table  # noqa: PLC0415

    cells = rounds.cells
    readings = {key: cell.readings for key, cell in stored.items()}
    axes, training = member_axes(study.members), training_columns(study)
    blocks = blocks_of(cells, readings, training)
    write_precision(folder, rounds.aims)
    write_tables(
        folder,
        members_table(study.members, axes),
        measurements_table(blocks, axes, training),
        summary_table(blocks, axes, training),
        landscapes_table(cells, readings, axes, training),
        _run_record(study, cells, stored),
    )


def _run_record(study: Study, cells: Sequence[Cell], stored: dict[str, Stored]) -> dict[str, Any]:
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
                **stored[cell.key].provenance,
            }
            for cell in cells
        ],
    }
