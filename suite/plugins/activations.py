"""An activation of the user's own: one function of a tensor, with whatever parameters a spec is to set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal, cast, overload

import numpy as np
import torch
from pydantic import ValidationError, create_model, model_validator
from pydantic_core import PydanticCustomError
from torch import Tensor

from suite.catalog.activations import ACTIVATIONS, Activation, Array
from suite.nets.activations import KERNELS, Kernel, Taylor
from suite.nets.differentiable import PHI
from suite.plugins.facts import Facts, Phi, UnusableError, derivatives, facts_of
from suite.plugins.parameters import Travelling, fields_of, names_in, summary_of
from suite.plugins.sources import PlugInError, add, origin_now

Function = Callable[..., Tensor]


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


class OwnActivation(Travelling, Activation):
    """An activation that a plug-in gives; its facts are found out by trying it."""

    table = "suite.catalog.activations:ACTIVATIONS"
    declared: ClassVar[Declared]

    @model_validator(mode="after")
    def _usable(self) -> "OwnActivation":
        """A spec that gives it parameters under which it is no activation is told so, with its line."""
        try:
            _facts(self)
        except UnusableError as error:
            raise PydanticCustomError("own_activation", "{message}", {"message": f"{self.label}: {error}"}) from None
        return self

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
        """As the plug-in says."""
        kinks = self.declared.kinks
        return tuple(float(kink) for kink in (kinks(**self.parameters) if callable(kinks) else kinks))

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
    with torch.no_grad():
        values: Array = function(torch.from_numpy(np.array(z, dtype=np.float64))).numpy()
    return values


@lru_cache(maxsize=1024)
def _facts(activation: OwnActivation) -> Facts:
    try:
        kinks = activation.kinks
        slope = activation.derivative if activation.declared.derivative else None
        return facts_of(activation.function, kinks, slope)
    except UnusableError:
        raise
    except Exception as error:  # whatever the plug-in's function does
        what = " ".join(str(error).split())[:200]
        raise UnusableError(
            f"it fails ({type(error).__name__}: {what}); mend the function, or its parameters"
        ) from error


@lru_cache(maxsize=1024)
def _kernel(activation: Activation) -> Kernel:
    assert isinstance(activation, OwnActivation)
    function, slope = activation.function, activation.derivative

    def taylor(z: Tensor) -> Taylor:
        return cast(Taylor, tuple(derivatives(function, z, 3)))

    return Kernel(
        lambda z: z.copy_(function(z)),
        lambda grad, z, h: grad.mul_(slope(z)),
        taylor if activation.kind == "smooth" else None,
    )


def _differentiable(activation: Activation) -> Phi:
    assert isinstance(activation, OwnActivation)
    return activation.function


@overload
def activation(function: Function) -> Function: ...
@overload
def activation(
    *,
    kinks: Sequence[float] | Callable[..., Sequence[float]] = (),
    formula: str | None = None,
    derivative: Function | None = None,
) -> Callable[[Function], Function]: ...
def activation(
    function: Function | None = None,
    *,
    kinks: Sequence[float] | Callable[..., Sequence[float]] = (),
    formula: str | None = None,
    derivative: Function | None = None,
) -> Any:
    """Adds an activation, named as the decorated function is.

    The function takes a tensor and returns phi of each element, in the same shape and dtype, by operations that torch
    can differentiate. Its other parameters are keys of a spec; they have types (float, int, bool, str) and, unless a
    spec has to give them, defaults.

    Args:
        function: what is decorated.
        kinks: where phi or one of its first three derivatives jumps; none for a smooth one; of a function whose kinks
            depend on its parameters, a function of these. Jumps that are not said are an error where they are found.
        formula: for `list`; the first line of the docstring unless given.
        derivative: of the same arguments, where it is quicker than torch's own.

    Raises:
        PlugInError: the function cannot be an activation; the message says why.
    """
    if function is None:
        return lambda decorated: _add(decorated, kinks, formula, derivative)
    return _add(function, kinks, formula, derivative)


def _add(
    function: Function,
    kinks: Sequence[float] | Callable[..., Sequence[float]],
    formula: str | None,
    derivative: Function | None,
) -> Function:
    name = function.__name__
    fields = fields_of(function, taken=1, reserved={"name", *names_in(OwnActivation)})
    summary = summary_of(function)
    fields["name"] = (Literal[name], name)
    entry = cast(Any, create_model(name, __base__=OwnActivation, __doc__=f"{summary}.", **fields))
    entry.source, entry.entry, entry.formula = origin_now(), name, formula or summary
    entry.origin = entry.source.digest
    entry.declared = Declared(function, kinks, derivative)
    add("an activation", name, [(ACTIVATIONS, entry), (KERNELS, _kernel), (PHI, _differentiable)])
    if not any(field.is_required() for field in entry.model_fields.values()):
        try:
            entry()
        except ValidationError as error:
            raise PlugInError(error.errors()[0]["msg"]) from None
    return function
