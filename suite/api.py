"""The functions of `import suite`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.cells.resources import Resources
from suite.plugins.loading import load_installed, load_plugin
from suite.results.provenance import suite_version
from suite.runs.progress import InNotebook, Progress, in_notebook
from suite.runs.run import StudyResults, run_study
from suite.spec.load import Study, load_studies
from suite.spec.problems import SpecError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SpecError", "__version__", "load", "measure", "plug_in", "run"]

__version__ = suite_version()


def load(path: str | Path) -> Study:
    """Read and check one spec file.

    Args:
        path: A TOML file.

    Raises:
        SpecError: If the file has errors; the message lists all of them, each with its line and a hint.
        ValueError: If the path is a folder of several specs.
    """
    load_installed()
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
) -> "pd.DataFrame":
    """Measure existing networks: MLPs of torch modules, as they are, trained or not.

    Each is measured by itself. Parameters that it does not have, such as biases, count neither in P nor in gradients.
    `collapsed_absolute`, and so `collapse_by_norm`, takes the scale of the output that is predicted from the mean
    squares of its own weights and biases, where a study has the variances they are drawn with; `correlation` and
    `jacobian` take inputs of |x|^2 / n_0 = 1 unless their `input_variance` is set.

    Args:
        modules: A torch.nn.Sequential, or several of one architecture: Linear, optionally LayerNorm or BatchNorm1d, and
            an activation for each hidden layer, and a Linear at the end.
        measures: The name of a measure, or several; all but those that need a task or training.
        domain: Where they are evaluated, as a spec says it. Default: {"kind": "box", "half_width": 1.0}.
        settings: Settings by measure, as in a spec: {"collapse": {"threshold": 0.2}}. `draws` has no effect here.
        activation: An activation of the catalog or of a plug-in, in place of activations that are not torch modules.
        seed: The seed of random lines, or pairs of inputs, if a measure uses any.

    Returns:
        A frame with the columns `network` (from 0), `quantity`, `layer` (1 is the first hidden layer; empty if it does
        not apply), `method` (as in measurements.parquet) and `value`.

    Raises:
        ValueError: If a module is not such an MLP (the message names the layer), or a measure does not suit it.
    """
    from suite.runs.modules import measure_modules  # noqa: PLC0415  # loads torch, which specs do not need

    several = list(modules) if isinstance(modules, list | tuple) else [modules]
    return measure_modules(several, measures, domain, settings, activation, seed)


def plug_in(path: str | Path) -> None:
    """Load a Python file of plug-ins, whose activations, measures, ... specs can then name.

    Loaded again after an edit, it replaces what it had added.

    Args:
        path: The file. It is run, so name none that you would not run yourself.

    Raises:
        PlugInError: If it cannot be run, or what it adds is not valid; the message says where and what to do.
    """
    load_plugin(path)


def run(
    spec: Study | str | Path,
    *,
    results: str | Path = "results",
    device: str = "auto",
    workers: int | None = None,
    scheduler: str | None = None,
    shared: bool = False,
    progress: bool | None = None,
) -> StudyResults:
    """Compute what a study lacks, write its tables and its report if they are out of date, and return them.

    Args:
        spec: A study from `load`, or the path of a spec file.
        results: The folder of all results.
        device: "auto" uses a GPU if there is one and a short check finds that it agrees with the CPU; "cuda" uses it
            unchecked; "cpu" uses the CPU.
        workers: The number of processes. Default: one per core if there is enough to do, or one per GPU.
        scheduler: The address of a Dask scheduler whose workers compute, such as "tcp://host:8786".
        shared: Whether these workers write to the results folder, which all machines have at the same path.
        progress: Whether to show progress. Default: only in a notebook.

    Raises:
        SpecError: If a path is given and its file has errors.
        ValueError: If the device or the cluster is unavailable.
    """
    study = load(spec) if isinstance(spec, str | Path) else spec
    resources = Resources(device, workers, scheduler, shared)
    here = in_notebook()
    if progress is False or (progress is None and not here):
        return run_study(study, Path(results), resources)
    with (InNotebook if here else Progress)(study) as told:
        return run_study(study, Path(results), resources, told.announce, told.writing)
