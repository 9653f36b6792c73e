"""Measure networks that are torch modules, without a spec, a family or a cache."""

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from numbers import Integral
from reprlib import Repr
from typing import Any

import pandas as pd
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from suite.catalog.activations import ACTIVATIONS, Activation
from suite.catalog.checks import Asked
from suite.catalog.domain import Ball, Domain, OneDomain, Region, TrainingPoints
from suite.catalog.initializations import Variance
from suite.catalog.measures import MEASURES, problems_of, with_default_step
from suite.catalog.measures.settings import OnTheDomain
from suite.catalog.settings import Settings, choices_of
from suite.catalog.shown import shortened, shown
from suite.cells.blocks import Block, blocks_of
from suite.cells.cell import MeasuringCell
from suite.cells.compute import measure_networks
from suite.nets.data_points import sample_data
from suite.nets.ensemble import Ensemble
from suite.nets.graph_reader import Statistics
from suite.nets.losses import LossAt
from suite.nets.module_checks import rounding_error
from suite.nets.modules import normal_points, read_networks
from suite.nets.threads import one_thread
from suite.nets.torch_settings import standard_settings
from suite.nets.traced import Normalize
from suite.nets.traced_ensemble import TracedEnsemble
from suite.runs.module_data import read_loss, read_points
from suite.spec.members import Member
from suite.spec.messages import format_error
from suite.spec.problems import nearest

_COLUMNS = ["network", "quantity", "layer", "method", "value"]


def measure_modules(
    modules: Sequence[Any],
    measures: str | Sequence[str],
    domain: Mapping[str, Any] | Domain | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    activation: str | Mapping[str, Any] | None = None,
    seed: int = 0,
    statistics: Statistics = "mode",
    data: Any = None,
    labels: Any = None,
    loss: str | None = None,
) -> pd.DataFrame:
    """Measure networks that are torch modules; arguments, result and errors are those of `suite.measure`."""
    own = _activation(activation)
    where = _read(TypeAdapter(OneDomain), domain if domain is not None else {"name": "box"}, "domain")
    if not isinstance(where, Region):
        raise ValueError(f"domain: {where.kind} needs a task, which modules do not have; use a box or a ball")
    names = [measures] if isinstance(measures, str) else measures
    _check_given(names, settings, seed)
    chosen = {name: _settings(name, (settings or {}).get(name, {})) for name in names}
    if unused := sorted(set(settings or {}) - set(chosen)):
        raise ValueError(f"settings: {unused[0]} is not measured; add it to measures, or remove its settings")
    if statistics not in ("mode", "batch", "running"):
        raise ValueError(f'statistics: expected "mode", "batch" or "running", got {_python(statistics)}')
    if data is not None and domain is not None:
        raise ValueError("data and domain are both given; networks are evaluated on one of them, leave out the other")
    if data is None and (labels is not None or loss is not None):
        raise ValueError("labels and loss need data; pass the points as data")
    here: Domain = where if data is None else TrainingPoints()
    complete = {name: _with_input_variance(name, given) for name, given in with_default_step(chosen, here).items()}
    with standard_settings(), one_thread():
        inputs = None if data is None else read_points(data)
        points_of = partial(_points, where, list(complete.values())) if inputs is None else partial(_given, inputs)
        networks = read_networks(modules, own, points_of, statistics)
        width = networks[0].widths[0]
        if inputs is not None and len(inputs) != width:
            raise ValueError(f"data: expected {width} columns, one for each input of the networks, got {len(inputs)}")
        at = None if labels is None and loss is None else read_loss(inputs, labels, loss, networks[0].widths[-1])
        _check_derived(networks, complete)
        _warn_of_rounding(networks, points_of(width), complete.values())
        if inputs is None:
            _warn_of_data_elsewhere(networks, points_of(width))
        rows: list[dict[str, Any]] = []
        for name, given in complete.items():
            _check_suitable(name, given, networks[0], here)
            rows += _rows(name, given, networks, here, int(seed), inputs, at)
    frame = pd.DataFrame(rows, columns=_COLUMNS).astype({"layer": "Int64"})
    frame.attrs["domain"] = "data" if inputs is not None else ", ".join(f"{k} {v}" for k, v in _keys(where).items())
    return frame


