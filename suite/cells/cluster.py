"""An executor that runs tasks on the workers of a Dask scheduler."""

import logging
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self

from suite.cells import workers_build
from suite.cells.executor import GONE, Executor, Job, Outcome
from suite.native.build import NATIVE, TORCH, explain_difference, kernels, requested_kernels
from suite.plugins.loading import check_loaded, load_all, loaded_plugins
from suite.results.provenance import numbers_follow_from

if TYPE_CHECKING:
    from distributed import Client

GPU = "GPU"
"""The Dask resource of which a worker declares 1 per GPU of its own."""

CONNECT, FIRST_WORKER, NO_WORKER = 10.0, 60.0, 300.0
"""Timeouts in seconds for the scheduler, for the first worker, and for another worker after all have gone."""

_COUNT_SECONDS, _RETRIES = 2.0, 1
"""Seconds for which a worker count is valid, and the number of retries if a worker cannot save a result."""

_TASKS_PER_SLOT = 8
"""Submitted tasks per slot; with 2, the overhead of a cell was twice as large."""

_OTHERS_SECONDS = 3.0
"""Seconds to wait for further workers after the first, which may have other resources."""

_LOG = logging.getLogger(__name__)
"""The logger, whose warnings go to standard error unless logging is configured otherwise."""

_LOGS = ("distributed", "distributed.client", "tornado.application")


class DaskCluster(Executor):
    """The workers of a Dask scheduler, which may come and go.

    A worker must have the same code and packages as this process, so that its numbers are the same. Each new worker is
    checked. All workers compute with the same kernels: those of the workers that are there at the start, or torch if
    these differ.

    Args:
        address: The address of the scheduler, such as tcp://host:8786.
        device: "cpu", "cuda" (workers that declare GPUs), or "auto" ("cuda" if such workers exist).
        shared: Whether workers write to the results folder themselves.

    Raises:
        ValueError: If Dask is not installed, no scheduler answers, or no worker has the device.
    """

    def __init__(self, address: str, device: str = "auto", shared: bool = False) -> None:
        distributed = _distributed()
        self.deaths = (distributed.KilledWorker,)
        self.saves = shared
        self.address = address
        self._levels: dict[logging.Logger, int] = {}
        self._checked: set[str] = set()
        self.kernels = TORCH
        _check_answered(address)
        try:
            self._client: Client = distributed.Client(address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError) as error:  # TLS failures raise several types
            raise ValueError(
                f"--scheduler {address}: cannot connect to a Dask scheduler ({error}); check the address"
            ) from None
        try:
            self.device = self._choose_device(device)
            self._slots = self._count_slots()
        except BaseException:
            self._client.close()
            raise
        resources = {GPU: 1} if self.device == "cuda" else None
        self._executor = self._client.get_executor(pure=False, retries=_RETRIES, resources=resources)
        self._last_worker = self._last_count = time.monotonic()

    def __enter__(self) -> Self:
        """Silence Dask's loggers, which write long messages about a lost connection."""
        self._levels = {log: log.level for log in map(logging.getLogger, _LOGS)}
        for log in self._levels:
            log.setLevel(logging.CRITICAL)
        return self

    def submit(self, work: Callable[[Job], Outcome], task: Job) -> "Future[Outcome]":
        """Submit a task to the scheduler."""
        found: Future[Outcome] = self._executor.submit(_on_worker, work, task, numbers_follow_from())
        return found

    def at_once(self) -> int:
        """Return the number of tasks to submit, eight per thread or GPU, so that no worker is idle.

        Raises:
            ConnectionError: If the scheduler is gone, or all workers have been gone for minutes.
        """
        now = time.monotonic()
        if now - self._last_count >= _COUNT_SECONDS:
            self._slots, self._last_count = self._count_slots(), now
        if self._slots:
            self._last_worker = now
        elif now - self._last_worker > NO_WORKER:
            raise ConnectionError(
                f"{self.address}: all workers have been gone for {NO_WORKER:.0f} s; finished cells are cached; start "
                "workers, then run the same command again"
            )
        return _TASKS_PER_SLOT * max(1, self._slots)

    def end(self, at_once: bool) -> None:
        """Disconnect from the cluster."""
        self._executor.shutdown(wait=not at_once)
        self._client.close(timeout=1 if at_once else None)
        for log, level in self._levels.items():
            log.setLevel(level)

    def _choose_device(self, device: str) -> str:
        """Wait for workers and return the device."""
        begun = time.monotonic()
        while True:
            workers, waited = self._workers(), time.monotonic() - begun
            have = any(worker["resources"].get(GPU, 0) >= 1 for worker in workers.values())
            if (device == "cuda" and have) or (workers and waited >= _OTHERS_SECONDS):
                break
            if not workers and waited > FIRST_WORKER:
                raise ValueError(
                    f"--scheduler {self.address}: no worker within {FIRST_WORKER:.0f} s; "
                    f"start one: dask worker {self.address} --nthreads 1"
                )
            time.sleep(0.1)
        if device == "cuda" and not have:
            raise ValueError(
                f"--scheduler {self.address}: none of its {len(workers)} workers declares {GPU}=1, so GPU tasks would "
                f'never start; start one per GPU: dask worker {self.address} --nthreads 1 --resources "{GPU}=1", or '
                "use --device cpu"
            )
        return "cuda" if have and device != "cpu" else "cpu"

    def _workers(self) -> dict[str, dict[str, Any]]:
        """Return the scheduler's description of each worker by address."""
        try:
            found = self._client.sync(self._client.scheduler.identity, n_workers=-1)
        except (OSError, AttributeError) as error:  # the client is disconnected or reconnecting
            raise ConnectionError(GONE) from error
        workers: dict[str, dict[str, Any]] = found["workers"]
        return workers

    def _check_kernels(self, new: list[str]) -> None:
        """Choose the kernels that all of the first workers have, or torch if they differ; refuse others later.

        Workers that have not compiled their kernels do so here.

        Raises:
            ValueError: If a later worker has other kernels, or SUITE_KERNELS requires what a worker lacks.
        """
        if self._checked and self.kernels == TORCH:  # which every worker has
            return
        answers = self._client.run(kernels, workers=new, on_error="return")
        found = {address: answer for address, answer in answers.items() if not isinstance(answer, OSError)}
        for address, answer in found.items():
            if not isinstance(answer, str):
                raise ValueError(f"the Dask worker {address} cannot be used ({answer})")
            if self._checked and answer != self.kernels:
                raise ValueError(explain_difference(f"the new Dask worker {address}", answer, self.kernels))
        if self._checked:
            return
        different = sorted(set(found.values()))
        if len(different) == 1:
            (self.kernels,) = different
        if requested_kernels() == NATIVE and self.kernels == TORCH:
            raise ValueError(
                f"SUITE_KERNELS=native: the Dask workers have the kernels {'; '.join(different)}; use workers with the "
                "same processor and compiler, or unset SUITE_KERNELS"
            )
        if len(different) > 1:
            _LOG.warning(
                "Warning: using torch: the Dask workers have different kernels: %s; "
                "with the same processor and compiler on all of them, narrow networks are several times faster",
                "; ".join(different),
            )

    def _count_slots(self) -> int:
        """Check new workers and return the number of tasks that run at once.

        Raises:
            ValueError: If a worker would not give the same numbers, or has no suite.
        """
        workers = self._workers()
        if new := sorted(set(workers) - self._checked):
            for address, build in self._client.run(workers_build.build, workers=new, on_error="return").items():
                _check_build(address, build)
            _check_plugins(self._client, new)
            if self.device == "cpu" and requested_kernels() != TORCH:
                self._check_kernels(new)
            self._checked |= set(new)
        if self.device == "cpu":
            return sum(worker["nthreads"] for worker in workers.values())
        return int(sum(worker["resources"].get(GPU, 0) for worker in workers.values()))


