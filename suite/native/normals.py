"""Standard normal numbers from the kernels, the same as numpy's in a quarter of the time."""

import ctypes
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from math import erfc, exp, log, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suite.native.build import library

_STRIPS, _START = 256, 3.6541528853610088
_PLACES = 2**23
"""Number of places in a strip."""
_COMPARED = 2**16
"""Number of values that are compared with numpy's before the kernels are used."""


def standard_normal(generator: np.random.Generator, shape: Sequence[int]) -> NDArray[np.float32]:
    """Return what `generator.standard_normal(shape, dtype=np.float32)` does, and leave the generator in the same state.

    The kernels are used if they draw the same values as the installed numpy.

    Args:
        generator: A generator of SFC64.
        shape: Shape of the result.
    """
    if library() is None or not _agrees_with_numpy():
        return generator.standard_normal(shape, dtype=np.float32)
    return _draw(generator, shape)


class _Tables(NamedTuple):
    bound: NDArray[np.uint32]
    step: NDArray[np.float32]
    density: NDArray[np.float32]


@cache
def _tables() -> _Tables:
    """Compute the tables of the ziggurat: strips of equal area below exp(-x^2 / 2), the tail first.

    Source: Marsaglia & Tsang 2000, doi:10.18637/jss.v005.i08.
    """
    lowest = exp(-(_START**2) / 2)
    area = _START * lowest + sqrt(pi / 2) * erfc(_START / sqrt(2))
    ends, density = [_START], [lowest]
    for _ in range(_STRIPS - 2):
        density.append(density[-1] + area / ends[-1])
        ends.append(sqrt(-2 * log(density[-1])))
    ends, density = [area / lowest, *reversed(ends)], [1.0, *reversed(density)]
    inner = [_START / ends[0], 0.0, *(low / high for low, high in pairwise(ends[1:]))]
    return _Tables(
        np.rint(_PLACES * np.array(inner)).astype(np.uint32),
        (np.array(ends) / _PLACES).astype(np.float32),
        np.array(density, dtype=np.float32),
    )


@cache
def _agrees_with_numpy() -> bool:
    """Return whether the installed numpy draws the same values, since it may change them between versions."""
    first, second = (np.random.Generator(np.random.SFC64(1)) for _ in range(2))
    return _draw(first, (_COMPARED,)).tobytes() == second.standard_normal(_COMPARED, dtype=np.float32).tobytes()


def _draw(generator: np.random.Generator, shape: Sequence[int]) -> NDArray[np.float32]:
    kernels, state = library(), dict(generator.bit_generator.state)
    assert kernels is not None
    words = np.array([*state["state"]["state"], state["has_uint32"], state["uinteger"]], dtype=np.uint64)
    values = np.empty(shape, dtype=np.float32)
    tables = (table.ctypes for table in _tables())
    kernels.draw_normals(words.ctypes, *tables, ctypes.c_ssize_t(values.size), values.ctypes)
    after = {"state": {"state": words[:4]}, "has_uint32": int(words[4]), "uinteger": int(words[5])}
    generator.bit_generator.state = state | after
    return values