def _keys(domain: Region) -> dict[str, Any]:
    return domain.model_dump(exclude_none=True)


def _given(points: Tensor, inputs: int) -> Tensor:
    """Return the user's points, or standard normal ones if the networks have another number of inputs."""
    if len(points) == inputs:
        return points[:, : 2 * _TRIED]
    return normal_points(inputs)


_TRIED = 256
"""The number of points of the domain at which modules are compared with the suite's own computation."""


def _points(domain: Region, settings: Iterable[Settings], inputs: int) -> Tensor:
    """Return points at which networks are evaluated, (inputs, points).

    They are random points of the domain, random ones of its corners or surface, where values are most extreme, and
    random inputs of pairs.
    """
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(inputs, _TRIED, generator=generator, dtype=torch.float64)
    if isinstance(domain, Ball):
        edge = domain.radius * normal / normal.norm(dim=0)
        inside = edge * torch.rand(_TRIED, generator=generator, dtype=torch.float64) ** (1 / inputs)
    else:
        low, high = (normal.new_tensor(ends)[:, None] for ends in domain.bounds(inputs))
        center, half = (low + high) / 2, (high - low) / 2
        inside = center + half * (2 * torch.rand(inputs, _TRIED, generator=generator, dtype=torch.float64) - 1)
        edge = center + half * normal.sign()
    variances = [given.input_variance for given in settings if hasattr(given, "input_variance")]
    return torch.cat([inside, edge, *(variance**0.5 * normal[:, :32] for variance in variances)], dim=1)


_FAR = 3.0
"""The distance, in standard deviations, from which a running mean is said to be that of other points."""


def _warn_of_data_elsewhere(networks: Sequence[Ensemble], points: Tensor) -> None:
    """Warn if running statistics of the first batch normalization are not those of the points."""
    for ensemble in networks:
        if not isinstance(ensemble, TracedEnsemble):
            continue
        step = next((step for step in ensemble.network.steps if isinstance(step, Normalize) and step.statistics), None)
        if step is None or step.statistics is None:
            continue
        values = ensemble.values(points)[step.sources[0]]
        mean, variance = step.statistics
        spread = values.var(2, correction=0, keepdim=True)
        away = ((values.mean(2, keepdim=True) - mean).square() / (spread + variance)).median() > _FAR**2
        ratio = ((spread + step.eps) / (variance + step.eps)).log().median().abs()
        if bool(away) or float(ratio) > math.log(10):
            warnings.warn(
                f"the running statistics of {step.name} differ from those on the domain, which suggests that the data "
                "lie elsewhere; pass points with data=, or set domain",
                stacklevel=4,
            )
            return


_OF_PARAMETERS = ("nothing", "loss")
"""What measures are evaluated on that count parameters, or differentiate with respect to them."""


def _check_derived(networks: Iterable[Ensemble], names: Iterable[str]) -> None:
    """Raise ValueError if a measure would count weights that are no parameters, or differentiate by them."""
    counting = [name for name in names if MEASURES[name].inputs in _OF_PARAMETERS]
    for ensemble in networks:
        if counting and isinstance(ensemble, TracedEnsemble) and ensemble.network.derived:
            raise ValueError(
                f"{counting[0]}: {ensemble.network.derived[0]} is computed from other parameters, by which the suite "
                "neither counts nor differentiates; remove the measure, or call remove_parametrizations, "
                "remove_weight_norm or prune.remove"
            )


_DECIDED_BY_ROUNDING = 0.01
"""The share of the outputs' variation from which rounding is said to decide them."""


