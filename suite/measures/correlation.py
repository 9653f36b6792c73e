"""Correlation of the pre-activations of two inputs, layer by layer."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.signal import CorrelationSettings
from suite.nets.ensemble import Ensemble


def correlation(
    ensemble: Ensemble, domain: Float[Tensor, "draws inputs 2"], settings: CorrelationSettings
) -> dict[str, Float[Tensor, "draws layers"]]:
    """Compute the cosine of the pre-activations of two inputs in every hidden layer.

    In infinitely wide networks, the cosines follow from that of the inputs by the correlation map c -> R(c).

    Args:
        ensemble: Networks without normalization or residual connections, in float64.
        domain: Two inputs per draw, with equal norms and a given cosine.
        settings: The cosine and the norm. Not used, since `domain` has both.

    Returns:
        `correlation`, (draws, L), between -1 and 1; nan if all pre-activations of an input are 0, or
        overflow.

    Source: Poole et al. 2016, arXiv:1606.05340; Murray, Abrol & Tanner 2021, arXiv:2105.07741.
    """
    cosines = []
    for z in ensemble.preactivations(domain):
        first, second = z.unbind(2)
        norms = first.norm(dim=1) * second.norm(dim=1)
        cosines.append(((first * second).sum(1) / norms).masked_fill(norms.isinf(), torch.nan))
    return {"correlation": torch.stack(cosines, dim=1)}
