"""Activation ratio: how many hidden activations a network has for each of its parameters."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.settings import NoSettings
from suite.nets.ensemble import Ensemble


def activation_ratio(ensemble: Ensemble, domain: None, settings: NoSettings) -> dict[str, Float[Tensor, " draws"]]:
    """AR = (sum of hidden widths) / P, the same for all draws of a member.

    P counts everything that is trained: weights, biases, and normalization's gains and shifts.

    For two hidden layers or more it is about 1 / width and rises with depth at fixed P; with one hidden layer
    and few inputs it is about 1 / (n_0 + n_2 + 1), an outlier that belongs in no trend.

    Args:
        ensemble: networks of one architecture.
        domain: not looked at.
        settings: none.

    Returns:
        `activation_ratio`, without unit.

    Source: Yu & Zhang 2021, arXiv:2105.08911.
    """
    ratio = sum(ensemble.widths[1:-1]) / ensemble.parameter_count
    return {"activation_ratio": torch.full((ensemble.draws,), ratio, dtype=torch.float64)}
