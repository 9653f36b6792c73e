"""A measure of the user's own: one function of random networks and the points that they are looked at."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar, Literal, cast, overload

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
from suite.plugins import found
from suite.plugins.origins import PlugInError
from suite.plugins.parameters import Travelling, fields_of, name_of, names_in, summary_of
from suite.plugins.sources import add, offered, origin_now

Function = Callable[..., Tensor]


_OF_TRAINING = ("replicates", "steps")
"""What the suite takes, by its name, for an amount of work: a quick run shrinks it, and keys of cells do without."""


_TAKEN = {
    *(LANDSCAPES, "theory"),
    *(baseline.removeprefix("-") for baseline in BASELINES),
    *("depth", "activation", "initialization", "inputs", "outputs", "normalization", "residual", "budget"),
    *("task", "optimizer", "learning_rate", "batch", "train", "validation", "test"),
    *("member", "measure", "quantity", "draw", "layer", "step", "method", "value"),
    *dir(BaseModel),
} - set(MEASURES)
"""Names that would be mistaken: of what reports hold, of predictors that need no measure, of axes and columns."""


class OwnSettings(Travelling, InFloats, Precise):
    """Settings of a measure that a plug-in gives: where it looks, at how many networks, and its own parameters."""

    table = "suite.catalog.measures:MEASURES"
    draws: Draws = 256
    declared: ClassVar[Function]
    """What computes it; of these very settings, whatever has the measure's name by then."""


@overload
def measure(
    function: Function,
    *,
    name: str | None = None,
    kind: Literal["value", "frequency"] = "value",
    more_is_better: bool = True,
    plain: bool = False,
) -> Function: ...
@overload
def measure(
    *,
    name: str | None = None,
    kind: Literal["value", "frequency"] = "value",
    more_is_better: bool = True,
    plain: bool = False,
) -> Callable[[Function], Function]: ...
def measure(
    function: Function | None = None,
    *,
    name: str | None = None,
    kind: Literal["value", "frequency"] = "value",
    more_is_better: bool = True,
    plain: bool = False,
) -> Any:
    """Adds a measure, and a quantity, named as the decorated function is.

    The function takes an ensemble of networks and points of the domain (inputs, points), and returns one number for
    each network, which depends on that network alone. `ensemble(points)` are its outputs (draws, outputs, points);
    `ensemble.layers` has its weights. Further parameters are keys of [measure.NAME], as those of an activation.

    Args:
        function: what is decorated.
        kind: a value, or whether something is so, whose mean is a frequency.
        more_is_better: which way a tournament takes it.
        plain: whether it is defined for networks without normalisation and residual connections only.

    Raises:
        PlugInError: the function does not give a number for each network; the message says what it gives.
    """
    if kind not in ("value", "frequency"):
        raise PlugInError(f"{kind!r} is no kind of measure; take value or frequency")

    def decorate(decorated: Function) -> Function:
        called = name_of(decorated, name)
        if called in _TAKEN or called.startswith(("_", "model_")):
            raise PlugInError(f"{called} is something else in tables and claims; give the measure another name")
        add_it = partial(_add, called, decorated, kind, more_is_better, plain)
        return offered("a measure", called, decorated, add_it)

    return decorate if function is None else decorate(function)


def _add(name: str, function: Function, kind: Literal["value", "frequency"], more_is_better: bool, plain: bool) -> None:
    summary = summary_of(function, name)
    own = fields_of(function, name, taken=2, reserved={*names_in(OwnSettings), *_OF_TRAINING})
    settings = cast(Any, create_model(name, __base__=OwnSettings, __doc__=f"Settings of {name}.", **own))
    settings.source, settings.entry = origin_now(), name
    settings.origin = settings.source.digest

    def take(ensemble: Ensemble, domain: Sample, settings: OwnSettings) -> dict[str, Tensor]:
        values = function(ensemble, domain.points(), **{key: getattr(settings, key) for key in own})
        return {name: _checked(name, values, ensemble, kind)}

    settings.declared = staticmethod(take)
    entry = Measure(
        f"suite.plugins.found:measure_{name}",
        settings,
        inputs="domain",
        quantities={name: Quantity(summary, kind, sign=1 if more_is_better else -1)},
        version=1,
        summary=summary,
        source=settings.source.name,
        plain=plain,
        primary=name,
        origin=settings.origin,
    )
    add("a measure", name, [(MEASURES, entry), (QUANTITIES, entry.quantities[name]), (found.MEASURES, take)])
    if not any(settings.model_fields[key].is_required() for key in own):
        _try(function, name, kind)


def _checked(name: str, values: Any, ensemble: Ensemble, kind: str) -> Tensor:
    """A number for each network, as floating-point ones.

    Raises:
        PlugInError: something else.
    """
    if not isinstance(values, Tensor):
        raise PlugInError(f"{name} returns {type(values).__name__}; return a tensor")
    if values.shape != (ensemble.draws,):
        raise PlugInError(
            f"{name} returns shape {tuple(values.shape)} for {ensemble.draws} networks; return one number for each, "
            f"({ensemble.draws},)"
        )
    if values.is_complex() or not (values.is_floating_point() or values.dtype == torch.bool):
        raise PlugInError(f"{name} returns {values.dtype}; return floating-point numbers, or truth values")
    if kind == "frequency" and not bool(((values == 0) | (values == 1) | values.isnan()).all()):
        raise PlugInError(
            f"{name} is a frequency and returns other numbers than 0 and 1; return whether something is so"
        )
    return values.detach().to(ensemble.parameters.dtype)


def _try(function: Function, name: str, kind: str) -> None:
    """Has it measure a few small networks: all at once, again, and some of them."""
    widths, draws = (2, 4, 3, 1), 5
    number = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths))
    generator = torch.Generator().manual_seed(0)
    parameters = torch.randn(draws, number, generator=generator, dtype=torch.float64)
    points = torch.rand(2, 9, generator=generator, dtype=torch.float64)
    networks = Ensemble(widths, Relu(), ((1.0, 1.0),) * 3, parameters.clone())
    every = _checked(name, function(networks, points.clone()), networks, kind)
    again = _checked(name, function(networks, points.clone()), networks, kind)
    some = _checked(name, function(networks[1:3], points.clone()), networks[1:3], kind)
    if not torch.equal(networks.parameters, parameters):
        raise PlugInError(f"{name} changes the networks; leave their parameters as they are")
    if not torch.equal(every.nan_to_num(), again.nan_to_num()):
        raise PlugInError(f"{name} gives other values each time; make what is random of the networks alone")
    if not torch.allclose(every[1:3], some, rtol=1e-6, atol=1e-9, equal_nan=True):
        raise PlugInError(f"{name} gives a network another value in other company; return what is of each alone")
