"""Forward and backward passes of many networks at once, without autograd and in preallocated buffers."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.nets import compiled
from suite.nets.ensemble import Ensemble, layer_views
from suite.nets.losses import LossAt
from suite.nets.normalization import AXES, standardize_, standardize_backward_
from suite.nets.traced_ensemble import TracedEnsemble


class Backpropagation:
    """Gradients with respect to an ensemble's parameters, computed without autograd.

    It reads the parameters in place, so an optimizer may change them in place between passes.

    Attributes:
        gradient: The gradient with respect to the parameters, in their layout. It is 0 for the parameters that the
            networks lack. Every backward pass overwrites it.
    """

    gradient: Float[Tensor, "draws parameters"]

    def __init__(self, ensemble: Ensemble, points: int) -> None:
        self.ensemble, self.kernel, self.layers = ensemble, ensemble.kernel, ensemble.layers
        self.gradient = torch.zeros_like(ensemble.parameters)
        self.normalized = ensemble.normalization != "none"
        self.gradients = layer_views(self.gradient, ensemble.widths, self.normalized)

        def buffers() -> list[Tensor]:
            return [self.gradient.new_empty(ensemble.draws, width, points) for width in ensemble.widths[1:]]

        # phi(z), z and the standardized z share buffers unless the backward pass needs them separately.
        self.activations = buffers()
        self.values = buffers()[:-1] if ensemble.residual else self.activations[:-1]
        self.preactivations = buffers()[:-1] if self.kernel.needs_z else self.values
        self.standard = buffers()[:-1] if self.normalized else self.preactivations
        self.scales: list[Tensor] = []
        widest = max(ensemble.widths[1:])
        self.deltas = [self.gradient.new_empty(ensemble.draws * widest * points) for _ in range(2)]
        self.points = points

    def forward(self, points: Float[Tensor, "*draws inputs points"]) -> Float[Tensor, "draws outputs points"]:
        """Compute the outputs and store every layer's activations in the buffers for the backward pass.

        Under batch normalization the points are the batch. The next forward pass overwrites the outputs.
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
                h = self._add_layer_below(index)
        readout = self.layers[-1]
        return torch.baddbmm(readout.bias, readout.weight, h, out=self.activations[-1])

    def _add_layer_below(self, index: int) -> Tensor:
        """Return a residual layer's activations: phi(z), plus the layer below if that is a hidden layer."""
        h = self.activations[index].copy_(self.values[index])
        if index:
            h[:, : self._shared_units(index)] += self.activations[index - 1][:, : self._shared_units(index)]
        return h

    def _shared_units(self, index: int) -> int:
        """Return the number of units to which a residual hidden layer adds the layer below."""
        return min(self.ensemble.widths[index : index + 2])

    def backward(self, delta: Float[Tensor, "draws outputs points"]) -> Float[Tensor, "draws width points"]:
        """Compute `gradient` from the gradient with respect to the outputs of the last forward pass.

        Args:
            delta: The gradient with respect to the outputs.

        Returns:
            The gradient with respect to the first layer's z = W x + b, before any normalization.
        """
        skipped = None
        for index in range(len(self.layers) - 1, -1, -1):
            gradient = self.gradients[index]
            below = self.activations[index - 1] if index else self.inputs
            # bmm is slow if it writes to a strided view, such as a layer's gradient.
            gradient.weight.copy_(torch.bmm(delta, below.mT))
            torch.sum(delta, dim=-1, keepdim=True, out=gradient.bias)
            if index:
                size = below.numel()
                pulled = self.deltas[index % 2][:size].view(below.shape)
                torch.bmm(self.layers[index].weight.mT, delta, out=pulled)
                if skipped is not None:
                    pulled[:, : skipped.shape[1]] += skipped
                if self.ensemble.residual and index > 1:
                    skipped = pulled[:, : self._shared_units(index - 1)].clone()
                delta = self.kernel.backward_(pulled, self.preactivations[index - 1], self.values[index - 1])
                if self.normalized:
                    self._backward_through_normalization_(index - 1, delta)
        for index, vector in self.ensemble.lacking:
            getattr(self.gradients[index], vector).zero_()
        return delta

    def _backward_through_normalization_(self, index: int, delta: Tensor) -> None:
        """Compute the gradient for a layer's gains and shifts, and backpropagate `delta` in place to z."""
        layer, gradient = self.layers[index], self.gradients[index]
        assert layer.gain is not None
        torch.sum(delta, dim=-1, keepdim=True, out=gradient.shift)
        torch.sum(delta * self.standard[index], dim=-1, keepdim=True, out=gradient.gain)
        axis = AXES[self.ensemble.normalization]
        standardize_backward_(delta.mul_(layer.gain), self.standard[index], self.scales[index], axis)


