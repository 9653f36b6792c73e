"""An executor that runs tasks on the workers of a Dask scheduler."""

import logging
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self

from suite.cells import workers_build
from suite.cells.executor import GONE, Executor, Outcome, Task
from suite.plugins.loading import check_loaded, load_all, loaded_plugins
from suite.results.provenance import numbers_follow_from

if TYPE_CHECKING:
    from distributed import Client

GPU = "GPU"
"""The resource of which a worker offers 1 for each GPU that it has to itself."""

CONNECT, FIRST_WORKER, NO_WORKER = 10.0, 60.0, 300.0
"""Seconds to wait for the scheduler's answer, for a first worker, and for another where all have gone."""

_LOOK, _RETRIES = 2.0, 1
"""Seconds for which a count of workers is good, and how often another worker tries what one could not store."""

_AHEAD = 8
"""Tasks at hand for each place; of 2, a cell took twice as long to come and go."""

_OTHERS = 3.0
"""Seconds to wait after a first worker for others, which may have other resources."""

_LOGS = ("distributed", "distributed.client", "tornado.application")


class DaskCluster(Executor):
    """The workers of a Dask scheduler; they may come and go.

    A worker must have the very same code and packages as this process, so that its numbers are the same; whoever comes
    is asked for them.

    Args:
        address: the scheduler's, such as tcp://host:8786.
        device: "cpu"; "cuda", of workers that offer GPUs; or "auto", of those if there are any.
        shared: whether workers write to the results folder themselves.

    Raises:
        ValueError: Dask is not installed, nobody answers, or no worker has what is asked for.
    """

    def __init__(self, address: str, device: str = "auto", shared: bool = False) -> None:
        distributed = _distributed()
        self.deaths = (distributed.KilledWorker,)
        self.saves = shared
        self.address = address
        self._levels: dict[logging.Logger, int] = {}
        self._like_us: set[str] = set()
        _check_answered(address)
        try:
            self._client: Client = distributed.Client(address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError) as error:  # what it says of TLS has several types
            raise ValueError(
                f"--scheduler {address}: there is no Dask scheduler that we can talk to ({error})"
            ) from None
        try:
            self.device = self._chosen(device)
            self._places = self._counted()
        except BaseException:
            self._client.close()
            raise
        resources = {GPU: 1} if self.device == "cuda" else None
        self._executor = self._client.get_executor(pure=False, retries=_RETRIES, resources=resources)
        self._seen = self._looked = time.monotonic()

    def __enter__(self) -> Self:
        """Dask's words on a lost connection are pages; ours are a line."""
        self._levels = {log: log.level for log in map(logging.getLogger, _LOGS)}
        for log in self._levels:
            log.setLevel(logging.CRITICAL)
        return self

    def submit(self, work: Callable[[Task], Outcome], task: Task) -> "Future[Outcome]":
        """Hands a task to the scheduler."""
        found: Future[Outcome] = self._executor.submit(_on_worker, work, task, numbers_follow_from())
        return found

    def at_once(self) -> int:
        """Several for each thread, or GPU, so that the next ones are there when one is done: short ones go by fast.

        Raises:
            ConnectionError: the scheduler is gone, or all workers have been for minutes.
        """
        now = time.monotonic()
        if now - self._looked >= _LOOK:
            self._places, self._looked = self._counted(), now
        if self._places:
            self._seen = now
        elif now - self._seen > NO_WORKER:
            raise ConnectionError(
                f"{self.address}: all workers have been gone for {NO_WORKER:.0f} s; what is finished is kept: start "
                "some, and run the same command again"
            )
        return _AHEAD * max(1, self._places)

    def end(self, at_once: bool) -> None:
        """Leaves the cluster; what it still computes for us is of no use any more."""
        self._executor.shutdown(wait=not at_once)
        self._client.close(timeout=1 if at_once else None)
        for log, level in self._levels.items():
            log.setLevel(level)

    def _chosen(self, device: str) -> str:
        """The device, once there are workers; of those that have a GPU some may come a little later than others."""
        begun = time.monotonic()
        while True:
            workers, waited = self._workers(), time.monotonic() - begun
            have = any(worker["resources"].get(GPU, 0) >= 1 for worker in workers.values())
            if (device == "cuda" and have) or (workers and waited >= _OTHERS):
                break
            if not workers and waited > FIRST_WORKER:
                raise ValueError(
                    f"--scheduler {self.address}: no worker has come within {FIRST_WORKER:.0f} s; "
                    f"start some: dask worker {self.address} --nthreads 1"
                )
            time.sleep(0.1)
        if device == "cuda" and not have:
            raise ValueError(
                f"--scheduler {self.address}: none of its {len(workers)} workers offers {GPU}=1, and GPU work would "
                f'wait for ever; start one a GPU: dask worker {self.address} --nthreads 1 --resources "{GPU}=1", or '
                "choose --device cpu"
            )
        return "cuda" if have and device != "cpu" else "cpu"

    def _workers(self) -> dict[str, dict[str, Any]]:
        """What the scheduler says of each of them, by address."""
        try:
            found = self._client.sync(self._client.scheduler.identity, n_workers=-1)
        except (OSError, AttributeError) as error:  # no connection, or it is being tried again
            raise ConnectionError(GONE) from error
        workers: dict[str, dict[str, Any]] = found["workers"]
        return workers

    def _counted(self) -> int:
        """Tasks that the cluster can do at a time; who has come newly is looked at before it is counted.

        Raises:
            ValueError: a worker would not give the same numbers, or has no suite at all.
        """
        workers = self._workers()
        if new := sorted(set(workers) - self._like_us):
            for address, build in self._client.run(workers_build.build, workers=new, on_error="return").items():
                _check_build(address, build)
            _check_plugins(self._client, new)
            self._like_us |= set(new)
        if self.device == "cpu":
            return sum(worker["nthreads"] for worker in workers.values())
        return int(sum(worker["resources"].get(GPU, 0) for worker in workers.values()))


