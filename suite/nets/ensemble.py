"""Ensembles of networks of one architecture, computed at once with the draws as the first axis."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.activations import Activation
from suite.nets import compiled
from suite.nets.activations import Kernel, kernel
from suite.nets.normalization import AXES, standardize_
from suite.theory.scaling import LayerVariances

TILE_BYTES = 4 * 2**20
"""Target size of the activations that a layer processes together, in bytes.

A few arrays of this size fit into the CPU's cache.
"""

_GPU_TILE_BYTES = 2**30
"""The same target on a GPU, which needs large matrix products for full speed."""

_FEWEST_DRAWS = 8
"""Draws that a tile may hold regardless of their size, so that all cores have products to compute."""


Vector = tuple[int, Literal["bias", "gain", "shift"]]
"""A layer, counted from 0, and one of its parameter vectors."""


class Layer(NamedTuple):
    """Weights and biases of one layer of every draw, and gains and shifts if the layer is normalized."""

    weight: Float[Tensor, "draws out in"]
    bias: Float[Tensor, "draws out 1"]
    gain: Float[Tensor, "draws out 1"] | None = None
    shift: Float[Tensor, "draws out 1"] | None = None


@dataclass(frozen=True)
class Ensemble:
    """Random networks of one architecture.

    Hidden layer l computes z = W h_{l-1} + b and h_l = phi(z). If the ensemble is normalized, z is replaced by
    gain (z - mean) / sqrt(var + 1e-5) + shift. If it is residual, every hidden layer except the first adds h_{l-1} to
    h_l, in the units that both layers have. The readout is affine.

    Attributes:
        widths: n_0 .. n_{L+1}.
        activation: Activation of the hidden layers.
        variances: (sigma_w^2, sigma_b^2) with which each layer was drawn.
        parameters: One row per network, with the weights (by row), biases, gains and shifts of each layer in turn.
        normalization: "none"; "batch", over all points that the networks are evaluated on; or "layer", over the
            units of the layer.
        residual: Whether hidden layers add the layer below.
        lacking: Parameter vectors that the networks do not have. In `parameters` they are 0, or 1 for gains. Their
            gradient is 0, and `parameter_count` excludes them.
    """

    widths: tuple[int, ...]
    activation: Activation
    variances: LayerVariances
    parameters: Float[Tensor, "draws parameters"]
    normalization: str = "none"
    residual: bool = False
    lacking: frozenset[Vector] = frozenset()

    has_kernels: ClassVar[bool] = True
    """Whether the compiled kernels know this architecture."""

    @property
    def plain(self) -> bool:
        """Whether the networks have neither normalization nor residual connections."""
        return self.normalization == "none" and not self.residual

    @cached_property
    def kernel(self) -> Kernel:
        """Functions that compute the activation."""
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
    def parameter_count(self) -> int:
        """Number of parameters of each network, P."""
        return self.parameters.shape[1] - sum(self.widths[index + 1] for index, _ in self.lacking)

    @property
    def parameter_sizes(self) -> list[int]:
        """Number of parameters of each layer, the readout last."""
        return [sum(part[0].numel() for part in layer if part is not None) for layer in self.layers]

    @cached_property
    def layers(self) -> list[Layer]:
        """Parameters of each layer, the readout last, as views into `parameters`."""
        return layer_views(self.parameters, self.widths, self.normalization != "none")

    def to(self, dtype: torch.dtype, device: torch.device | str = "cpu") -> "Ensemble":
        """Return the same networks in another precision or on another device."""
        return replace(self, parameters=self.parameters.to(device=device, dtype=dtype))

    def __getitem__(self, draws: slice | Tensor) -> "Ensemble":
        """Return the selected networks."""
        return replace(self, parameters=self.parameters[draws])

    def __call__(
        self, points: Float[Tensor, "*draws inputs points"], reference: int | None = None
    ) -> Float[Tensor, "draws outputs points"]:
        """Compute the outputs of every network.

        Args:
            points: Points shared by all networks or, with a leading axis of draws, separate points for each network.
            reference: Number of points, counted from the first, over which batch normalization takes its statistics;
                by default all. Test points that follow the training points can then use the statistics of the latter.
        """
        if compiled.is_compiled(self, points):
            return compiled.outputs(self, points, reference)
        total = points.shape[-1]
        outputs = points.new_empty(self.draws, self.widths[-1], total)
        tiles = self._tiles(total)
        first = self[tiles[0]] if len(tiles) > 1 else self  # its cached `layers` can be reused
        chunks = list(first.chunks(total))
        buffers = first._buffers(points[..., chunks[0]])
        for tile in tiles:
            networks = self[tile] if tile.start else first
            own = points[tile] if points.ndim == 3 else points
            for chunk in chunks:
                outputs[tile, :, chunk] = networks._outputs(own[..., chunk], reference, buffers)
        return outputs

    def walk(
        self,
        points: Float[Tensor, "*draws inputs points"],
        reference: int | None = None,
        buffers: Sequence[Float[Tensor, " numbers"]] | None = None,
    ) -> Iterator[Float[Tensor, "draws width points"]]:
        """Yield the activations of each hidden layer, then the outputs.

        Each tensor is overwritten two layers later, so reduce or copy it before.

        Args:
            points: Points, as for a call. Under batch normalization, pass all of them at once.
            reference: As for a call.
            buffers: Two buffers, each large enough for any layer's activations; by default new ones.
        """
        buffers = buffers or self._buffers(points)
        h = points.expand(self.draws, *points.shape[-2:])
        views = self._views(buffers, points.shape[-1])
        for index, layer in enumerate(self.layers):
            z = views[index % 2, self.widths[index + 1]]
            torch.baddbmm(layer.bias, layer.weight, h, out=z)
            h = self.activate_(layer, z, h if index else None, reference) if index < self.depth else z
            yield h

    def preactivations(
        self, points: Float[Tensor, "*draws inputs points"]
    ) -> Iterator[Float[Tensor, "draws width points"]]:
        """Yield the pre-activations z = W h + b of each hidden layer.

        They are correct only for networks without normalization or residual connections. Each tensor is overwritten
        when the next one is requested.

        Args:
            points: Points, as for a call.
        """
        h = points.expand(self.draws, *points.shape[-2:])
        for layer in self.layers[:-1]:
            z = torch.baddbmm(layer.bias, layer.weight, h)
            yield z
            h = self.kernel.apply_(z)

    def activate_(
        self,
        layer: Layer,
        z: Float[Tensor, "draws width points"],
        below: Float[Tensor, "draws fan_in points"] | None,
        reference: int | None = None,
    ) -> Float[Tensor, "draws width points"]:
        """Compute a hidden layer's activations from z = W h + b, in place.

        Args:
            layer: Parameters of the layer, whose gains and shifts are applied if it has any.
            z: W h + b, which is overwritten.
            below: Activations h of the hidden layer below, which a residual layer adds; None for the first layer.
            reference: As for a call.
        """
        if layer.gain is not None and layer.shift is not None:
            standardize_(z, AXES[self.normalization], reference)
            z.mul_(layer.gain).add_(layer.shift)
        h = self.kernel.apply_(z)
        return add_below_(h, below) if self.residual and below is not None else h

    def chunks(self, points: int, units: int | None = None) -> Iterator[slice]:
        """Split a number of points into chunks, so that the values of all draws for a chunk fit into a tile.

        A chunk has at least 64 points unless fewer are left. Under batch normalization all points are one chunk, since
        the statistics are over all of them.

        Args:
            points: Number of points.
            units: Number of values stored per point and draw; by default the width of the widest layer.
        """
        if self.normalization == "batch":
            return iter((slice(0, points),))
        held = self.draws * (units or max(self.widths)) * self.parameters.element_size()
        size = max(64, self.tile_bytes // held)
        return (slice(start, start + size) for start in range(0, points, size))

    def _outputs(
        self,
        points: Float[Tensor, "*draws inputs points"],
        reference: int | None,
        buffers: Sequence[Float[Tensor, " numbers"]],
    ) -> Float[Tensor, "draws outputs points"]:
        """Compute the outputs of one tile."""
        *_, last = self.walk(points, reference, buffers)
        return last

    def _views(
        self, buffers: Sequence[Float[Tensor, " numbers"]], points: int
    ) -> dict[tuple[int, int], Float[Tensor, "draws width points"]]:
        """Return views of both buffers by buffer number and layer width, which layers of equal width share."""
        return {
            (number, width): buffer[: self.draws * width * points].view(self.draws, width, points)
            for width in set(self.widths[1:])
            for number, buffer in enumerate(buffers)
        }

    @property
    def tile_bytes(self) -> int:
        """Target size of the activations that a layer processes together on the ensemble's device, in bytes."""
        return TILE_BYTES if self.parameters.device.type == "cpu" else _GPU_TILE_BYTES

    def _tiles(self, points: int) -> list[slice]:
        """Split the draws as evenly as possible, so that a layer's activations at all points fit into a tile."""
        held = max(self.widths) * points * self.parameters.element_size()
        largest = min(self.draws, max(_FEWEST_DRAWS, self.tile_bytes // held))
        size = -(-self.draws // -(-self.draws // largest))
        return [slice(start, min(start + size, self.draws)) for start in range(0, self.draws, size)]

    def _buffers(self, points: Float[Tensor, "*draws inputs points"]) -> list[Float[Tensor, " numbers"]]:
        """Return two buffers that are each large enough for any layer's activations at the points."""
        return [points.new_empty(self.draws * max(self.widths[1:]) * points.shape[-1]) for _ in range(2)]


def add_below_(
    h: Float[Tensor, "draws width points"], below: Float[Tensor, "draws fan_in points"]
) -> Float[Tensor, "draws width points"]:
    """Add the activations of the hidden layer below in the units that both layers have, in place."""
    shared = min(h.shape[1], below.shape[1])
    h[:, :shared] += below[:, :shared]
    return h


def layer_views(
    parameters: Float[Tensor, "draws parameters"], widths: Sequence[int], normalized: bool = False
) -> list[Layer]:
    """Return flat parameters as layers of views; hidden layers have gains and shifts if `normalized`."""
    shapes = list(pairwise(widths))
    vectors = [3 if normalized else 1] * (len(shapes) - 1) + [1]
    sizes: list[int] = []
    for (fan_in, fan_out), number in zip(shapes, vectors, strict=True):
        sizes += [fan_in * fan_out, *[fan_out] * number]
    parts = iter(parameters.split(sizes, dim=1))  # a single split is much faster for deep networks
    return [
        Layer(next(parts).view(len(parameters), fan_out, fan_in), *(next(parts).unsqueeze(-1) for _ in range(number)))
        for (fan_in, fan_out), number in zip(shapes, vectors, strict=True)
    ]
