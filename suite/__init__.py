"""A declarative benchmark suite for the trainability of multi-layer perceptrons.

In a notebook:

    import suite

    spec = suite.load("specs/variability.toml")
    results = suite.run(spec)
    results.members, results.measurements, results.summary  # pandas frames
    results.verdicts  # another, of the spec's claims
    results.charts  # Altair charts by name
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame

    from suite.runs.run import StudyResults
    from suite.spec.load import Study

__all__ = ["load", "measure", "plug_in", "run"]


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


def measure(
    modules: Any,
    measures: str | Sequence[str],
    *,
    domain: Mapping[str, Any] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    activation: str | Mapping[str, Any] | None = None,
    seed: int = 0,
) -> "DataFrame":
    """Measures networks that are there already: MLPs of torch's modules, as they are, trained or not.

    Each is measured by itself. Parameters that it does not have, such as biases, count neither in P nor in gradients.
    `collapsed_absolute`, and so `collapse_by_norm`, takes the scale of the output that is predicted from the mean
    squares of its own weights and biases, where a study has the variances they are drawn with; `correlation` and
    `jacobian` take inputs of |x|^2 / n_0 = 1 unless their `input_variance` is set.

    Args:
        modules: a torch.nn.Sequential, or several of one architecture: Linear, perhaps LayerNorm or BatchNorm1d, and an
            activation for each hidden layer, and a Linear at the end.
        measures: names of the catalog, or a single one; all but those that look at a task or at training.
        domain: where they are looked at, as a spec says it: {"kind": "box", "half_width": 1.0} unless given.
        settings: by measure, what a spec could say: {"collapse": {"threshold": 0.2}}; `draws` say nothing here.
        activation: of the catalog, or of a plug-in, that stands for activations that are not modules of torch's.
        seed: of random lines, or pairs of inputs, where a measure takes any.

    Returns:
        A frame with the columns `network` (from 0), `quantity`, `layer` (1 is the first hidden one; empty where it does
        not apply), `method` (as in measurements.parquet) and `value`.

    Raises:
        ValueError: a module is not such an MLP, the message names the layer; or a measure is not for it.
    """
    from suite.runs.modules import measure_modules  # noqa: PLC0415  # as below

    several = list(modules) if isinstance(modules, list | tuple) else [modules]
    return measure_modules(several, measures, domain, settings, activation, seed)


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
    spec: "Study | str | Path",
    *,
    results: str | Path = "results",
    device: str = "auto",
    workers: int | None = None,
    compiled: bool = False,
    scheduler: str | None = None,
    shared: bool = False,
    progress: bool | None = None,
) -> "StudyResults":
    """Computes what a study still lacks, writes its tables and its report if they are not up to date, and returns them.

    Args:
        spec: from `load`; or the path of a file, which is loaded.
        results: the folder of all results.
        device: "auto", which uses a GPU if there is one and a short check finds that it agrees with the CPU; "cpu"; or
            "cuda", which uses it unchecked.
        workers: processes; by default one a core where there is enough to do, or one a GPU.
        compiled: whether forward passes of narrow networks are compiled, which takes ten seconds or more for each
            architecture and worker.
        scheduler: address of a Dask scheduler whose workers compute, such as "tcp://host:8786".
        shared: whether these write to the results folder themselves, which all have at the same path.
        progress: whether to tell how far it has come; in a notebook, by one line that changes, unless it is False.

    Raises:
        SpecError: a path is given, and its file is faulty.
        ValueError: the device or the cluster is not to be had, or nothing can be compiled.
    """
    from suite.cells.resources import Resources  # noqa: PLC0415
    from suite.runs.progress import InNotebook, Progress, in_notebook  # noqa: PLC0415  # as above
    from suite.runs.run import complete  # noqa: PLC0415

    study = load(spec) if isinstance(spec, str | Path) else spec
    resources = Resources(device, workers, compiled, scheduler, shared)
    here = in_notebook()
    if progress is False or (progress is None and not here):
        return complete(study, Path(results), resources)
    with (InNotebook if here else Progress)(study) as told:
        return complete(study, Path(results), resources, told.announce, told.writing)


def __getattr__(name: str) -> Any:
    """`suite.SpecError` without loading the rest."""
    if name == "SpecError":
        from suite.spec.problems import SpecError  # noqa: PLC0415  # as above

        return SpecError
    raise AttributeError(f"module 'suite' has no attribute {name!r}")
