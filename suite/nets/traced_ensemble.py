"""Traced networks in the form that measures take, and their conversion to MLPs with exact methods."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from suite.catalog.activations import Activation, Identity, Tanh
from suite.nets.ensemble import Ensemble, Layer, Vector
from suite.nets.module_checks import UnsupportedModuleError
from suite.nets.normalization import EPSILON
from suite.nets.traced import Add, Affine, Concatenate, Elementwise, Normalize, Step, TracedNetwork

_UNKNOWN = Tanh()
"""Stands for activations that the catalog does not have: no flat sides, and no exact methods."""


@dataclass(frozen=True)
class TracedEnsemble(Ensemble):
    """Traced networks as an ensemble, whose hidden layers are the activations that follow a Linear.

    `activation` is that of the first hidden layer, and `variances` are nan.

    Attributes:
        network: What the networks compute. `parameters` has its parameters in one row per network.
    """

    has_kernels: ClassVar[bool] = False

    network: TracedNetwork = None  # type: ignore[assignment]  # fields of the base class have defaults

    @property
    def plain(self) -> bool:
        """Return False, since exact methods do not hold."""
        return False

    @property
    def parameter_count(self) -> int:
        """Number of parameters of each network, P; those that layers share count once."""
        return self.network.parameter_count

    @property
    def layers(self) -> list[Layer]:
        """Raise ValueError, since only MLPs of equal layers have this form."""
        raise ValueError(
            "the measure needs an MLP with one activation of the catalog and, at most, normalization of all hidden "
            "layers; remove the measure"
        )

    @property
    def parameter_sizes(self) -> list[int]:
        """Number of parameters of each Linear with what follows it up to the next."""
        starts = [0, *(step.weight for step in self.network.linears[1:])]
        if any(second <= first for first, second in pairwise(starts)):
            raise ValueError("layers share parameters and have no gradients of their own; remove the measure")
        sizes = [values[0].numel() for values in self.network.parameters]
        ends = [*starts[1:], len(sizes)]
        return [sum(sizes[start:end]) for start, end in zip(starts, ends, strict=True)]

    @property
    def activations(self) -> tuple[Elementwise, ...]:
        """The activations of the hidden layers."""
        return self.network.hidden

    @property
    def is_chain(self) -> bool:
        """Whether every hidden layer depends on the points by the layer below alone, and its units do not interact."""
        return not any(
            isinstance(step, Add | Concatenate) or (isinstance(step, Normalize) and not step.statistics)
            for step in self.network.steps
        )

    def to(self, dtype: torch.dtype, device: torch.device | str = "cpu") -> "TracedEnsemble":
        """Return the same networks in another precision; they stay on the CPU."""
        return replace(self, parameters=self.parameters.to(dtype), network=self.network.to(dtype))

    def __getitem__(self, draws: slice | Tensor) -> "TracedEnsemble":
        """Return the selected networks."""
        return replace(self, parameters=self.parameters[draws], network=self.network[draws])

    def values(
        self, points: Tensor, parameters: Tensor | None = None, reference: int | None = None
    ) -> list[Float[Tensor, "draws units points"]]:
        """Return the inputs and the value of every step; arguments are those of `TracedNetwork.values`."""
        rows = self.parameters if parameters is None else parameters
        shapes = [values.shape[1:] for values in self.network.parameters]
        parts = rows.split([shape.numel() for shape in shapes], dim=1)
        own = [part.reshape(len(rows), *shape) for part, shape in zip(parts, shapes, strict=True)]
        return self.network.values(points, own, reference)

    def __call__(
        self, points: Float[Tensor, "*draws inputs points"], reference: int | None = None
    ) -> Float[Tensor, "draws outputs points"]:
        """Compute the outputs of every network; arguments are those of an ensemble."""
        chunks = self.chunks(points.shape[-1], sum(self.network.widths))
        return torch.cat([self.values(points[..., chunk], None, reference)[-1] for chunk in chunks], dim=2)

    def preactivations(
        self, points: Float[Tensor, "*draws inputs points"]
    ) -> Iterator[Float[Tensor, "draws width points"]]:
        """Yield the arguments of each hidden layer's activation."""
        found = self.values(points)
        yield from (found[step.sources[0]] for step in self.activations)

    def inspect_layers(
        self, points: Float[Tensor, "inputs points"]
    ) -> tuple[list[Float[Tensor, " draws"]], list[Float[Tensor, " draws"]], list[Bool[Tensor, " draws"]]]:
        """Return the norms of W h and b of each Linear, and whether each hidden layer and the output are constant."""
        found = self.values(points)
        parameters = self.network.parameters
        norms, biases = [], []
        for step in self.network.linears:
            norms.append(torch.bmm(parameters[step.weight], found[step.sources[0]]).flatten(1).norm(dim=1))
            zero = norms[-1].new_zeros(self.draws)
            biases.append(zero if step.bias is None else parameters[step.bias].flatten(1).norm(dim=1))
        layers = [found[self.network.place_of(step)] for step in self.activations] + [found[-1]]
        return norms, biases, [(h == h[..., :1]).flatten(1).all(1) for h in layers]


