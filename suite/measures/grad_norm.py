"""Gradient norm: a zero-cost score, how strongly the loss pulls on a random network's parameters."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import ScoreSettings
from suite.nets.backward import loss_gradient
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt


def grad_norm(ensemble: Ensemble, domain: LossAt, settings: ScoreSettings) -> dict[str, Float[Tensor, " draws"]]:
    """|g|, the Euclidean norm of g = dL/dtheta, L the mean loss over the batch.

    One norm of all parameters: weights, biases, gains and shifts. (The paper's program adds up the norms of
    layers, and takes weights alone.) It grows as the loss does, c |g| for c L.

    Args:
        ensemble: networks in the precision of `settings.dtype`.
        domain: the spec's training loss on draw i's batch, the first `settings.points` of its training set; mean
            f^2 / 2 over as many points of the domain where the spec trains nothing.
        settings: none that matter here.

    Returns:
        `grad_norm`, one a draw; not finite where a network explodes.

    Source: Abdelfattah et al. 2021, arXiv:2101.08134.
    """
    return {"grad_norm": torch.linalg.vector_norm(loss_gradient(ensemble, domain), dim=1)}
