"""V3, the variability: the mean absolute third divided difference of a network over the domain."""

from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.variability import V3Settings
from suite.nets.ensemble import Ensemble
from suite.nets.moments import output_moments
from suite.nets.sample import Sample


def v3(ensemble: Ensemble, domain: Sample, settings: V3Settings) -> dict[str, Float[Tensor, " draws"]]:
    """Compute the mean of |Delta_h^3 f| / h^3 over the lines of the domain and over the outputs.

    The third divided difference is the third derivative smoothed by a quadratic B-spline of width 3h. The measure
    `v3_limit` is its limit as h -> 0. The absolute value is essential, since the signed mean telescopes to
    values at the boundary of the domain. Batch normalization takes its statistics over the whole domain.

    If the domain is data, the lines are stencils of four points, centered at the data points. The root mean square and
    the statistics of batch normalization are over the data points.

    Args:
        ensemble: Networks in the precision of `settings.dtype`.
        domain: Points, and lines of equally spaced points. The axes of a grid count equally.
        settings: The step and the precision. Not used, since `domain` and `ensemble` have them.

    Returns:
        One value per draw of each of:
        `v3`, in units of output per input^3;
        `v3_over_rms`, `v3` divided by the root mean square of the output; 0 if the output is 0 everywhere;
        `v3_floor`, the typical size of `v3` due to rounding alone (up to a few times larger in single draws). If each
        of the L + 1 layers causes a relative error of eps, the standard deviation of the third difference is
        sqrt(20 (L + 1)) eps rms / h^3.
        They are not finite for networks whose outputs are not finite.

    Source: Yu & Zhang 2021, arXiv:2105.08911; our operational definition.
    """
    outputs, differences = domain.evaluate(ensemble)
    value = torch.stack([each.abs_().mean((1, 2)) for each in differences]).mean(0)
    rms = output_moments(outputs).rms
    return {
        "v3": value,
        "v3_over_rms": torch.where(rms == 0, 0.0, value / rms),
        "v3_floor": sqrt(20 * (ensemble.depth + 1)) * torch.finfo(outputs.dtype).eps * rms / domain.step**3,
    }
