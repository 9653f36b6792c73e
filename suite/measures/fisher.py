"""Fisher: a zero-cost score, what the loss would change by without each of a random network's hidden units."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import ScoreSettings
from suite.nets.differentiable import trace
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt


def fisher(ensemble: Ensemble, domain: LossAt, settings: ScoreSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Sum over hidden units of 1 / (2 N) sum_n (a_n g_n)^2, with g_n = d loss_n / d a_n.

    a_n is the unit's activation at point n of the batch, with what a residual layer adds, and loss_n the loss of
    point n alone. A unit's term is the rise of the loss, to second order, as the unit is set to 0, with the Hessian
    put down to the gradients' squares. A unit is here what a channel is in the papers, its sum over places one term.
    Under batch normalization, where every point has a part in the outputs of all, g_n is of the sum of all loss_n.
    It grows as the loss squared, c^2 times for c L.

    Args:
        ensemble: networks in the precision of `settings.dtype`.
        domain: the spec's training loss on draw i's batch, the first `settings.points` of its training set; mean
            f^2 / 2 over as many points of the domain where the spec trains nothing.
        settings: none that matter here.

    Returns:
        `fisher`, one a draw; not finite where a network explodes.

    Source: Theis et al. 2018, arXiv:1801.05787; Turner et al. 2020, arXiv:1906.04113, who score networks by the sum.
    """
    loss, points, labels = domain.of_each(ensemble.draws)
    number = points.shape[2]
    with torch.enable_grad():
        passed, outputs = trace(ensemble, points.clone().requires_grad_())
        hidden = [layer.above for layer in passed]
        pull = loss.gradient(outputs.detach(), labels)  # of the mean, an Nth of each point's own
        gradients = torch.autograd.grad(outputs, hidden, pull)
    found = outputs.new_zeros(ensemble.draws)
    for activation, gradient in zip(hidden, gradients, strict=True):
        found += (activation.detach() * gradient * number).square().sum((1, 2))
    return {"fisher": found.detach() / (2 * number)}
