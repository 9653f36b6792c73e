"""Jacobian: singular values of the map from the first hidden layer to each later one."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.signal import JacobianSettings
from suite.nets.differentiable import trace
from suite.nets.ensemble import Ensemble
from suite.nets.traced_ensemble import TracedEnsemble


def jacobian(
    ensemble: Ensemble, domain: Float[Tensor, "draws inputs 2"], settings: JacobianSettings
) -> dict[str, Float[Tensor, "draws layers"]]:
    """Compute moments of the squared singular values of J_l, the Jacobian between hidden layers 1 and l.

    J_l = D_l W_l ... D_2 W_2 with D = diag(phi'(z)), at one input per draw. With n units in layer l,
    m_k = tr((J J^T)^k) / n, so that m_1 and m_2 are sums of squared entries of J and of J J^T, divided by n.

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
    if isinstance(ensemble, TracedEnsemble):
        return _of_traced(ensemble, domain[..., :1])
    kernel, (first, *later) = ensemble.kernel, ensemble.layers[:-1]
    h = kernel.apply_(torch.baddbmm(first.bias, first.weight, domain[..., :1]))
    product: Tensor | None = None
    sound = torch.ones(ensemble.draws, dtype=torch.bool, device=h.device)
    found: dict[str, list[Tensor]] = {"jacobian_mean": [], "jacobian_second": [], "jacobian_max": []}
    for layer in later:
        z = torch.baddbmm(layer.bias, layer.weight, h)
        h = kernel.apply_(z.clone())
        slope = kernel.backward_(torch.ones_like(z), z, h)
        product = slope * (layer.weight if product is None else torch.bmm(layer.weight, product))
        gram = torch.bmm(product, product.mT)
        units = product.shape[1]
        mean, second = product.square().sum((1, 2)) / units, gram.square().sum((1, 2)) / units
        sound = sound & second.isfinite() & z.isfinite().all(1)[:, 0]
        if not sound.all():  # the eigenvalues of a matrix that is not finite would raise an error
            gram[~sound] = 0
        largest = torch.linalg.eigvalsh(gram)[:, -1].clamp(min=0).sqrt()
        for values, moment in zip(found.values(), (mean, second, largest), strict=True):
            values.append(torch.where(sound, moment, torch.nan))
    empty = h.new_empty(ensemble.draws, 0)
    return {name: torch.stack(values, dim=1) if values else empty for name, values in found.items()}


def _of_traced(ensemble: TracedEnsemble, points: Float[Tensor, "draws inputs 1"]) -> dict[str, Tensor]:
    """Return the moments for traced networks, by one backward pass for each unit."""
    with torch.enable_grad():
        first, *later = (layer.above for layer in trace(ensemble, points.clone().requires_grad_())[0])
        products = []
        for h in later:
            rows = [
                torch.autograd.grad(unit, first, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
                for unit in h.sum((0, 2))
            ]
            products.append(torch.stack(rows, dim=1)[..., 0])
    found: dict[str, list[Tensor]] = {"jacobian_mean": [], "jacobian_second": [], "jacobian_max": []}
    for product in products:
        singular = torch.linalg.svdvals(product.nan_to_num())
        squared = singular.square()
        sound = product.isfinite().flatten(1).all(1) & squared.square().sum(1).isfinite()
        units = product.shape[1]
        moments = (squared.sum(1) / units, squared.square().sum(1) / units, singular[:, 0])
        for values, moment in zip(found.values(), moments, strict=True):
            values.append(torch.where(sound, moment, torch.nan))
    empty = points.new_empty(ensemble.draws, 0)
    return {name: torch.stack(values, dim=1) if values else empty for name, values in found.items()}
