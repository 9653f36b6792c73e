"""Estimates of the computing time of cells, from the recorded times of other cells or from short trials."""

import time
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from heapq import heapreplace
from statistics import median
from typing import NamedTuple

from suite.cells.cache import CachedCell, CellResult
from suite.cells.cell import Cell
from suite.cells.executor import ProcessPool, signals_wait
from suite.cells.tasks import Task, in_order, kind_of, tasks_of

AnnounceTrial = Callable[[str, int, int], None]
"""Called before a measure is tried, with its name, the number of the measure and the number of measures."""

_FEWEST_TRIALS, _TRIAL_SECONDS, _TRIAL_SHARE = 4, 2.0, 0.03
"""Minimum number of trials per measure. Further ones are made until this number of seconds, or this share of the
estimated time, has passed.
"""
_TRIAL_DRAWS, _TRIAL_VALUES = 64, 2**22
"""Maximum number of draws of a trial, and of their parameters."""
_SHORTEST_TRIAL = 0.05
"""If a trial takes less than this number of seconds, the complete cells are tried."""
_LONG_TRIAL = 0.5
"""A trial that takes more than this number of seconds is not repeated."""
_LONGEST_TRAINING, _SHORTEST_TRAINING, _TRAINING_SHARE = 512, 192, 16
"""Maximum and minimum number of steps of a trial of training, and its share, one in this number of steps."""
_CELL_SECONDS = 0.002
"""Seconds per cell for dispatching and saving it."""
_GOLDEN = (5**0.5 - 1) / 2
"""Golden ratio, whose multiples modulo 1 are spread evenly."""


class Estimate(NamedTuple):
    """The estimate for one cell, or what was measured of it.

    Attributes:
        seconds: The computing time in seconds.
        bytes: The size of its file, or of its arrays.
    """

    seconds: float
    bytes: float


def estimate_cells(
    cells: Sequence[Cell], cached: Mapping[str, CachedCell], workers: int, announce: AnnounceTrial
) -> dict[str, Estimate]:
    """Return an estimate for every cell to compute, by key.

    A cell takes as long per cost as the finished cells of its measure and member; if there are none, as the finished
    cell of its measure that is next to it, in the order of costs and members. If no cell of a measure is finished,
    parts of some cells are computed and discarded, by as many processes at a time as the run would start, since
    processes slow each other down. A cell whose trials failed has no estimate.

    Args:
        cells: All cells of a study.
        cached: Those that are finished, by key.
        workers: The number of processes.
        announce: Called before the trials of each measure.
    """
    known = defaultdict[str, list[tuple[Cell, Estimate]]](list)
    for cell in cells:
        if found := cached.get(cell.key):
            known[cell.name].append((cell, Estimate(found.provenance["seconds"], found.size)))
    missing = [cell for cell in cells if cell.key not in cached]
    groups = defaultdict[tuple[str, ...], list[Task]](list)
    for task in tasks_of(missing):
        if any(cell.name not in known for cell in task):
            groups[tuple(cell.name for cell in task)].append(task)
    with ExitStack() as stack:
        pool = stack.enter_context(ProcessPool(workers)) if groups else None
        for number, (names, tasks) in enumerate(groups.items(), 1):
            announce(" and ".join(names), number, len(groups))
            assert pool is not None
            for cell, estimate in _try_some(tasks, pool):
                known[cell.name].append((cell, estimate))
    places = {cell.key: (kind_of(cell)[1], place) for place, cell in enumerate(cells)}
    return {
        cell.key: estimate
        for name, of_measure in known.items()
        for cell, estimate in _transfer(of_measure, [cell for cell in missing if cell.name == name], places)
    }


def estimate_wall_time(cells: Sequence[Cell], estimates: Mapping[str, Estimate], workers: int) -> float:
    """Return the seconds until the last of some processes, which take tasks as in a run, is finished."""
    free = [0.0] * workers
    for task in in_order(tasks_of(cells)):
        seconds = sum(estimates[cell.key].seconds + _CELL_SECONDS for cell in task if cell.key in estimates)
        heapreplace(free, free[0] + seconds)
    return max(free)


