"""An activation of the user's own: one function of a tensor, with whatever parameters a spec is to set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Any, ClassVar, cast, overload

import numpy as np
import torch
from torch import Tensor

from suite.catalog.activations import ACTIVATIONS, Activation, Array
from suite.nets.activations import Kernel, Taylor
from suite.nets.threads import one_thread
from suite.plugins.derivatives import Phi, UnusableError, derivatives
from suite.plugins.facts import Facts, facts_of
from suite.plugins.parameters import OwnChoice, entry_of, name_of, try_defaults
from suite.plugins.sources import add, offered

Function = Callable[..., Tensor]

_QUICKEST = 100
"""How many times as quickly as the sine one may bend: quadrature of two variables takes time as the square of it."""


@dataclass(frozen=True)
class Declared:
    """What a plug-in says of its activation.

    Attributes:
        function: phi, of a tensor and parameters.
        kinks: where it, or one of its first three derivatives, jumps: numbers, or a function of the parameters.
        derivative: phi', of the same arguments; by autograd where it is not given.
    """

    function: Function
    kinks: Sequence[float] | Callable[..., Sequence[float]]
    derivative: Function | None


class OwnActivation(OwnChoice, Activation):
    """An activation that a plug-in gives; its facts are found out by trying it."""

    table = "suite.catalog.activations:ACTIVATIONS"
    torch_kernel = "suite.plugins.activations:own_kernel"
    declared: ClassVar[Declared]

    def try_out(self) -> None:
        """Finds its facts out."""
        if (pace := _facts(self).pace) > _QUICKEST:
            raise UnusableError(
                f"it bends {ceil(pace):,} times as quickly as the sine, and theory's quadrature follows {_QUICKEST} "
                "times at most; take parameters by which it bends more slowly"
            )

    @property
    def kind(self) -> Any:  # type: ignore[override]  # others know it of the class
        """Piecewise linear where slopes change at kinks alone; smooth where there are none."""
        return _facts(self).kind

    @property
    def homogeneous(self) -> Any:  # type: ignore[override]  # others know it of the class
        """Whether phi(a z) = a phi(z) for all a > 0."""
        return _facts(self).homogeneous

    @property
    def oscillating(self) -> Any:  # type: ignore[override]  # others know it of the class
        """Nobody knows where it bends, so quadrature takes it to bend everywhere."""
        return _facts(self).kind != "piecewise_linear"

    @property
    def pace(self) -> float:
        """The largest second derivative by the largest slope."""
        return _facts(self).pace

    @property
    def kinks(self) -> tuple[float, ...]:
        """Those that the plug-in says, where there is one."""
        return _facts(self).kinks

    @property
    def flat_sides(self) -> tuple[tuple[float, float], ...]:
        """Between which kinks, or beyond which, it is constant."""
        return _facts(self).flat_sides

    @property
    def function(self) -> Phi:
        """phi, of a tensor."""
        function, parameters = self.declared.function, self.parameters
        return lambda z: function(z, **parameters)

    @property
    def derivative(self) -> Phi:
        """phi', of a tensor."""
        if (given := self.declared.derivative) is None:
            function = self.function
            return lambda z: derivatives(function, z, 1)[1]
        slope, parameters = given, self.parameters
        return lambda z: slope(z, **parameters)

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
def _facts(activation: OwnActivation) -> Facts:
    slope = activation.derivative if activation.declared.derivative else None
    with one_thread():
        said = activation.declared.kinks
        kinks = said(**activation.parameters) if callable(said) else said
        return facts_of(activation.function, tuple(map(float, kinks)), slope)


@lru_cache(maxsize=1024)
def own_kernel(activation: Activation) -> Kernel:
    """Return the kernel of a plug-in's activation."""
    assert isinstance(activation, OwnActivation)
    function, slope = activation.function, activation.derivative

    def taylor(z: Tensor) -> Taylor:
        return cast(Taylor, tuple(derivatives(function, z, 3)))

    return Kernel(
        function,
        lambda z: z.copy_(function(z)),
        lambda grad, z, h: grad.mul_(slope(z)),
        taylor if activation.kind == "smooth" else None,
    )


@overload
def activation(
    function: Function,
    *,
    name: str | None = None,
    kinks: Sequence[float] | Callable[..., Sequence[float]] = (),
    formula: str | None = None,
    derivative: Function | None = None,
) -> Function: ...
@overload
def activation(
    *,
    name: str | None = None,
    kinks: Sequence[float] | Callable[..., Sequence[float]] = (),
    formula: str | None = None,
    derivative: Function | None = None,
) -> Callable[[Function], Function]: ...
def activation(
    function: Function | None = None,
    *,
    name: str | None = None,
    kinks: Sequence[float] | Callable[..., Sequence[float]] = (),
    formula: str | None = None,
    derivative: Function | None = None,
) -> Any:
    """Adds an activation, named as the decorated function is.

    The function takes a tensor and returns phi of each element, in the same shape and dtype, by operations that torch
    can differentiate. Its other parameters are keys of a spec; they have types (float, int, bool, str) and, unless a
    spec has to give them, defaults. Outside of a plug-in that is taken up, the function is returned and nothing else.

    Args:
        function: what is decorated; or whatever can be called so, as in activation(torch.nn.Mish(), name="my_mish").
        name: in place of the function's own.
        kinks: where phi or one of its first three derivatives jumps; none for a smooth one; of a function whose kinks
            depend on its parameters, a function of these. Jumps that are not said are an error where they are found.
        formula: for `list`; the first line of the docstring unless given.
        derivative: of the same arguments, where it is quicker than torch's own.

    Raises:
        PlugInError: the function cannot be an activation; the message says why.
    """

    def decorate(decorated: Function) -> Function:
        called = name_of(decorated, name)
        declared = Declared(decorated, kinks, derivative)
        return offered("an activation", called, decorated, lambda: _add(called, declared, formula))

    return decorate if function is None else decorate(function)


def _add(name: str, declared: Declared, formula: str | None) -> None:
    entry = entry_of(OwnActivation, name, declared.function, 1, formula)
    entry.declared = declared
    add("an activation", name, [(ACTIVATIONS, entry)])
    try_defaults(entry, {})
