"""Very small cells that together use every entry of the catalog.

They cover every path that a study can take through the code.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

from benchmarks.adapter import (
    ACTIVATIONS,
    DOMAINS,
    INITIALIZATIONS,
    MEASURES,
    OPTIMIZERS,
    SHIPPED,
    TASKS,
    Cell,
    Normalization,
    cells_of,
    load_studies,
)

DRAWS = 8

VALUES: dict[str, Any] = {
    "linear_region": 0.8,
    "weight_variance": 1.5,
    "squares": 2,
    "turns": 1.5,
    "rings": 3,
    "noise": 0.1,
    "label_noise": 0.1,
    "file": str(SHIPPED / "iris.csv"),
    "target": "species",
    "train": 24,
    "test": 16,
    "learning_rate": [0.01, 0.03],
    "batch": 12,
}
"""Values of the parameters that catalog entries require; a new entry may need another one."""

OPTIONS: dict[str, Any] = {
    "momentum": [0.0, 0.9],
    "weight_decay": [0.0, 0.01],
    "schedule": "cosine",
    "warmup": 2,
    "clip": 0.1,
    "validation": 20,
    "ignore": ["petal_width"],
}
"""Values of optional parameters that use other code than their defaults."""

DTYPES = ("float32", "float64")

Table = dict[str, Any]


def dtype_of(cell: Cell) -> str:
    """Return the precision of a cell: float32 for training, otherwise that of its settings."""
    return "float32" if cell.trains else str(getattr(cell.settings, "dtype", "float64"))


def path_cells() -> list[Cell]:
    """Return cells that together use every entry of the catalog, each of which takes a few milliseconds.

    Raises:
        LookupError: If no cell uses a catalog entry, or an entry has a required parameter without a value here.
    """
    found = {cell.key: cell for spec in _specs() for cell in _load(spec)}  # studies of one task share cells
    if missing := find_unused(found.values()):
        raise LookupError(f"no path uses {', '.join(missing)}; add a study to benchmarks/gpu/paths.py")
    return list(found.values())


def weight_cells() -> list[Cell]:
    """Return cells of networks of several shapes, drawn by every initialization.

    Their measure is evaluated on a batch of a task.
    """
    measures = {"grad_norm": {"draws": DRAWS}} | _accuracy(next(iter(TASKS.values())))
    families = [_family(width=[5, 70], depth=[1, 12], **drawn) for drawn in _initializations()]
    return [cell for family in families for cell in _load(_spec(family, measures)) if cell.name == "grad_norm"]


def load_text(text: str) -> list[Cell]:
    """Return the cells of a study from the text of its spec."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "study.toml"
        file.write_text(text, encoding="utf-8")
        (study,) = load_studies([file])
    cells: list[Cell] = cells_of(study)
    return cells


def _load(spec: Table) -> list[Cell]:
    """Return the cells of a study."""
    return load_text("".join(f"{key} = {_toml(value)}\n" for key, value in spec.items()))


def find_unused(cells: Iterable[Cell]) -> list[str]:
    """Return every entry of the catalog, as `kind name`, that no cell uses."""
    used: set[str] = set()
    for cell in cells:
        member, settings = cell.member, cell.settings
        used.update(f"measure {name} in {dtype_of(cell)}" for name, _ in cell.taken)
        used.add(f"activation {member.activation.name}")
        used.add(f"initialization {getattr(member.initialization, member.initialization.tag)}")
        used.add(f"normalization {member.normalization}")
        used.add(f"residual {member.residual}")
        used.update([f"domain {cell.domain.kind}"] if cell.sampled else [])
        used.update([f"task {cell.task.name}"] if cell.task else [])
        used.update(f"optimizer {optimizer.name}" for optimizer in getattr(settings, "optimizer", ()))
    wanted: dict[str, Iterable[object]] = {
        "activation": ACTIVATIONS,
        "initialization": INITIALIZATIONS,
        "normalization": get_args(Normalization),
        "residual": (False, True),
        "domain": DOMAINS,
        "task": TASKS,
        "optimizer": OPTIMIZERS,
        "measure": [f"{name} in {dtype}" for name, measure in MEASURES.items() for dtype in _dtypes(measure)],
    }
    return [name for kind, names in wanted.items() for name in (f"{kind} {each}" for each in names) if name not in used]


def _dtypes(measure: Any) -> tuple[str, ...]:
    """Return the precisions that a measure supports."""
    if "dtype" in measure.settings.model_fields:
        return DTYPES
    return ("float32",) if measure.inputs == "training" else ("float64",)


