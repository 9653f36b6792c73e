"""Networks that were traced from torch modules: chains of Linear layers with other steps between them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.activations import Activation

Function = Callable[[Tensor, Sequence[Tensor]], Tensor]
"""An elementwise function of values (networks, units, points) and the network's parameters."""


@dataclass(frozen=True)
class Step:
    """A step of a network, which computes one value from earlier ones.

    Attributes:
        name: The name of the module, or of the node of the traced graph, that computes it.
        sources: The values that it takes: 0 is the inputs, and step k computes value k + 1.
    """

    name: str
    sources: tuple[int, ...]


@dataclass(frozen=True)
class Affine(Step):
    """W h + b. `weight` and `bias` are places in the network's parameters; there may be no bias."""

    weight: int
    bias: int | None


@dataclass(frozen=True)
class Elementwise(Step):
    """A function of each element, such as an activation.

    Attributes:
        function: Computes it out of place, with operations that torch can differentiate.
        label: How messages and tables name it.
        entry: The activation of the catalog that it is, if it is one.
        parameters: The places of its own parameters, such as the slope of a PReLU.
        straight: Whether it is an affine function of its source, such as a multiplication by 0.5.
        output: Whether it comes after the last Linear, as a Sigmoid that belongs to the network and not to its loss.
    """

    function: Function
    label: str
    entry: Activation | None = None
    parameters: tuple[int, ...] = ()
    straight: bool = False
    output: bool = False


@dataclass(frozen=True)
class Normalize(Step):
    """Batch normalization, layer normalization or RMS normalization.

    Attributes:
        kind: Which one.
        eps: The constant that is added to the variance.
        gain, shift: Places in the network's parameters, if it has any.
        statistics: The running mean and variance, (networks, units, 1), that batch normalization uses in place of the
            batch's own.
    """

    kind: Literal["batch", "layer", "rms"]
    eps: float
    gain: int | None
    shift: int | None
    statistics: tuple[Tensor, Tensor] | None = None


@dataclass(frozen=True)
class Project(Step):
    """B h with a fixed matrix B (units, sources), as random Fourier features have it; it is no parameter."""

    matrix: Tensor


@dataclass(frozen=True)
class Add(Step):
    """The sum of earlier values of equal width."""


@dataclass(frozen=True)
class Concatenate(Step):
    """The units of earlier values, one after the other."""


