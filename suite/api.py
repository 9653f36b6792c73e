"""The public functions of `import suite`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from suite.cells.resources import Resources
from suite.plugins.loading import load_installed, load_plugin
from suite.results.provenance import suite_version
from suite.runs.progress import Progress, StatusLine, notebook_display
from suite.runs.run import StudyResults, run_study
from suite.spec.changes import file_tasks
from suite.spec.load import Study, load_studies
from suite.spec.problems import SpecError
from suite.spec.read import read_toml

if TYPE_CHECKING:
    import pandas as pd

    from suite.report.diagnosis import Diagnosis
    from suite.runs.recommend import Recommendation

__all__ = ["SpecError", "__version__", "diagnose", "initialize_", "load", "measure", "plug_in", "recommend", "run"]

__version__ = suite_version()


def load(path: str | Path, *, data: Mapping[str, str | Path] | None = None) -> Study:
    """Read and check one spec file.

    Args:
        path: A TOML file.
        data: Data files that replace those of tasks, by the name of the file in the spec without its ending.

    Raises:
        SpecError: If the file has errors; the message lists all of them, each with its line and a hint.
        ValueError: If the path is a folder of several specs.
    """
    load_installed()
    study, *others = load_studies([path], data={name: Path(file) for name, file in (data or {}).items()})
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
    statistics: Literal["mode", "batch", "running"] = "mode",
    data: Any = None,
    labels: Any = None,
    loss: Literal["cross_entropy", "binary_cross_entropy", "half_square"] | None = None,
) -> "pd.DataFrame":
    """Measure existing networks, trained or not: torch modules, or arrays of weights.

    A module is a chain of Linear layers with, between them, any elementwise activations, BatchNorm1d, LayerNorm or
    RMSNorm, residual sums and concatenations. Its forward method is traced. A hidden layer is an activation, and its
    preactivation is what the activation takes. A Softmax, LogSoftmax, Sigmoid or Tanh at the end is left out, with a
    warning. MLPs with equal hidden layers are measured as in a study; for other networks, `collapsed_absolute` is nan,
    dead neurons are counted over points, and measures that hold only for MLPs are an error.

    Parametrizations such as weight_norm are measured by the weights that they yield; measures of parameters and their
    gradients are then an error. Parameters that layers share count once.

    Each network is measured separately. Parameters that it lacks, such as biases, count neither in P nor in gradients.
    `collapsed_absolute`, and so `collapse_by_norm`, uses the scale of the output that is predicted from the mean
    squares of the network's own weights and biases; a study uses the variances from which they are drawn. `correlation`
    and `jacobian` use inputs of |x|^2 / n_0 = 1 unless their `input_variance` is set.

    Args:
        modules: A module, or several of one architecture; or a list of (weights, biases, activation) for each layer,
            with weights (inputs, outputs) as in Keras and scikit-learn, biases or None, and the name of an activation
            or None.
        measures: The name of a measure, or several; all except those that need a task or training.
        domain: The domain on which they are evaluated, as a table of a spec. Default: {"kind": "box", "half_width":
            1.0}.
        settings: Settings by measure, as in a spec: {"collapse": {"threshold": 0.2}}. `draws` has no effect here.
        activation: An activation of the catalog or of a plug-in that replaces activations that are not torch modules.
        seed: The seed of random lines, or pairs of inputs, if a measure uses any.
        statistics: Which statistics BatchNorm1d uses: "batch", those of the points; "running"; or "mode", the running
            ones in eval mode.
        data: Points (points, inputs) on which the networks are evaluated instead of the domain.
        labels: The labels of these points: classes, or one number for each output. Needs `loss`.
        loss: The loss of the labels that measures of gradients use. Default: half the mean square of the outputs.

    Returns:
        A frame with the columns `network` (from 0), `quantity`, `layer` (1 is the first hidden layer; empty if it does
            not apply), `method` (as in measurements.parquet; "data points" with `data`) and `value`. Its
            `attrs["domain"]` names the domain, such as "name box, half_width 1.0", or is "data".

    Raises:
        ValueError: If a module is not supported (the message names the layer), or a measure does not suit it.
    """
    from suite.runs.modules import measure_modules  # noqa: PLC0415  # loads torch, which specs do not need

    if isinstance(modules, Iterator):
        raise ValueError(f"expected a module or a list of modules, got {type(modules).__name__}; use list(...)")
    several = list(modules) if isinstance(modules, list | tuple) else [modules]
    if several and all(isinstance(each, list | tuple) and len(each) == 3 and _is_layer(each) for each in several):
        several = [several]  # the layers of one network
    return measure_modules(several, measures, domain, settings, activation, seed, statistics, data, labels, loss)


def _is_layer(given: Sequence[Any]) -> bool:
    """Return whether this is (weights, biases, activation) rather than a network of three layers."""
    return given[2] is None or isinstance(given[2], str)


def diagnose(
    net: Any,
    x: Any,
    y: Any,
    *,
    loss: Literal["cross_entropy", "binary_cross_entropy", "half_square"] | None = None,
    learning_rate: float | None = None,
    steps: int = 400,
    replicates: int = 5,
    seed: int = 0,
    try_remedies: bool = True,
) -> "Diagnosis":
    """Find out what is wrong with a network on data, and try what would fix it.

    The network is measured as it is: signals, gradients and dead units by layer, its weights beside theory, its inputs
    and outputs. Each finding has remedies, such as other initial weights or standardized inputs. The network and each
    remedy are then trained briefly by Adam, on replicates of the data, at four learning rates. docs/your-own-network.md
    shows an example, and docs/diagnosis.md how reliable findings are.

    Args:
        net: A torch.nn.Module that is a chain of Linear layers with activations, normalizations, residual sums and
            concatenations between them; or a list of (weights, biases, activation) of arrays, with weights
            (inputs, outputs). It is not changed. BatchNorm1d uses the statistics of `x`, also in eval mode; Dropout is
            off.
        x: Inputs (rows, features) as the network gets them: an array, a frame or a tensor.
        y: Classes (rows,), or targets (rows,) or (rows, outputs).
        loss: The loss. Default: cross-entropy for text, booleans and a few whole numbers, otherwise half the squared
            error.
        learning_rate: The learning rate at which the network as it is is trained. Default: the best of four.
        steps: The number of steps of each training.
        replicates: The number of splits of the data, into training, validation and test sets.
        seed: The seed of splits, batches and new weights.
        try_remedies: Whether to train at all. Otherwise severities are those of random networks in a study.

    Returns:
        An object with the frames `findings` (the worst first), `tried` and `layers`, and the method `report(path)`.
        Printing it gives the findings as sentences.

    Raises:
        ValueError: If the network is not of this kind (the message names the layer), or the data do not suit it.
    """
    from suite.runs.diagnose import diagnose_network  # noqa: PLC0415  # loads torch, which specs do not need

    return diagnose_network(net, x, y, loss, learning_rate, steps, replicates, seed, try_remedies)


def initialize_(
    net: Any,
    scheme: Literal[
        "variance_preserving", "critical", "he", "glorot", "lecun", "orthogonal", "pytorch"
    ] = "variance_preserving",
    *,
    seed: int | None = None,
) -> Any:
    """Draw new weights and biases for the Linear layers of a network, in place, and return it.

    Weights of hidden layers have the variance sigma_w^2 / fan_in. sigma_w^2 depends on the scheme, and on the
    activation whose outputs the layer takes; in the first layer, on the activation that follows. Biases are 0, except
    for `pytorch`. The readout has sigma_w^2 = 1. Factors of a layer's inputs or outputs, such as 1 / sqrt(fan_in), are
    divided out. Gains of normalizations become 1, and their shifts 0. Frozen parameters are drawn, too.

    Args:
        net: A torch.nn.Module or a list of arrays as `diagnose` takes them. The list's entries are replaced.
        scheme: How weights are drawn. Layers whose activation has no edge of chaos get `variance_preserving` in place
            of `critical`.
        seed: The seed. Default: torch's own random numbers.

    Raises:
        ValueError: If there is no such scheme, the network is not of this kind, or weights are computed from others.
    """
    from suite.diagnosis.initialize import initialize_ as draw  # noqa: PLC0415  # loads torch

    return draw(net, scheme, seed)


def plug_in(path: str | Path) -> None:
    """Load a Python file of plug-ins, so that specs can name its activations, measures and other entries.

    If the file is loaded again after an edit, it replaces what it added before.

    Args:
        path: The file. Loading runs its code, so load only files that you trust.

    Raises:
        PlugInError: If the file cannot be run, or an entry is not valid; the message gives the place and a hint.
    """
    load_plugin(path)


def recommend(
    x: Any,
    y: Any = None,
    *,
    target: str | Sequence[str] = (),
    parameters: int | None = None,
    ignore: Sequence[str] = (),
    categories: Sequence[str] = (),
    target_type: Literal["classification", "regression"] | None = None,
    spec: str | Path | None = None,
    trainings: float | None = None,
    seconds: float | None = None,
    results: str | Path = "results",
) -> "Recommendation":
    """Compare networks on data by successive halving, and rank them.

    Networks of several depths, activations and initializations are trained at several learning rates, briefly at
    first. Training goes on for the networks that validate best. A test set is set aside and used once, at the end.

    Args:
        x: Inputs (rows, features), as a frame, an array or a tensor; or the path of a CSV, Parquet or NPZ file.
        y: Labels (rows,) or, in a regression, targets (rows, targets); none if `x` is a path.
        target: The columns of the file to predict.
        parameters: The number of parameters of each network. Default: 10,000.
        ignore: The columns of the file or frame that networks do not get.
        categories: Columns of which each value becomes an input of 0 and 1.
        target_type: Whether to predict classes or numbers. Default: classes for text and a few whole numbers.
        spec: A spec file whose networks, learning rates and steps are used instead. Its data file is replaced.
        trainings: The budget, in full trainings. Default: 15% of all configurations, at least 6.
        seconds: The time after which it stops with what is known by then.
        results: The folder of all results, in which the spec and data in memory are stored.

    Returns:
        An object with the `leaderboard` as a frame, the `best` configuration, the scores of a linear model (`linear`),
        the number of `steps`, and the methods `report(path)`, `network()` and `code()`.

    Raises:
        SpecError: If the data or the spec have errors.
        ValueError: If no network can train, or the arguments do not suit each other.
    """
    from suite.runs.recommend import recommend_network, study_of_file  # noqa: PLC0415  # loads torch
    from suite.spec.data_files import store_arrays  # noqa: PLC0415  # needs pandas
    from suite.spec.recommendation import DataOptions  # noqa: PLC0415  # as above

    load_installed()
    targets = _as_names(target)
    if spec is not None and (targets or ignore or categories or target_type):
        raise ValueError(
            "with a spec, its task names the columns; leave out target, ignore, categories and target_type"
        )
    if isinstance(x, str | Path):
        if y is not None:
            raise ValueError("y is given with a path; name the columns to predict with target")
        file = Path(x)
    elif y is None:
        raise ValueError("y is missing; pass the labels, or the path of a file and its target")
    else:
        if spec is not None:
            (targets, *_) = [*_targets_by_file(Path(spec)).values(), ()]
        file, targets = store_arrays("data", x, y, targets, Path(results) / "data")
    options = DataOptions() if spec is not None else DataOptions(targets, tuple(ignore), tuple(categories), target_type)
    study = study_of_file(file, options, parameters, None if spec is None else Path(spec), Path(results))
    return recommend_network(study, trainings, seconds)


def run(
    spec: Study | str | Path,
    *,
    data: Mapping[str, Any] | None = None,
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
        data: Data that replace the files of tasks, by the name of the file in the spec without its ending: another
            file, or a pair (x, y) of frames, arrays or tensors with one row per sample, which is stored in `results`.
            Needs a path as `spec`.
        results: The folder of all results.
        device: "auto" uses a GPU if there is one and a short check finds that it agrees with the CPU; "cuda" uses it
            unchecked; "cpu" uses the CPU.
        workers: The number of processes. Default: one per core if there is enough to do, or one per GPU.
        scheduler: The address of a Dask scheduler whose workers compute, such as "tcp://host:8786".
        shared: Whether these workers write to the results folder, which all machines have at the same path.
        progress: Whether to show progress. Default: only in a notebook.

    Raises:
        SpecError: If a path is given and its file has errors.
        ValueError: If the device or the cluster is unavailable, or the data do not suit the spec.
    """
    if isinstance(spec, str | Path):
        study = load(spec, data=_stored(data or {}, Path(spec), Path(results)))
    elif data:
        raise ValueError("data needs the path of a spec; call run(path, data=...), or load(path, data=...) with files")
    else:
        study = spec
    resources = Resources(device, workers, scheduler, shared)
    display = notebook_display()
    if progress is False or (progress is None and display is None):
        return run_study(study, Path(results), resources)
    with Progress(study, StatusLine(display=display)) as shown:
        return run_study(study, Path(results), resources, shown.announce, shown.announce_writing)


def _stored(data: Mapping[str, Any], spec: Path, results: Path) -> dict[str, Path]:
    """Return the files of data, and store data that are in memory."""
    if not isinstance(data, Mapping):
        raise ValueError('expected data as {"name": (x, y)}, by the name of the file in the spec without its ending')
    found = {name: Path(given) for name, given in data.items() if isinstance(given, str | Path)}
    if len(found) == len(data):
        return found
    from suite.spec.data_files import store_arrays  # noqa: PLC0415  # needs pandas

    targets = _targets_by_file(spec)
    for name, given in data.items():
        if name not in found:
            if not isinstance(given, tuple) or len(given) != 2:
                raise ValueError(f"data {name!r}: expected a path or a pair (x, y), got {type(given).__name__}")
            x, y = given
            found[name], _ = store_arrays(name, x, y, targets.get(name, ()), results / "data")
    return found


def _targets_by_file(spec: Path) -> dict[str, tuple[str, ...]]:
    """Return the targets that a spec names for each data file, by the file's name without its ending."""
    _, content = read_toml(spec)
    return {Path(task["file"]).stem: _as_names(task.get("target", ())) for _, task in file_tasks(content)}


def _as_names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
