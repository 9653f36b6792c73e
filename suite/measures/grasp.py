"""GraSP: a zero-cost score, the sensitivity of the gradient flow to the parameters."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import ScoreSettings
from suite.nets.differentiable import trace
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt


def grasp(ensemble: Ensemble, domain: LossAt, settings: ScoreSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Compute minus the sum over all parameters of theta (H g).

    g and H are the gradient and the Hessian of the mean loss over the batch. The sign is that of Wang et al.:
    S(-theta) = -theta H g is the first-order change of the gradient flow g^T g / 2 when the parameter is removed. A
    positive sum therefore means that the parameters together reduce the flow. Wang et al. use this score to prune
    weights, and their program divides logits by a temperature of 200. Abdelfattah et al. score a network by the sum
    over all parameters. Here logits are not divided, and biases, gains and shifts are included.

    The product H g is exact, by differentiating twice. If phi is piecewise linear, its second derivative is 0.
    Kinks, where it is not defined, occur with probability 0, and the effect of crossing them is not included.

    Args:
        ensemble: Networks in the precision of `settings.dtype`.
        domain: The spec's training loss on the batch of draw i, the first `settings.points` points of its training
            set. If the spec trains nothing, mean f^2 / 2 over as many points of the domain.
        settings: Not used.

    Returns:
        `grasp`, one value per draw, of either sign; not finite for networks that explode.

    Source: Wang, Zhang & Grosse 2020, arXiv:2002.07376; Abdelfattah et al. 2021, arXiv:2101.08134.
    """
    loss, points, labels = domain.of_each(ensemble.draws)
    with torch.enable_grad():
        theta = ensemble.parameters.detach().clone().requires_grad_()
        _, outputs = trace(ensemble, points, theta)
        # Networks share no parameters, so one gradient of the summed losses contains the gradient of each network.
        (gradient,) = torch.autograd.grad(loss.value(outputs, labels).sum(), theta, create_graph=True)
        (product,) = torch.autograd.grad(gradient, theta, gradient.detach())
    return {"grasp": -(theta.detach() * product).sum(1)}
