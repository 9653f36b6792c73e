"""Forward and backward passes of many networks at once, written out, in buffers that are made once."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.nets.ensemble import Ensemble, layer_views


class Backpropagation:
    """Gradients of an ensemble's parameters, without autograd's bookkeeping.

    The parameters are read where they lie, so that an optimiser may change them in place between passes.

    Attributes:
        gradient: by the parameters, in their layout; overwritten by every backward pass.
    """

    gradient: Float[Tensor, "draws parameters"]

    def __init__(self, ensemble: Ensemble, points: int) -> None:
        self.ensemble, self.kernel, self.layers = ensemble, ensemble.kernel, ensemble.layers
        self.gradient = torch.zeros_like(ensemble.parameters)
        self.gradients = layer_views(self.gradient, ensemble.widths)

        def buffers() -> list[Tensor]:
            return [self.gradient.new_empty(ensemble.draws, width, points) for width in ensemble.widths[1:]]

        self.activations = buffers()
        self.preactivations = buffers()[:-1] if self.kernel.needs_z else self.activations[:-1]
        widest = max(ensemble.widths[1:])
        self.deltas = [self.gradient.new_empty(ensemble.draws * widest * points) for _ in range(2)]
        self.points = points

    def forward(self, points: Float[Tensor, "*draws inputs points"]) -> Float[Tensor, "draws outputs points"]:
        """Outputs; every layer's activations stay in the buffers for the backward pass."""
        self.inputs = points.expand(self.ensemble.draws, *points.shape[-2:])
        h = self.inputs
        for index, (weight, bias) in enumerate(self.layers[:-1]):
            z = torch.baddbmm(bias, weight, h, out=self.preactivations[index])
            h = self.activations[index]
            if self.kernel.needs_z:
                h.copy_(z)
            self.kernel.apply_(h)
        weight, bias = self.layers[-1]
        return torch.baddbmm(bias, weight, h, out=self.activations[-1])

    def backward(self, delta: Float[Tensor, "draws outputs points"]) -> Float[Tensor, "draws width points"]:
        """Fills `gradient` from the gradient by the outputs of the last forward pass.

        Returns:
            The gradient by the first layer's pre-activations.
        """
        for index in range(len(self.layers) - 1, -1, -1):
            weight, bias = self.gradients[index]
            below = self.activations[index - 1] if index else self.inputs
            # Batched products are fast only into a block of their own; a layer's gradient is a strided view.
            weight.copy_(torch.bmm(delta, below.mT))
            torch.sum(delta, dim=-1, keepdim=True, out=bias)
            if index:
                size = below.numel()
                pulled = self.deltas[index % 2][:size].view(below.shape)
                torch.bmm(self.layers[index].weight.mT, delta, out=pulled)
                delta = self.kernel.backward_(pulled, self.preactivations[index - 1], below)
        return delta
