"""Worker processes of one thread each, whose deaths cost no more than what they were at."""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from loky import ProcessPoolExecutor

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

_WORKER_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_LOOK_FOR_PARENT = 0.5
"""Seconds between a worker's looks at whether there is still anyone to work for."""


class Pool:
    """Processes that start with the first task and do tasks in order; a task whose process dies is done once more.

    Which of the tasks at hand has taken a process with it cannot be told. So they are set aside and done at the end,
    one at a time: who is alone then and loses its process again is given up.

    As a context manager it ends its processes; at once where an error leaves it.

    Attributes:
        workers: how many there are at most; to be set before they start.
    """

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Pool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(at_once=kind is not None)

    @property
    def started(self) -> bool:
        """Whether there are processes already."""
        return self._executor is not None

    def outcomes(
        self, work: Callable[[Task], Outcome], tasks: Sequence[Task], given_up: Callable[[Task], Outcome]
    ) -> Iterator[tuple[Task, Outcome]]:
        """Each task with its outcome, as they come; what a task raises is raised here.

        Args:
            work: does one task; runs in the workers.
            tasks: what there is to do.
            given_up: the outcome of a task that has cost two processes.
        """
        waiting, suspects = deque(tasks), deque[Task]()
        while waiting:
            yield from self._until_a_death(work, waiting, suspects, self.workers + (self.workers > 1))
        while suspects:
            lost = deque[Task]()
            yield from self._until_a_death(work, suspects, lost, 1)
            for task in lost:
                yield task, given_up(task)

    def _until_a_death(
        self, work: Callable[[Task], Outcome], waiting: "deque[Task]", lost: "deque[Task]", ahead: int
    ) -> Iterator[tuple[Task, Outcome]]:
        """Does what waits until nothing does or a process dies; what was at hand then is lost.

        At hand are `ahead` tasks at most: one more than workers keeps all of them busy.
        """
        at_hand: dict[Future[Outcome], Task] = {}
        executor = self._begun()
        try:
            while waiting or at_hand:
                while waiting and len(at_hand) < ahead:
                    at_hand[executor.submit(work, waiting[0])] = waiting[0]
                    waiting.popleft()
                done, _ = wait(at_hand, return_when=FIRST_COMPLETED)
                for future in done:
                    outcome = future.result()
                    yield at_hand.pop(future), outcome
        except BrokenExecutor:
            for future, task in at_hand.items():
                if future.done() and future.exception() is None:
                    yield task, future.result()
                else:
                    lost.append(task)
            self._end(at_once=True)

    def _begun(self) -> "ProcessPoolExecutor":
        """The processes; they do not load the caller's own script anew."""
        from loky import ProcessPoolExecutor  # noqa: PLC0415  # a run in one process needs none

        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self.workers, env=_WORKER_ENVIRONMENT, initializer=_begin, initargs=(os.getpid(),)
            )
        return self._executor

    def _end(self, at_once: bool) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=at_once)
            self._executor = None


def _begin(parent: int) -> None:
    """What a worker does first: one thread, deaf to Ctrl-C, which is for its parent, and gone when that is."""
    import torch  # noqa: PLC0415  # only those who compute need it

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "getppid"):
        threading.Thread(target=_end_without, args=(parent,), daemon=True).start()


def _end_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_FOR_PARENT)
    os._exit(1)