def loss_gradient(ensemble: Ensemble, at: LossAt) -> Float[Tensor, "draws parameters"]:
    """Return the gradient of the loss with respect to each network's parameters.

    Args:
        ensemble: The networks, which may be normalized or residual.
        at: The loss, its points and their labels.
    """
    return loss_gradients(ensemble, at)[0]


def loss_gradients(ensemble: Ensemble, at: LossAt) -> tuple[Float[Tensor, "draws parameters"], Float[Tensor, " draws"]]:
    """Return the gradient of the loss, and the norm of that with respect to the inputs.

    Args:
        ensemble: The networks, which may be normalized or residual.
        at: The loss, its points and their labels.

    Returns:
        The gradient with respect to each network's parameters, and the root mean square over points of
        |d loss_i / d x_i|, where loss_i is the loss of point i alone.
    """
    loss, points, labels = at.of_each(ensemble.draws)
    total = points.shape[2]
    if isinstance(ensemble, TracedEnsemble):
        return _by_autograd(ensemble, LossAt(loss, points, labels))
    if compiled.is_compiled(ensemble, points, labels, loss.name):
        gradient, by_input = compiled.gradients(ensemble, loss.name, points, labels)
        layers = layer_views(gradient, ensemble.widths, ensemble.normalization != "none")
        for index, vector in ensemble.lacking:
            getattr(layers[index], vector).zero_()
        return gradient, (total * by_input).sqrt()
    gradient = torch.zeros_like(ensemble.parameters)
    by_input = ensemble.parameters.new_zeros(ensemble.draws)
    for chunk in ensemble.chunks(total, units=4 * sum(ensemble.widths)):  # the backward pass needs all layers
        part = points[..., chunk]
        share = part.shape[2] / total
        passes = Backpropagation(ensemble, part.shape[2])
        delta = passes.backward(loss.gradient(passes.forward(part), labels[..., chunk]))
        gradient += share * passes.gradient
        pulled = torch.bmm(ensemble.layers[0].weight.mT, delta)
        by_input += share * part.shape[2] * pulled.square().sum((1, 2))
    return gradient, by_input.sqrt()


def _by_autograd(ensemble: TracedEnsemble, at: LossAt) -> tuple[Tensor, Tensor]:
    """Return the gradients of the loss as `loss_gradients` does, for traced networks."""
    total = at.points.shape[2]
    gradient = torch.zeros_like(ensemble.parameters)
    by_input = gradient.new_zeros(ensemble.draws)
    for chunk in ensemble.chunks(total, units=4 * sum(ensemble.network.widths)):
        with torch.enable_grad():
            theta = ensemble.parameters.detach().clone().requires_grad_()
            part = at.points[..., chunk].clone().requires_grad_()
            outputs = ensemble.values(part, theta)[-1]
            size = part.shape[2]
            pull = at.loss.gradient(outputs.detach().clone(), at.labels[..., chunk]) * (size / total)
            found = torch.autograd.grad(outputs, (theta, part), pull, allow_unused=True, materialize_grads=True)
        gradient += found[0]
        by_input += total * found[1].square().sum((1, 2))  # |d loss_i / d x_i| is `total` times that of the mean
    return gradient, by_input.sqrt()
