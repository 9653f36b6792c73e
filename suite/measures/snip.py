"""SNIP: a zero-cost score, how much of the loss hangs on a random network's parameters, to first order."""

from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import ScoreSettings
from suite.nets.backward import loss_gradient
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt


def snip(ensemble: Ensemble, domain: LossAt, settings: ScoreSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Sum over all parameters of |theta dL/dtheta|, L the mean loss over the batch.

    |theta dL/dtheta| is what taking the parameter away changes the loss by, to first order. Lee et al. prune
    weights by their shares of the sum; Abdelfattah et al. score a network by the sum itself, over all its
    parameters: biases, gains and shifts have their part.

    Args:
        ensemble: networks in the precision of `settings.dtype`.
        domain: the spec's training loss on draw i's batch, the first `settings.points` of its training set; mean
            f^2 / 2 over as many points of the domain where the spec trains nothing.
        settings: none that matter here.

    Returns:
        `snip`, one a draw, in the loss's unit; not finite where a network explodes.

    Source: Lee, Ajanthan & Torr 2019, arXiv:1810.02340; Abdelfattah et al. 2021, arXiv:2101.08134.
    """
    return {"snip": loss_gradient(ensemble, domain).mul_(ensemble.parameters).abs_().sum(1)}
