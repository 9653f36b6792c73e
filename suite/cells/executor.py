"""Executors, which run a list of tasks, some of which may end their worker; here a pool of processes."""

import os
import signal
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from loky import ProcessPoolExecutor

from suite.native.build import TORCH, kernels
from suite.plugins.loading import check_loaded

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")

GONE = "the workers are gone; finished cells are cached; run the same command again to continue"

_POLL = 1.0
"""Seconds after which the number of tasks to submit is updated even if no task has finished."""


class Executor(ABC):
    """An executor that runs several tasks at once.

    If a worker dies, its task is postponed and run once more at the end, alone, since any of the running tasks may have
    ended the worker. If the worker dies again, the task is given up.

    As a context manager, the executor ends its workers on exit; if an error occurs, it ends them before their tasks are
    done.

    Attributes:
        deaths: Exceptions that a task's future raises if its worker has died.
        device: "cpu" or "cuda", the device on which tasks are computed.
        saves: Whether its workers write to the results folder; otherwise they return their results.
        kernels: What all its workers compute with, as `suite.native.build.kernels` returns it.
    """

    deaths: tuple[type[BaseException], ...]
    device: str
    saves: bool = True
    kernels: str

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(at_once=kind is not None)

    @abstractmethod
    def submit(self, work: Callable[[Job], Outcome], task: Job) -> "Future[Outcome]":
        """Submit a task to the next free worker."""

    @abstractmethod
    def at_once(self) -> int:
        """Return the number of tasks to have submitted, so that no worker is idle.

        Raises:
            ConnectionError: If there is no worker left.
        """

    @abstractmethod
    def end(self, at_once: bool) -> None:
        """End all workers; with `at_once`, do not wait for them."""

    def outcomes(
        self,
        work: Callable[[Job], Outcome],
        tasks: Sequence[Job],
        given_up: Callable[[Job], Outcome],
        split: Callable[[Job], Sequence[Job]] | None = None,
    ) -> Iterator[tuple[Job, Outcome]]:
        """Yield each task with its outcome as tasks finish; raise any error that a task raises.

        Args:
            work: A function that runs one task.
            tasks: The tasks, in order.
            given_up: A function that returns the outcome of a task whose worker has died twice.
            split: A function that returns the tasks that replace one whose worker has died, if it can be divided.
        """
        suspects, lost = deque[Job](), deque[Job]()
        yield from self._run(work, deque(tasks), suspects, alone=False)
        if split is not None:
            suspects = deque(part for task in suspects for part in split(task))
        yield from self._run(work, suspects, lost, alone=True)
        for task in lost:
            yield task, given_up(task)

    def _run(
        self, work: Callable[[Job], Outcome], waiting: "deque[Job]", lost: "deque[Job]", alone: bool
    ) -> Iterator[tuple[Job, Outcome]]:
        """Run the waiting tasks; append tasks whose worker has died to `lost`."""
        running: dict[Future[Outcome], Job] = {}
        while waiting or running:
            most = self.at_once()
            while waiting and len(running) < (1 if alone else most):
                running[self.submit(work, waiting[0])] = waiting[0]
                waiting.popleft()
            done, _ = wait(running, timeout=_POLL, return_when=FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                if future.cancelled():  # the suite cancels no tasks, so the workers are gone
                    raise ConnectionError(GONE)
                if isinstance(future.exception(), self.deaths):
                    lost.append(task)
                else:
                    yield task, future.result()


_THREAD_LIMITS = ("OMP", "MKL", "OPENBLAS", "BLIS", "NUMEXPR")
_WORKER_ENVIRONMENT = {f"{name}_NUM_THREADS": "1" for name in _THREAD_LIMITS} | {"VECLIB_MAXIMUM_THREADS": "1"}
_PARENT_POLL = 0.5
"""Seconds between a worker's checks of whether its parent still runs."""


class ProcessPool(Executor):
    """A pool of processes that start with the first task.

    A single worker, or a single task, runs in this process.

    Attributes:
        workers: The maximum number of processes, to be set before they start.

    Raises:
        ValueError: If the environment variable SUITE_KERNELS is invalid, or requires kernels that cannot be compiled.
    """

    deaths = (BrokenExecutor,)

    def __init__(self, workers: int = 1, device: str = "cpu") -> None:
        self.workers = workers
        self.device = device
        self.kernels = kernels() if device == "cpu" else TORCH
        self._processes: ProcessPoolExecutor | None = None
        self._claims: tempfile.TemporaryDirectory[str] | None = None

    @property
    def started(self) -> bool:
        """Whether the processes have started."""
        return self._processes is not None

    def outcomes(
        self,
        work: Callable[[Job], Outcome],
        tasks: Sequence[Job],
        given_up: Callable[[Job], Outcome],
        split: Callable[[Job], Sequence[Job]] | None = None,
    ) -> Iterator[tuple[Job, Outcome]]:
        """Yield each task with its outcome, as `Executor.outcomes` does."""
        if self.workers == 1 or len(tasks) == 1:
            for task in tasks:
                yield task, work(task)
        else:
            yield from super().outcomes(work, tasks, given_up, split)

    def submit(self, work: Callable[[Job], Outcome], task: Job) -> "Future[Outcome]":
        """Submit a task to a process. If one has died, start all processes again."""
        try:
            return self._started().submit(_run_task, work, task)  # type: ignore[no-any-return]  # loky has no types
        except BrokenExecutor:
            self.end(at_once=True)
            return self._started().submit(_run_task, work, task)  # type: ignore[no-any-return]

    def at_once(self) -> int:
        """Return one more than the number of workers, which keeps all of them busy."""
        return self.workers + 1

    def end(self, at_once: bool) -> None:
        """Kill the processes, whose tasks are done or not wanted; new ones start with the next task.

        A graceful shutdown hangs if a process was killed while it held the lock of the queue of tasks.
        """
        if self._processes is not None:
            self._processes.shutdown(wait=True, kill_workers=True)
            self._processes = None
        if self._claims is not None:
            self._claims.cleanup()
            self._claims = None

    def _started(self) -> ProcessPoolExecutor:
        """Return the pool, which does not import the caller's script; start it if necessary."""
        if self._processes is None:
            claims = None
            if self.device == "cuda":
                self._claims = tempfile.TemporaryDirectory()
                claims = Path(self._claims.name)
            self._processes = ProcessPoolExecutor(
                self.workers, env=_WORKER_ENVIRONMENT, initializer=_start, initargs=(os.getpid(), self.workers, claims)
            )
        return self._processes


_no_gpu: list[str] = []
"""The reason why this worker has no GPU. Its tasks report it, since loky does not report why a worker fails to
start.
"""


@contextmanager
def signals_wait() -> Iterator[None]:
    """Let signals wait while torch is loaded, which aborts the process if a signal handler raises in the middle of it.

    On Windows signals cannot wait.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(parent: int, workers: int, claims: Path | None) -> None:
    """Prepare a worker: ignore Ctrl-C, end when the parent ends, and claim a GPU if needed.

    The parent handles Ctrl-C. On Windows a worker cannot detect that its parent has ended.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "getppid"):
        threading.Thread(target=_end_without, args=(parent,), daemon=True).start()
    if claims is not None:
        from suite.cells.devices import use_own_gpu  # noqa: PLC0415  # needs torch, which only workers load

        try:
            use_own_gpu(workers, claims)
        except (RuntimeError, AssertionError) as error:
            _no_gpu.append(str(error).splitlines()[0])


def _run_task(work: Callable[[Job], Outcome], task: Job) -> Outcome:
    """Run one task.

    Raises:
        ValueError: If this worker has no GPU, or lacks a plug-in.
    """
    check_loaded()
    if _no_gpu:
        raise ValueError(f"a worker has no GPU of its own ({_no_gpu[0]}); use --workers 1 or --device cpu")
    return work(task)


def _end_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL)
    os._exit(1)
