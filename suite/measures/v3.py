"""V3, the variability of a network: how large its third derivative is over the domain, at a resolution."""

from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measure_settings import V3Settings
from suite.nets.breakpoints import kinks_on_lines
from suite.nets.ensemble import Ensemble
from suite.nets.sample import Sample
from suite.nets.taylor import third_derivative


def v3(ensemble: Ensemble, domain: Sample, settings: V3Settings) -> dict[str, Float[Tensor, " draws"]]:
    """Mean |Delta_h^3 f| / h^3 over the domain's lines and the outputs, with what helps to read it.

    The third divided difference is the third derivative smoothed by a quadratic B-spline of width 3h. For a
    smooth activation it tends to E|f'''| as h -> 0, which is `v3_exact`. For a piecewise-linear one f''' is
    a distribution and V3 grows like 1/h: h V3 tends to 1.5 times `slope_variation`, which does not depend
    on h. Absolute values matter: the signed mean telescopes to the boundary.
    Batch normalisation takes its statistics over the whole domain.

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
        standard deviation of sqrt(20 (L + 1)) eps rms / h^3;
        `v3_exact` for smooth activations, mean |f'''| at the centres of V3's stencils;
        `slope_variation`, TV(f') per unit length of line, and `breakpoints`, kinks per length of the domain's side,
        for piecewise-linear activations.
        These last three are of plain networks, neither normalised nor residual, alone.

    Source: Yu & Zhang 2021, arXiv:2105.08911; our operational definition.
    """
    outputs = ensemble(domain.points())
    value = domain.third_differences(outputs).abs().mean((1, 2))
    rms = outputs.square().mean((1, 2)).sqrt()
    readings = {
        "v3": value,
        "v3_over_rms": torch.where(rms > 0, value / rms, 0.0),
        "v3_floor": sqrt(20 * (ensemble.depth + 1)) * torch.finfo(outputs.dtype).eps * rms / domain.step**3,
    }
    if not ensemble.plain:
        return readings
    exact, lines = ensemble.to(torch.float64, outputs.device), domain.to(torch.float64, outputs.device)
    if ensemble.activation.kind == "smooth":
        centres = lines.stencil_centres()
        directions = lines.directions.T.repeat_interleave(centres.shape[1] // len(lines.starts), dim=1)
        readings["v3_exact"] = third_derivative(exact, centres, directions).abs().mean((1, 2))
    elif ensemble.activation.kind == "piecewise_linear":
        kinks = kinks_on_lines(exact, ensemble.activation.kinks, lines.starts, lines.directions, lines.length)
        readings["slope_variation"] = kinks.variation.mean(1) / lines.length
        readings["breakpoints"] = kinks.number.mean(1) * (2 * domain.domain.extent / lines.length)
    return readings
