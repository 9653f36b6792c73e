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
"""Parameters that are no keys of a spec: the number of the layer, and that of all hidden layers."""

_PLACES = ((1, 1), (1, 3), (3, 3))
"""(layer, depth) for which weights that depend on them are checked."""

_NETWORKS, _LARGE = 400, ((32, 32), (48, 3), (64, 2), (64, 1))
"""Networks, and (fan_out, fan_in) of layers, whose weights' mean and mean square are checked."""

_ERRORS, _MOMENT_TOLERANCE = 6, 0.01
"""Standard errors by which these may differ from 0 and 1, and by how much besides."""


class PluginInitialization(PluginChoice, Initialization):
    """An initialization from a plug-in."""

    table = "suite.catalog.initializations:INITIALIZATIONS"
    declaration: ClassVar[tuple[_Function, _Weights | None]]
    """The decorated function, and the decorator's argument `weights`."""
    told: ClassVar[tuple[tuple[str, ...], tuple[str, ...]]]
    """Which of the layer and the depth the function and `weights` take."""

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
            for place in self._places:
                self._check_weights(place)

    def layer_variance(self, fan_in: int, fan_out: int, layer: int, depth: int) -> tuple[float, float]:
        """Return sigma_w^2 and sigma_b^2 of a layer.

        Raises:
            NoVariancesError: If the plug-in returns no valid variances, or fails.
        """
        told = _select(self.told[0], layer, depth)
        try:
            return _convert_to_variances(self.declaration[0](fan_in, fan_out, **told, **self.parameters))
        except PlugInError as error:
            message = str(error)
        except (Exception, SystemExit) as error:  # the plug-in's function may raise anything
            message = f"it fails ({short_error(error)}); correct the function, or its parameters"
        arguments = {"fan_in": fan_in, "fan_out": fan_out, **told}
        raise NoVariancesError(f"at {', '.join(f'{name} = {value}' for name, value in arguments.items())}: {message}")

    @property
    def shaped(self) -> Callable[[Tensor, int, int], Tensor] | None:
        """The function of standard normal numbers, the layer and the depth that computes weights, if there is one."""
        return self._compute_weights if self.declaration[1] else None

    @property
    def is_uncorrelated(self) -> bool:
        """Whether the sums of a unit's weights, and of a layer's weights, vary as those of uncorrelated ones."""
        return all(_are_uncorrelated(self, *place) for place in self._places) if self.shaped else True

    @property
    def _places(self) -> tuple[tuple[int, int], ...]:
        """The layers and depths for which weights are checked: one if they do not depend on these."""
        return _PLACES if self.told[1] else _PLACES[:1]

    def _compute_weights(self, normal: Tensor, layer: int, depth: int) -> Tensor:
        """Compute the weights of layers, (draws, out, in), from standard normal numbers of this shape."""
        _, weights = self.declaration
        assert weights is not None
        told = _select(self.told[1], layer, depth)
        try:
            found = weights(normal.clone(), **told, **self.parameters)
        except (Exception, SystemExit) as error:  # the plug-in's function may raise anything
            call = f"weights({', '.join(['normal', *told, *self.parameters])})"
            raise PlugInError(f"{call} fails ({short_error(error)}) at {tuple(normal.shape)}; correct it") from error
        if not isinstance(found, Tensor) or found.shape != normal.shape or found.dtype != normal.dtype:
            what = f"{tuple(found.shape)} in {found.dtype}" if isinstance(found, Tensor) else type(found).__name__
            raise PlugInError(
                f"weights returns {what} for {tuple(normal.shape)} in {normal.dtype}; keep shape and dtype"
            )
        return found

    def _check_moments(self, place: tuple[int, int]) -> None:
        """Raise PlugInError unless the weights of many networks have mean 0 and variance 1."""
        for fan_out, fan_in in _LARGE:
            normal = torch.randn(_NETWORKS, fan_out, fan_in, generator=torch.Generator().manual_seed(1))
            found = self._compute_weights(normal, *place).double().flatten(1)
            for what, of_each, expected in (("mean", found.mean(1), 0.0), ("mean square", found.square().mean(1), 1.0)):
                value, error = float(of_each.mean()), float(of_each.std()) / _NETWORKS**0.5
                if not abs(value - expected) <= _ERRORS * error + _MOMENT_TOLERANCE:
                    raise PlugInError(
                        f"weights returns numbers of {what} {value:.4g} (standard error {error:.1g}) for layers of "
                        f"{fan_in} inputs and {fan_out} units; return numbers of mean 0 and variance 1"
                    )

    def _check_weights(self, place: tuple[int, int]) -> None:
        """Check that weights are finite, deterministic, and computed for each network alone."""
        normal = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0))
        found = self._compute_weights(normal, *place)
        if not bool(found.isfinite().all()):
            raise PlugInError("weights returns numbers that are not finite; correct it")
        if not torch.equal(found, self._compute_weights(normal, *place)):
            raise PlugInError("weights is not deterministic; take randomness from the numbers that it is given")
        if not torch.allclose(found[1:3], self._compute_weights(normal[1:3], *place), rtol=1e-4, atol=1e-6):
            raise PlugInError("weights of a network depend on the others; compute them from its own numbers")
        self._check_moments(place)


@lru_cache(maxsize=256)
def _are_uncorrelated(initialization: PluginInitialization, layer: int, depth: int) -> bool:
    normal = torch.randn(_NETWORKS, 32, 32, generator=torch.Generator().manual_seed(2))
    found = initialization._compute_weights(normal, layer, depth).double()
    for sums in (found.sum(2), found.sum(1), found.sum((1, 2))[:, None]):
        of_each = sums.square().mean(1) * sums.shape[1] / found[0].numel()  # 1 on average if uncorrelated
        error = float(of_each.std()) / _NETWORKS**0.5
        if not abs(float(of_each.mean()) - 1) <= _ERRORS * error + _MOMENT_TOLERANCE:
            return False
    return True


def _told_to(function: Callable[..., Any], taken: int) -> tuple[str, ...]:
    """Return which of the layer and the depth a function takes by name, after its first parameters.

    Raises:
        PlugInError: If they are among its first parameters, which it gets by position.
    """
    try:
        names = list(inspect.signature(getattr(function, "forward", function)).parameters)
    except (TypeError, ValueError):  # no function, or one written in C without a signature; trying it says so
        return ()
    if early := next((name for name in names[:taken] if name in _TOLD), None):
        first = "fan_in and fan_out come" if taken > 1 else "the numbers of weights come"
        raise PlugInError(f"{first} first, got {early}; move it behind")
    return tuple(name for name in _TOLD if name in names)


def _select(names: tuple[str, ...], layer: int, depth: int) -> dict[str, int]:
    """Return those of the layer and the depth that a function takes."""
    known = dict(zip(_TOLD, (layer, depth), strict=True))
    return {name: known[name] for name in names}


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
            depend on its own numbers alone. It may take `layer` and `depth` as well.
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
        entry.told = _told_to(decorated, 2), _told_to(weights, 1) if weights else ()
        register_choice("an initialization", INITIALIZATIONS, entry, {})

    return make_decorator("an initialization", function, name, add)