def _warn_of_rounding(networks: Sequence[Ensemble], points: Tensor, settings: Iterable[Settings]) -> None:
    """Warn of networks whose outputs follow from rounding, as those of deep chaotic ones do."""
    precisions = [getattr(torch, given.dtype) for given in settings if hasattr(given, "dtype")]
    coarsest = max((torch.finfo(precision).eps for precision in precisions), default=0.0)
    errors = torch.cat([rounding_error(ensemble, points) for ensemble in networks])
    error = errors * coarsest / torch.finfo(points.dtype).eps
    found = (error > _DECIDED_BY_ROUNDING).nonzero().flatten().tolist()
    if found:
        warnings.warn(
            f"rounding decides the outputs of network{'s' if len(found) > 1 else ''} {', '.join(map(str, found[:8]))}"
            f"{', ...' if len(found) > 8 else ''}; values that follow from them are arbitrary",
            stacklevel=4,
        )


def _with_input_variance(name: str, given: Any) -> Settings:
    """Return settings with an input variance of 1 if a measure of input pairs has none.

    A study takes q* by default, which follows from variances that existing weights do not have.
    """
    if MEASURES[name].inputs == "pair" and given.input_variance is None:
        given = given.model_copy(update={"input_variance": 1.0})
    found: Settings = given
    return found


def _check_given(names: object, settings: object, seed: object) -> None:
    """Raise ValueError if an argument has the wrong type."""
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"measures: expected a name or a list of names, got {_python(names)}")
    if not names:
        raise ValueError('measures: expected at least one name; use, for example, ["v3", "collapse"]')
    if settings is not None and not isinstance(settings, Mapping):
        raise ValueError(f"settings: expected a table of keys for each measure, got {_python(settings)}")
    if wrong := [key for key in settings or {} if key not in MEASURES]:
        example = '{"v3": {"step": 0.125}}'
        raise ValueError(
            f"settings: {_python(wrong[0])} is not a measure; write settings by measure, such as {example}"
        )
    if isinstance(seed, bool) or not isinstance(seed, Integral) or int(seed) < 0:
        raise ValueError(f"seed: expected an integer >= 0, got {_python(seed)}")


