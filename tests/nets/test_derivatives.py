"""Values and derivatives of the catalog's activations against mpmath, from -10,000 to 10,000 and in both precisions."""

import mpmath as mp
import numpy as np
import pytest
import torch
from torch import Tensor

from suite.catalog.activations import Activation
from suite.nets.activations import kernel
from tests.catalog.exact import EXACT
from tests.catalog.instances import EVERY

POINTS = np.unique(
    np.concatenate([-np.geomspace(1e-4, 1e4, 41), np.geomspace(1e-4, 1e4, 41), np.linspace(-120, 120, 31) + 0.013])
)


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
