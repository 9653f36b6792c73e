"""Fisher: a zero-cost score, the sensitivity of the loss to the removal of hidden units."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import ScoreSettings
from suite.nets.differentiable import trace
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt


def fisher(ensemble: Ensemble, domain: LossAt, settings: ScoreSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Compute the sum over hidden units of 1 / (2 N) sum_n (a_n g_n)^2, where g_n = d loss_n / d a_n.

    a_n is the activation of the unit at point n of the batch, including what a residual layer adds, and loss_n is the
    loss of point n alone. The term of a unit is the second-order increase of the loss if the unit is set to 0, with
    the Hessian approximated by squared gradients. A unit corresponds to a channel in the papers, whose sum over
    positions has a single term here. Under batch normalization, where the outputs depend on all points, g_n is the
    gradient of the sum of all loss_n. The score is quadratic in the loss: the loss c L has c^2 times the score of L.

    Args:
        ensemble: Networks in the precision of `settings.dtype`.
        domain: The spec's training loss on the batch of draw i, the first `settings.points` points of its training
            set. If the spec trains nothing, mean f^2 / 2 over as many points of the domain.
        settings: Not used.

    Returns:
        `fisher`, one value per draw; not finite for networks that explode.

    Source: Theis et al. 2018, arXiv:1801.05787; Turner et al. 2020, arXiv:1906.04113, who score networks by the sum.
    """
    loss, points, labels = domain.of_each(ensemble.draws)
    number = points.shape[2]
    with torch.enable_grad():
        passed, outputs = trace(ensemble, points.clone().requires_grad_())
        hidden = [layer.above for layer in passed]
        pull = loss.gradient(outputs.detach(), labels)  # for the mean loss: 1 / N of each point's own gradient
        gradients = torch.autograd.grad(outputs, hidden, pull)
    found = outputs.new_zeros(ensemble.draws)
    for activation, gradient in zip(hidden, gradients, strict=True):
        found += (activation.detach() * gradient * number).square().sum((1, 2))
    return {"fisher": found.detach() / (2 * number)}
