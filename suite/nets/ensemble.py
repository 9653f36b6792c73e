"""Many networks of one architecture at once: draws are an axis, and points are the last one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.activations import Activation
from suite.nets.activations import Kernel, kernel
from suite.theory.scaling import LayerVariances

TILE_BYTES = 8 * 2**20
"""Activations that move through a layer together; a few of these fit the cache."""


class Layer(NamedTuple):
    """Weights and biases of one layer of every draw."""

    weight: Float[Tensor, "draws out in"]
    bias: Float[Tensor, "draws out 1"]


@dataclass(frozen=True)
class Ensemble:
    """Random networks of one architecture.

    Attributes:
        widths: n_0 .. n_{L+1}.
        activation: of the hidden layers.
        variances: (sigma_w^2, sigma_b^2) that each layer was drawn with.
        parameters: one row a network: per layer the weights by row, then the biases.
    """

    widths: tuple[int, ...]
    activation: Activation
    variances: LayerVariances
    parameters: Float[Tensor, "draws parameters"]

    @property
    def kernel(self) -> Kernel:
        """How the activation is computed."""
        return kernel(self.activation)

    @property
    def draws(self) -> int:
        """Number of networks."""
        return self.parameters.shape[0]

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.widths) - 2

    @property
    def layers(self) -> list[Layer]:
        """Each layer's weights and biases, the readout last: views into `parameters`."""
        return layer_views(self.parameters, self.widths)

    def to(self, dtype: torch.dtype, device: torch.device | str = "cpu") -> "Ensemble":
        """The same networks in another precision or on another device."""
        return replace(self, parameters=self.parameters.to(device=device, dtype=dtype))

    def __getitem__(self, draws: slice | Tensor) -> "Ensemble":
        """Some of the networks."""
        return replace(self, parameters=self.parameters[draws])

    def __call__(self, points: Float[Tensor, "*draws inputs points"]) -> Float[Tensor, "draws outputs points"]:
        """Outputs of every network.

        Args:
            points: shared by all networks, or one set a network (with a leading axis of draws).
        """
        outputs = points.new_empty(self.draws, self.widths[-1], points.shape[-1])
        for chunk in self.chunks(points.shape[-1]):
            *_, last = self.walk(points[..., chunk])
            outputs[..., chunk] = last
        return outputs

    def walk(self, points: Float[Tensor, "*draws inputs points"]) -> Iterator[Float[Tensor, "draws width points"]]:
        """Activations of each hidden layer, then the outputs.

        What is yielded is overwritten two layers on: reduce or copy it before.
        """
        widest = max(self.widths[1:])
        buffers = [points.new_empty(self.draws * widest * points.shape[-1]) for _ in range(2)]
        apply_ = self.kernel.apply_
        h = points.expand(self.draws, *points.shape[-2:])
        for index, (weight, bias) in enumerate(self.layers):
            shape = (self.draws, weight.shape[1], points.shape[-1])
            z = buffers[index % 2][: shape[0] * shape[1] * shape[2]].view(shape)
            torch.baddbmm(bias, weight, h, out=z)
            h = apply_(z) if index < self.depth else z
            yield h

    def chunks(self, points: int, units: int | None = None) -> Iterator[slice]:
        """Cuts a number of points so that what all draws hold for a chunk stays within a tile.

        Args:
            points: how many there are.
            units: numbers held for each point and draw; by default the widest layer's activations.
        """
        held = self.draws * (units or max(self.widths)) * self.parameters.element_size()
        size = max(64, TILE_BYTES // held)
        return (slice(start, start + size) for start in range(0, points, size))


def layer_views(parameters: Float[Tensor, "draws parameters"], widths: Sequence[int]) -> list[Layer]:
    """Views of flat parameters as layers."""
    layers, place = [], 0
    for fan_in, fan_out in pairwise(widths):
        end = place + fan_in * fan_out
        weight = parameters[:, place:end].unflatten(1, (fan_out, fan_in))
        layers.append(Layer(weight, parameters[:, end : end + fan_out].unsqueeze(-1)))
        place = end + fan_out
    return layers
