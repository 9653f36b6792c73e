"""Forward and backward passes of many networks at once, written out, in buffers that are made once."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.nets.ensemble import Ensemble, layer_views
from suite.nets.losses import LossAt
from suite.nets.normalization import AXES, standardize_, standardize_backward_


class Backpropagation:
    """Gradients of an ensemble's parameters, without autograd's bookkeeping.

    The parameters are read where they lie, so that an optimizer may change them in place between passes.

    Attributes:
        gradient: by the parameters, in their layout, 0 by those that the networks lack; overwritten by every
            backward pass.
    """

    gradient: Float[Tensor, "draws parameters"]

    def __init__(self, ensemble: Ensemble, points: int) -> None:
        self.ensemble, self.kernel, self.layers = ensemble, ensemble.kernel, ensemble.layers
        self.gradient = torch.zeros_like(ensemble.parameters)
        self.normalized = ensemble.normalization != "none"
        self.gradients = layer_views(self.gradient, ensemble.widths, self.normalized)

        def buffers() -> list[Tensor]:
            return [self.gradient.new_empty(ensemble.draws, width, points) for width in ensemble.widths[1:]]

        # phi's values, z and the standardized z have buffers of their own only where the backward pass needs them.
        self.activations = buffers()
        self.values = buffers()[:-1] if ensemble.residual else self.activations[:-1]
        self.preactivations = buffers()[:-1] if self.kernel.needs_z else self.values
        self.standard = buffers()[:-1] if self.normalized else self.preactivations
        self.scales: list[Tensor] = []
        widest = max(ensemble.widths[1:])
        self.deltas = [self.gradient.new_empty(ensemble.draws * widest * points) for _ in range(2)]
        self.points = points

    def forward(self, points: Float[Tensor, "*draws inputs points"]) -> Float[Tensor, "draws outputs points"]:
        """Outputs; every layer's activations stay in the buffers for the backward pass.

        Under batch normalization the points are the batch.
        """
        self.inputs = points.expand(self.ensemble.draws, *points.shape[-2:])
        self.scales.clear()
        h = self.inputs
        for index, layer in enumerate(self.layers[:-1]):
            z = torch.baddbmm(layer.bias, layer.weight, h, out=self.standard[index])
            if layer.gain is not None and layer.shift is not None:
                self.scales.append(standardize_(z, AXES[self.ensemble.normalization]))
                z = torch.mul(z, layer.gain, out=self.preactivations[index]).add_(layer.shift)
            phi = self.values[index]
            if self.kernel.needs_z:
                phi.copy_(z)
            h = self.kernel.apply_(phi)
            if self.ensemble.residual:
                h = self._with_the_layer_below(index)
        readout = self.layers[-1]
        return torch.baddbmm(readout.bias, readout.weight, h, out=self.activations[-1])

    def _with_the_layer_below(self, index: int) -> Tensor:
        """A residual layer's activations from phi's values and the layer below, if that is hidden."""
        h = self.activations[index].copy_(self.values[index])
        if index:
            h[:, : self._shared(index)] += self.activations[index - 1][:, : self._shared(index)]
        return h

    def _shared(self, index: int) -> int:
        """Units that a hidden layer shares with the one below."""
        return min(self.ensemble.widths[index : index + 2])

    def backward(self, delta: Float[Tensor, "draws outputs points"]) -> Float[Tensor, "draws width points"]:
        """Fills `gradient` from the gradient by the outputs of the last forward pass.

        Returns:
            The gradient by the first layer's weighted inputs and biases, before any normalization.
        """
        skipped = None
        for index in range(len(self.layers) - 1, -1, -1):
            gradient = self.gradients[index]
            below = self.activations[index - 1] if index else self.inputs
            # Batched products are fast only into a block of their own; a layer's gradient is a strided view.
            gradient.weight.copy_(torch.bmm(delta, below.mT))
            torch.sum(delta, dim=-1, keepdim=True, out=gradient.bias)
            if index:
                size = below.numel()
                pulled = self.deltas[index % 2][:size].view(below.shape)
                torch.bmm(self.layers[index].weight.mT, delta, out=pulled)
                if skipped is not None:
                    pulled[:, : skipped.shape[1]] += skipped
                if self.ensemble.residual and index > 1:
                    skipped = pulled[:, : self._shared(index - 1)].clone()
                delta = self.kernel.backward_(pulled, self.preactivations[index - 1], self.values[index - 1])
                if self.normalized:
                    self._through_normalization_(index - 1, delta)
        for index, vector in self.ensemble.lacking:
            getattr(self.gradients[index], vector).zero_()
        return delta

    def _through_normalization_(self, index: int, delta: Tensor) -> None:
        """Fills the gradient by a layer's gains and shifts; brings `delta` to before they were applied."""
        layer, gradient = self.layers[index], self.gradients[index]
        assert layer.gain is not None
        torch.sum(delta, dim=-1, keepdim=True, out=gradient.shift)
        torch.sum(delta * self.standard[index], dim=-1, keepdim=True, out=gradient.gain)
        axis = AXES[self.ensemble.normalization]
        standardize_backward_(delta.mul_(layer.gain), self.standard[index], self.scales[index], axis)


def loss_gradient(ensemble: Ensemble, at: LossAt) -> Float[Tensor, "draws parameters"]:
    """The loss's gradient by each network's parameters, all points at once.

    Args:
        ensemble: of any options.
        at: the loss, its points and their labels.
    """
    loss, points, labels = at.of_each(ensemble.draws)
    passes = Backpropagation(ensemble, points.shape[2])
    passes.backward(loss.gradient(passes.forward(points), labels))
    return passes.gradient
