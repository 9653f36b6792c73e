"""Gradients of the training loss at initialization, with respect to the input and to each layer."""

import torch
from torch import Tensor

from suite.catalog.measures.signal import GradientsSettings
from suite.nets.backward import loss_gradients
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt


def gradients(ensemble: Ensemble, domain: LossAt, settings: GradientsSettings) -> dict[str, Tensor]:
    """Compute the norms of the loss's gradient with respect to the input and to each layer's parameters.

    Args:
        ensemble: Networks in the precision of `settings.dtype`.
        domain: The spec's training loss on the training set of draw i. If the spec trains nothing, mean f^2 / 2
            over the domain.
        settings: Not used.

    Returns:
        `input_gradient`, one value per draw: the root mean square over points of |d loss_i / d x_i|, where loss_i is
        the loss of point i alone. `parameter_gradient`, (draws, L + 1): the norm of the gradient of the mean loss with
        respect to the weights, biases, gains and shifts of each of the layers 1 .. L + 1, the readout last. Under
        batch normalization, where the outputs depend on all points, the input gradient is that of the sum of all
        loss_i.

    Source: Yu & Zhang 2021, arXiv:2105.08911, who relate Collapse to Constant to vanishing gradients.
    """
    gradient, by_input = loss_gradients(ensemble, domain)
    norms = torch.stack([part.norm(dim=1) for part in gradient.split(ensemble.parameter_sizes, dim=1)], dim=1)
    return {"input_gradient": by_input, "parameter_gradient": norms}