def _transfer(
    known: Sequence[tuple[Cell, Estimate]], missing: Sequence[Cell], places: Mapping[str, tuple[int, int]]
) -> Iterator[tuple[Cell, Estimate]]:
    """Yield the estimates of missing cells of one measure, from those of known cells."""
    in_places = sorted(known, key=lambda each: places[each[0].key])
    ranks = [places[cell.key] for cell, _ in in_places]
    of_member = defaultdict[int, list[tuple[Cell, Estimate]]](list)
    for cell, estimate in known:
        of_member[id(cell.member)].append((cell, estimate))
    for cell in missing:
        place = bisect(ranks, places[cell.key])
        beside = [at for at in (place - 1, place) if 0 <= at < len(ranks)]
        nearest = min(beside, key=lambda at: _distance(ranks[at], places[cell.key]))
        like = of_member.get(id(cell.member)) or [in_places[nearest]]
        yield (
            cell,
            Estimate(
                median(found.seconds / other.cost for other, found in like) * cell.cost,
                median(found.bytes / other.draws for other, found in like) * cell.draws,
            ),
        )


def _distance(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return abs(one[0] - other[0]), abs(one[1] - other[1])


def _try_some(tasks: Sequence[Task], pool: ProcessPool) -> Iterator[tuple[Cell, Estimate]]:
    """Try tasks that are spread evenly over all, and yield the estimates of their cells."""
    spread = sorted(range(len(tasks)), key=lambda place: place * _GOLDEN % 1)
    began, total = time.monotonic(), 0.0
    for start in range(0, len(tasks), pool.workers):
        done = start and total / start * len(tasks) / pool.workers
        if start >= _FEWEST_TRIALS and time.monotonic() - began > max(_TRIAL_SECONDS, _TRIAL_SHARE * done):
            return
        tried = [tasks[place] for place in spread[start : start + pool.workers]]
        for task, estimates in pool.outcomes(_try_in_worker, tried, _process_died):
            for cell, estimate in zip(task, estimates, strict=True):
                if estimate is not None:
                    total += estimate.seconds
                    yield cell, estimate


def _try_in_worker(task: Task) -> list[Estimate | None]:
    """Compute a part of a task as a run does; return estimates for its complete cells, None for those that failed."""
    draws = min(_TRIAL_DRAWS, max(1, _TRIAL_VALUES // max(cell.member.parameters for cell in task)))
    part = tuple(replace(cell, stop=min(cell.stop, cell.start + draws)) for cell in task)
    if part[0].trains:  # a task of its own
        return [_try_training(part[0])]
    _measure([replace(cell, stop=cell.start + 1) for cell in part])  # loads what the first computation needs
    found = _measure_again(part)
    if _total(found) < _SHORTEST_TRIAL and draws < max(cell.draws for cell in task):
        part, found = task, _measure_again(task)
    return [
        each and Estimate(each.seconds * cell.draws / tried.draws, each.bytes * cell.draws / tried.draws)
        for cell, tried, each in zip(task, part, found, strict=True)
    ]


def _measure_again(cells: Sequence[Cell]) -> list[Estimate | None]:
    """Compute cells, and again if that was quick, and return what they took the last time.

    A process keeps what many cells need, such as the scales of a data-dependent initialization, so that in a run only
    its first cells take longer.
    """
    found = _measure(cells)
    return found if _total(found) > _LONG_TRIAL else _measure(cells)


def _total(found: Sequence[Estimate | None]) -> float:
    return sum(each.seconds for each in found if each is not None)


def _process_died(task: Task) -> list[Estimate | None]:
    return [None] * len(task)


def _try_training(cell: Cell) -> Estimate | None:
    """Return the estimate for a training, from three short ones.

    Its time is a constant, plus the steps, plus the steps at which networks are observed, whose share falls with the
    number of steps; each has a coefficient.
    """
    from scipy.optimize import nnls  # noqa: PLC0415  # loaded by workers alone

    steps = max(cell.steps)
    longest = min(_LONGEST_TRAINING, max(_SHORTEST_TRAINING, steps // _TRAINING_SHARE), steps)
    trials = cell.trials(sorted({max(1, longest // 32), max(1, longest // 8), longest}))
    _measure([replace(trials[0], stop=cell.start + 1)])
    found = [each for trial in trials if (each := _measure([trial])[0]) is not None]
    if len(found) < len(trials):
        return None
    shares = [[1.0, max(trial.steps), trial.observations] for trial in trials]
    coefficients, _ = nnls(shares, [each.seconds for each in found])
    return Estimate(float(coefficients @ [1.0, steps, cell.observations]), found[-1].bytes)


def _measure(cells: Sequence[Cell]) -> list[Estimate | None]:
    """Compute cells together and return what they took, without their results."""
    with signals_wait():
        from suite.cells.worker import compute_and_save  # noqa: PLC0415  # only workers load torch

    return [
        Estimate(outcome.provenance["seconds"], sum(values.nbytes for values in outcome.readings.values()))
        if isinstance(outcome, CellResult)
        else None
        for outcome in compute_and_save(cells, None, "cpu")
    ]
