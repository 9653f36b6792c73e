"""Collapse to Constant (C2C): random networks whose output is nearly constant over the domain."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from suite.catalog.measures.collapse import CollapseSettings
from suite.nets import compiled
from suite.nets.ensemble import Ensemble
from suite.nets.moments import output_moments
from suite.nets.sample import Sample
from suite.nets.traced_ensemble import TracedEnsemble
from suite.theory.options import output_variance_with


def collapse(ensemble: Ensemble, domain: Sample, settings: CollapseSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Test by three criteria whether each draw's output is nearly constant, and determine the cause.

    std and rms are the standard deviation and the root mean square of the output over the domain, and tau is the
    threshold. The criteria are:
    relative: std <= tau rms;
    absolute: std <= tau sqrt(q), where q is the variance of the output that the variance map predicts from the mean
    of |x|^2 / n_0 over the domain;
    exact: max = min, or a hidden layer is constant, so that outputs differ by rounding only.
    Without biases, the output of a homogeneous network can shrink to 0 and keep its cone shape. Only the absolute
    criterion detects this.

    A draw that meets any criterion is collapsed. Its cause is the first that applies (our operational definition):
    death: in some hidden layer, every activation, including what a residual layer adds, is constant over the domain;
    bias: in some layer, the readout included, the root mean square over points of |W h| is below tau |b|, both before
    any normalization;
    norm: the relative criterion is not met, or the output is 0 everywhere. The variation is small relative to the
    predicted scale, but not to the size of the output, because both have decreased;
    angle: all others. Their hidden vectors point in the same direction for all inputs.
    Layers are evaluated on a coarser sample of the domain, which saves most of a second forward pass. Death requires
    in addition that the output over the whole sample varies by rounding only.

    Args:
        ensemble: Networks in the precision of `settings.dtype`.
        domain: Sample of the domain, the same as that of V3.
        settings: The threshold.

    Returns:
        `output_std` and `output_rms`, in the unit of the output (with several outputs, the root of the mean square
        over outputs), and the indicators 0 or 1 `collapsed_relative`, `collapsed_absolute`, `collapsed_exact`,
        `collapse_by_death`, `collapse_by_bias`, `collapse_by_norm`, `collapse_by_angle`. Indicators are nan if the
        outputs or the predicted variance are not finite.

    Source: Yu & Zhang 2021, arXiv:2105.08911, for Collapse to Constant.
    """
    points, tau = domain.points(), settings.threshold
    outputs = ensemble(points)
    rms, std = output_moments(outputs)
    is_traced = isinstance(ensemble, TracedEnsemble)  # no variance map is known for these
    predicted = torch.nan
    if not is_traced:
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
        networks = ensemble if collapsed.all() else ensemble[collapsed]
        causes = _causes(networks, domain.coarse_points(), tau)
        still = std[collapsed] <= torch.finfo(std.dtype).eps ** 0.5 * rms[collapsed]
        death[collapsed], bias[collapsed] = causes.death & still, causes.bias
    left, vanished = collapsed & ~death, rms == 0
    indicators = {
        "collapsed_relative": relative,
        "collapsed_absolute": absolute,
        "collapsed_exact": exact | death,
        "collapse_by_death": death,
        "collapse_by_bias": left & bias,
        "collapse_by_norm": left & ~bias & (~relative | vanished),
        "collapse_by_angle": left & ~bias & relative & ~vanished,
    }
    unknown = ~torch.isfinite(std + rms + (0 if is_traced else predicted))
    found = {name: event.to(std.dtype).masked_fill(unknown, torch.nan) for name, event in indicators.items()}
    if is_traced:
        found["collapsed_absolute"] = torch.full_like(std, torch.nan)
    return {"output_std": std, "output_rms": rms} | found


class _Causes(NamedTuple):
    death: Bool[Tensor, " draws"]
    bias: Bool[Tensor, " draws"]


def _causes(ensemble: Ensemble, points: Float[Tensor, "inputs points"], tau: float) -> _Causes:
    """Return whether any hidden layer is constant over the points, and whether biases dominate any layer."""
    inspect = compiled.inspect_layers if compiled.is_compiled(ensemble, points) else inspect_layers
    norms, biases, constant = inspect(ensemble, points)
    dominated = norms < tau * points.shape[1] ** 0.5 * biases
    return _Causes(constant[:, :-1].any(1), dominated.any(1))


def inspect_layers(
    ensemble: Ensemble, points: Float[Tensor, "inputs points"]
) -> tuple[Float[Tensor, "draws layers"], Float[Tensor, "draws layers"], Bool[Tensor, "draws layers"]]:
    """Inspect each layer by torch, as `compiled.inspect_layers` does by the kernels."""
    if isinstance(ensemble, TracedEnsemble):
        weighted, own, still = ensemble.inspect_layers(points)
        return torch.stack(weighted, dim=1), torch.stack(own, dim=1), torch.stack(still, dim=1)
    norms, constant = [], []
    h = points.expand(ensemble.draws, -1, -1)
    for index, layer in enumerate(ensemble.layers):
        z = torch.bmm(layer.weight, h)
        norms.append(torch.linalg.vector_norm(z, dim=(1, 2)))
        z += layer.bias
        h = ensemble.activate_(layer, z, h if index else None) if index < ensemble.depth else z
        constant.append((h == h[..., :1]).flatten(1).all(1))
    biases = [torch.linalg.vector_norm(layer.bias, dim=(1, 2)) for layer in ensemble.layers]
    return torch.stack(norms, dim=1), torch.stack(biases, dim=1), torch.stack(constant, dim=1)