def _rows(
    name: str,
    settings: Settings,
    networks: Sequence[Ensemble],
    domain: Domain,
    seed: int,
    data: Tensor | None,
    at: LossAt | None,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one measure.

    Each network is measured by itself, so that its values do not depend on the others.
    """
    points = None
    if data is not None and isinstance(settings, OnTheDomain):
        points = sample_data(data, settings.step, seed)
    cells = [
        MeasuringCell(seed, _member(networks[0]), name, settings, None, domain, draw, draw + 1)
        for draw in range(len(networks))
    ]
    try:
        each_measured = [measure_networks(cell, alone, points, at) for cell, alone in zip(cells, networks, strict=True)]
    except ValueError as error:
        raise error if str(error).startswith(name) else ValueError(f"{name}: {error}") from None
    readings = {
        quantity: torch.cat([found[quantity] for found in each_measured]).cpu().numpy() for quantity in each_measured[0]
    }
    shapes = {quantity: values.shape for quantity, values in readings.items()}
    cell = MeasuringCell(seed, _member(networks[0]), name, settings, None, domain, 0, len(networks))
    for block in blocks_of([cell], {cell.key: shapes}, lambda _, quantity: readings[quantity], []):
        if block.quantity in readings:
            yield from _rows_of(block, isinstance(networks[0], TracedEnsemble), data is not None)


def _member(ensemble: Ensemble) -> Member:
    """Return the member that a study would have for such networks."""
    (weight_variance, bias_variance), *_ = ensemble.variances
    drawn = Variance.model_construct(weight_variance=weight_variance, bias_variance=bias_variance)
    normalization: Any = ensemble.normalization
    return Member(ensemble.widths, ensemble.activation, drawn, ensemble.variances, {}, normalization)


def _rows_of(block: Block, sampled: bool, on_data: bool) -> Iterator[dict[str, Any]]:
    """Yield one row per network and layer of a block."""
    layers = block.places.get("layer", [None] * block.columns)
    for network, values in enumerate(block.draws.columns(0, block.columns)):
        for layer, decided, value in zip(layers, block.methods, values, strict=True):
            method = decided
            if decided and (sampled or on_data):
                method = "data points" if on_data else "sampled"
            row = (network, block.quantity, layer, method, float(value))
            yield dict(zip(_COLUMNS, row, strict=True))


def _activation(given: str | Mapping[str, Any] | None) -> Activation | None:
    """Return the activation that a name or table stands for; raise ValueError if it is not exactly one."""
    if given is None:
        return None
    read = _read(
        TypeAdapter(choices_of(ACTIVATIONS)), dict(given) if isinstance(given, Mapping) else given, "activation"
    )
    if len(read) != 1:
        raise ValueError(f"activation: expected one activation, got {len(read)}; use its name or its table")
    assert isinstance(read[0], Activation)
    return read[0]


def _settings(name: str, given: Mapping[str, Any]) -> Settings:
    """Return the settings of a measure; raise ValueError if it needs a task or a key is wrong."""
    if name not in MEASURES:
        owners = [measure for measure, declared in MEASURES.items() if name in declared.quantities]
        measurable = [measure for measure, declared in MEASURES.items() if declared.inputs not in ("training", "task")]
        hint = f"it is a quantity of {owners[0]}; use {owners[0]}" if owners else nearest(name, measurable)
        raise ValueError(f"there is no measure {name}; {hint}")
    if MEASURES[name].inputs in ("training", "task"):
        raise ValueError(f"{name} needs a task or training, which modules do not have; use it in a spec")
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise ValueError(f"{name}: expected a table of keys, got {_python(given)}")
    found = _read(TypeAdapter(MEASURES[name].settings), dict(given), name)
    assert isinstance(found, Settings)
    return found


def _read(adapter: TypeAdapter[Any], given: Any, what: str) -> Any:
    """Return a validated value; raise ValueError with a message as for a spec, but in Python's notation."""
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        parts = [part for part in first["loc"] if isinstance(part, str)]
        table = given if isinstance(given, Mapping) else {}
        written = [part for part in parts[:-1] if part in table] + parts[-1:]  # without the tags of catalogs
        where = {"activation": ("family", "activation"), "domain": ("domain",)}.get(what, ("measure", what))
        message = _in_python(format_error({**first, "loc": (*where, *first["loc"])}), first["input"])
        raise ValueError(f"{'.'.join((what, *written))}: {message}") from None


def _check_suitable(name: str, settings: Settings, ensemble: Ensemble, domain: Domain) -> None:
    """Raise ValueError if a measure does not suit such networks, or its step does not suit the domain."""
    asked = Asked([_member(ensemble)], domain)
    problem = next((each for each in problems_of(name, settings, asked) if each.fatal), None)
    if problem:
        what = problem.message if problem.message.startswith(name) else f"{name}: {problem.message}"
        raise ValueError(f"{what}; {problem.hint if problem.key else 'remove the measure'}")


def _in_python(message: str, given: object) -> str:
    """Return a message about a value of a spec, with the value in Python's notation."""
    # A message about a table may show the value that names its entry.
    inside = list(given.values()) if isinstance(given, Mapping) else []
    for value in (given, *inside):
        if f", got {shown(value)}" in message:
            message = message.replace(f", got {shown(value)}", f", got {_python(value)}")
            break
        if message.startswith(f"{shown(value)} is "):
            message = _python(value) + message.removeprefix(shown(value))
            break
    return message.replace("expected true or false", "expected True or False").replace("--plugin FILE", "suite.plug_in")


class _Short(Repr):
    """A representation of values that abbreviates long ones."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxdict = 3, 6
        self.maxstring = self.maxother = self.maxlong = 240  # `_python` shortens the rest

    def repr_int(self, x: int, level: int) -> str:
        """Return an integer as text, or its number of bits: Python does not convert thousands of digits."""
        return super().repr_int(x, level) if x.bit_length() <= self.maxlong else f"a number of {x.bit_length()} bits"


_SHORT = _Short()


def _python(value: object) -> str:
    """Return a value in Python's notation, shortened to one line."""
    return shortened(" ".join(_SHORT.repr(value).split()))
