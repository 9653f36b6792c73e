"""The numbers by which the native kernels know the activations of the catalog."""

import ctypes

from suite.catalog.activation import Activation
from suite.native.build import library


def native_activation(activation: Activation) -> tuple[int, float] | None:
    """Return the native kernels' number of an activation and its parameter, 0 if it has none.

    Returns None if there are no native kernels or if they lack this activation. A subclass of a catalog entry does not
    inherit the entry's native kernel, because it may compute something else.
    """
    name = vars(type(activation)).get("native_kernel", "")
    kernels = library()
    if not name or kernels is None:
        return None
    number = kernels.activation_number
    number.argtypes, number.restype = (ctypes.c_char_p,), ctypes.c_int
    found = number(name.encode())
    return None if found < 0 else (found, next(iter(activation.parameters.values()), 0.0))