def as_ensemble(network: TracedNetwork) -> Ensemble:
    """Return a traced network as an MLP if it is one, and else as a TracedEnsemble.

    Raises:
        UnsupportedModuleError: If it has no hidden layer.
    """
    plain = _as_mlp(network)
    if plain is not None:
        return plain
    hidden = network.hidden
    if not hidden:
        raise UnsupportedModuleError(
            "the module has no activation between its Linear layers, and so no hidden layer; add an activation"
        )
    widths = (network.inputs, *(network.widths[step.sources[0]] for step in hidden), network.outputs)
    return TracedEnsemble(
        widths,
        hidden[0].entry or _UNKNOWN,
        ((torch.nan, torch.nan),) * (len(widths) - 1),
        torch.cat([values.flatten(1) for values in network.parameters], dim=1),
        "batch" if network.has_batch_statistics else "none",
        network=network,
    )


def _as_mlp(network: TracedNetwork) -> Ensemble | None:
    """Return a chain of equal hidden layers as an ensemble; None if the network is something else."""
    groups = _groups(network.steps)
    if groups is None or network.derived:
        return None
    places = [
        place
        for linear, norm, _ in groups
        for place in (linear.weight, linear.bias, *((norm.gain, norm.shift) if norm else ()))
        if place is not None
    ]
    if len(places) != len(set(places)):
        return None  # layers share parameters
    kinds = {_kind(norm) for _, norm, _ in groups[:-1]}
    entries = {phi.entry if phi else Identity() for _, _, phi in groups[:-1]}
    if len(groups) < 2 or len(kinds) != 1 or len(entries) != 1 or None in kinds or None in entries:
        return None
    (kind,), (entry,) = kinds, entries
    assert kind is not None
    assert isinstance(entry, Activation)
    rows: list[Tensor] = []
    variances: list[tuple[float, float]] = []
    lacking: set[Vector] = set()
    widths = [network.inputs]
    for index, (linear, norm, _) in enumerate(groups):
        weight = network.parameters[linear.weight]
        widths.append(weight.shape[1])
        vectors: list[tuple[Vector, int | None, float]] = [((index, "bias"), linear.bias, 0.0)]
        if norm is not None:
            vectors += [((index, "gain"), norm.gain, 1.0), ((index, "shift"), norm.shift, 0.0)]
        rows.append(weight.flatten(1))
        for vector, place, default in vectors:
            if place is None:
                lacking.add(vector)
            width = weight.new_full((network.networks, widths[-1]), default)
            rows.append(width if place is None else network.parameters[place].flatten(1))
        bias = rows[-len(vectors)]
        variances.append((widths[-2] * float(weight.square().mean()), float(bias.square().mean())))
    return Ensemble(tuple(widths), entry, tuple(variances), torch.cat(rows, dim=1), kind, lacking=frozenset(lacking))


def _groups(steps: Sequence[Step]) -> list[tuple[Affine, Normalize | None, Elementwise | None]] | None:
    """Return each Linear of a chain with its normalization and activation; None for other networks."""
    found: list[tuple[Affine, Normalize | None, Elementwise | None]] = []
    for place, step in enumerate(steps):
        if step.sources != (place,):
            return None
        last = found[-1] if found else None
        if isinstance(step, Affine):
            found.append((step, None, None))
        elif isinstance(step, Normalize) and last and last[1:] == (None, None):
            found[-1] = (last[0], step, None)
        elif isinstance(step, Elementwise) and not step.straight and last and last[2] is None:
            found[-1] = (*last[:2], step)
        else:
            return None
    return found if found and found[-1][1:] == (None, None) else None


def _kind(norm: Normalize | None) -> str | None:
    """Return the normalization of an ensemble; None if it has none such."""
    if norm is None:
        return "none"
    return norm.kind if norm.kind != "rms" and norm.eps == EPSILON and not norm.statistics else None
