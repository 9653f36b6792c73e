"""Limit of V3 as its step tends to 0, computed exactly, at a much higher cost than V3."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.domain import Region
from suite.catalog.measures.variability import V3LimitSettings
from suite.nets.breakpoints import kinks_on_lines
from suite.nets.ensemble import Ensemble
from suite.nets.lines import Lines
from suite.nets.sample import Sample
from suite.nets.taylor import third_derivative


def v3_limit(ensemble: Ensemble, domain: Sample, settings: V3LimitSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Compute the limit of V3 as h -> 0, over the same lines.

    For a smooth activation, V3 tends to E|f'''|. For a piecewise-linear activation, f''' is a distribution and V3
    grows like 1/h: h V3 tends to 1.5 times the total variation of f' per unit length, which does not depend on h.

    Args:
        ensemble: Networks in float64. The result is empty if they are normalized or residual, or if the activation is
            neither smooth nor piecewise linear.
        domain: Lines of equally spaced points, whose step determines the centers of the stencils. On data, these
            are the data points.
        settings: Not used.

    Returns:
        One value per draw of each of:
        `v3_exact`, for smooth activations: the mean over outputs of |f'''| at the centers of V3's stencils, in units of
        output per input^3;
        `slope_variation`, for piecewise-linear activations: TV(f') per unit length of line, averaged over outputs;
        `breakpoints`, for piecewise-linear activations: the number of kinks per length of the domain's side along the
        line, where a kink of any output counts once. Data have no sides, and thus no such number.

    Source: Yu & Zhang 2021, arXiv:2105.08911, for V3; the limits are ours.
    """
    if not ensemble.plain:
        return {}
    if ensemble.activation.kind == "smooth":
        return {"v3_exact": _mean([_mean_derivative(ensemble, lines) for lines in domain.lines])}
    if ensemble.activation.kind == "piecewise_linear":
        at, region = ensemble.activation.kinks, domain.domain
        kinks = [kinks_on_lines(ensemble, at, each.starts, each.directions, each.length) for each in domain.lines]
        pairs = list(zip(kinks, domain.lines, strict=True))
        found = {"slope_variation": _mean([each.variation.mean(1) / lines.length for each, lines in pairs])}
        if isinstance(region, Region):
            sides = domain.lines[0].starts.new_tensor(region.sides(domain.inputs))
            spans = [lines.directions @ sides / lines.length for lines in domain.lines]
            number = [(each.number * span).mean(1) for each, span in zip(kinks, spans, strict=True)]
            found["breakpoints"] = _mean(number)
        return found
    return {}


def _mean_derivative(ensemble: Ensemble, lines: Lines) -> Float[Tensor, " draws"]:
    """Return the mean of |f'''| along the lines, at the centers of all stencils."""
    centers = lines.stencil_centers()
    directions = lines.directions.T.repeat_interleave(centers.shape[1] // len(lines.starts), dim=1)
    return third_derivative(ensemble, centers, directions).abs().mean((1, 2))


def _mean(groups: list[Float[Tensor, " draws"]]) -> Float[Tensor, " draws"]:
    """Return the mean over groups of lines."""
    return torch.stack(groups).mean(0)
