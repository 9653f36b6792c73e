"""SynFlow: a zero-cost score of the weights alone, how much flows through their absolute values."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import SynflowSettings
from suite.nets.ensemble import Ensemble


def synflow(ensemble: Ensemble, domain: None, settings: SynflowSettings) -> dict[str, Float[Tensor, " draws"]]:
    """log of the sum over weights of theta dR/dtheta, with R = 1^T |W_{L+1}| ... |W_1| 1.

    R is linear in each of the L + 1 weight matrices, so the sum is (L + 1) R exactly (Euler). R grows or falls by a
    factor a layer, beyond what floating-point numbers hold in deep networks; hence the logarithm, which ranks networks
    alike; its mean over draws is the logarithm of the score's geometric mean. Biases and the activation have no part
    in R, as in the paper's definition for fully connected layers. (The authors' program adds the biases' absolute
    values on the way, and scores weights only.) Normalization and residual connections are not defined in it: plain
    networks only.

    Args:
        ensemble: plain networks.
        domain: not looked at: the score needs no data.
        settings: none that matter here.

    Returns:
        `log_synflow`, one a draw, natural; -inf where nothing flows, as through a layer whose weights are all 0.

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
