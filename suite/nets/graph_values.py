"""What the nodes of a traced graph stand for: values, functions that are not steps yet, and constants."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from suite.catalog.activations import Activation
from suite.nets.traced import Function


@dataclass
class ElementwiseFunction:
    """An elementwise function.

    Attributes:
        function: The function, of values and the network's parameters.
        name: The name of the module or node.
        labels: The names of the functions that it is composed of.
        entry: The activation of the catalog that it is, if it is one.
        parameters: The places of its parameters.
    """

    function: Function
    name: str
    labels: list[str]
    entry: Activation | None = None
    parameters: tuple[int, ...] = ()

    def is_straight(self, parameters: Sequence[Tensor]) -> bool:
        """Return whether the function is affine, from its values on a grid."""
        grid = torch.linspace(-8, 8, 65, dtype=torch.float64).reshape(1, 1, -1)
        values = self.function(grid, parameters).double()
        if values.shape[-1] != grid.shape[-1]:
            return False
        bend = (values[..., 2:] - 2 * values[..., 1:-1] + values[..., :-2]).abs().max()
        return bool(bend <= 1e-12 * values.abs().max().clamp(min=1e-300))


@dataclass
class Partial:
    """Elementwise functions of one value, one after the other, that are no steps yet, because more may follow."""

    source: int
    chain: list[ElementwiseFunction]

    @property
    def composed(self) -> ElementwiseFunction:
        """The functions as a single one."""
        return compose(self.chain)


def compose(chain: Sequence[ElementwiseFunction]) -> ElementwiseFunction:
    """Return functions that follow each other as a single one."""
    if len(chain) == 1:
        return chain[0]
    functions = [each.function for each in chain]

    def composed(z: Tensor, p: Sequence[Tensor]) -> Tensor:
        for function in functions:
            z = function(z, p)
        return z

    labels = list(dict.fromkeys(label for each in chain for label in each.labels))
    parameters = tuple(dict.fromkeys(place for each in chain for place in each.parameters))
    return ElementwiseFunction(composed, chain[-1].name, labels, None, parameters)


class Value(int):
    """The place of a value, distinguished from integer constants."""


class Shape:
    """A shape or a part of a value, which only reshapes of the inputs may use."""


class Head:
    """The value of a function that may only come at the end, such as Softmax."""

    def __init__(self, source: "Value | Partial", label: str) -> None:
        self.source, self.label = source, label


def same(z: Tensor, _: Sequence[Tensor]) -> Tensor:
    """Return the values."""
    return z


@dataclass
class Constant:
    """A parameter or buffer that the forward method uses by itself."""

    name: str
    values: Tensor

    @property
    def is_parameter(self) -> bool:
        """Whether it is trained."""
        return isinstance(self.values, nn.Parameter)


def function_of(phi: Callable[[Tensor], Tensor]) -> Function:
    """Return a function of values alone as a function of values and parameters."""
    return lambda z, _: phi(z)


def parameter_at(place: int) -> Function:
    """Return the function whose value is a parameter."""
    return lambda _, parameters: parameters[place]


def constant(value: Any) -> Callable[[Tensor, Sequence[Tensor]], Any]:
    """Return the function whose value is a constant, in the precision of its argument."""
    return lambda z, _: value.to(z.dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


def source_of(found: Any) -> int:
    """Return the place of the value that a function takes, or of the value itself."""
    return found.source if isinstance(found, Partial) else found
