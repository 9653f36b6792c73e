"""Calls of the kernels for forward passes, gradients and training.

Arrays are given by the addresses of their first elements. They are contiguous, and arranged in groups of networks: the
network within its group, its lane, is the last axis, and `pack` arranges them.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from suite.native.build import library

Precision = Literal["f32", "f64"]

NORMALIZATIONS = ("none", "batch", "layer")
LOSSES = ("binary_cross_entropy", "cross_entropy", "half_square")
"""Names by which the kernels know normalizations and losses, in the order of their numbers."""

_Size = ctypes.c_ssize_t


class Architecture(ctypes.Structure):
    """The architecture of an ensemble, and the loss of its training if there is one."""

    _fields_ = (
        ("widths", ctypes.POINTER(ctypes.c_int32)),
        ("layers", ctypes.c_int32),
        ("activation", ctypes.c_int32),
        ("normalization", ctypes.c_int32),
        ("residual", ctypes.c_int32),
        ("loss", ctypes.c_int32),
        ("parameter", ctypes.c_double),
    )


class Rule(ctypes.Structure):
    """An optimizer without its learning rate: SGD, which stores up to one moment, or Adam, which stores two.

    With `decoupled`, the weights decay by themselves, as in AdamW. `clip` is the largest norm of the gradient, or 0.
    """

    _fields_ = (
        ("moments", ctypes.c_int32),
        ("momentum", ctypes.c_double),
        ("weight_decay", ctypes.c_double),
        ("decoupled", ctypes.c_int32),
        ("clip", ctypes.c_double),
    )


def architecture(
    widths: Sequence[int], activation: tuple[int, float], normalization: str, residual: bool, loss: str = LOSSES[0]
) -> Architecture:
    """Return an architecture for the kernels.

    Args:
        widths: n_0 .. n_{L+1}.
        activation: The activation's number and its parameter.
        normalization: One of `NORMALIZATIONS`.
        residual: Whether hidden layers add the layer below.
        loss: One of `LOSSES`.
    """
    array = (ctypes.c_int32 * len(widths))(*widths)
    number, parameter = activation
    kinds = (NORMALIZATIONS.index(normalization), int(residual), LOSSES.index(loss))
    return Architecture(array, len(widths) - 1, number, *kinds, parameter)


@dataclass(frozen=True)
class Kernels:
    """The kernels in one precision.

    Attributes:
        precision: "f32" or "f64".
    """

    precision: Precision

    @property
    def lanes(self) -> int:
        """Number of networks in a group."""
        return int(self._function("lanes")())

    def pack(self, networks: int, rows: int, columns: int, source: int, target: int) -> None:
        """Arrange arrays (networks, rows, columns) in groups, (groups, columns, rows, lane)."""
        self._function("pack")(*map(_Size, (networks, rows, columns)), *_addresses(source, target))

    def unpack(self, networks: int, rows: int, columns: int, source: int, target: int) -> None:
        """Undo `pack`."""
        self._function("unpack")(*map(_Size, (networks, rows, columns)), *_addresses(source, target))

    def forward(
        self, network: Architecture, sizes: Sequence[int], shared: bool, parameters: int, inputs: int, outputs: int
    ) -> None:
        """Compute outputs, (groups, points, outputs, lane).

        Args:
            network: The architecture.
            sizes: Numbers of groups, of points, and of points over which batch normalization takes its statistics.
            shared: Whether all networks are evaluated at the same points.
            parameters: (groups, parameters, lane).
            inputs: (groups, points, inputs, lane), or (points, inputs) if they are shared.
            outputs: Address for the outputs.

        Raises:
            MemoryError: If memory runs out.
        """
        arrays = _addresses(parameters, inputs, outputs)
        _check(self._function("forward")(ctypes.byref(network), *map(_Size, sizes), int(shared), *arrays))

    def inspect(
        self,
        network: Architecture,
        groups: int,
        points: int,
        parameters: int,
        inputs: int,
        squares: int,
        biases: int,
        constant: int,
    ) -> None:
        """Inspect each layer at points that all networks share.

        Args:
            network: The architecture.
            groups: Number of groups.
            points: Number of points.
            parameters: (groups, parameters, lane).
            inputs: (points, inputs).
            squares: Address for the sums over points and units of (W h)^2, (groups, layers, lane).
            biases: Address for the sums over units of b^2, (groups, layers, lane).
            constant: Address for 1 where the layer's output is the same at all points, else 0, (groups, layers, lane).

        Raises:
            MemoryError: If memory runs out.
        """
        arrays = _addresses(parameters, inputs, squares, biases, constant)
        _check(self._function("inspect")(ctypes.byref(network), _Size(groups), _Size(points), *arrays))

    def gradient(
        self,
        network: Architecture,
        groups: int,
        points: int,
        parameters: int,
        inputs: int,
        labels: int,
        gradient: int,
        by_input: int,
    ) -> None:
        """Compute the gradient of the loss over all points with respect to the parameters.

        Args:
            network: The architecture, with the loss.
            groups: Number of groups.
            points: Number of points.
            parameters: (groups, parameters, lane).
            inputs: (groups, points, inputs, lane).
            labels: (groups, points, outputs, lane).
            gradient: Address for the gradient, of the shape of the parameters.
            by_input: Address for the sum over points and inputs of the squared derivatives, (groups, lane).

        Raises:
            MemoryError: If memory runs out.
        """
        arrays = _addresses(parameters, inputs, labels, gradient, by_input)
        _check(self._function("gradient")(ctypes.byref(network), _Size(groups), _Size(points), *arrays))

    def train(
        self,
        network: Architecture,
        rule: Rule,
        sizes: Sequence[int],
        order: int,
        factors: Sequence[float],
        rates: int,
        parameters: int,
        inputs: int,
        labels: int,
        moments: Sequence[int],
    ) -> None:
        """Train all networks for some steps, in place.

        Args:
            network: The architecture, with the loss.
            rule: The optimizer.
            sizes: Numbers of groups, of training points, of steps that were done before, of steps, and of points in a
                batch.
            order: Indices of the points of each batch, (steps, batch), as 64-bit integers.
            factors: By what the learning rates are multiplied in each of the steps.
            rates: Learning rates, (groups, lane).
            parameters: (groups, parameters, lane).
            inputs: (groups, points, inputs, lane).
            labels: (groups, points, outputs, lane).
            moments: The optimizer's first and second moments, of the shape of the parameters.

        Raises:
            MemoryError: If memory runs out.
        """
        scales = (ctypes.c_double * len(factors))(*factors)
        arrays = _addresses(rates, parameters, inputs, labels, *moments)
        kinds = (ctypes.byref(network), ctypes.byref(rule))
        _check(self._function("train")(*kinds, *map(_Size, sizes), *_addresses(order), scales, *arrays))

    def _function(self, name: str) -> "ctypes._NamedFuncPointer":
        kernels = library()
        assert kernels is not None
        function: ctypes._NamedFuncPointer = getattr(kernels, f"{name}_{self.precision}")
        return function


def _addresses(*addresses: int) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(address) for address in addresses]


def _check(failed: int) -> None:
    if failed:
        raise MemoryError("not enough memory for the activations of a group of networks")
