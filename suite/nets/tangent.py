"""The empirical neural tangent kernel of many networks at once."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.nets.differentiable import LayerValues, trace
from suite.nets.ensemble import Ensemble, Vector
from suite.nets.traced_ensemble import TracedEnsemble


def tangent_kernel(
    ensemble: Ensemble, points: Float[Tensor, "draws inputs points"]
) -> Float[Tensor, "draws rows rows"]:
    """Return Theta = J J^T, where J is the Jacobian of the outputs with respect to all parameters.

    J has a row for each output at each point: first all points of the first output, then those of the second. Without
    batch normalization J itself is not needed. A layer's weights and biases contribute (h_i . h_j + 1) times the inner
    product of the gradients with respect to z = W h + b, and gains and shifts contribute similar terms. Parameters
    that the networks lack contribute nothing.

    Args:
        ensemble: The networks, which may be normalized or residual.
        points: Points of each network. Under batch normalization they are the batch, and every output depends on all
            of them.
    """
    with torch.enable_grad():
        if ensemble.normalization == "batch" or isinstance(ensemble, TracedEnsemble):
            return _by_rows(ensemble, points)
        passed, outputs = trace(ensemble, points.clone().requires_grad_())
        places = [part for layer in passed for part in (layer.weighted, layer.argument)]
        found = [
            torch.autograd.grad(outputs[:, number].sum(), [*places, outputs], retain_graph=True)
            for number in range(outputs.shape[1])
        ]
    pulls = [torch.cat(parts, dim=2) for parts in zip(*found, strict=True)]
    below = [layer.below for layer in passed] + [passed[-1].above]
    lacking = ensemble.lacking
    kernel = _affine(pulls[-1], below[-1].detach(), (len(passed), "bias") not in lacking)
    for index, layer in enumerate(passed):
        kernel += _affine(pulls[2 * index], below[index].detach(), (index, "bias") not in lacking)
        if layer.standard is not None:
            kernel += sum(_gains_and_shifts(pulls[2 * index + 1], layer, index, lacking))
    return kernel


def _affine(pull: Float[Tensor, "draws width rows"], below: Tensor, biased: bool) -> Float[Tensor, "draws rows rows"]:
    """Return the contribution of a layer's weights and biases from the gradients with respect to z."""
    return _product(pull) * _for_outputs(torch.bmm(below.mT, below) + int(biased), pull.shape[2])


def _gains_and_shifts(
    pull: Float[Tensor, "draws width rows"], layer: LayerValues, index: int, lacking: frozenset[Vector]
) -> list[Float[Tensor, "draws rows rows"]]:
    """Return the contributions of a layer's gains and shifts, without those that are lacking."""
    assert layer.standard is not None
    standard = layer.standard.detach().repeat(1, 1, pull.shape[2] // layer.standard.shape[2])
    weighted = {"gain": pull * standard, "shift": pull}
    return [_product(some) for vector, some in weighted.items() if (index, vector) not in lacking]


def _product(pull: Float[Tensor, "draws width rows"]) -> Float[Tensor, "draws rows rows"]:
    return torch.bmm(pull.mT, pull)


def _for_outputs(alike: Float[Tensor, "draws points points"], rows: int) -> Float[Tensor, "draws rows rows"]:
    outputs = rows // alike.shape[1]
    return alike.repeat(1, outputs, outputs)


def _by_rows(ensemble: Ensemble, points: Tensor) -> Float[Tensor, "draws rows rows"]:
    theta = ensemble.parameters.detach().clone().requires_grad_()
    _, outputs = trace(ensemble, points, theta)
    single = outputs.flatten(1).sum(0)  # networks share no parameters: one gradient serves all
    rows = [torch.autograd.grad(each, theta, retain_graph=True)[0] for each in single]
    jacobian = torch.stack(rows, dim=1)
    return torch.bmm(jacobian, jacobian.mT)
