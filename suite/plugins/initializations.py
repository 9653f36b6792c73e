"""An initialisation of the user's own: each hidden layer's variances, and, if need be, what weights are made of."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from reprlib import repr as short
from typing import Any, ClassVar, get_args, overload

import torch
from torch import Tensor

from suite.catalog.initializations import (
    INITIALIZATIONS,
    Distribution,
    Initialization,
    NoVariancesError,
    PlainDistribution,
)
from suite.plugins.origins import PlugInError
from suite.plugins.parameters import OwnChoice, entry_of, name_of, try_defaults
from suite.plugins.sources import add, offered

Function = Callable[..., float | tuple[float, float]]
Weights = Callable[..., Tensor]

_FANS = ((1, 1), (1, 64), (2, 5), (64, 1), (1000, 1000))
"""Of layers that it is tried at."""


@dataclass(frozen=True)
class Declared:
    """What a plug-in says of its initialisation.

    Attributes:
        function: of fan_in, fan_out and parameters: sigma_w^2, or (sigma_w^2, sigma_b^2).
        weights: of standard normal numbers (draws, out, in) and parameters: weights before they are scaled.
    """

    function: Function
    weights: Weights | None


class OwnInitialization(OwnChoice, Initialization):
    """An initialisation that a plug-in gives."""

    table = "suite.catalog.initializations:INITIALIZATIONS"
    declared: ClassVar[Declared]

    def try_out(self) -> None:
        """Has it say variances, and make weights."""
        for fan_in, fan_out in _FANS:
            try:
                self.layer_variance(fan_in, fan_out)
            except NoVariancesError as error:
                raise PlugInError(str(error)) from None
        if self.declared.weights is not None:
            _try(self)

    @property
    def shaped(self) -> Weights | None:
        """Its own weights, if it makes any."""
        return self._weights_of if self.declared.weights is not None else None

    def _weights_of(self, normal: Tensor) -> Tensor:
        assert self.declared.weights is not None
        try:
            found = self.declared.weights(normal.clone(), **self.parameters)
        except (Exception, SystemExit) as error:
            raise PlugInError(f"weights fails ({_what(error)}) at {tuple(normal.shape)}; mend it") from error
        if not isinstance(found, Tensor) or found.shape != normal.shape or found.dtype != normal.dtype:
            what = f"{tuple(found.shape)} in {found.dtype}" if isinstance(found, Tensor) else type(found).__name__
            raise PlugInError(f"weights makes {what} of {tuple(normal.shape)} in {normal.dtype}; keep shape and dtype")
        return found

    def layer_variance(self, fan_in: int, fan_out: int) -> tuple[float, float]:
        """As the plug-in says.

        Raises:
            NoVariancesError: what it says are none, or it fails.
        """
        try:
            return _pair(self.declared.function(fan_in, fan_out, **self.parameters))
        except PlugInError as error:
            fault = str(error)
        except (Exception, SystemExit) as error:  # whatever the plug-in does: leaving the suite is not its business
            fault = f"it fails ({_what(error)}); mend the function, or its parameters"
        raise NoVariancesError(f"at fan_in = {fan_in}, fan_out = {fan_out}: {fault}")


def _pair(said: Any) -> tuple[float, float]:
    """What a function returns, as two variances."""
    pair = said if isinstance(said, tuple) else (said, 0.0)
    returned = f"it returns {' '.join(short(said).split())}"
    if len(pair) != 2 or not all(isinstance(value, float | int) and isfinite(value) for value in pair):
        raise PlugInError(f"{returned}; return sigma_w^2, or (sigma_w^2, sigma_b^2), as numbers")
    if pair[0] <= 0 or pair[1] < 0:
        raise PlugInError(f"{returned}; variances are above 0, those of biases 0 or above")
    return float(pair[0]), float(pair[1])


def _what(error: BaseException) -> str:
    """An error in half a line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _try(initialization: OwnInitialization) -> None:
    normal = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0))
    _callable_so(initialization, normal)
    found = initialization._weights_of(normal)
    if not bool(found.isfinite().all()):
        raise PlugInError("weights makes numbers that are not finite; mend it")
    if not torch.equal(found, initialization._weights_of(normal)):
        raise PlugInError("weights makes other numbers each time; make what is random of the numbers that come in")
    if not torch.allclose(found[1:3], initialization._weights_of(normal[1:3]), rtol=1e-4, atol=1e-6):
        raise PlugInError("weights mixes networks; make each one's of its own numbers")


def _callable_so(initialization: OwnInitialization, normal: Tensor) -> None:
    """Tells a function of the numbers alone that it gets the parameters, too; calling it would only say a name."""
    weights, parameters = initialization.declared.weights, initialization.parameters
    assert weights is not None
    try:
        inspect.signature(weights).bind(normal, **parameters)
    except ValueError:  # one that is written in C says nothing
        return
    except TypeError as error:
        given = "the parameters, which it gets, too" if parameters else "the normal numbers alone"
        raise PlugInError(
            f"weights cannot be called with {given} ({error}); make it a function of "
            f"({', '.join(['normal', *parameters])})"
        ) from None


@overload
def initialization(
    function: Function,
    *,
    name: str | None = None,
    distribution: PlainDistribution = "gaussian",
    weights: Weights | None = None,
    formula: str | None = None,
) -> Function: ...
@overload
def initialization(
    *,
    name: str | None = None,
    distribution: PlainDistribution = "gaussian",
    weights: Weights | None = None,
    formula: str | None = None,
) -> Callable[[Function], Function]: ...
def initialization(
    function: Function | None = None,
    *,
    name: str | None = None,
    distribution: PlainDistribution = "gaussian",
    weights: Weights | None = None,
    formula: str | None = None,
) -> Any:
    """Adds an initialisation, named as the decorated function is.

    The function takes fan_in and fan_out of a hidden layer and returns sigma_w^2, fan_in times the variance of a
    weight, or that and sigma_b^2, the variance of a bias. Theory goes by these. Its other parameters are keys of a
    spec, as those of an activation. The readout has gain 1 and no bias, as with the suite's own.

    Args:
        function: what is decorated.
        name: in place of the function's own.
        distribution: of the weights.
        weights: makes of standard normal numbers (draws, out, in), and the same parameters, the weights of a hidden
            layer, of mean 0 and variance 1, which are then scaled; of each network's own numbers alone.
        formula: for `list`; the first line of the docstring unless given.

    Raises:
        PlugInError: what it returns are no variances.
    """
    if distribution not in get_args(PlainDistribution):
        raise PlugInError(f"{distribution!r} is no distribution; take gaussian, uniform or orthogonal")
    if weights is not None and Distribution(distribution) is not Distribution.GAUSSIAN:
        raise PlugInError("weights makes its own of Gaussian numbers; leave distribution out")

    def decorate(decorated: Function) -> Function:
        called = name_of(decorated, name)
        declared, kind = Declared(decorated, weights), Distribution(distribution)
        return offered("an initialisation", called, decorated, lambda: _add(called, declared, kind, formula))

    return decorate if function is None else decorate(function)


def _add(name: str, declared: Declared, distribution: Distribution, formula: str | None) -> None:
    entry = entry_of(OwnInitialization, name, declared.function, 2, formula)
    entry.declared, entry.distribution = declared, distribution
    add("an initialisation", name, [(INITIALIZATIONS, entry)])
    try_defaults(entry, {})
