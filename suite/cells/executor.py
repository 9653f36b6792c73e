"""Executors: what does a run's tasks, some of which may end their worker; here a pool of processes of this machine."""

import os
import signal
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from suite.cells.resources import claim
from suite.nets.threads import one_thread
from suite.plugins.sources import check_taken_up

if TYPE_CHECKING:
    from loky import ProcessPoolExecutor

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

GONE = "the scheduler or its workers are gone; what is finished is kept, and the same command goes on from there"

_LOOK = 1.0
"""Seconds after which a crew is looked at anew though no task has come to an end."""


class Crew(ABC):
    """Whoever does tasks, several at once.

    A task whose worker has died is set aside, and done once more at the end: alone, since it cannot be told which of
    several tasks at hand has taken a worker with it. One that then loses its worker again is given up.

    As a context manager it ends what it has begun; at once where an error leaves it.

    Attributes:
        deaths: what a task's future raises when its worker has died.
        device: "cpu" or "cuda", where tasks are computed.
        stores: whether its workers write to the results folder; otherwise what they compute comes back.
    """

    deaths: tuple[type[BaseException], ...]
    device: str
    stores: bool = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(at_once=kind is not None)

    @abstractmethod
    def submit(self, work: Callable[[Task], Outcome], task: Task) -> "Future[Outcome]":
        """Hands a task to whoever is free next."""

    @abstractmethod
    def at_once(self) -> int:
        """How many tasks to have at hand now, so that nobody waits for one.

        Raises:
            ConnectionError: there is no one left.
        """

    @abstractmethod
    def end(self, at_once: bool) -> None:
        """Lets everyone go; before their tasks are done, if at once."""

    def outcomes(
        self, work: Callable[[Task], Outcome], tasks: Sequence[Task], given_up: Callable[[Task], Outcome]
    ) -> Iterator[tuple[Task, Outcome]]:
        """Each task with its outcome, as they come; what a task raises is raised here.

        Args:
            work: does one task.
            tasks: what there is to do, in order.
            given_up: the outcome of a task that has cost its worker twice.
        """
        suspects, lost = deque[Task](), deque[Task]()
        yield from self._done(work, deque(tasks), suspects, alone=False)
        yield from self._done(work, suspects, lost, alone=True)
        for task in lost:
            yield task, given_up(task)

    def _done(
        self, work: Callable[[Task], Outcome], waiting: "deque[Task]", lost: "deque[Task]", alone: bool
    ) -> Iterator[tuple[Task, Outcome]]:
        """Does what waits; those whose workers have died are lost."""
        at_hand: dict[Future[Outcome], Task] = {}
        while waiting or at_hand:
            room = self.at_once()
            while waiting and len(at_hand) < (1 if alone else room):
                at_hand[self.submit(work, waiting[0])] = waiting[0]
                waiting.popleft()
            done, _ = wait(at_hand, timeout=_LOOK, return_when=FIRST_COMPLETED)
            for future in done:
                task = at_hand.pop(future)
                if future.cancelled():  # not by us
                    raise ConnectionError(GONE)
                if isinstance(future.exception(), self.deaths):
                    lost.append(task)
                else:
                    yield task, future.result()


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
