"""V3, the variability of a network: how large its third derivative is over the domain, at a resolution."""

from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.variability import V3Settings
from suite.nets.ensemble import Ensemble
from suite.nets.sample import Sample


def v3(ensemble: Ensemble, domain: Sample, settings: V3Settings) -> dict[str, Float[Tensor, " draws"]]:
    """Mean |Delta_h^3 f| / h^3 over the domain's lines and the outputs, with what helps to read it.

    The third divided difference is the third derivative smoothed by a quadratic B-spline of width 3h. What it
    tends to as h -> 0 is the measure `v3_limit`. Absolute values matter: the signed mean telescopes to the boundary.
    Batch normalization takes its statistics over the whole domain.

    Args:
        ensemble: networks in the precision of `settings.dtype`.
        domain: lines of equally spaced points.
        settings: the step and the precision.

    Returns:
        One value a draw of each of:
        `v3`, output per input^3;
        `v3_over_rms`, the same over the output's root mean square, 0 for an output that is 0 everywhere;
        `v3_floor`, the typical size of what rounding alone makes of `v3` (single draws may have a few times
        more): the third difference of values whose L + 1 layers each leave a relative error of eps has a
        standard deviation of sqrt(20 (L + 1)) eps rms / h^3.

    Source: Yu & Zhang 2021, arXiv:2105.08911; our operational definition.
    """
    outputs = ensemble(domain.points())
    value = domain.third_differences(outputs).abs().mean((1, 2))
    rms = outputs.square().mean((1, 2)).sqrt()
    return {
        "v3": value,
        "v3_over_rms": torch.where(rms > 0, value / rms, 0.0),
        "v3_floor": sqrt(20 * (ensemble.depth + 1)) * torch.finfo(outputs.dtype).eps * rms / domain.step**3,
    }
