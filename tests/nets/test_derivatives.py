"""Values and derivatives of the catalog's activations against mpmath, from -10,000 to 10,000 and in both precisions."""

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import torch
from torch import Tensor

from suite.catalog.activations import Activation
from suite.nets.activations import kernel
from tests.catalog.instances import EVERY

POINTS = np.unique(
    np.concatenate([-np.geomspace(1e-4, 1e4, 41), np.geomspace(1e-4, 1e4, 41), np.linspace(-120, 120, 31) + 0.013])
)


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


def _exact(activation: Activation, points: Tensor) -> list[Tensor]:
    """Return phi and its first three derivatives by central differences of numbers of 120 digits."""
    phi = EXACT[activation.name](**activation.parameters)
    found: list[list[float]] = [[], [], [], []]
    with mp.workdps(120):
        step = mp.mpf(10) ** -25
        for point in points.tolist():
            for order, values in enumerate(found):
                parts = (
                    (-1) ** (order - j) * mp.binomial(order, j) * phi(mp.mpf(point) + (j - mp.mpf(order) / 2) * step)
                    for j in range(order + 1)
                )
                values.append(float(sum(parts) / step**order))
    return [torch.tensor(values, dtype=torch.float64) for values in found]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("activation", EVERY, ids=lambda activation: activation.label)
def test_values_and_derivatives_are_exact_to_rounding(activation: Activation, dtype: torch.dtype) -> None:
    """To 64 units in the last place of the larger of value and 1, and what rounding of |z| makes of the value.

    `phi` is differentiated once and twice by torch, as gradients and GraSP do.
    """
    kinks = torch.tensor(activation.kinks, dtype=torch.float64)
    z = torch.from_numpy(POINTS).to(dtype)
    z = z[((z.double()[:, None] - kinks).abs() > 1e-5 * (1 + kinks.abs())).all(1)]
    phi = kernel(activation)
    x = z.clone().requires_grad_()
    differentiated = [phi.phi(x)]
    for _ in range(2):
        last = differentiated[-1]
        known = last.requires_grad
        differentiated += torch.autograd.grad(last.sum(), x, create_graph=True) if known else [torch.zeros_like(x)]
    found = [
        *enumerate(differentiated),
        (0, phi.apply_(z.clone())),
        (1, phi.backward_(torch.ones_like(z), z.clone(), phi.phi(z.clone()))),
        *enumerate(phi.taylor(z.clone()) if phi.taylor else ()),
    ]

    exact = _exact(activation, z)

    eps = torch.finfo(dtype).eps
    for order, values in found:
        slope = exact[min(order + 1, 3)].abs().clamp(min=1) if activation.oscillating else 0.0
        allowed = 64 * eps * exact[order].abs().clamp(min=1) + 4 * eps * z.double().abs() * slope
        wrong = ~((values.detach().double() - exact[order]).abs() <= allowed)
        assert not wrong.any(), (order, z[wrong], values[wrong], exact[order][wrong])
