"""Neural tangent kernel (NTK): zero-cost scores, its trace and its condition number."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import ScoreSettings
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt
from suite.nets.tangent import tangent_kernel


def ntk(ensemble: Ensemble, domain: LossAt, settings: ScoreSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Compute the trace and the condition number of the neural tangent kernel Theta = J J^T on a batch.

    J is the Jacobian of the outputs at all points of the batch with respect to all parameters. Theta has a row and a
    column for each point and output. Its entry ((i, a), (j, b)) is the sum over parameters of
    df_a(x_i)/dtheta df_b(x_j)/dtheta, in the standard parametrization, where weights are not divided by widths. The
    trace is the sum of the diagonal, the squared gradient norms of the outputs. It is not averaged, so it grows with
    the number of points. The condition number is l_max / l_min, at least 1.

    Theta is singular if there are more outputs at the batch than parameters, or if the outputs do not depend on them
    independently, as above a dead layer or at two equal points. Rounding makes this indistinguishable from almost
    singular, so the condition number is infinite if l_min is at most N eps l_max, where N is the number of rows and
    eps is that of `settings.dtype`. Tables contain infinite values among the raw values. Summaries exclude them, and
    their `n` is the number of draws with a finite value.

    Args:
        ensemble: Networks in the precision of `settings.dtype`.
        domain: The batch of draw i, the first `settings.points` points of its training set. If the spec trains
            nothing, as many points of the domain. The loss and the labels are not used.
        settings: Not used.

    Returns:
        `ntk_trace` and `ntk_condition`, one value per draw. For networks that explode, the trace is not finite and the
        condition number is nan.

    Source: Jacot, Gabriel & Hongler 2018, arXiv:1806.07572; Chen, Gong & Wang 2021, arXiv:2102.11535, for the
    condition number as a score.
    """
    kernel = tangent_kernel(ensemble, domain.of_each(ensemble.draws).points)
    trace = kernel.diagonal(dim1=1, dim2=2).sum(1)
    sound = kernel.isfinite().all(2).all(1)
    values = torch.linalg.eigvalsh(torch.where(sound[:, None, None], kernel, 0.0))
    smallest, largest = values[:, 0], values[:, -1]
    singular = smallest <= values.shape[1] * torch.finfo(values.dtype).eps * largest
    condition = torch.where(singular, torch.inf, largest / torch.where(singular, 1.0, smallest))
    return {"ntk_trace": trace, "ntk_condition": torch.where(sound, condition, torch.nan)}
