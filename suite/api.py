"""The public functions of `import suite`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.cells.resources import Resources
from suite.plugins.loading import load_installed, load_plugin
from suite.results.provenance import suite_version
from suite.runs.progress import Progress, StatusLine, notebook_display
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
    """Measure existing networks: MLPs given as torch modules, trained or not.

    Each network is measured separately. Parameters that it lacks, such as biases, count neither in P nor in gradients.
    `collapsed_absolute`, and so `collapse_by_norm`, uses the scale of the output that is predicted from the mean
    squares of the network's own weights and biases; a study uses the variances from which they are drawn. `correlation`
    and `jacobian` use inputs of |x|^2 / n_0 = 1 unless their `input_variance` is set.

    Args:
        modules: A torch.nn.Sequential, or several of one architecture: Linear, optionally LayerNorm or BatchNorm1d, and
            an activation for each hidden layer, and a Linear at the end.
        measures: The name of a measure, or several; all except those that need a task or training.
        domain: The domain on which they are evaluated, as a table of a spec. Default: {"kind": "box", "half_width":
            1.0}.
        settings: Settings by measure, as in a spec: {"collapse": {"threshold": 0.2}}. `draws` has no effect here.
        activation: An activation of the catalog or of a plug-in that replaces activations that are not torch modules.
        seed: The seed of random lines, or pairs of inputs, if a measure uses any.

    Returns:
        A frame with the columns `network` (from 0), `quantity`, `layer` (1 is the first hidden layer; empty if it does
            not apply), `method` (as in measurements.parquet) and `value`.

    Raises:
        ValueError: If a module is not such an MLP (the message names the layer), or a measure does not suit it.
    """
    from suite.runs.modules import measure_modules  # noqa: PLC0415  # loads torch, which specs do not need

    if isinstance(modules, Iterator):
        raise ValueError(f"expected a module or a list of modules, got {type(modules).__name__}; use list(...)")
    several = list(modules) if isinstance(modules, list | tuple) else [modules]
    return measure_modules(several, measures, domain, settings, activation, seed)


def plug_in(path: str | Path) -> None:
    """Load a Python file of plug-ins, so that specs can name its activations, measures and other entries.

    If the file is loaded again after an edit, it replaces what it added before.

    Args:
        path: The file. Loading runs its code, so load only files that you trust.

    Raises:
        PlugInError: If the file cannot be run, or an entry is not valid; the message gives the place and a hint.
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
    """Compute the missing results of a study, update its tables and report, and return them.

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
    display = notebook_display()
    if progress is False or (progress is None and display is None):
        return run_study(study, Path(results), resources)
    with Progress(study, StatusLine(display=display)) as shown:
        return run_study(study, Path(results), resources, shown.announce, shown.announce_writing)
