"""An activation of the user's own: one function of a tensor, whose other parameters are keys of a spec."""

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
from suite.plugins.activation_checks import Facts, Phi, derivatives, find_facts
from suite.plugins.loading import Plugin, PlugInError
from suite.plugins.parameters import PluginChoice, make_choice, make_decorator, register_choice

_Function = Callable[..., Tensor]
_Kinks = Sequence[float] | Callable[..., Sequence[float]]

_FASTEST = 100
"""How many times as quickly as the sine one may bend: quadrature of two variables takes time as the square of it."""


class PluginActivation(PluginChoice, Activation):
    """An activation of a plug-in; its facts are found by trying it."""

    table = "suite.catalog.activations:ACTIVATIONS"
    torch_kernel = "suite.plugins.activations:plugin_kernel"
    facts_are_exact = False  # a jump may be missed
    declaration: ClassVar[tuple[_Function, _Kinks, _Function | None]]
    """What is decorated, its kinks, and its derivative if it is given."""

    def try_out(self) -> None:
        """Find its facts."""
        if (pace := self.pace) > _FASTEST:
            raise PlugInError(
                f"it bends {ceil(pace):,} times as quickly as the sine, and theory's quadrature follows {_FASTEST} "
                "times at most; choose parameters with which it bends more slowly"
            )

    @property
    def kind(self) -> Any:  # type: ignore[override]  # elsewhere a fact of the class
        """Piecewise linear if slopes change only at kinks, smooth if there are no kinks."""
        return _facts(self).kind

    @property
    def homogeneous(self) -> Any:  # type: ignore[override]  # elsewhere a fact of the class
        """Whether phi(a z) = a phi(z) for all a > 0."""
        return _facts(self).homogeneous

    @property
    def oscillating(self) -> Any:  # type: ignore[override]  # elsewhere a fact of the class
        """Whether it may bend anywhere, as far as quadrature is concerned."""
        return self.kind != "piecewise_linear"

    @property
    def pace(self) -> float:
        """The largest second derivative by the largest slope."""
        return _facts(self).pace

    @property
    def kinks(self) -> tuple[float, ...]:
        """The declared kinks."""
        _, kinks, _ = self.declaration
        return tuple(map(float, kinks(**self.parameters) if callable(kinks) else kinks))

    @property
    def flat_sides(self) -> tuple[tuple[float, float], ...]:
        """Between which kinks, or beyond which, it is constant."""
        return _facts(self).flat_sides

    @property
    def function(self) -> Phi:
        """phi, of a tensor."""
        (function, _, _), parameters = self.declaration, self.parameters
        return lambda z: function(z, **parameters)

    @property
    def derivative(self) -> Phi:
        """phi', of a tensor."""
        (_, _, given), function, parameters = self.declaration, self.function, self.parameters
        if given is None:
            return lambda z: derivatives(function, z, 1)[1]
        return lambda z: given(z, **parameters)

    def phi(self, z: Array) -> Array:
        """phi(z), elementwise, in float64."""
        return _in_numpy(self.function, z)

    def dphi(self, z: Array) -> Array:
        """phi'(z), elementwise."""
        return _in_numpy(self.derivative, z)


def _in_numpy(function: Phi, z: Array) -> Array:
    with one_thread(), torch.no_grad():
        values: Array = function(torch.from_numpy(np.array(z, dtype=np.float64))).numpy()
    return values


@lru_cache(maxsize=1024)
def _facts(activation: PluginActivation) -> Facts:
    _, _, given = activation.declaration
    with one_thread():
        return find_facts(activation.function, activation.kinks, activation.derivative if given else None)


@lru_cache(maxsize=1024)
def plugin_kernel(activation: Activation) -> Kernel:
    """Return the kernel of a plug-in's activation."""
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
    """Add an activation, named as the decorated function is.

    The function takes a tensor and returns phi of each element, in the same shape and dtype, by operations that torch
    can differentiate. Its other parameters are keys of a spec; they have types (float, int, bool, str) and, unless a
    spec has to give them, defaults. Unless its file is loaded as a plug-in, the function is returned and nothing else.

    Args:
        function: What is decorated, or any callable, as in activation(torch.nn.Mish(), name="my_mish").
        name: Its name in specs. Default: the function's own.
        kinks: Where phi or one of its first three derivatives jumps, or a function of the parameters that returns it.
            A jump that is found and not declared is an error.
        formula: For `list`. Default: the first line of the docstring.
        derivative: phi', a function of the same arguments, if it is faster than torch's.

    Raises:
        PlugInError: If the function cannot be an activation; the message says why.
    """

    def add(plugin: Plugin, called: str, decorated: _Function) -> None:
        entry = make_choice(PluginActivation, plugin, called, decorated, 1, formula)
        entry.declaration = (decorated, kinks, derivative)
        register_choice("an activation", ACTIVATIONS, entry, {})

    return make_decorator("an activation", function, name, add)
