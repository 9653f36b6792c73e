"""Exact third derivatives along lines, by forward propagation of Taylor coefficients."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.nets.ensemble import Ensemble


def third_derivative(
    ensemble: Ensemble, points: Float[Tensor, "inputs points"], directions: Float[Tensor, "inputs points"]
) -> Float[Tensor, "draws outputs points"]:
    """Compute d^3/dt^3 f(x + t u) at t = 0, with Faa di Bruno's formula in each layer.

    Args:
        ensemble: Networks with a smooth activation.
        points: x, one per column.
        directions: u, one per point.

    Raises:
        ValueError: If the activation is not smooth, or if the networks are normalized or residual.
    """
    if ensemble.kernel.taylor is None:
        raise ValueError("the third derivative exists only for smooth activations")
    if not ensemble.plain:
        raise ValueError("the third derivative requires networks without normalization or residual connections")
    size = max(64, ensemble.tile_bytes // (4 * ensemble.draws * max(ensemble.widths) * points.element_size()))
    parts = [
        _propagate(ensemble, points[:, start : start + size], directions[:, start : start + size])
        for start in range(0, points.shape[1], size)
    ]
    return torch.cat(parts, dim=-1)


def _propagate(ensemble: Ensemble, points: Tensor, directions: Tensor) -> Tensor:
    taylor = ensemble.kernel.taylor
    assert taylor is not None
    zero = torch.zeros_like(points)
    h = torch.stack([points, directions, zero, zero], dim=1).expand(ensemble.draws, -1, -1, -1)
    for index, layer in enumerate(ensemble.layers):
        z = torch.bmm(layer.weight, h.flatten(2)).unflatten(2, (4, -1))
        z[:, :, 0] += layer.bias
        if index == ensemble.depth:
            third: Tensor = z[:, :, 3]
            return third
        z0, z1, z2, z3 = z.unbind(2)
        phi, phi1, phi2, phi3 = taylor(z0)
        h = torch.stack(
            [phi, phi1 * z1, phi2 * z1**2 + phi1 * z2, phi3 * z1**3 + 3 * phi2 * z1 * z2 + phi1 * z3], dim=2
        )
    raise AssertionError("a network ends with its readout")
