"""The resources of a run: the device, processes of this machine, or a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass

from suite.cells.cell import Cell
from suite.cells.cluster import DaskCluster
from suite.cells.executor import Executor, ProcessPool, signals_wait

WORKERS_START = 2.5
"""Seconds until the workers have started."""

_CELL_SECONDS, _PRODUCTS_PER_SECOND, _WORTH_STARTING = 0.03, 5e9, 4.0
"""Minimum seconds per cell, multiplications per second of a core on narrow networks, and seconds of computation that
justify starting workers.
"""


@dataclass(frozen=True)
class Resources:
    """The resources of a run.

    Attributes:
        device: "cpu", "cuda", or "auto": a GPU if there is one and it agrees with the CPU.
        workers: The number of processes. Default: one per core if there is enough to do, or one per GPU.
        scheduler: The address of a Dask scheduler whose workers compute instead.
        shared: Whether these workers write to the results folder, which all machines have at the same path.
    """

    device: str = "auto"
    workers: int | None = None
    scheduler: str | None = None
    shared: bool = False

    def __post_init__(self) -> None:
        if self.shared and self.scheduler is None:
            raise ValueError("--shared requires --scheduler; add --scheduler, or remove --shared")
        if self.workers is not None and self.scheduler is not None:
            raise ValueError(
                "--workers does not apply to a cluster, which has its own workers; remove --workers or --scheduler"
            )


def open_executor(resources: Resources) -> Executor:
    """Return an executor for the resources.

    Raises:
        ValueError: If the device or the cluster is unavailable.
    """
    if resources.scheduler is not None:
        return DaskCluster(resources.scheduler, resources.device, resources.shared)
    if resources.device == "cpu":
        return ProcessPool()
    with signals_wait():
        # torch is loaded here, which `--device cpu` leaves to workers
        from suite.cells.devices import choose_device  # noqa: PLC0415

    return ProcessPool(device=choose_device(resources.device))


def workers_for(cells: Sequence[Cell], device: str, asked: int | None) -> int:
    """Return the number of processes to start.

    On the CPU it is the requested number, or one per core if there is enough to do. On GPUs it is one per GPU, or fewer
    if requested. It is at most the number of cells.

    Args:
        cells: The cells to compute.
        device: "cpu" or "cuda".
        asked: The number that the user requests, if any.
    """
    if device != "cpu":
        from suite.cells.devices import count_gpus  # noqa: PLC0415  # needs torch

        return max(1, min(count_gpus(), asked or count_gpus(), len(cells)))
    seconds = sum(max(_CELL_SECONDS, cell.cost / _PRODUCTS_PER_SECOND) for cell in cells)
    return min(asked or (default_workers() if seconds > _WORTH_STARTING else 1), max(1, len(cells)))


def default_workers() -> int:
    """Return the number of cores that this process may use, by its affinity and its control group."""
    from loky import cpu_count  # noqa: PLC0415  # as above

    return int(cpu_count())
