"""Neural tangent kernel: zero-cost scores of how fast, and how unevenly, a random network would learn."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import ScoreSettings
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt
from suite.nets.tangent import tangent_kernel


def ntk(ensemble: Ensemble, domain: LossAt, settings: ScoreSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Trace and condition number of Theta = J J^T, J the Jacobian of the outputs at the batch by all parameters.

    Theta has a row and a column for each point and output; entry ((i, a), (j, b)) is the sum over parameters of
    df_a(x_i)/dtheta df_b(x_j)/dtheta, in the standard parametrisation: weights as they are, not divided by widths. The
    trace is the sum of the diagonal, not its mean: that of the outputs' squared gradient norms, which grows with
    the number of points. The condition number is l_max / l_min, at least 1.

    Theta is singular where outputs at the batch outnumber the parameters, or do not hang on them independently, as
    behind a dead layer, or at two equal points. Floating-point numbers cannot tell that from almost singular: where
    l_min is below N eps l_max, N rows and eps of `settings.dtype`, the condition number is infinite. Tables keep that
    among the raw values; summaries leave it out, and say by `n` how many draws had a finite one.

    Args:
        ensemble: networks in the precision of `settings.dtype`.
        domain: draw i's batch, the first `settings.points` of its training set, or as many points of the domain where
            the spec trains nothing; neither loss nor labels are looked at.
        settings: none that matter here.

    Returns:
        `ntk_trace` and `ntk_condition`, one a draw; the first not finite, the second nan, where a network explodes.

    Source: Jacot, Gabriel & Hongler 2018, arXiv:1806.07572; the condition number as a score Chen, Gong & Wang 2021,
    arXiv:2102.11535.
    """
    kernel = tangent_kernel(ensemble, domain.of_each(ensemble.draws).points)
    trace = kernel.diagonal(dim1=1, dim2=2).sum(1)
    sound = kernel.isfinite().all(2).all(1)
    values = torch.linalg.eigvalsh(torch.where(sound[:, None, None], kernel, 0.0))
    smallest, largest = values[:, 0], values[:, -1]
    singular = smallest <= values.shape[1] * torch.finfo(values.dtype).eps * largest
    condition = torch.where(singular, torch.inf, largest / torch.where(singular, 1.0, smallest))
    return {"ntk_trace": trace, "ntk_condition": torch.where(sound, condition, torch.nan)}
