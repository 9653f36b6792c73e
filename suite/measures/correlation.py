"""Correlation: how the angle between two inputs changes on their way through random networks."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.signal import CorrelationSettings
from suite.nets.ensemble import Ensemble


def correlation(
    ensemble: Ensemble, domain: Float[Tensor, "draws inputs 2"], settings: CorrelationSettings
) -> dict[str, Float[Tensor, "draws layers"]]:
    """Cosine of two inputs' pre-activations in every hidden layer.

    In infinitely wide networks it follows the correlation map, c -> R(c), from the inputs' own cosine.

    Args:
        ensemble: plain networks in float64.
        domain: each draw's two inputs, of equal norm and a given cosine.
        settings: that cosine, and the norm.

    Returns:
        `correlation`, (draws, L), between -1 and 1; nan where an input's pre-activations are all 0.

    Source: Poole et al. 2016, arXiv:1606.05340; Murray, Abrol & Tanner 2021, arXiv:2105.07741.
    """
    cosines = []
    for z in ensemble.preactivations(domain):
        first, second = z.unbind(2)
        cosines.append((first * second).sum(1) / (first.norm(dim=1) * second.norm(dim=1)))
    return {"correlation": torch.stack(cosines, dim=1)}
