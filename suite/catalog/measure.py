"""What the declaration of a measure holds: one object with every fact about the measure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from suite.catalog.checks import Asked, Problem, no_checks
from suite.catalog.precision import DRAWS_A_CELL
from suite.catalog.settings import Settings

Kind = Literal["value", "frequency", "time", "ratio"]

Inputs = Literal["nothing", "domain", "loss", "task", "pair", "training"]
"""What a network is evaluated on besides its weights.

nothing; the sample of the domain; the training loss; each training task, with the sample of the domain; pairs of inputs
at a given angle; or training as it proceeds.
"""

Layers = Callable[[int, Any], Sequence[int]]
"""(depth, the measure's settings) -> the layers that a quantity has values for, as tables number them."""


@dataclass(frozen=True)
class Shape:
    """The sizes from which the cost and the memory of a measure follow.

    Attributes:
        widths: n_0 .. n_{L+1}, inputs and outputs at the ends.
        parameters: of one network.
        points: at which the network is evaluated; 1 if it is evaluated on no points.
        task_points: training, validation and test points of the task, together; 0 without a task.
        normalization: none, batch or layer.
        plain: whether there is neither normalization nor a residual connection.
    """

    widths: tuple[int, ...]
    parameters: int
    points: int = 1
    task_points: int = 0
    normalization: str = "none"
    plain: bool = True

    @property
    def depth(self) -> int:
        """Return the number of hidden layers."""
        return len(self.widths) - 2


def forward_pass(shape: Shape, settings: Settings) -> float:
    """Return the multiplications of one forward pass of all points."""
    return float(shape.parameters) * shape.points


def one_layer(shape: Shape, settings: Settings) -> int:
    """Return how many numbers the widest layer's activations at all points are, or the parameters if they are more."""
    return max(max(shape.widths) * shape.points, shape.parameters)


def hidden_layers(depth: int, settings: Settings) -> range:
    """Return all hidden layers."""
    return range(1, depth + 1)


def hidden_layers_from_second(depth: int, settings: Settings) -> range:
    """Return all hidden layers but the first."""
    return range(2, depth + 1)


def all_layers(depth: int, settings: Settings) -> range:
    """Return all hidden layers and the readout."""
    return range(1, depth + 2)


@dataclass(frozen=True)
class Quantity:
    """One measured number per draw, or one per layer or recorded step of each draw.

    Attributes:
        meaning: one line for tables, charts and documentation.
        kind: a plain value; the indicator of an event, whose mean is a frequency; a time to event, empty where it is
            censored; or a ratio of means over draws, which no single draw has.
        index: what the values of one draw run over, the slowest first, if anything.
        decided: whether it is decided exactly in some layers and networks and at sample points in others,
            which the tables' column `method` states.
        sign: the direction in which the predictor ranking uses it, stated before any data are seen: networks with more
            of it (1), or with less (-1), are expected to train better; of an outcome, have trained better. 0 for what
            is no property of a network, and is no predictor.
        layers: the layers that it has values for, if it has a layer in its index.
        ratio_of: of a ratio, the quantities a and b of the same measure that make it E a / (E b)^2.
        theory: dotted path of the function in `suite.theory` that gives its theoretical value, if one is known.
        selects_rate: whether learning rates are chosen by its value after the last step, on data kept for that:
            the highest if `sign` is 1, otherwise the lowest.
    """

    meaning: str
    kind: Kind = "value"
    index: tuple[Literal["layer", "step"], ...] = ()
    decided: bool = False
    sign: Literal[1, 0, -1] = 1
    layers: Layers = hidden_layers
    ratio_of: tuple[str, str] | None = None
    theory: str | None = None
    selects_rate: bool = False


@dataclass(frozen=True)
class Measure:
    """The declaration of a measure, which a spec asks for by a table [measure.name].

    Attributes:
        function: dotted path, module:name, of the function; for a measure of training, of its Observer.
        settings: the keys of the table.
        inputs: what a network is evaluated on.
        quantities: what it returns by name, in the order of the tables.
        version: raised whenever the numbers change, so that cached results are computed again.
        summary: one line for `list`.
        source: the paper that it is from.
        plain: whether it is defined only for MLPs without normalization or residual connections.
        primary: the primary quantity of a measure with draws, whose precision a spec can ask for by default.
        batch: whether it is evaluated on `settings.points` points at most.
        cost: (shape, settings) -> multiplications for one draw, roughly: the costliest cells start first.
        memory: (shape, settings) -> numbers that one draw holds, from which the size of a tile follows.
        layerwise: whether `memory` counts one layer's activations, a few of which are held at once, so that a tile fits
            the processor's cache; otherwise it counts everything that is held.
        checks: (what it is asked of, settings) -> problems, for a spec and for `suite.measure`.
        cell_draws: draws in one cell.
        draws_key: the key that sets the number of draws.
        origin: the digest of the plug-in that it is from; empty for the suite's own.
        other_names: what papers or other libraries call it, for hints.
    """

    function: str
    settings: type[Settings]
    inputs: Inputs
    quantities: Mapping[str, Quantity]
    version: int
    summary: str
    source: str
    plain: bool = False
    primary: str | None = None
    batch: bool = False
    cost: Callable[[Shape, Any], float] = forward_pass
    memory: Callable[[Shape, Any], int] = one_layer
    layerwise: bool = True
    checks: Callable[[Asked, Any], Iterator[Problem]] = no_checks
    cell_draws: int = DRAWS_A_CELL
    draws_key: str = "draws"
    origin: str = ""
    other_names: tuple[str, ...] = ()

    @property
    def layered(self) -> bool:
        """Whether a quantity has a value for each layer."""
        return any("layer" in quantity.index for quantity in self.quantities.values())
