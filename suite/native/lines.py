"""Exact kinks and ranges of piecewise-linear networks along lines, by the compiled kernels."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pieces:
    """A piecewise-linear activation: slopes[i] z + offsets[i] between the kinks i - 1 and i.

    Attributes:
        kinks: Arguments at which the slope jumps, in ascending order.
        slopes: Slope of each piece, (kinks + 1).
        offsets: Offset of each piece, (kinks + 1).
        at_kinks: Slope that counts at each kink.
        at_nan: Slope that counts at nan.
        selects: Whether a flat piece changes an infinite slope to 0, and not to nan.
    """

    kinks: Array
    slopes: Array
    offsets: Array
    at_kinks: Array
    at_nan: float
    selects: bool


@dataclass(frozen=True)
class Networks:
    """Networks of one architecture without normalization or residual connections.

    Attributes:
        widths: n_0 .. n_{L+1}.
        parameters: One row per network, with the weights (by row) and biases of each layer in turn.
    """

    widths: Sequence[int]
    parameters: Array


@dataclass(frozen=True)
class Lines:
    """Lines of equal length.

    Attributes:
        starts: One end of each line, (lines, inputs).
        directions: Unit vector along each line, (lines, inputs).
        length: Length of all lines.
        position_tolerance: Share of the line within which breakpoints count as one, and share of a unit's largest
            value within which a value is at a kink.
        slope_tolerance: Share of the steepest slope up to which a change of slope is no kink.
    """

    starts: Array
    directions: Array
    length: float
    position_tolerance: float
    slope_tolerance: float


class _Networks(ctypes.Structure):
    _fields_ = (
        ("draws", ctypes.c_int64),
        ("row", ctypes.c_int64),
        ("layers", ctypes.c_int64),
        ("widths", ctypes.c_void_p),
        ("parameters", ctypes.c_void_p),
    )


class _Activation(ctypes.Structure):
    _fields_ = (
        ("count", ctypes.c_int64),
        ("kinks", ctypes.c_void_p),
        ("slopes", ctypes.c_void_p),
        ("offsets", ctypes.c_void_p),
        ("at_kinks", ctypes.c_void_p),
        ("at_nan", ctypes.c_double),
        ("selects", ctypes.c_int64),
    )


class _Tolerances(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_double),
        ("reach", ctypes.c_double),
        ("slope", ctypes.c_double),
        ("snap", ctypes.c_double),
    )


def find_kinks(library: ctypes.CDLL, networks: Networks, pieces: Pieces, lines: Lines) -> tuple[Array, Array]:
    """Return TV(f'), averaged over outputs, and the number of kinks, both (draws, lines).

    Raises:
        MemoryError: If a network's segments do not fit into memory.
    """
    found = np.empty((2, len(networks.parameters), len(lines.starts)))
    _call(library.line_kinks, networks, pieces, lines, found)
    return found[0], found[1]


def find_ranges(library: ctypes.CDLL, networks: Networks, pieces: Pieces, lines: Lines) -> tuple[Array, Array]:
    """Return the smallest and the largest pre-activation of every hidden unit, both (draws, lines, hidden units).

    The units are those of all hidden layers, layer after layer.

    Raises:
        MemoryError: If a network's segments do not fit into memory.
    """
    found = np.empty((2, len(networks.parameters), len(lines.starts), sum(networks.widths[1:-1])))
    _call(library.line_ranges, networks, pieces, lines, found)
    return found[0], found[1]


def _call(function: Callable[..., int], networks: Networks, pieces: Pieces, lines: Lines, found: Array) -> None:
    widths = np.array(networks.widths, dtype=np.int64)
    parameters = _numbers(networks.parameters)
    kinks, slopes, offsets, at_kinks = map(_numbers, (pieces.kinks, pieces.slopes, pieces.offsets, pieces.at_kinks))
    starts, directions = _numbers(lines.starts), _numbers(lines.directions)
    reach = lines.position_tolerance * lines.length
    failed = function(
        ctypes.byref(_Networks(*parameters.shape, len(widths) - 1, _address(widths), _address(parameters))),
        ctypes.byref(
            _Activation(
                len(kinks), *map(_address, (kinks, slopes, offsets, at_kinks)), pieces.at_nan, int(pieces.selects)
            )
        ),
        *map(_address, (starts, directions)),
        ctypes.c_int64(len(starts)),
        ctypes.byref(_Tolerances(lines.length, reach, lines.slope_tolerance, lines.position_tolerance)),
        *map(_address, found),
    )
    if failed:
        raise MemoryError(f"not enough memory for the segments of lines through networks of widths {networks.widths}")


def _numbers(values: Array) -> Array:
    return np.ascontiguousarray(values, dtype=np.float64)


def _address(values: NDArray[np.float64] | NDArray[np.int64]) -> ctypes.c_void_p:
    return ctypes.c_void_p(values.ctypes.data)
