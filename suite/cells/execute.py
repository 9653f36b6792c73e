"""Computation of the cells of a study that are not cached, on an executor and in sampling rounds."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from suite.cells.cache import Cache, CachedCell, CellOutcome, CellResult
from suite.cells.cell import Cell, Failure
from suite.cells.executor import Executor, ProcessPool, signals_wait
from suite.cells.resources import Resources, open_executor, workers_for
from suite.cells.sampling import PrecisionTarget, SamplingRounds
from suite.cells.tasks import Task, in_order, tasks_of
from suite.results.shards import Shard
from suite.spec.load import Study

CellCallback = Callable[[Cell, float | None], None]
"""A function that is called with each finished cell and its seconds, and with each failed cell and None."""

Announce = Callable[[Study, Sequence[Cell], Sequence[Cell]], CellCallback]
"""(study, all its cells, those to compute) -> a callback for each finished cell; called again in each round."""


class ComputedStudy(NamedTuple):
    """The cells of a study after its computation, or those that are cached.

    Attributes:
        cells: The cells, in the order of the tables.
        targets: The precision targets.
        cached: The cached cells by key.
        failures: The failed cells by key.
    """

    cells: list[Cell]
    targets: list[PrecisionTarget]
    cached: dict[str, CachedCell]
    failures: dict[str, Failure]


def compute_study(
    study: Study,
    cache: Cache,
    resources: Resources,
    announce: Announce | None = None,
    shard: Shard | None = None,
    base: Cache | None = None,
) -> ComputedStudy:
    """Compute the missing cells of a study in sampling rounds until its precision targets are reached.

    Args:
        study: The study.
        cache: The cache of its finished cells.
        resources: The device, workers or cluster that compute.
        announce: A function that is called before each round.
        shard: If given, only one part of the cells is computed.
        base: Another cache, from which cells are copied.

    Returns:
        The cells, with those that failed.

    Raises:
        ValueError: If the device or the cluster is unavailable.
        OSError: If a result cannot be saved, or the connection to a cluster is lost.
    """

    def find(cell: Cell) -> CachedCell | None:
        return cache.check(cell.key) or (cache.copy_from(base, cell.key) if base else None)

    rounds, cached, failures = SamplingRounds(study, shard), dict[str, CachedCell](), dict[str, Failure]()
    missing = _look_up(rounds, cached, failures, find)
    if announce and not missing:
        announce(study, rounds.cells, missing)
    with ExitStack() as stack:
        executor: Executor | None = None
        while missing:
            if executor is None and resources.device == "cuda" and resources.scheduler is None:
                executor = stack.enter_context(open_executor(resources))  # unavailable devices are not announced
            progress = announce(study, rounds.cells, missing) if announce else lambda *_: None
            if executor is None:
                executor = stack.enter_context(open_executor(resources))
            cache.prepare()
            if isinstance(executor, ProcessPool) and not executor.started:
                executor.workers = workers_for(missing, executor.device, resources.workers)
            failures |= execute(missing, cache, executor, progress)
            cached |= {cell.key: _read_back(cache, cell) for cell in missing if cell.key not in failures}
            missing = _look_up(rounds, cached, failures, find)
    return ComputedStudy(rounds.cells, rounds.targets, cached, failures)


def find_cached(study: Study, cache: Cache, base: Cache | None = None) -> ComputedStudy:
    """Return the cells of a study that follow from the cached ones, without computing any.

    Args:
        study: The study.
        cache: The cache of its finished cells.
        base: Another cache, whose cells count as cached.
    """
    rounds, cached = SamplingRounds(study), dict[str, CachedCell]()
    _look_up(rounds, cached, {}, lambda cell: cache.check(cell.key) or (base.check(cell.key) if base else None))
    return ComputedStudy(rounds.cells, rounds.targets, cached, {})


def _look_up(
    rounds: SamplingRounds,
    cached: dict[str, CachedCell],
    failures: dict[str, Failure],
    find: Callable[[Cell], CachedCell | None],
) -> list[Cell]:
    """Add available cells to `cached`, and further draws to `rounds` if a target needs them.

    Return the cells that are missing.
    """
    while True:
        new = [cell for cell in rounds.cells if cell.key not in cached and cell.key not in failures]
        cached |= {cell.key: found for cell in new if (found := find(cell))}
        if not rounds.advance(cached):
            return [cell for cell in new if cell.key not in cached]


def execute(cells: Sequence[Cell], cache: Cache, executor: Executor, progress: CellCallback) -> dict[str, Failure]:
    """Compute cells and save each as soon as it is done.

    Failures do not stop the others.

    Args:
        cells: The cells.
        cache: The cache that stores the results.
        executor: The executor that computes them.
        progress: A function that is called with each finished cell.

    Returns:
        The failures by key.

    Raises:
        OSError: If a result cannot be saved, or the connection to a cluster is lost.
    """
    tasks = in_order(tasks_of(cells))
    folder = cache.folder.resolve() if executor.saves else None
    work = partial(_run_in_worker, folder=folder, device=executor.device, kernels=executor.kernels)
    failures = {}
    for task, outcomes in executor.outcomes(work, tasks, _process_died, _one_by_one):
        for cell, outcome in zip(task, outcomes, strict=True):
            if isinstance(outcome, Failure):
                failures[cell.key] = outcome
            elif isinstance(outcome, CellResult):
                cache.save(cell.key, outcome)
            progress(cell, _seconds(outcome))
    return failures


def _run_in_worker(task: Task, folder: Path | None, device: str, kernels: str) -> list[CellOutcome]:
    """Import the worker module, which loads torch, and compute the cells of a task."""
    with signals_wait():
        from suite.cells.worker import compute_and_save  # noqa: PLC0415  # only workers load torch

    return compute_and_save(task, folder, device, kernels)


def _seconds(outcome: CellOutcome) -> float | None:
    """Return the seconds that a cell took, or None if it failed."""
    if isinstance(outcome, CellResult):
        seconds: float = outcome.provenance["seconds"]
        return seconds
    return None if isinstance(outcome, Failure) else outcome


def _one_by_one(task: Task) -> list[Task]:
    """Return the tasks that replace one whose process died, one of whose cells may have ended it."""
    return [(cell,) for cell in task]


def _process_died(task: Task) -> list[CellOutcome]:
    """Return the failure of every cell of a task whose process died twice."""
    return [Failure("its process died twice, killed or out of memory; run fewer workers or free memory")] * len(task)


def _read_back(cache: Cache, cell: Cell) -> CachedCell:
    found = cache.check(cell.key)
    if found is None:
        raise OSError(
            f"the results of {cell.name} of {cell.member.name} were saved but cannot be read back from {cache.folder}"
        )
    return found
