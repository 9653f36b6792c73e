"""Measures from plug-ins: one function of random networks and the points that they are evaluated on."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar, Literal, cast

import torch
from pydantic import BaseModel, create_model
from torch import Tensor

from suite.catalog.activations import Relu
from suite.catalog.measures import LANDSCAPES, MEASURES, Measure
from suite.catalog.measures.settings import Draws, InFloats
from suite.catalog.precision import Precise
from suite.catalog.predict import BASELINES
from suite.catalog.quantities import QUANTITIES, Quantity
from suite.nets.ensemble import Ensemble
from suite.nets.sample import Sample
from suite.nets.torch_settings import standard_settings
from suite.plugins.loading import Plugin, PlugInError, register
from suite.plugins.parameters import FromPlugin, fields_of, make_decorator, names_in, summary_of

_Function = Callable[..., Tensor]
_Kind = Literal["value", "frequency"]

_OF_TRAINING = ("replicates", "steps")
"""Reserved keys: a quick run reduces them, and the key of a cell leaves out `replicates`."""

_RESERVED = {
    *(LANDSCAPES, "theory"),
    *(baseline.removeprefix("-") for baseline in BASELINES),
    *("depth", "activation", "initialization", "inputs", "outputs", "normalization", "residual", "budget"),
    "readout_std",
    *("task", "optimizer", "learning_rate", "batch", "train", "validation", "test"),
    *("member", "measure", "quantity", "draw", "layer", "step", "method", "value"),
    *dir(BaseModel),
} - set(MEASURES)
"""Names that have another meaning in reports, among predictors, as axes or as columns."""


class PluginSettings(FromPlugin, InFloats, Precise):
    """The settings of a plug-in's measure, with the function's own parameters as further keys."""

    table = "suite.catalog.measures:MEASURES"
    draws: Draws = 256
    declaration: ClassVar[tuple[_Function, tuple[str, ...], _Kind]]
    """The decorated function, the names of its own parameters, and its kind."""


def _measure_networks(ensemble: Ensemble, domain: Sample, settings: PluginSettings) -> dict[str, Tensor]:
    """Compute the plug-in's measure, one number per network, by its name."""
    # Use the function of the settings: after an edit, the catalog may hold a newer one.
    function, parameters, kind = settings.declaration
    values = function(ensemble, domain.points(), **{key: getattr(settings, key) for key in parameters})
    return {settings.entry: _check_values(settings.entry, values, ensemble, kind)}


def measure(
    function: _Function | None = None,
    *,
    name: str | None = None,
    kind: _Kind = "value",
    more_is_better: bool = True,
    plain: bool = False,
) -> Any:
    """Add a measure, and a quantity, named after the decorated function.

    The function takes an ensemble of networks and points of the domain (inputs, points). It returns one number per
    network, (draws,), which depends on that network alone. `ensemble(points)` returns the outputs (draws, outputs,
    points); `ensemble.layers` has the weights. Further parameters are keys of [measure.NAME], as for an activation.

    Args:
        function: The decorated function.
        name: Its name in specs. Default: the function's own name.
        kind: "value", or "frequency" for a function that returns whether something is true, whose mean is a frequency.
        more_is_better: The direction in which the quantity predicts training outcomes.
        plain: Whether the measure is defined only for MLPs without normalization or residual connections.

    Returns:
        The decorated function, or a decorator if no function is given.

    Raises:
        PlugInError: If the kind or the name is invalid, or the function does not return one number per network; the
            message says what it returns.
    """
    if kind not in ("value", "frequency"):
        raise PlugInError(f"{kind!r} is not a kind of measure; use value or frequency")

    def add(plugin: Plugin, called: str, decorated: _Function) -> None:
        if called in _RESERVED or called.startswith(("_", "model_")):
            raise PlugInError(f"{called} is a reserved name; use another name")
        fields = fields_of(decorated, called, taken=2, reserved={*names_in(PluginSettings), *_OF_TRAINING})
        settings = cast(Any, create_model(called, __base__=PluginSettings, __doc__=f"Settings of {called}.", **fields))
        settings.plugin, settings.entry, settings.origin = plugin, called, plugin.digest
        settings.declaration = decorated, tuple(fields), kind
        quantity = Quantity(summary_of(decorated, called), kind, sign=1 if more_is_better else -1)
        entry = Measure(
            "suite.plugins.measures:_measure_networks",
            settings,
            inputs="domain",
            quantities={called: quantity},
            version=1,
            summary=quantity.meaning,
            source=plugin.name,
            plain=plain,
            primary=called,
            origin=plugin.digest,
        )
        register(plugin, "a measure", called, [(MEASURES, entry), (QUANTITIES, quantity)])
        if not any(settings.model_fields[key].is_required() for key in fields):
            with standard_settings():
                _try_out(decorated, called, kind)

    return make_decorator("a measure", function, name, add)


def _check_values(name: str, values: Any, ensemble: Ensemble, kind: _Kind) -> Tensor:
    """Return the values in the networks' dtype, after a check that there is one number per network.

    Raises:
        PlugInError: If the values are anything else.
    """
    if not isinstance(values, Tensor):
        raise PlugInError(f"{name} returns {type(values).__name__}; return a tensor")
    if values.shape != (ensemble.draws,):
        raise PlugInError(
            f"{name} returns shape {tuple(values.shape)} for {ensemble.draws} networks; return one number for each, "
            f"({ensemble.draws},)"
        )
    if values.is_complex() or not (values.is_floating_point() or values.dtype == torch.bool):
        raise PlugInError(f"{name} returns {values.dtype}; return floating-point numbers or booleans")
    if kind == "frequency" and not bool(((values == 0) | (values == 1) | values.isnan()).all()):
        raise PlugInError(f"{name} is a frequency and returns numbers other than 0 and 1; return booleans")
    return values.detach().to(ensemble.parameters.dtype)


def _try_out(function: _Function, name: str, kind: _Kind) -> None:
    """Evaluate the function on five small networks, on the same again, and on two of them.

    Raises:
        PlugInError: If it changes the networks, or its values differ between these calls.
    """
    widths, draws = (2, 4, 3, 1), 5
    number = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths))
    generator = torch.Generator().manual_seed(0)
    parameters = torch.randn(draws, number, generator=generator, dtype=torch.float64)
    points = torch.rand(2, 9, generator=generator, dtype=torch.float64)
    networks = Ensemble(widths, Relu(), ((1.0, 1.0),) * 3, parameters.clone())
    every, again, some = (
        _check_values(name, function(part, points.clone()), part, kind) for part in (networks, networks, networks[1:3])
    )
    if not torch.equal(networks.parameters, parameters):
        raise PlugInError(f"{name} changes the networks; leave their parameters as they are")
    if not torch.equal(every.nan_to_num(), again.nan_to_num()):
        raise PlugInError(f"{name} is not deterministic; compute it from the networks alone")
    if not torch.allclose(every[1:3], some, rtol=1e-6, atol=1e-9, equal_nan=True):
        raise PlugInError(f"{name} of a network depends on the others; compute it from each network alone")
