"""An initialization of the user's own: each hidden layer's variances, and optionally how its weights are drawn."""

from collections.abc import Callable
from math import isfinite
from reprlib import repr as short
from typing import Any, ClassVar, get_args

import torch
from torch import Tensor

from suite.catalog.initializations import (
    INITIALIZATIONS,
    Distribution,
    Initialization,
    NoVariancesError,
    PlainDistribution,
)
from suite.plugins.loading import Plugin, PlugInError
from suite.plugins.parameters import PluginChoice, make_choice, make_decorator, register_choice, short_error

_Function = Callable[..., float | tuple[float, float]]
_Weights = Callable[..., Tensor]

_LAYERS = ((1, 1), (1, 64), (2, 5), (64, 1), (1000, 1000))
"""(fan_in, fan_out) of the layers that it is tried at."""


class PluginInitialization(PluginChoice, Initialization):
    """An initialization of a plug-in."""

    table = "suite.catalog.initializations:INITIALIZATIONS"
    declaration: ClassVar[tuple[_Function, _Weights | None]]
    """What is decorated, and the decorator's argument `weights`."""

    def try_out(self) -> None:
        """Try it at layers of several sizes."""
        for fan_in, fan_out in _LAYERS:
            try:
                self.layer_variance(fan_in, fan_out)
            except NoVariancesError as error:
                raise PlugInError(str(error)) from None
        if self.shaped:
            self._check_weights()

    def layer_variance(self, fan_in: int, fan_out: int) -> tuple[float, float]:
        """Return sigma_w^2 and sigma_b^2 of a layer.

        Raises:
            NoVariancesError: If the plug-in returns no variances, or fails.
        """
        try:
            return _as_variances(self.declaration[0](fan_in, fan_out, **self.parameters))
        except PlugInError as error:
            message = str(error)
        except (Exception, SystemExit) as error:  # whatever the plug-in's function raises
            message = f"it fails ({short_error(error)}); correct the function, or its parameters"
        raise NoVariancesError(f"at fan_in = {fan_in}, fan_out = {fan_out}: {message}")

    @property
    def shaped(self) -> _Weights | None:
        """What makes a layer's weights of standard normal numbers, if the plug-in does."""
        return self._weights_of if self.declaration[1] else None

    def _weights_of(self, normal: Tensor) -> Tensor:
        _, weights = self.declaration
        assert weights is not None
        try:
            found = weights(normal.clone(), **self.parameters)
        except (Exception, SystemExit) as error:  # whatever the plug-in's function raises
            call = f"weights({', '.join(['normal', *self.parameters])})"
            raise PlugInError(f"{call} fails ({short_error(error)}) at {tuple(normal.shape)}; correct it") from error
        if not isinstance(found, Tensor) or found.shape != normal.shape or found.dtype != normal.dtype:
            what = f"{tuple(found.shape)} in {found.dtype}" if isinstance(found, Tensor) else type(found).__name__
            raise PlugInError(
                f"weights returns {what} for {tuple(normal.shape)} in {normal.dtype}; keep shape and dtype"
            )
        return found

    def _check_weights(self) -> None:
        normal = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0))
        found = self._weights_of(normal)
        if not bool(found.isfinite().all()):
            raise PlugInError("weights returns numbers that are not finite; correct it")
        if not torch.equal(found, self._weights_of(normal)):
            raise PlugInError("weights returns other numbers each time; take randomness from the numbers it is given")
        if not torch.allclose(found[1:3], self._weights_of(normal[1:3]), rtol=1e-4, atol=1e-6):
            raise PlugInError("weights mixes networks; compute each network's weights from its own numbers")


def _as_variances(returned: Any) -> tuple[float, float]:
    pair = returned if isinstance(returned, tuple) else (returned, 0.0)
    what = f"it returns {' '.join(short(returned).split())}"
    if len(pair) != 2 or not all(isinstance(value, float | int) and isfinite(value) for value in pair):
        raise PlugInError(f"{what}; return sigma_w^2, or (sigma_w^2, sigma_b^2), as numbers")
    if pair[0] <= 0 or pair[1] < 0:
        raise PlugInError(f"{what}; return sigma_w^2 > 0 and sigma_b^2 >= 0")
    return float(pair[0]), float(pair[1])


def initialization(
    function: _Function | None = None,
    *,
    name: str | None = None,
    distribution: PlainDistribution = "gaussian",
    weights: _Weights | None = None,
    formula: str | None = None,
) -> Any:
    """Add an initialization, named as the decorated function is.

    The function takes fan_in and fan_out of a hidden layer and returns sigma_w^2, fan_in times the variance of a
    weight, or that and sigma_b^2, the variance of a bias. Theory uses these. Its other parameters are keys of a spec,
    as those of an activation. The readout has gain 1 and no bias, as with the suite's own.

    Args:
        function: What is decorated.
        name: Its name in specs. Default: the function's own.
        distribution: The distribution of the weights.
        weights: (normal, **parameters) -> the weights of a hidden layer, of mean 0 and variance 1, which are then
            scaled, from standard normal numbers (draws, out, in); each network's from its own numbers alone.
        formula: For `list`. Default: the first line of the docstring.

    Raises:
        PlugInError: If it returns no variances.
    """
    if distribution not in get_args(PlainDistribution):
        raise PlugInError(f"{distribution!r} is no distribution; use gaussian, uniform or orthogonal")
    if weights is not None and distribution != "gaussian":
        raise PlugInError("weights starts from Gaussian numbers; leave distribution out")

    def add(plugin: Plugin, called: str, decorated: _Function) -> None:
        entry = make_choice(PluginInitialization, plugin, called, decorated, 2, formula)
        entry.declaration, entry.distribution = (decorated, weights), Distribution(distribution)
        register_choice("an initialization", INITIALIZATIONS, entry, {})

    return make_decorator("an initialization", function, name, add)
