"""Gradient norm: a zero-cost score, the norm of the loss's gradient."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import ScoreSettings
from suite.nets.backward import loss_gradient
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt


def grad_norm(ensemble: Ensemble, domain: LossAt, settings: ScoreSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Compute |g|, the Euclidean norm of g = dL/dtheta, where L is the mean loss over the batch.

    This is a single norm over all parameters: weights, biases, gains and shifts. (The paper's program sums the norms
    of the layers and uses weights only.) The norm is linear in the loss: it is c |g| for the loss c L.

    Args:
        ensemble: Networks in the precision of `settings.dtype`.
        domain: The spec's training loss on the batch of draw i, the first `settings.points` points of its training
            set. If the spec trains nothing, mean f^2 / 2 over as many points of the domain.
        settings: Not used.

    Returns:
        `grad_norm`, one value per draw; not finite for networks that explode.

    Source: Abdelfattah et al. 2021, arXiv:2101.08134.
    """
    return {"grad_norm": torch.linalg.vector_norm(loss_gradient(ensemble, domain), dim=1)}
