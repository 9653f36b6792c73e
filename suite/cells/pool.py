"""A pool: a crew of processes of this machine, of one thread each, or one a GPU."""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path
from typing import TYPE_CHECKING

from suite.cells.executor import Crew, Outcome, Task
from suite.cells.gpus import claim
from suite.nets.threads import one_thread
from suite.plugins.sources import check_taken_up

if TYPE_CHECKING:
    from loky import ProcessPoolExecutor

_WORKER_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_LOOK_FOR_PARENT = 0.5
"""Seconds between a worker's looks at whether there is still anyone to work for."""


class Pool(Crew):
    """Processes that start with the first task; a single worker, or a single task, needs none and stays in this one.

    Attributes:
        workers: how many there are at most; to be set before they start.
    """

    deaths = (BrokenExecutor,)

    def __init__(self, workers: int = 1, device: str = "cpu") -> None:
        self.workers = workers
        self.device = device
        self._executor: ProcessPoolExecutor | None = None
        self._claims: tempfile.TemporaryDirectory[str] | None = None

    @property
    def started(self) -> bool:
        """Whether there are processes already."""
        return self._executor is not None

    def outcomes(
        self, work: Callable[[Task], Outcome], tasks: Sequence[Task], given_up: Callable[[Task], Outcome]
    ) -> Iterator[tuple[Task, Outcome]]:
        """Each task with its outcome, as any crew does them."""
        if self.workers == 1 or len(tasks) == 1:
            with one_thread():
                for task in tasks:
                    yield task, work(task)
        else:
            yield from super().outcomes(work, tasks, given_up)

    def submit(self, work: Callable[[Task], Outcome], task: Task) -> "Future[Outcome]":
        """Hands a task to a process; where one has died, all are started anew."""
        try:
            return self._begun().submit(_do, work, task)  # type: ignore[no-any-return]  # loky has no types
        except BrokenExecutor:
            self.end(at_once=True)
            return self._begun().submit(_do, work, task)  # type: ignore[no-any-return]

    def at_once(self) -> int:
        """One more than there are workers keeps all of them busy."""
        return self.workers + 1

    def end(self, at_once: bool) -> None:
        """Ends the processes; others start with the next task."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=at_once)
            self._executor = None
        if self._claims is not None:
            self._claims.cleanup()
            self._claims = None

    def _begun(self) -> "ProcessPoolExecutor":
        """The processes; they do not load the caller's own script anew."""
        from loky import ProcessPoolExecutor  # noqa: PLC0415  # a run in one process needs none

        if self._executor is None:
            claims = None
            if self.device == "cuda":
                self._claims = tempfile.TemporaryDirectory()
                claims = Path(self._claims.name)
            self._executor = ProcessPoolExecutor(
                self.workers, env=_WORKER_ENVIRONMENT, initializer=_begin, initargs=(os.getpid(), self.workers, claims)
            )
        return self._executor


_hindered: list[str] = []
"""What keeps this worker from working: to be said by its tasks, since a worker that fails to begin says nothing."""


def _begin(parent: int, workers: int, claims: Path | None) -> None:
    """What a worker does first: deaf to Ctrl-C, which is for its parent, one thread, and gone when its parent is.

    (Where a child is told of that: not on Windows.) Where there are claims to make, it has a GPU to itself, which
    "cuda" then stands for.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import torch  # noqa: PLC0415  # as above

    torch.set_num_threads(1)
    if hasattr(os, "getppid"):
        threading.Thread(target=_end_without, args=(parent,), daemon=True).start()
    try:
        if claims is not None:
            torch.cuda.set_device(claim(workers, claims))
    except (RuntimeError, AssertionError) as error:
        _hindered.append(str(error).splitlines()[0])


def _do(work: Callable[[Task], Outcome], task: Task) -> Outcome:
    """One task.

    Raises:
        ValueError: this worker could not begin as it should, or lacks a plug-in.
    """
    check_taken_up()
    if _hindered:
        raise ValueError(f"a worker has no GPU to itself ({_hindered[0]}); choose --workers 1, or --device cpu")
    return work(task)


def _end_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_FOR_PARENT)
    os._exit(1)
