"""Activations from plug-ins: one function of a tensor, whose other parameters are keys of a spec."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import ceil
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor

from suite.catalog.activations import ACTIVATIONS, Activation, Array
from suite.nets.activations import Kernel, Taylor
from suite.nets.threads import one_thread
from suite.nets.torch_settings import standard_settings
from suite.plugins.activation_checks import Facts, Phi, derivatives, find_facts
from suite.plugins.loading import Plugin, PlugInError
from suite.plugins.parameters import PluginChoice, make_choice, make_decorator, register_choice

_Function = Callable[..., Tensor]
_Kinks = Sequence[float] | Callable[..., Sequence[float]]

_MAX_PACE = 100
"""Largest allowed ratio of the largest second derivative to the largest slope; that of the sine is 1.

The time of quadrature over two variables grows with the square of this ratio.
"""


class PluginActivation(PluginChoice, Activation):
    """An activation from a plug-in; its facts are found by evaluating it."""

    table = "suite.catalog.activations:ACTIVATIONS"
    torch_kernel = "suite.plugins.activations:plugin_kernel"
    facts_are_exact = False  # the checks may miss a jump
    declaration: ClassVar[tuple[_Function, _Kinks, _Function | None]]
    """The decorated function, its kinks, and its derivative if one is given."""

    def try_out(self) -> None:
        """Check the function and find its facts.

        Raises:
            PlugInError: If the function cannot be an activation, or bends too quickly for quadrature.
        """
        if (pace := self.pace) > _MAX_PACE:
            raise PlugInError(
                f"it bends {ceil(pace):,} times as quickly as the sine, more than the {_MAX_PACE} times that theory's "
                "quadrature resolves; use parameters with which it bends more slowly"
            )

    @property
    def kind(self) -> Any:  # type: ignore[override]  # a class attribute of other activations
        """The kind of the function.

        It is piecewise linear if slopes change only at kinks. Otherwise it is kinked if there are kinks, and smooth if
        not.
        """
        return _facts(self).kind

    @property
    def homogeneous(self) -> Any:  # type: ignore[override]  # a class attribute of other activations
        """Whether phi(a z) = a phi(z) for all a > 0."""
        return _facts(self).homogeneous

    @property
    def oscillating(self) -> Any:  # type: ignore[override]  # a class attribute of other activations
        """Whether quadrature must assume that it bends everywhere: true unless it is piecewise linear."""
        return self.kind != "piecewise_linear"

    @property
    def pace(self) -> float:
        """The ratio of the largest second derivative to the largest slope, at least 1."""
        return _facts(self).pace

    @property
    def kinks(self) -> tuple[float, ...]:
        """The declared kinks."""
        _, kinks, _ = self.declaration
        return tuple(map(float, kinks(**self.parameters) if callable(kinks) else kinks))

    @property
    def flat_sides(self) -> tuple[tuple[float, float], ...]:
        """The intervals between or beyond kinks on which phi is constant."""
        return _facts(self).flat_sides

    @property
    def function(self) -> Phi:
        """The function phi of a tensor, with the spec's parameters."""
        (function, _, _), parameters = self.declaration, self.parameters
        return lambda z: function(z, **parameters)

    @property
    def derivative(self) -> Phi:
        """The derivative phi' of a tensor: the declared one, otherwise torch's."""
        (_, _, given), function, parameters = self.declaration, self.function, self.parameters
        if given is None:
            return lambda z: derivatives(function, z, 1)[1]
        return lambda z: given(z, **parameters)

    def phi(self, z: Array) -> Array:
        """Evaluate phi(z), elementwise, in float64."""
        return _evaluate_in_numpy(self.function, z)

    def dphi(self, z: Array) -> Array:
        """Evaluate phi'(z), elementwise, in float64."""
        return _evaluate_in_numpy(self.derivative, z)


def _evaluate_in_numpy(function: Phi, z: Array) -> Array:
    with standard_settings(), one_thread(), torch.no_grad():
        values: Array = function(torch.from_numpy(np.array(z, dtype=np.float64))).numpy()
    return values


@lru_cache(maxsize=1024)
def _facts(activation: PluginActivation) -> Facts:
    _, _, given = activation.declaration
    with standard_settings(), one_thread():
        return find_facts(activation.function, activation.kinks, activation.derivative if given else None)


@lru_cache(maxsize=1024)
def plugin_kernel(activation: Activation) -> Kernel:
    """Return the torch kernel of a plug-in's activation."""
    assert isinstance(activation, PluginActivation)
    function, slope = activation.function, activation.derivative

    def taylor(z: Tensor) -> Taylor:
        return cast(Taylor, tuple(derivatives(function, z, 3)))

    return Kernel(
        function,
        lambda z: z.copy_(function(z)),
        lambda grad, z, h: grad.mul_(slope(z)),
        taylor if activation.kind == "smooth" else None,
    )


def activation(
    function: _Function | None = None,
    *,
    name: str | None = None,
    kinks: _Kinks = (),
    formula: str | None = None,
    derivative: _Function | None = None,
) -> Any:
    """Add an activation, named after the decorated function.

    The function takes a tensor and returns phi of each element, in the same shape and dtype, by operations that torch
    can differentiate. Its other parameters are keys of a spec. They have types (float, int, bool, str) and defaults; a
    spec has to state those without a default. If its file is not loaded as a plug-in, the function is returned
    unchanged and nothing is added.

    Args:
        function: The decorated function, or any callable, as in activation(torch.nn.Mish(), name="my_mish").
        name: Its name in specs. Default: the function's own name.
        kinks: Places where one of the first three derivatives of phi jumps, in increasing order, or a function of the
            parameters that returns these places. An undeclared jump that is found is an error, and so is any jump of
            phi itself.
        formula: Formula that `list` shows. Default: the first line of the docstring.
        derivative: phi', a function with the same arguments, if it is faster than torch's derivative.

    Returns:
        The decorated function, or a decorator if no function is given.

    Raises:
        PlugInError: If the function cannot be an activation; the message says why.
    """

    def add(plugin: Plugin, called: str, decorated: _Function) -> None:
        if isinstance(decorated, torch.nn.Module) and (trained := [key for key, _ in decorated.named_parameters()]):
            raise PlugInError(
                f"{called} has parameters to train ({', '.join(trained)}), which the suite does not train; write a "
                "function with parameters such as slope: float = 0.25"
            )
        entry = make_choice(PluginActivation, plugin, called, decorated, 1, formula)
        entry.declaration = (decorated, kinks, derivative)
        register_choice("an activation", ACTIVATIONS, entry, {})

    return make_decorator("an activation", function, name, add)
