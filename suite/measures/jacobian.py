"""Jacobian: singular values of the map from the first hidden layer to each later one."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.signal import JacobianSettings
from suite.nets.ensemble import Ensemble


def jacobian(
    ensemble: Ensemble, domain: Float[Tensor, "draws inputs 2"], settings: JacobianSettings
) -> dict[str, Float[Tensor, "draws layers"]]:
    """Compute moments of the squared singular values of J_l, the Jacobian between hidden layers 1 and l.

    J_l = D_l W_l ... D_2 W_2 with D = diag(phi'(z)), at one input per draw. With n units in layer l,
    m_k = tr((J J^T)^k) / n.

    Args:
        ensemble: Networks without normalization or residual connections, in float64.
        domain: A pair of inputs with a given norm per draw. Only the first input is used.
        settings: The norm. Not used, since `domain` has it.

    Returns:
        For layers 2 .. L, (draws, L - 1): `jacobian_mean`, m_1; `jacobian_second`, m_2; `jacobian_max`,
        the largest singular value; nan from the first layer in which m_2 overflows. In tables, `jacobian_ratio` is
        E m_2 / (E m_1)^2, a ratio of means over draws.

    Source: Pennington, Schoenholz & Ganguli 2017, arXiv:1711.04735; Murray, Abrol & Tanner 2021,
    arXiv:2105.07741.
    """
    kernel, (first, *later) = ensemble.kernel, ensemble.layers[:-1]
    h = kernel.apply_(torch.baddbmm(first.bias, first.weight, domain[..., :1]))
    product = torch.eye(h.shape[1], dtype=h.dtype, device=h.device).expand(ensemble.draws, -1, -1)
    sound = torch.ones(ensemble.draws, dtype=torch.bool, device=h.device)
    found: dict[str, list[Tensor]] = {"jacobian_mean": [], "jacobian_second": [], "jacobian_max": []}
    for layer in later:
        z = torch.baddbmm(layer.bias, layer.weight, h)
        h = kernel.apply_(z.clone())
        product = kernel.backward_(torch.ones_like(z), z, h) * torch.bmm(layer.weight, product)
        gram = torch.bmm(product, product.mT)
        sound = sound & gram.isfinite().all(2).all(1) & z.isfinite().all(1)[:, 0]
        squared = torch.linalg.eigvalsh(torch.where(sound[:, None, None], gram, 0.0)).clamp(min=0)
        second = squared.square().mean(1)
        sound = sound & second.isfinite()
        squared = torch.where(sound[:, None], squared, torch.nan)
        found["jacobian_mean"].append(squared.mean(1))
        found["jacobian_second"].append(torch.where(sound, second, torch.nan))
        found["jacobian_max"].append(squared[:, -1].sqrt())
    empty = h.new_empty(ensemble.draws, 0)
    return {name: torch.stack(values, dim=1) if values else empty for name, values in found.items()}
