"""Collapse to Constant: random networks whose output hardly varies over the domain, and how they got there."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from suite.catalog.measures.collapse import CollapseSettings
from suite.nets.ensemble import Ensemble
from suite.nets.sample import Sample
from suite.theory.options import output_variance_with


def collapse(ensemble: Ensemble, domain: Sample, settings: CollapseSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Whether each draw's output is nearly constant, by three criteria, and why.

    With std and rms of the output over the domain and tau the threshold: *relative* is std <= tau rms;
    *absolute* is std <= tau sqrt(q), with q the variance that the variance map predicts for the output from
    the domain's mean |x|^2 / n_0; *exact* is max = min, or a hidden layer that is constant, after which
    outputs can differ by rounding alone. Without biases a homogeneous network fades to 0 as a cone, which
    only the absolute criterion sees. A collapsed draw (by any of the three) went one way, the first that
    applies (our operational definition):
    death: some hidden layer's activations, residual ones included, are each the same number all over the domain;
    bias: in some hidden layer the weighted inputs' root mean square is below tau times the biases' norm,
    both before any normalization;
    norm: not relative: the variation is small for the predicted scale but not for the output's own size, since both
    have shrunk, in part or wholly;
    angle: the rest, whose hidden vectors point the same way for all inputs.
    Layers are looked at on a coarser sample of the domain, which saves most of a second forward pass; a layer that
    is constant there is so everywhere where the output, over the whole sample, varies by no more than rounding.

    Args:
        ensemble: networks in the precision of `settings.dtype`.
        domain: the sample, the same as V3's.
        settings: the threshold.

    Returns:
        `output_std` and `output_rms` in the output's unit (root of the mean over outputs where there are
        several), and indicators 0 or 1: `collapsed_relative`, `collapsed_absolute`, `collapsed_exact`,
        `collapse_by_death`, `collapse_by_bias`, `collapse_by_norm`, `collapse_by_angle`.

    Source: Yu & Zhang 2021, arXiv:2105.08911, for Collapse to Constant.
    """
    points, tau = domain.points(), settings.threshold
    outputs = ensemble(points)
    std = outputs.var(dim=2, correction=0).mean(1).sqrt()
    rms = outputs.square().mean((1, 2)).sqrt()
    predicted = output_variance_with(
        ensemble.activation,
        ensemble.variances,
        points.square().mean().item(),
        ensemble.normalization,
        ensemble.residual,
    )
    relative, absolute = std <= tau * rms, std <= tau * predicted**0.5
    exact = (outputs.amax(2) == outputs.amin(2)).all(1)
    collapsed = relative | absolute | exact
    death, bias = torch.zeros_like(collapsed), torch.zeros_like(collapsed)
    if collapsed.any():
        causes = _causes(ensemble[collapsed], domain.coarser().points(), tau)
        still = std[collapsed] <= torch.finfo(std.dtype).eps ** 0.5 * rms[collapsed]
        death[collapsed], bias[collapsed] = causes.death & still, causes.bias
    left = collapsed & ~death
    indicators = {
        "collapsed_relative": relative,
        "collapsed_absolute": absolute,
        "collapsed_exact": exact | death,
        "collapse_by_death": death,
        "collapse_by_bias": left & bias,
        "collapse_by_norm": left & ~bias & ~relative,
        "collapse_by_angle": left & ~bias & relative,
    }
    return {"output_std": std, "output_rms": rms} | {name: event.to(std.dtype) for name, event in indicators.items()}


class _Causes(NamedTuple):
    death: Bool[Tensor, " draws"]
    bias: Bool[Tensor, " draws"]


def _causes(ensemble: Ensemble, points: Float[Tensor, "inputs points"], tau: float) -> _Causes:
    """Whether any hidden layer is constant over the points, and whether any is ruled by its biases."""
    weighted, constant = [], []
    h = points.expand(ensemble.draws, -1, -1)
    hidden = ensemble.layers[:-1]
    for index, layer in enumerate(hidden):
        z = torch.bmm(layer.weight, h)
        weighted.append(torch.linalg.vector_norm(z, dim=(1, 2)))
        h = ensemble.activate_(layer, z.add_(layer.bias), h if index else None)
        constant.append((h == h[..., :1]).flatten(1).all(1))
    biases = torch.stack([torch.linalg.vector_norm(layer.bias, dim=(1, 2)) for layer in hidden])
    ruled = torch.stack(weighted) < tau * points.shape[1] ** 0.5 * biases
    return _Causes(torch.stack(constant).any(0), ruled.any(0))
