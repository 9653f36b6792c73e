"""The forward pass once more, out of place, so that torch can differentiate it, and its derivatives, by anything."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from suite.nets.ensemble import Ensemble, layer_views
from suite.nets.normalization import AXES, EPSILON


class Passed(NamedTuple):
    """What a hidden layer made of its inputs.

    Attributes:
        below: its inputs, h_{l-1}.
        weighted: z = W h_{l-1} + b.
        standard: z brought to mean 0 and variance 1, where the networks are normalized.
        argument: what phi is applied to: z, or gain times the standardized z plus shift.
        above: h_l, the layer below included where the networks are residual.
    """

    below: Float[Tensor, "draws fan_in points"]
    weighted: Float[Tensor, "draws width points"]
    standard: Float[Tensor, "draws width points"] | None
    argument: Float[Tensor, "draws width points"]
    above: Float[Tensor, "draws width points"]


def trace(
    ensemble: Ensemble,
    points: Float[Tensor, "draws inputs points"],
    parameters: Float[Tensor, "draws parameters"] | None = None,
) -> tuple[list[Passed], Float[Tensor, "draws outputs points"]]:
    """What each hidden layer passes on, and the outputs: the numbers of a call but for rounding.

    All of it is kept. Whatever of `points` and `parameters` asks for gradients is what torch can differentiate by,
    twice, too, but for what the networks lack, which gives 0; at a kink of phi its slope is one-sided or in between,
    and does not change with z.

    Args:
        ensemble: of any options.
        points: of each network.
        parameters: in place of the ensemble's own.
    """
    widths, normalized = ensemble.widths, ensemble.normalization != "none"
    layers = layer_views(ensemble.parameters if parameters is None else parameters, widths, normalized)
    for index, vector in ensemble.lacking:
        layers[index] = layers[index]._replace(**{vector: getattr(layers[index], vector).detach()})
    *hidden, readout = layers
    phi = ensemble.kernel.phi
    h, passed = points, []
    for index, layer in enumerate(hidden):
        below = h
        weighted = argument = torch.baddbmm(layer.bias, layer.weight, below)
        standard = None
        if layer.gain is not None and layer.shift is not None:
            standard = _standardized(weighted, AXES[ensemble.normalization])
            argument = torch.addcmul(layer.shift, layer.gain, standard)
        h = phi(argument)
        if ensemble.residual and index:
            shared = min(widths[index : index + 2])
            h = torch.cat([h[:, :shared] + below[:, :shared], h[:, shared:]], dim=1)
        passed.append(Passed(below, weighted, standard, argument, h))
    return passed, torch.baddbmm(readout.bias, readout.weight, h)


def _standardized(z: Float[Tensor, "draws units points"], axis: int) -> Float[Tensor, "draws units points"]:
    centered = z - z.mean(axis, keepdim=True)
    return centered * (centered.square().mean(axis, keepdim=True) + EPSILON).rsqrt()
