"""SynFlow: a zero-cost score that depends only on the absolute values of the weights."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import SynflowSettings
from suite.nets.ensemble import Ensemble


def synflow(ensemble: Ensemble, domain: None, settings: SynflowSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Compute the log of the sum over weights of theta dR/dtheta, where R = 1^T |W_{L+1}| ... |W_1| 1.

    R is linear in each of the absolute values |W_l| of the L + 1 weight matrices, so the sum is exactly (L + 1) R
    (Euler). R changes by a factor per layer, which exceeds the range of floating-point numbers in deep networks. The
    logarithm avoids this and ranks networks in the same order. Its mean over draws is the logarithm of the geometric
    mean of the score. Biases and the activation do not enter R, as in the paper's definition for fully connected
    layers. (The authors' program adds the absolute values of the biases in the forward pass and scores weights only.)
    The score is not defined for networks with normalization or residual connections.

    Args:
        ensemble: Networks without normalization or residual connections.
        domain: Not used, since the score needs no data.
        settings: Not used.

    Returns:
        `log_synflow`, one value per draw, a natural logarithm; -inf if R is 0, as with a layer whose weights are all 0.

    Source: Tanaka et al. 2020, arXiv:2006.05467.
    """
    total = ensemble.parameters.new_full((ensemble.draws,), float(ensemble.depth + 1)).log_()
    flow = ensemble.parameters.new_ones(ensemble.draws, ensemble.widths[0], 1)
    for layer in ensemble.layers:
        flow = torch.bmm(layer.weight.abs(), flow)
        largest = flow.amax(dim=(1, 2), keepdim=True)
        total += largest[:, 0, 0].log()
        flow = flow / torch.where(largest > 0, largest, 1.0)
    return {"log_synflow": total + flow.sum((1, 2)).log()}
