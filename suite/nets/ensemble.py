"""Many networks of one architecture at once: draws are an axis, and points are the last one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.activations import Activation
from suite.nets.activations import Kernel, kernel
from suite.nets.normalization import AXES, standardize_
from suite.theory.scaling import LayerVariances

TILE_BYTES = 4 * 2**20
"""Activations that move through a layer together; a few of these fit the cache."""

_GPU_TILE_BYTES = 2**30
"""The same on a GPU, which large products keep busy."""

_FEWEST_DRAWS = 8
"""Draws of a tile, unless there are fewer: as many products side by side keep every core busy."""


Vector = tuple[int, Literal["bias", "gain", "shift"]]
"""The biases, gains or shifts of a layer, counted from 0."""


class Layer(NamedTuple):
    """Weights and biases of one layer of every draw, and what follows normalization, where there is any."""

    weight: Float[Tensor, "draws out in"]
    bias: Float[Tensor, "draws out 1"]
    gain: Float[Tensor, "draws out 1"] | None = None
    shift: Float[Tensor, "draws out 1"] | None = None


@dataclass(frozen=True)
class Ensemble:
    """Random networks of one architecture.

    Hidden layer l has z = W h_{l-1} + b, normalized to gain (z - mean) / sqrt(var + 1e-5) + shift where the
    ensemble is, and h_l = phi(z); a residual layer but the first adds h_{l-1} to it, as far as the narrower
    of the two reaches. The readout is affine.

    Attributes:
        widths: n_0 .. n_{L+1}.
        activation: of the hidden layers.
        variances: (sigma_w^2, sigma_b^2) that each layer was drawn with.
        parameters: one row a network: per layer the weights by row, then the biases, then gains and shifts.
        normalization: none; over the batch, which is all points that the networks are given; or over the
            layer's units.
        residual: whether hidden layers add the one below.
        lacking: what the networks do not have. Zeros, or ones for gains, stand for it in `parameters`, are constants
            to every gradient, and do not count.
    """

    widths: tuple[int, ...]
    activation: Activation
    variances: LayerVariances
    parameters: Float[Tensor, "draws parameters"]
    normalization: str = "none"
    residual: bool = False
    lacking: frozenset[Vector] = frozenset()

    @property
    def plain(self) -> bool:
        """Whether hidden layers are affine maps and activations alone: neither normalized nor residual."""
        return self.normalization == "none" and not self.residual

    @cached_property
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
    def parameter_count(self) -> int:
        """P, the number of parameters that each network has."""
        return self.parameters.shape[1] - sum(self.widths[index + 1] for index, _ in self.lacking)

    @cached_property
    def layers(self) -> list[Layer]:
        """Each layer's parameters, the readout last: views into `parameters`."""
        return layer_views(self.parameters, self.widths, self.normalization != "none")

    def to(self, dtype: torch.dtype, device: torch.device | str = "cpu") -> "Ensemble":
        """The same networks in another precision or on another device."""
        return replace(self, parameters=self.parameters.to(device=device, dtype=dtype))

    def __getitem__(self, draws: slice | Tensor) -> "Ensemble":
        """Some of the networks."""
        return replace(self, parameters=self.parameters[draws])

    def __call__(
        self, points: Float[Tensor, "*draws inputs points"], reference: int | None = None
    ) -> Float[Tensor, "draws outputs points"]:
        """Outputs of every network.

        Args:
            points: shared by all networks, or one set a network (with a leading axis of draws).
            reference: how many of the first points the statistics of batch normalization are taken over, by
                default all; so test points, put behind training points, can be judged by the latter's.
        """
        total = points.shape[-1]
        outputs = points.new_empty(self.draws, self.widths[-1], total)
        tiles = self._tiles(total)
        first = self[tiles[0]] if len(tiles) > 1 else self  # whose layers may be known already
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
        """Activations of each hidden layer, then the outputs.

        What is yielded is overwritten two layers on: reduce or copy it before.

        Args:
            points: as for a call; under batch normalization all of them at once.
            reference: as for a call.
            buffers: two, each large enough for any layer's activations; new ones unless given.
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
        """Weighted inputs with biases of each hidden layer of plain networks.

        What is yielded is overwritten as soon as the next is asked for.

        Args:
            points: as for a call.
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
        """What a hidden layer makes of its weighted inputs and biases, in place of these.

        Args:
            layer: whose gains and shifts there may be.
            z: W h + b.
            below: h, the hidden layer below, which a residual one adds; None for the first.
            reference: as for a call.
        """
        if layer.gain is not None and layer.shift is not None:
            standardize_(z, AXES[self.normalization], reference)
            z.mul_(layer.gain).add_(layer.shift)
        h = self.kernel.apply_(z)
        if self.residual and below is not None:
            shared = min(h.shape[1], below.shape[1])
            h[:, :shared] += below[:, :shared]
        return h

    def chunks(self, points: int, units: int | None = None) -> Iterator[slice]:
        """Cuts a number of points so that what all draws hold for a chunk stays within a tile.

        Under batch normalization they stay together, since the statistics are over all of them.

        Args:
            points: how many there are.
            units: numbers held for each point and draw; by default the widest layer's activations.
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
        """Of one tile."""
        *_, last = self.walk(points, reference, buffers)
        return last

    def _views(
        self, buffers: Sequence[Float[Tensor, " numbers"]], points: int
    ) -> dict[tuple[int, int], Float[Tensor, "draws width points"]]:
        """Of both buffers, by number and width: layers of one width use the same."""
        return {
            (number, width): buffer[: self.draws * width * points].view(self.draws, width, points)
            for width in set(self.widths[1:])
            for number, buffer in enumerate(buffers)
        }

    @property
    def tile_bytes(self) -> int:
        """Bytes of activations that should move through a layer together on the ensemble's device."""
        return TILE_BYTES if self.parameters.device.type == "cpu" else _GPU_TILE_BYTES

    def _tiles(self, points: int) -> list[slice]:
        """Cuts the draws, as evenly as can be, so that a layer's activations at all points stay within a tile."""
        held = max(self.widths) * points * self.parameters.element_size()
        largest = min(self.draws, max(_FEWEST_DRAWS, self.tile_bytes // held))
        size = -(-self.draws // -(-self.draws // largest))
        return [slice(start, min(start + size, self.draws)) for start in range(0, self.draws, size)]

    def _buffers(self, points: Float[Tensor, "*draws inputs points"]) -> list[Float[Tensor, " numbers"]]:
        """Two that hold any layer's activations at the points."""
        return [points.new_empty(self.draws * max(self.widths[1:]) * points.shape[-1]) for _ in range(2)]


def layer_views(
    parameters: Float[Tensor, "draws parameters"], widths: Sequence[int], normalized: bool = False
) -> list[Layer]:
    """Views of flat parameters as layers; where normalized, all but the readout have gains and shifts."""
    shapes = list(pairwise(widths))
    vectors = [3 if normalized else 1] * (len(shapes) - 1) + [1]
    sizes: list[int] = []
    for (fan_in, fan_out), number in zip(shapes, vectors, strict=True):
        sizes += [fan_in * fan_out, *[fan_out] * number]
    parts = iter(parameters.split(sizes, dim=1))  # all at once: one by one, views of a deep network take a while
    return [
        Layer(next(parts).view(len(parameters), fan_out, fan_in), *(next(parts).unsqueeze(-1) for _ in range(number)))
        for (fan_in, fan_out), number in zip(shapes, vectors, strict=True)
    ]
