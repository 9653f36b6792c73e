"""Gradients at initialization: how strongly the training loss pulls on the input and on each layer."""

import torch
from torch import Tensor

from suite.catalog.measures.signal import GradientsSettings
from suite.nets.backward import Backpropagation
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt


def gradients(ensemble: Ensemble, domain: LossAt, settings: GradientsSettings) -> dict[str, Tensor]:
    """Norms of the loss's gradient by the input and by each layer's parameters.

    Args:
        ensemble: networks in the precision of `settings.dtype`.
        domain: the spec's training loss on draw i's training set; mean f^2 / 2 over the domain where the
            spec trains nothing.
        settings: none that matter here.

    Returns:
        `input_gradient`, one a draw: the root mean square over points of |d loss_i / d x_i|, with loss_i
        the loss of point i alone; `parameter_gradient`, (draws, L + 1): the norm of the mean loss's
        gradient by the weights, biases, gains and shifts of layer 1 .. L + 1, the readout last. Under batch
        normalization, where every point has a part in the outputs of all, the input gradient is of the sum of
        all loss_i.

    Source: Yu & Zhang 2021, arXiv:2105.08911, who relate Collapse to Constant to vanishing gradients.
    """
    loss, points, labels = domain.of_each(ensemble.draws)
    total = points.shape[2]
    summed = torch.zeros_like(ensemble.parameters)
    by_input = ensemble.parameters.new_zeros(ensemble.draws)
    for chunk in ensemble.chunks(total, units=4 * sum(ensemble.widths)):  # every layer is kept for the backward pass
        part = points[..., chunk]
        share = part.shape[2] / total
        passes = Backpropagation(ensemble, part.shape[2])
        delta = passes.backward(loss.gradient(passes.forward(part), labels[..., chunk]))
        summed += share * passes.gradient
        pulled = torch.bmm(ensemble.layers[0].weight.mT, delta)
        by_input += share * part.shape[2] * pulled.square().sum((1, 2))
    sizes = [sum(part[0].numel() for part in layer if part is not None) for layer in ensemble.layers]
    norms = torch.stack([part.norm(dim=1) for part in summed.split(sizes, dim=1)], dim=1)
    return {"input_gradient": by_input.sqrt(), "parameter_gradient": norms}