def _specs() -> Iterator[Table]:
    """Yield the content of each spec."""
    activations = [_entry(entry) for entry in ACTIVATIONS.values()]
    layers = {"normalization": list(get_args(Normalization)), "residual": [False, True]}
    for dtype in DTYPES:
        measures = _measures(dtype, ("nothing", "domain", "loss", "pair"))
        anywhere = {name: settings for name, settings in measures.items() if not MEASURES[name].plain}
        on_domain = _measures(dtype, ("domain",))
        yield _spec(_family(inputs=3, activation=activations), measures)
        yield _spec(_family(inputs=2, activation=["relu", "tanh"], **layers), anywhere)
        for kind in DOMAINS:
            if kind != "data":
                for inputs in (1, 2):
                    yield _spec(_family(inputs=inputs), on_domain) | {"domain": {"kind": kind}}
        yield _on_data(on_domain)
    losses = set()
    for place, task in enumerate(TASKS.values()):
        loss = _loss_of(task)
        training = _training(task, loss)
        for dtype in DTYPES:
            for drawn in [{}] if place else _initializations():
                yield _spec(_family(**drawn), _measures(dtype, ("loss", "task")) | training)
        if loss not in losses:
            anywhere = {name: settings for name, settings in training.items() if not MEASURES[name].plain}
            yield _spec(_family(**layers), anywhere)
        losses.add(loss)


def _initializations() -> Iterator[Table]:
    """Yield the keys of families that together have every initialization, each with an activation that suits it."""
    schemes: dict[str, list[Table]] = {}
    for entry in INITIALIZATIONS.values():
        activation = entry.activations[0].model_fields["name"].default if entry.activations else "relu"
        schemes.setdefault(activation, []).append(_entry(entry))
    for activation, suited in schemes.items():
        yield {"activation": activation, "initialization": suited}


def _on_data(measures: Table) -> Table:
    """Return a spec whose networks are evaluated at training points, where only stencils have a step."""
    task = next(iter(TASKS.values()))
    unused = {name: ("lines",) if MEASURES[name].along_lines else ("lines", "step") for name in measures}
    kept = {
        name: {key: value for key, value in settings.items() if key not in unused[name]}
        for name, settings in measures.items()
    }
    return _spec(_family(), kept | _accuracy(task)) | {"domain": {"kind": "data"}}


def _spec(family: Table, measures: Table) -> Table:
    return {"title": "Every path", "seed": 1, "family": family, "measure": measures}


def _family(**options: Any) -> Table:
    """Return a family of narrow networks with three hidden layers."""
    variances = {"scheme": "variance", "weight_variance": VALUES["weight_variance"], "bias_variance": 0.01}
    return {"width": 6, "depth": 3, "activation": "relu", "initialization": variances} | options


def _measures(dtype: str, inputs: tuple[str, ...]) -> Table:
    """Return small settings, by name, of the measures with these inputs that support a precision."""
    sizes = {"draws": DRAWS, "step": 2 / 7, "lines": 4, "points": 5, "dtype": dtype}
    return {
        name: {key: value for key, value in sizes.items() if key in measure.settings.model_fields}
        for name, measure in MEASURES.items()
        if measure.inputs in inputs and dtype in _dtypes(measure)
    }


def _training(task: Any, loss: str) -> Table:
    """Return settings of a short training under every optimizer, with every observer that suits the task's loss."""
    observers: Table = {name: {} for name, measure in MEASURES.items() if measure.inputs == "training"}
    if loss == "half_square":
        del observers["feature_diversity"]  # it compares classes
    return observers | _accuracy(task)


def _accuracy(task: Any) -> Table:
    optimizers = [_entry(entry) for entry in OPTIMIZERS.values()]
    return {"accuracy": {"task": _entry(task), "optimizer": optimizers, "steps": 4, "replicates": DRAWS}}


def _loss_of(task: Any) -> str:
    """Return the loss of a task, which can follow from its file."""
    trained = next(cell for cell in _load(_spec(_family(), _accuracy(task))) if cell.trains)
    assert trained.task is not None
    loss: str = trained.task.loss
    return loss


def _entry(entry: Any) -> Table:
    """Return the table of a catalog entry with a value for each parameter that it requires."""
    fields = {key: field for key, field in entry.model_fields.items() if key != entry.tag}
    name = entry.model_fields[entry.tag].default
    for key, field in fields.items():
        if field.is_required() and key not in VALUES:
            raise LookupError(f"{name} requires {key}; add a value for it to VALUES in benchmarks/gpu/paths.py")
    return {entry.tag: name} | {key: value for key, value in (VALUES | OPTIONS).items() if key in fields}


def _toml(value: Any) -> str:
    """Return a value in TOML on one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
