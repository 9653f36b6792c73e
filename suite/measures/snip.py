"""SNIP: a zero-cost score, the first-order sensitivity of the loss to the parameters."""

from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import ScoreSettings
from suite.nets.backward import loss_gradient
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt


def snip(ensemble: Ensemble, domain: LossAt, settings: ScoreSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Compute the sum over all parameters of |theta dL/dtheta|, where L is the mean loss over the batch.

    |theta dL/dtheta| is the absolute first-order change of the loss when the parameter is removed. Lee et al. prune
    weights by their shares of the sum. Abdelfattah et al. score a network by the sum itself, over all its parameters,
    which include biases, gains and shifts.

    Args:
        ensemble: Networks in the precision of `settings.dtype`.
        domain: The spec's training loss on the batch of draw i, the first `settings.points` points of its training
            set. If the spec trains nothing, mean f^2 / 2 over as many points of the domain.
        settings: Not used.

    Returns:
        `snip`, one value per draw, in the unit of the loss; not finite for networks that explode.

    Source: Lee, Ajanthan & Torr 2019, arXiv:1810.02340; Abdelfattah et al. 2021, arXiv:2101.08134.
    """
    return {"snip": loss_gradient(ensemble, domain).mul_(ensemble.parameters).abs_().sum(1)}
