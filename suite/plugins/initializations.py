"""Initializations from plug-ins: the variances of each hidden layer and, optionally, its weights."""

import inspect
from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from numbers import Real
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
from suite.formatting import short_error
from suite.plugins.loading import Plugin, PlugInError
from suite.plugins.parameters import PluginChoice, make_choice, make_decorator, register_choice

_Function = Callable[..., float | tuple[float, float]]
_Weights = Callable[..., Tensor]

_LAYERS = ((1, 1, 1, 1), (1, 64, 1, 3), (2, 5, 1, 2), (64, 1, 3, 3), (1000, 1000, 2, 100))
"""(fan_in, fan_out, layer, depth) of the layers for which the function is tried."""

_TOLD = ("layer", "depth")
"""Parameters of the function that are no keys of a spec: the number of the layer, and that of all hidden layers."""

_NETWORKS, _LARGE = 400, ((32, 32), (48, 3), (64, 2), (64, 1))
"""Networks, and (fan_out, fan_in) of layers, whose weights' mean and mean square are checked."""

_ERRORS, _MOMENT_TOLERANCE = 6, 0.01
"""Standard errors by which these may differ from 0 and 1, and by how much besides."""


class PluginInitialization(PluginChoice, Initialization):
    """An initialization from a plug-in."""

    table = "suite.catalog.initializations:INITIALIZATIONS"
    declaration: ClassVar[tuple[_Function, _Weights | None]]
    """The decorated function, and the decorator's argument `weights`."""
    told: ClassVar[tuple[str, ...]]
    """Which of the layer and the depth the function takes."""

    def try_out(self) -> None:
        """Compute the variances of layers of several sizes, and check the weights if there are any.

        Raises:
            PlugInError: If a result is invalid, or the plug-in fails.
        """
        for arguments in _LAYERS:
            try:
                self.layer_variance(*arguments)
            except NoVariancesError as error:
                raise PlugInError(str(error)) from None
        if self.shaped:
            self._check_weights()

    def layer_variance(self, fan_in: int, fan_out: int, layer: int, depth: int) -> tuple[float, float]:
        """Return sigma_w^2 and sigma_b^2 of a layer.

        Raises:
            NoVariancesError: If the plug-in returns no valid variances, or fails.
        """
        known = dict(zip(_TOLD, (layer, depth), strict=True))
        told = {name: known[name] for name in self.told}
        try:
            return _convert_to_variances(self.declaration[0](fan_in, fan_out, **told, **self.parameters))
        except PlugInError as error:
            message = str(error)
        except (Exception, SystemExit) as error:  # the plug-in's function may raise anything
            message = f"it fails ({short_error(error)}); correct the function, or its parameters"
        arguments = {"fan_in": fan_in, "fan_out": fan_out, **told}
        raise NoVariancesError(f"at {', '.join(f'{name} = {value}' for name, value in arguments.items())}: {message}")

    @property
    def shaped(self) -> _Weights | None:
        """The function that computes a layer's weights from standard normal numbers; None if there is none."""
        return self._compute_weights if self.declaration[1] else None

    @property
    def is_uncorrelated(self) -> bool:
        """Whether the sums of a unit's weights, and of a layer's weights, vary as those of uncorrelated ones."""
        return _are_uncorrelated(self) if self.shaped else True

    def _compute_weights(self, normal: Tensor) -> Tensor:
        """Compute the weights of layers, (draws, out, in), from standard normal numbers of this shape."""
        _, weights = self.declaration
        assert weights is not None
        try:
            found = weights(normal.clone(), **self.parameters)
        except (Exception, SystemExit) as error:  # the plug-in's function may raise anything
            call = f"weights({', '.join(['normal', *self.parameters])})"
            raise PlugInError(f"{call} fails ({short_error(error)}) at {tuple(normal.shape)}; correct it") from error
        if not isinstance(found, Tensor) or found.shape != normal.shape or found.dtype != normal.dtype:
            what = f"{tuple(found.shape)} in {found.dtype}" if isinstance(found, Tensor) else type(found).__name__
            raise PlugInError(
                f"weights returns {what} for {tuple(normal.shape)} in {normal.dtype}; keep shape and dtype"
            )
        return found

    def _check_moments(self) -> None:
        """Raise PlugInError unless the weights of many networks have mean 0 and variance 1."""
        for fan_out, fan_in in _LARGE:
            normal = torch.randn(_NETWORKS, fan_out, fan_in, generator=torch.Generator().manual_seed(1))
            found = self._compute_weights(normal).double().flatten(1)
            for what, of_each, expected in (("mean", found.mean(1), 0.0), ("mean square", found.square().mean(1), 1.0)):
                value, error = float(of_each.mean()), float(of_each.std()) / _NETWORKS**0.5
                if not abs(value - expected) <= _ERRORS * error + _MOMENT_TOLERANCE:
                    raise PlugInError(
                        f"weights returns numbers of {what} {value:.4g} (standard error {error:.1g}) for layers of "
                        f"{fan_in} inputs and {fan_out} units; return numbers of mean 0 and variance 1"
                    )

    def _check_weights(self) -> None:
        """Check that weights are finite, deterministic, and computed for each network alone."""
        normal = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0))
        found = self._compute_weights(normal)
        if not bool(found.isfinite().all()):
            raise PlugInError("weights returns numbers that are not finite; correct it")
        if not torch.equal(found, self._compute_weights(normal)):
            raise PlugInError("weights is not deterministic; take randomness from the numbers that it is given")
        if not torch.allclose(found[1:3], self._compute_weights(normal[1:3]), rtol=1e-4, atol=1e-6):
            raise PlugInError("weights of a network depend on the others; compute them from its own numbers")
        self._check_moments()


