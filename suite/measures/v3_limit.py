"""Limit of V3 as its step tends to 0, computed exactly, at a much higher cost than V3."""

from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.variability import V3LimitSettings
from suite.nets.breakpoints import kinks_on_lines
from suite.nets.ensemble import Ensemble
from suite.nets.sample import Sample
from suite.nets.taylor import third_derivative


def v3_limit(ensemble: Ensemble, domain: Sample, settings: V3LimitSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Compute the limit of V3 as h -> 0, over the same lines.

    For a smooth activation, V3 tends to E|f'''|. For a piecewise-linear activation, f''' is a distribution and V3
    grows like 1/h: h V3 tends to 1.5 times the total variation of f' per unit length, which does not depend on h.

    Args:
        ensemble: Networks in float64. The result is empty if they are normalized or residual, or if the activation is
            neither smooth nor piecewise linear.
        domain: Lines of equally spaced points, whose step determines the centers of the stencils.
        settings: Not used.

    Returns:
        One value per draw of each of:
        `v3_exact`, for smooth activations: the mean over outputs of |f'''| at the centers of V3's stencils, in units of
        output per input^3;
        `slope_variation`, for piecewise-linear activations: TV(f') per unit length of line, averaged over outputs;
        `breakpoints`, for piecewise-linear activations: the number of kinks per length of the domain's side, where a
        kink of any output counts once.

    Source: Yu & Zhang 2021, arXiv:2105.08911, for V3; the limits are ours.
    """
    if not ensemble.plain:
        return {}
    if ensemble.activation.kind == "smooth":
        centers = domain.stencil_centers()
        directions = domain.directions.T.repeat_interleave(centers.shape[1] // len(domain.starts), dim=1)
        return {"v3_exact": third_derivative(ensemble, centers, directions).abs().mean((1, 2))}
    if ensemble.activation.kind == "piecewise_linear":
        kinks = kinks_on_lines(ensemble, ensemble.activation.kinks, domain.starts, domain.directions, domain.length)
        return {
            "slope_variation": kinks.variation.mean(1) / domain.length,
            "breakpoints": kinks.number.mean(1) * (2 * domain.domain.extent / domain.length),
        }
    return {}
