"""Exact activations in mpmath, to as many digits as its context has."""

from collections.abc import Callable
from typing import Any

import mpmath as mp


def _odd(beyond: Callable[[Any], Any], a: float) -> Callable[[Any], Any]:
    """Return the odd function that is z up to a, and then what it is beyond."""
    return lambda z: mp.sign(z) * (abs(z) if abs(z) < a else beyond(abs(z)))


EXACT: dict[str, Callable[..., Callable[[Any], Any]]] = {
    "relu": lambda: lambda z: max(z, mp.mpf(0)),
    "abs": lambda: abs,
    "identity": lambda: lambda z: z,
    "leaky_relu": lambda slope: lambda z: z if z > 0 else mp.mpf(slope) * z,
    "elu": lambda alpha: lambda z: z if z > 0 else mp.mpf(alpha) * mp.expm1(z),
    "selu": lambda: (
        lambda z: mp.mpf("1.0507009873554805") * (z if z > 0 else mp.mpf("1.6732632423543772") * mp.expm1(z))
    ),
    "gelu": lambda: lambda z: z * mp.erfc(-z / mp.sqrt(2)) / 2,
    "silu": lambda: lambda z: z / (1 + mp.exp(-z)),
    "softplus": lambda: lambda z: mp.log1p(mp.exp(-abs(z))) + max(z, mp.mpf(0)),
    "tanh": lambda: mp.tanh,
    "erf": lambda: mp.erf,
    "sin": lambda: mp.sin,
    "sigmoid": lambda: lambda z: 1 / (1 + mp.exp(-z)),
    "htanh": lambda linear_region: _odd(lambda z: mp.mpf(linear_region), linear_region),
    "s_exp": lambda linear_region: _odd(lambda z: linear_region - 1 + mp.exp(linear_region - z), linear_region),
    "s_sin": lambda linear_region: _odd(
        lambda z: linear_region - 1 + mp.sin(mp.pi / 2 - linear_region + z), linear_region
    ),
    "s_saw": lambda linear_region: _odd(lambda z: max(2 * mp.mpf(linear_region) - z, mp.mpf(0)), linear_region),
}
"""Name -> a function of the parameters that returns phi, both of mpmath's numbers."""