@lru_cache(maxsize=256)
def _are_uncorrelated(initialization: PluginInitialization) -> bool:
    normal = torch.randn(_NETWORKS, 32, 32, generator=torch.Generator().manual_seed(2))
    found = initialization._compute_weights(normal).double()
    for sums in (found.sum(2), found.sum(1), found.sum((1, 2))[:, None]):
        of_each = sums.square().mean(1) * sums.shape[1] / found[0].numel()  # 1 on average if uncorrelated
        error = float(of_each.std()) / _NETWORKS**0.5
        if not abs(float(of_each.mean()) - 1) <= _ERRORS * error + _MOMENT_TOLERANCE:
            return False
    return True


def _own_parameters(function: _Function) -> list[str]:
    """Return the names of a function's parameters after fan_in and fan_out.

    Raises:
        PlugInError: If the layer or the depth comes first.
    """
    try:
        names = list(inspect.signature(getattr(function, "forward", function)).parameters)
    except ValueError:  # some functions that are written in C have no signature
        return []
    if early := next((name for name in names[:2] if name in _TOLD), None):
        raise PlugInError(f"the first two parameters are fan_in and fan_out, got {early}; move it behind them")
    return names[2:]


def _convert_to_variances(returned: Any) -> tuple[float, float]:
    """Return sigma_w^2 and sigma_b^2 from the value of the plug-in's function, or raise PlugInError."""
    pair = returned if isinstance(returned, tuple) else (returned, 0.0)
    what = f"it returns {' '.join(short(returned).split())}"
    if len(pair) != 2 or not all(
        isinstance(value, Real) and not isinstance(value, bool) and isfinite(value) for value in pair
    ):
        raise PlugInError(f"{what}; return sigma_w^2, or (sigma_w^2, sigma_b^2), as Python floats")
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
    """Add an initialization, named after the decorated function.

    The function takes fan_in and fan_out of a hidden layer. It returns sigma_w^2, which is fan_in times the variance of
    a weight, or a pair of this and sigma_b^2, the variance of a bias. Theory uses these variances. If the function has
    parameters `layer` and `depth`, they are the number of the layer, from 1, and the number of hidden layers. Its other
    parameters are keys of a spec, as for an activation. The readout has gain 1 and no bias, as with the initializations
    of the suite.

    Args:
        function: The decorated function.
        name: Its name in specs. Default: the function's own name.
        distribution: The distribution of the weights.
        weights: A function (normal, **parameters) -> weights of a hidden layer with mean 0 and variance 1, which are
            then scaled. `normal` holds standard normal numbers (draws, out, in); the weights of each network must
            depend on its own numbers alone.
        formula: Formula that `list` shows. Default: the first line of the docstring.

    Returns:
        The decorated function, or a decorator if no function is given.

    Raises:
        PlugInError: If the arguments are invalid, or the function returns no valid variances.
    """
    if distribution not in get_args(PlainDistribution):
        raise PlugInError(f"{distribution!r} is not a distribution; use gaussian, uniform or orthogonal")
    if weights is not None and distribution != "gaussian":
        raise PlugInError("weights starts from Gaussian numbers; remove distribution")

    def add(plugin: Plugin, called: str, decorated: _Function) -> None:
        entry = make_choice(PluginInitialization, plugin, called, decorated, 2, formula, _TOLD)
        entry.declaration, entry.distribution = (decorated, weights), Distribution(distribution)
        entry.told = tuple(name for name in _TOLD if name in _own_parameters(decorated))
        register_choice("an initialization", INITIALIZATIONS, entry, {})

    return make_decorator("an initialization", function, name, add)