def _check_build(address: str, build: object) -> None:
    """Raise ValueError if a worker's code or packages differ from those of this process."""
    ours = numbers_follow_from()
    if isinstance(build, OSError):
        return
    if not isinstance(build, dict):
        raise ValueError(
            f"the Dask worker {address} cannot be used ({build}); install the same version of the suite there"
        )
    if build != ours:
        other = ", ".join(
            f"expected {name} {ours[name]}, got {build.get(name)}" for name in ours if build.get(name) != ours[name]
        )
        raise ValueError(
            f"the Dask worker {address} has other versions, so its numbers would differ: {other}; "
            "install the same versions there"
        )


def _check_plugins(client: "Client", workers: list[str]) -> None:
    """Raise ValueError if a worker or the scheduler cannot load the plug-ins.

    The scheduler needs them because it reads the tasks.
    """
    if not (ours := loaded_plugins()):
        return
    found = client.run(load_all, ours, workers=workers, on_error="return")
    found["scheduler"] = client.run_on_scheduler(load_all, ours)
    for address, why in found.items():
        if why and not isinstance(why, OSError):
            raise ValueError(f"the Dask worker {address} cannot use a plug-in: {why}")


def _on_worker(work: Callable[[Job], Outcome], task: Job, build: dict[str, str]) -> Outcome:
    """Run a task in a worker's thread.

    Raises:
        ValueError: If a new worker would not give the same numbers, or lacks a plug-in.
    """
    check_loaded()
    if numbers_follow_from() != build:
        raise ValueError(
            "a new Dask worker has other versions, so its numbers would differ; install the same versions there"
        )
    return work(task)


def _check_answered(address: str) -> None:
    """Raise ValueError if the address is invalid or does not answer, which Dask's client reports late."""
    found = _ADDRESS.fullmatch(address)
    if not found or not 0 < int(found["port"]) < 2**16:
        raise ValueError(
            f"--scheduler {address}: expected an address; use tcp://HOST:PORT, such as tcp://10.0.0.1:8786"
        )
    try:
        socket.create_connection((found["host"].strip("[]"), int(found["port"])), timeout=CONNECT).close()
    except OSError as error:
        raise ValueError(
            f"--scheduler {address}: no Dask scheduler responds ({error}); start one: dask scheduler"
        ) from None


_ADDRESS = re.compile(r"((tcp|tls)://)?(?P<host>\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):(?P<port>\d{1,5})", re.ASCII)


def _distributed() -> Any:
    try:
        import cloudpickle  # noqa: PLC0415  # an optional dependency
        import distributed  # noqa: PLC0415
    except ImportError as error:
        raise ValueError(
            f"--scheduler requires Dask ({error}); install it: python -m pip install 'mlp-trainability-suite[dask]'"
        ) from None
    cloudpickle.register_pickle_by_value(workers_build)
    return distributed
