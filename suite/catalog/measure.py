"""The type of a measure's declaration, which holds every fact about the measure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

from suite.catalog.checks import Asked, Problem, no_checks
from suite.catalog.precision import DRAWS_A_CELL
from suite.catalog.settings import Settings

Kind = Literal["value", "frequency", "time", "ratio"]

Inputs = Literal["nothing", "domain", "loss", "task", "pair", "training"]
"""What a network is evaluated on besides its weights.

The values mean: nothing; the sample of the domain; the training loss; each training task, with the sample of the
domain; pairs of inputs at a given angle; or training as it proceeds.
"""

Layers = Callable[[int, Any], Sequence[int]]
"""(depth, the measure's settings) -> the layers for which a quantity has values, as tables number them."""


@dataclass(frozen=True)
class Shape:
    """The sizes that determine the cost and the memory of a measure.

    Attributes:
        widths: n_0 .. n_{L+1}, inputs and outputs at the ends.
        parameters: The number of parameters of one network.
        points: The number of points at which the network is evaluated; 1 if it is evaluated on no points.
        task_points: The number of training, validation and test points of the task together; 0 without a task.
        normalization: none, batch or layer.
        plain: Whether there is neither normalization nor a residual connection.
    """

    widths: tuple[int, ...]
    parameters: int
    points: int = 1
    task_points: int = 0
    normalization: str = "none"
    plain: bool = True

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.widths) - 2


def forward_pass(shape: Shape, settings: Settings) -> float:
    """Return the number of multiplications of one forward pass of all points."""
    return float(shape.parameters) * shape.points


def one_layer(shape: Shape, settings: Settings) -> int:
    """Return the number of activations of the widest layer at all points, or of parameters if larger."""
    return max(max(shape.widths) * shape.points, shape.parameters)


def hidden_layers(depth: int, settings: Settings) -> range:
    """Return all hidden layers."""
    return range(1, depth + 1)


def hidden_layers_from_second(depth: int, settings: Settings) -> range:
    """Return all hidden layers except the first."""
    return range(2, depth + 1)


def all_layers(depth: int, settings: Settings) -> range:
    """Return all hidden layers and the readout."""
    return range(1, depth + 2)


@dataclass(frozen=True)
class Quantity:
    """A measured quantity with one number per draw, or one per layer or recorded step of each draw.

    Attributes:
        meaning: One line for tables, charts and documentation.
        kind: A plain value; the indicator of an event, whose mean is a frequency; a time to event, empty if it is
            censored; or a ratio of means over draws, which no single draw has.
        index: The axes of one draw's values, the slowest first, if any.
        decided: Whether the quantity is decided exactly in some layers and networks and at sample points in others. The
            column `method` of the tables states which.
        sign: The direction in which the predictor ranking uses the quantity, fixed before any data are evaluated.
            Networks with more of it (1), or with less (-1), are expected to train better; for an outcome, they have
            trained better. 0 if it is not a property of a network and thus no predictor.
        layers: The layers for which it has values, if its index has layers.
        limits: The smallest and the largest value that its mean can have, which intervals do not exceed. A
            frequency lies between 0 and 1, and a time is positive.
        ratio_of: For a ratio, the quantities a and b of the same measure such that it is E a / (E b)^2.
        theory: The dotted path of the function in `suite.theory` that gives its theoretical value, if one is known.
        selects_rate: Whether learning rates are chosen by its value after the last step, on data reserved for this: the
            highest if `sign` is 1, otherwise the lowest.
        counts_neurons: Whether it is a number of neurons of a layer, which charts show as a share of the layer's width.
    """

    meaning: str
    kind: Kind = "value"
    index: tuple[Literal["layer", "step"], ...] = ()
    decided: bool = False
    sign: Literal[1, 0, -1] = 1
    layers: Layers = hidden_layers
    limits: tuple[float, float] = (-inf, inf)
    ratio_of: tuple[str, str] | None = None
    theory: str | None = None
    selects_rate: bool = False
    counts_neurons: bool = False

    @property
    def range(self) -> tuple[float, float]:
        """The limits of the quantity; those of a frequency or a time follow from its kind."""
        return {"frequency": SHARE, "time": POSITIVE}.get(self.kind, self.limits)


POSITIVE, SHARE, COSINE = (0.0, inf), (0.0, 1.0), (-1.0, 1.0)
"""Limits of positive quantities, of shares and of cosines."""


@dataclass(frozen=True)
class Measure:
    """The declaration of a measure, which a spec requests by a table [measure.name].

    Attributes:
        function: The dotted path, module:name, of the function; for a measure of training, of its Observer.
        settings: The keys of the table.
        inputs: What a network is evaluated on.
        quantities: The quantities that it returns by name, in the order of the tables.
        version: A number that is raised whenever the results change, so that cached results are computed again.
        summary: One line for `list`.
        source: The paper that defines the measure.
        plain: Whether it is defined only for MLPs without normalization or residual connections.
        primary: The primary quantity of a measure with draws, to which a precision target applies by default.
        batch: Whether it is evaluated on at most `settings.points` points.
        along_lines: Whether it is evaluated along the lines of the domain's sample, with their step.
        cost: (shape, settings) -> approximate number of multiplications for one draw; the costliest cells start first.
        memory: (shape, settings) -> number of values that one draw holds, which determines the size of a tile.
        layerwise: Whether `memory` counts one layer's activations, a few of which are held at once, so that a tile fits
            the processor's cache; otherwise it counts everything that is held.
        checks: (networks, domain and training; settings) -> problems, for a spec and for `suite.measure`.
        cell_draws: The number of draws in one cell.
        draws_key: The key that sets the number of draws.
        origin: The digest of the plug-in that defines it; empty for built-in measures.
        other_names: Names of the measure in papers or other libraries, for hints.
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
    along_lines: bool = False
    cost: Callable[[Shape, Any], float] = forward_pass
    memory: Callable[[Shape, Any], int] = one_layer
    layerwise: bool = True
    checks: Callable[[Asked, Any], Iterator[Problem]] = no_checks
    cell_draws: int = DRAWS_A_CELL
    draws_key: str = "draws"
    origin: str = ""
    other_names: tuple[str, ...] = ()

    @property
    def sampled(self) -> bool:
        """Whether its values vary from draw to draw; otherwise they follow from the architecture alone."""
        return self.inputs == "training" or bool({"draws", "replicates"} & set(self.settings.model_fields))

    @property
    def layered(self) -> bool:
        """Whether a quantity has a value for each layer."""
        return any("layer" in quantity.index for quantity in self.quantities.values())
