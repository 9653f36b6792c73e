"""Plan a run: find the cells to compute, and estimate their time, memory and disk. Write nothing."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from suite.catalog.precision import precision_asked
from suite.cells.cache import Cache
from suite.cells.cell import Cell
from suite.cells.resources import WORKERS_START, default_workers, workers_for
from suite.formatting import format_bytes, format_count, format_duration
from suite.runs.estimate import estimate_cells, estimate_wall_time
from suite.runs.run import find_computed
from suite.spec.load import Study

State = Literal["done", "missing", "spec changed", "plug-in changed", "version changed", "damaged"]
_STATES: tuple[State, ...] = ("done", "missing", "spec changed", "plug-in changed", "version changed", "damaged")

AnnounceTrial = Callable[[str, str, int, int], None]
"""Called before each trial with the study, the measure, the number of the trial and the number of trials."""

_PROCESS_BYTES = 300 * 2**20
"""Memory of a process in bytes before it computes, mainly for torch."""
_FILE_BYTES = 4096
"""Minimum bytes of a cell's file on disk."""
_TABLES = 1.0
"""Bytes of tables and pages per byte of cells."""


@dataclass(frozen=True)
class Line:
    """The plan for one measure of a study.

    Attributes:
        measure: The name of the measure.
        states: The number of cells in each state.
        seconds: The estimated time of the cells to compute, in seconds on one core.
        bytes: The estimated size of their files.
        basis: The basis of the estimate: "recorded" for recorded times, "trial" for a trial, empty if all is done.
    """

    measure: str
    states: dict[State, int]
    seconds: float
    bytes: float
    basis: str


@dataclass(frozen=True)
class Plan:
    """The plan for a run of a study.

    Attributes:
        study: The name of the study.
        lines: The plans for its measures.
        workers: The number of processes that the run would start.
        seconds: The estimated wall time in seconds, with the start of the workers, without tables and report.
        grows: Whether cells to compute have a precision target, which may need more draws than planned.
    """

    study: str
    lines: list[Line]
    workers: int
    seconds: float
    grows: bool

    @property
    def to_do(self) -> int:
        """The number of cells to compute."""
        return sum(number for line in self.lines for state, number in line.states.items() if state != "done")

    @property
    def memory(self) -> float:
        """The estimated memory of all processes together, in bytes."""
        return _PROCESS_BYTES * (self.workers + (self.workers > 1))

    @property
    def disk(self) -> float:
        """The estimated bytes that the run adds to the results folder."""
        return sum(line.bytes for line in self.lines) * (1 + _TABLES)

    def as_json(self) -> dict[str, Any]:
        """Return the plan in JSON's types, as `plan --json` prints it."""
        return {
            "study": self.study,
            "cells": sum(sum(line.states.values()) for line in self.lines),
            "to_do": self.to_do,
            "seconds": round(self.seconds, 2),
            "workers": self.workers,
            "memory_bytes": round(self.memory),
            "disk_bytes": round(self.disk),
            "may_grow": self.grows,
            "measures": [
                {"measure": line.measure, "states": line.states, "seconds": round(line.seconds, 3), "basis": line.basis}
                for line in self.lines
            ],
        }


def _silent(*_: object) -> None:
    """Do nothing."""


def plan_study(study: Study, results: Path, workers: int | None = None, announce: AnnounceTrial = _silent) -> Plan:
    """Return what a run would compute, with an estimate of its time.

    The times are those recorded for finished cells of the same measure. If there are none, trials compute parts of some
    cells and discard them.

    Args:
        study: The study.
        results: The folder of all results.
        workers: The number of processes that the run would be asked for. Default: as the run would choose.
        announce: Called before each trial.
    """
    folder = results / study.spec.name
    cache = Cache(folder / "cells")
    found = find_computed(study, results)
    cells, cached = found.cells, found.cached
    recorded = _recorded(folder)
    missing = [cell for cell in cells if cell.key not in cached]
    processes = workers_for(missing, "cpu", workers) if missing else 1
    at_once = min(processes, default_workers())
    estimates = estimate_cells(cells, cached, at_once, lambda *which: announce(study.spec.name, *which))
    done = {cell.name for cell in cells if cell.key in cached}
    lines = []
    for name in dict.fromkeys(cell.name for cell in cells):
        states: dict[State, int] = dict.fromkeys(_STATES, 0)
        for cell in cells:
            if cell.name == name:
                states["done" if cell.key in cached else _find_state(cell, cache, recorded)] += 1
        own = [estimates[cell.key] for cell in missing if cell.name == name and cell.key in estimates]
        seconds, volume = sum(each.seconds for each in own), sum(max(_FILE_BYTES, each.bytes) for each in own)
        basis = ("recorded" if name in done else "trial") if own else ""
        lines.append(Line(name, states, seconds, volume, basis))
    wall_time = estimate_wall_time(missing, estimates, at_once) + (WORKERS_START if processes > 1 else 0.0)
    grows = any(precision_asked(cell.settings) for cell in missing)
    return Plan(study.spec.name, lines, processes, wall_time, grows)


@dataclass(frozen=True)
class _Record:
    """The code that a run computed its cells with.

    Attributes:
        versions: The version of each cell's code, by measure, member, first draw and end of the draws.
        plugins: The digests of the loaded plug-ins.
    """

    versions: Mapping[tuple[str, str, int, int], str] = field(default_factory=dict)
    plugins: frozenset[str] = frozenset()


def _recorded(folder: Path) -> _Record:
    """Read the versions and plug-ins from run.json; return an empty record if it cannot be read."""
    try:
        run = json.loads((folder / "run.json").read_bytes())
        versions = {(each["measure"], each["member"], *each["draws"]): each.get("version", "") for each in run["cells"]}
        return _Record(versions, frozenset(run["environment"].get("plugins", {}).values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return _Record()


def _find_state(cell: Cell, cache: Cache, recorded: _Record) -> State:
    """Return the state of a cell that must be computed."""
    if cache.path(cell.key).exists():
        return "damaged"
    version = recorded.versions.get((cell.name, cell.member.name, cell.start, cell.stop))
    if version is None:
        return "missing"
    if version != cell.version:
        return "version changed"
    return "spec changed" if recorded.plugins.issuperset(cell.origins.values()) else "plug-in changed"


def format_plans(plans: Sequence[Plan]) -> Iterator[str]:
    """Yield the plans as lines of text: a table per study, and the total."""
    for plan in plans:
        yield f"{plan.study}: {format_count(plan.to_do, 'cell')} to compute"
        shown = [state for state in _STATES if any(line.states[state] for line in plan.lines)]
        yield "  " + "measure".ljust(20) + "".join(state.rjust(17) for state in shown) + "CPU time".rjust(14)
        for line in plan.lines:
            numbers = "".join(str(line.states[state]).rjust(17) for state in shown)
            yield f"  {line.measure:<20}{numbers}{(format_duration(line.seconds) if line.basis else '-'):>14}"
        if plan.to_do:
            processes = "1 process" if plan.workers == 1 else f"{plan.workers} processes"
            yield (
                f"  computing takes about {format_duration(plan.seconds)} with {processes}"
                + (", more if precision targets need more draws" if plan.grows else "")
                + "; startup, tables and pages are extra; "
                + f"memory: {format_bytes(plan.memory)}; disk: {format_bytes(plan.disk)}"
            )
    if len(plans) > 1:
        to_do = sum(plan.to_do for plan in plans)
        seconds = sum(plan.seconds for plan in plans)
        yield f"all: {format_count(to_do, 'cell')} to compute; computing takes about {format_duration(seconds)}"