@dataclass(frozen=True)
class TracedNetwork:
    """Networks of one architecture, with the networks as the first axis.

    Attributes:
        inputs: The number of inputs.
        steps: What they compute, in order. The last step is the last Linear, or a sum or a factor after it.
        parameters: Weights (networks, fan_out, fan_in), vectors (networks, units, 1).
        names: The names of the parameters.
        head: The name of a function after the last Linear that is left out, such as Softmax; empty if there is none.
        head_function: That function, if it is elementwise, such as Sigmoid.
        squeezed: Whether the module leaves out the axis of its only output.
        derived: The names of weights that the module computes from other parameters, as parametrizations do.
    """

    inputs: int
    steps: tuple[Step, ...]
    parameters: tuple[Tensor, ...]
    names: tuple[str, ...]
    head: str = ""
    head_function: Function | None = None
    squeezed: bool = False
    derived: tuple[str, ...] = ()

    @property
    def networks(self) -> int:
        """The number of networks."""
        return len(self.parameters[0])

    @property
    def parameter_count(self) -> int:
        """The number of parameters of each network; those that layers share count once."""
        return sum(values[0].numel() for values in self.parameters)

    @cached_property
    def linears(self) -> tuple[Affine, ...]:
        """The Linear layers in order, the readout last."""
        return tuple(step for step in self.steps if isinstance(step, Affine))

    @cached_property
    def hidden(self) -> tuple[Elementwise, ...]:
        """The activations that follow a Linear, which define the hidden layers; the argument is `sources[0]`.

        Functions of the inputs alone, such as a positional encoding, are not hidden layers.
        """
        weighted = [False]
        for step in self.steps:
            weighted.append(isinstance(step, Affine) or any(weighted[source] for source in step.sources))
        elementwise = (step for step in self.steps if isinstance(step, Elementwise))
        return tuple(
            step for step in elementwise if weighted[step.sources[0]] and not step.straight and not step.output
        )

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """The number of units of every value."""
        found = [self.inputs]
        for step in self.steps:
            if isinstance(step, Affine):
                found.append(self.parameters[step.weight].shape[1])
            elif isinstance(step, Project):
                found.append(len(step.matrix))
            elif isinstance(step, Concatenate):
                found.append(sum(found[source] for source in step.sources))
            else:
                found.append(found[step.sources[0]])
        return tuple(found)

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return self.widths[-1]

    @property
    def has_batch_statistics(self) -> bool:
        """Whether outputs at a point depend on the other points."""
        return any(isinstance(step, Normalize) and step.kind == "batch" and not step.statistics for step in self.steps)

    def place_of(self, step: Step) -> int:
        """Return the place of a step's value in `values`."""
        return next(place for place, other in enumerate(self.steps, 1) if other is step)

    def straight_before(self, place: int) -> tuple[int, list[Elementwise]]:
        """Return the affine functions that lead to a value, and the place that they start from."""
        found: list[Elementwise] = []
        while place and isinstance(step := self.steps[place - 1], Elementwise) and step.straight:
            found.insert(0, step)
            (place,) = step.sources
        return place, found

    def straight_after(self, step: Step) -> list[Elementwise]:
        """Return the affine functions that alone take a step's value, one after the other."""
        found: list[Elementwise] = []
        while True:
            place = self.place_of(step)
            users = [other for other in self.steps if place in other.sources]
            if len(users) != 1 or not isinstance(users[0], Elementwise) or not users[0].straight:
                return found
            (step,) = users
            found.append(users[0])

    def scales(self, step: Affine) -> tuple[float, float]:
        """Return the factors by which the inputs and the outputs of a Linear layer are multiplied, as by 1 / sqrt(n).

        They are 1 unless an affine function of each unit comes directly before or after; of units with different
        factors, the root mean square. What is done to the inputs of the network, as dividing them by 255, is no factor
        of a layer.
        """
        start, before = self.straight_before(step.sources[0])
        if start == 0 or isinstance(self.steps[start - 1], Affine):
            before = []  # they belong to the inputs, or to the layer below
        return self._factor(before), self._factor(self.straight_after(step))

    def _factor(self, functions: Sequence[Elementwise]) -> float:
        """Return the factor of affine functions that follow each other."""
        if not functions:
            return 1.0
        units = self.widths[functions[0].sources[0]]
        values = torch.tensor([0.0, 1.0], dtype=self.parameters[0].dtype).expand(self.networks, units, 2)
        with torch.no_grad():
            for each in functions:
                values = each.function(values, self.parameters)
        return float((values[..., 1] - values[..., 0]).square().mean().sqrt()) or 1.0

    def values(
        self,
        points: Float[Tensor, "*networks inputs points"],
        parameters: Sequence[Tensor] | None = None,
        reference: int | None = None,
    ) -> list[Float[Tensor, "networks units points"]]:
        """Return the inputs and the value of every step, in order; the last are the outputs.

        Args:
            points: Points shared by all networks or, with a leading axis, separate points for each.
            parameters: Parameters to use in place of the network's own.
            reference: The number of points, from the first, over which batch normalization takes its statistics.
                Default: all.
        """
        own = self.parameters if parameters is None else parameters
        found = [points.expand(len(own[0]), *points.shape[-2:])]
        for step in self.steps:
            found.append(_compute(step, [found[source] for source in step.sources], own, reference))
        return found

    def __call__(
        self,
        points: Float[Tensor, "*networks inputs points"],
        parameters: Sequence[Tensor] | None = None,
        reference: int | None = None,
    ) -> Float[Tensor, "networks outputs points"]:
        """Compute the outputs; arguments are those of `values`."""
        return self.values(points, parameters, reference)[-1]

    def __getitem__(self, networks: slice | Tensor) -> "TracedNetwork":
        """Return the selected networks."""
        return self._map(lambda values: values[networks])

    def to(self, dtype: torch.dtype) -> "TracedNetwork":
        """Return the same networks in another precision."""
        return self._map(lambda values: values.to(dtype))

    def repeat(self, times: int) -> "TracedNetwork":
        """Return copies of a single network."""
        return self._map(lambda values: values.expand(times, *values.shape[1:]).clone())

    def repeat_all(self, times: int) -> "TracedNetwork":
        """Return all networks repeatedly, one group after the other."""
        return self._map(lambda values: values.repeat(times, *[1] * (values.ndim - 1)))

    def _map(self, change: Callable[[Tensor], Tensor]) -> "TracedNetwork":
        steps = [
            replace(step, statistics=(change(step.statistics[0]), change(step.statistics[1])))
            if isinstance(step, Normalize) and step.statistics
            else step
            for step in self.steps
        ]
        return replace(self, steps=tuple(steps), parameters=tuple(change(values) for values in self.parameters))


def _compute(step: Step, sources: Sequence[Tensor], parameters: Sequence[Tensor], reference: int | None) -> Tensor:
    """Return the value of a step."""
    match step:
        case Affine():
            return _map_affine(step, sources[0], parameters)
        case Elementwise(function=function):
            return function(sources[0], parameters)
        case Normalize():
            return _normalize(step, sources[0], parameters, reference)
        case Project(matrix=matrix):
            return matrix.to(sources[0].dtype) @ sources[0]
        case Add():
            return sum(sources[1:], sources[0])
    return torch.cat(list(sources), dim=1)


def _map_affine(step: Affine, h: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    if step.bias is None:
        return torch.bmm(parameters[step.weight], h)
    return torch.baddbmm(parameters[step.bias], parameters[step.weight], h)


def _normalize(step: Normalize, z: Tensor, parameters: Sequence[Tensor], reference: int | None) -> Tensor:
    if step.kind == "rms":
        found = z * (z.square().mean(1, keepdim=True) + step.eps).rsqrt()
    else:
        if step.statistics:
            mean, variance = step.statistics
        else:
            axis = 2 if step.kind == "batch" else 1
            counted = z[:, :, :reference] if step.kind == "batch" else z
            mean, variance = counted.mean(axis, keepdim=True), counted.var(axis, correction=0, keepdim=True)
        found = (z - mean) * (variance + step.eps).rsqrt()
    if step.gain is not None:
        found = found * parameters[step.gain]
    return found if step.shift is None else found + parameters[step.shift]
