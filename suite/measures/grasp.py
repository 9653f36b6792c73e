"""GraSP: a zero-cost score, what scaling a random network's parameters does to the flow of its gradient."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import ScoreSettings
from suite.nets.differentiable import trace
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt


def grasp(ensemble: Ensemble, domain: LossAt, settings: ScoreSettings) -> dict[str, Float[Tensor, " draws"]]:
    """-sum over all parameters of theta (H g), g and H the gradient and Hessian of the mean loss over the batch.

    The sign is Wang et al.'s: S(-theta) = -theta H g is how the gradient's flow g^T g / 2 changes, to first order,
    as the parameter is taken away, so that a positive sum says that all parameters together hold the flow back.
    They prune weights by it, with logits divided by a temperature of 200 in their program; Abdelfattah et al. score
    a network by the sum over all parameters. Here logits are as they are, and biases, gains and shifts have their part.
    The product H g is exact, by differentiating twice. Where phi is piecewise linear its own second derivative is 0:
    the kinks, where it is not defined, are met with probability 0, and what crossing them would do is left out.

    Args:
        ensemble: networks in the precision of `settings.dtype`.
        domain: the spec's training loss on draw i's batch, the first `settings.points` of its training set; mean
            f^2 / 2 over as many points of the domain where the spec trains nothing.
        settings: none that matter here.

    Returns:
        `grasp`, one a draw, of either sign; not finite where a network explodes.

    Source: Wang, Zhang & Grosse 2020, arXiv:2002.07376; Abdelfattah et al. 2021, arXiv:2101.08134.
    """
    loss, points, labels = domain.of_each(ensemble.draws)
    with torch.enable_grad():
        theta = ensemble.parameters.detach().clone().requires_grad_()
        _, outputs = trace(ensemble, points, theta)
        # Networks share nothing, so the gradient of the losses' sum by all parameters is each one's by its own.
        (gradient,) = torch.autograd.grad(loss.value(outputs, labels).sum(), theta, create_graph=True)
        (product,) = torch.autograd.grad(gradient, theta, gradient.detach())
    return {"grasp": -(theta.detach() * product).sum(1)}
