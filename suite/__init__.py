"""A declarative benchmark suite for the trainability of multi-layer perceptrons.

In a notebook:

    import suite

    spec = suite.load("specs/variability.toml")
    results = suite.run(spec)
    results.members, results.measurements, results.summary  # pandas frames
    results.charts                                          # Altair charts by name
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suite.runs.results import Results
    from suite.spec.load import Study

__all__ = ["load", "plug_in", "run"]


def load(path: str | Path) -> "Study":
    """Reads and checks one spec file.

    Args:
        path: a TOML file.

    Raises:
        SpecError: the file is faulty; the message names every fault with its line and cure.
        ValueError: the path is a folder of several specs.
    """
    from suite.plugins.sources import plug_in_installed  # noqa: PLC0415  # `import suite` stays instant
    from suite.spec.load import load_studies  # noqa: PLC0415  # as above

    plug_in_installed()
    study, *others = load_studies([path])
    if others:
        raise ValueError(f"{path} holds {len(others) + 1} specs; load one file at a time")
    return study


def plug_in(path: str | Path) -> None:
    """Takes up a Python file of plug-ins, whose activations, measures, ... can then stand in specs.

    Taken up again after it was edited, it replaces what it had added.

    Args:
        path: the file. It is run, so name none that you would not run yourself.

    Raises:
        PlugInError: it cannot be run, or what it adds is not right; the message says where and what to do.
    """
    from suite.plugins import sources  # noqa: PLC0415  # as above

    sources.plug_in(path)


def run(
    spec: "Study",
    *,
    results: str | Path = "results",
    device: str = "auto",
    workers: int | None = None,
    compiled: bool = False,
    scheduler: str | None = None,
    shared: bool = False,
) -> "Results":
    """Computes what a study still lacks, writes its tables and its report if they are not up to date, and returns them.

    Args:
        spec: from `load`.
        results: the folder of all results.
        device: "auto", "cpu" or "cuda".
        workers: processes; by default one a core where there is enough to do, or one a GPU.
        compiled: whether forward passes of narrow networks are compiled, which takes ten seconds or more for each
            architecture and worker.
        scheduler: address of a Dask scheduler whose workers compute, such as "tcp://host:8786".
        shared: whether these write to the results folder themselves, which all have at the same path.

    Raises:
        ValueError: the device or the cluster is not to be had, or nothing can be compiled.
    """
    from suite.runs.resources import Resources  # noqa: PLC0415  # as above
    from suite.runs.run import complete  # noqa: PLC0415

    return complete(spec, Path(results), Resources(device, workers, compiled, scheduler, shared))


def __getattr__(name: str) -> Any:
    """`suite.SpecError` without loading the rest."""
    if name == "SpecError":
        from suite.spec.problems import SpecError  # noqa: PLC0415  # as above

        return SpecError
    raise AttributeError(f"module 'suite' has no attribute {name!r}")
