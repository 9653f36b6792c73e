"""Worker processes of one thread each, whose deaths cost no more than what they were at."""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from typing import Generic, TypeVar

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

_WORKER_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_LOOK_FOR_PARENT = 0.5
"""Seconds between a worker's looks at whether there is still anyone to work for."""


class Pool(Generic[Task, Outcome]):
    """Does tasks in processes, in order; a task whose process dies is done once more.

    Which of the tasks at hand has taken a process with it cannot be told. So they are set aside and done at the end,
    one at a time: who is alone then and loses its process again is given up.

    Args:
        work: does one task; runs in the workers.
        workers: how many there are.
        given_up: the outcome of a task that has cost two processes.
    """

    def __init__(self, work: Callable[[Task], Outcome], workers: int, given_up: Callable[[Task], Outcome]) -> None:
        self._work = work
        self._workers = workers
        self._given_up = given_up

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Each task with its outcome, as they come.

        What a task raises is raised here, and ends the workers; so does closing the iterator.
        """
        waiting, suspects = deque(tasks), deque[Task]()
        while waiting:
            yield from self._until_a_death(waiting, suspects, self._workers)
        while suspects:
            lost = deque[Task]()
            yield from self._until_a_death(suspects, lost, 1)
            for task in lost:
                yield task, self._given_up(task)

    def _until_a_death(
        self, waiting: "deque[Task]", lost: "deque[Task]", workers: int
    ) -> Iterator[tuple[Task, Outcome]]:
        """Does what waits until nothing does or a process dies; what was at hand then is lost."""
        ahead = workers + (workers > 1)  # one task more than workers keeps all of them busy
        at_hand: dict[Future[Outcome], Task] = {}
        with _processes(workers) as executor:
            try:
                while waiting or at_hand:
                    while waiting and len(at_hand) < ahead:
                        at_hand[executor.submit(self._work, waiting[0])] = waiting[0]
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


@contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    """Worker processes; they do not load the caller's own script anew."""
    from loky import ProcessPoolExecutor  # noqa: PLC0415  # a run in one process needs none

    arguments = (os.getpid(),)
    executor = ProcessPoolExecutor(workers, env=_WORKER_ENVIRONMENT, initializer=_begin, initargs=arguments)
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=True, kill_workers=True)
        raise
    executor.shutdown(wait=True)


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
