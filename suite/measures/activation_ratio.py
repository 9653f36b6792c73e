"""Activation ratio: the number of hidden activations per parameter."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.settings import NoSettings
from suite.nets.ensemble import Ensemble


def activation_ratio(ensemble: Ensemble, domain: None, settings: NoSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Compute AR = (sum of hidden widths) / P, which is the same for all draws of a member.

    P is the number of all trained parameters: weights, biases, and the gains and shifts of normalization.

    With two or more hidden layers, AR is about 1 / width and increases with depth at fixed P. With one hidden layer
    and few inputs, it is about 1 / (n_0 + n_2 + 1), an outlier that should not be part of a trend.

    Args:
        ensemble: Networks of one architecture.
        domain: Not used.
        settings: Not used.

    Returns:
        `activation_ratio`, dimensionless.

    Source: Yu & Zhang 2021, arXiv:2105.08911.
    """
    ratio = sum(ensemble.widths[1:-1]) / ensemble.parameter_count
    return {"activation_ratio": torch.full((ensemble.draws,), ratio, dtype=torch.float64)}