def _check_build(address: str, build: object) -> None:
    """Raises ValueError, with what differs, where a worker's build is not ours; one that has gone again has none."""
    ours = numbers_follow_from()
    if isinstance(build, OSError):
        return
    if not isinstance(build, dict):
        raise ValueError(f"the Dask worker {address} cannot be used ({build}); install the same there as here")
    if build != ours:
        other = ", ".join(
            f"{name} {build.get(name)} for {ours[name]}" for name in ours if build.get(name) != ours[name]
        )
        raise ValueError(
            f"the Dask worker {address} would not give the same numbers: it has {other}; install the same there as here"
        )


def _check_plugins(client: "Client", workers: list[str]) -> None:
    """Raises ValueError where workers, or the scheduler, which reads what is sent to them, cannot use our plug-ins."""
    if not (ours := loaded_plugins()):
        return
    found = client.run(load_all, ours, workers=workers, on_error="return")
    found["scheduler"] = client.run_on_scheduler(load_all, ours)
    for address, why in found.items():
        if why and not isinstance(why, OSError):
            raise ValueError(f"the Dask worker {address} cannot use a plug-in: {why}")


def _on_worker(work: Callable[[Task], Outcome], task: Task, build: dict[str, str]) -> Outcome:
    """Does a task in a worker's thread, as any crew's worker does.

    Raises:
        ValueError: the worker has come a moment ago, and is not like us, or lacks a plug-in.
    """
    check_loaded()
    if numbers_follow_from() != build:
        raise ValueError("a Dask worker that has just come would not give the same numbers; install the same there")
    return work(task)


def _check_answered(address: str) -> None:
    """Raises ValueError where an address is none, or nobody listens there: Dask's client would take its time."""
    found = _ADDRESS.fullmatch(address)
    if not found or not 0 < int(found["port"]) < 2**16:
        raise ValueError(f"--scheduler {address}: not an address; write tcp://HOST:PORT, such as tcp://10.0.0.1:8786")
    try:
        socket.create_connection((found["host"].strip("[]"), int(found["port"])), timeout=CONNECT).close()
    except OSError as error:
        raise ValueError(
            f"--scheduler {address}: no Dask scheduler answers there ({error}); start one: dask scheduler"
        ) from None


_ADDRESS = re.compile(r"((tcp|tls)://)?(?P<host>\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):(?P<port>\d{1,5})", re.ASCII)


def _distributed() -> Any:
    try:
        import cloudpickle  # noqa: PLC0415  # an extra
        import distributed  # noqa: PLC0415
    except ImportError as error:
        raise ValueError(
            f"--scheduler needs Dask ({error}): python -m pip install 'mlp-trainability-suite[dask]'"
        ) from None
    cloudpickle.register_pickle_by_value(workers_build)
    return distributed
