"""A forward pass out of place, which torch can differentiate any number of times."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from suite.nets.ensemble import Ensemble, layer_views
from suite.nets.normalization import AXES, EPSILON
from suite.nets.traced_ensemble import TracedEnsemble


class LayerValues(NamedTuple):
    """Inputs, intermediate values and outputs of a hidden layer.

    Attributes:
        below: Inputs of the layer, h_{l-1}.
        weighted: z = W h_{l-1} + b.
        standard: z standardized to mean 0 and variance 1, or None if the networks are not normalized.
        argument: Argument of phi: z or, if the networks are normalized, gain * standard + shift.
        above: Activations h_l, to which a residual layer has added the layer below.
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
) -> tuple[list[LayerValues], Float[Tensor, "draws outputs points"]]:
    """Return the values of every hidden layer and the outputs, which equal those of a call up to rounding.

    All values are stored. Torch can differentiate them, also twice, with respect to `points` and `parameters` if
    these require gradients. The gradient with respect to parameters that the networks lack is 0. At a kink of phi,
    torch uses a one-sided slope or a value in between, and the second derivative of phi is 0.

    Args:
        ensemble: The networks, which may be normalized or residual. Hidden layers of traced networks are their
            activations, for which `below` and `weighted` are the argument.
        points: Points of each network.
        parameters: Parameters to use in place of the ensemble's own.
    """
    if isinstance(ensemble, TracedEnsemble):
        found = ensemble.values(points, parameters)
        places = [(step.sources[0], ensemble.network.place_of(step)) for step in ensemble.activations]
        return [LayerValues(found[z], found[z], None, found[z], found[h]) for z, h in places], found[-1]
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
        passed.append(LayerValues(below, weighted, standard, argument, h))
    return passed, torch.baddbmm(readout.bias, readout.weight, h)


def _standardized(z: Float[Tensor, "draws units points"], axis: int) -> Float[Tensor, "draws units points"]:
    centered = z - z.mean(axis, keepdim=True)
    return centered * (centered.square().mean(axis, keepdim=True) + EPSILON).rsqrt()
