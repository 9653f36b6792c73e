"""Theoretical values of measured quantities.

The declarations of measures name these functions by dotted path. Each function takes (network, settings, domain, task)
and returns a Theory, or None if no theory is known for it.
"""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

from suite.catalog.domain import Ball, Box, Domain, Region
from suite.catalog.dotted import load
from suite.catalog.initializations import DataDependent, Distribution
from suite.catalog.measures.signal import CorrelationSettings, JacobianSettings
from suite.catalog.network import Network
from suite.catalog.quantities import QUANTITIES
from suite.catalog.settings import Settings
from suite.catalog.task import Task
from suite.theory.correlation_map import correlation_by_layer
from suite.theory.jacobian import finite_jacobian_by_layer, jacobian_by_layer
from suite.theory.networks import input_variance
from suite.theory.relu_death import at_least, dead_probability_on_ball, dead_probability_on_box

Array = NDArray[np.float64]

_WIDE = 10
"""Networks at least this many times wider than deep are compared with the limit of infinite width by a z-score."""

_RECTANGLE = 2
"""Largest number of inputs for which the box has a closed form."""

_ROUNDING = 1e-9
"""Share of a side by which a task's box may exceed the domain."""


@dataclass(frozen=True)
class Theory:
    """The theoretical values of a quantity.

    Attributes:
        values: One value per column of the quantity's index; nan if none is known.
        exact: Whether the values hold at finite width; otherwise they are the limit of infinite width.
        spread: The standard deviation of a draw, one per column; None if theory does not give it.
    """

    values: Array
    exact: bool = False
    spread: Array | None = None


def theory_of(quantity: str, network: Network, settings: Settings, domain: Domain, task: Task | None) -> Theory | None:
    """Return the theoretical values of a network's quantity; None if no theory is known.

    Args:
        quantity: The name of the quantity in the catalog.
        network: The network; theories exist only for MLPs without normalization or residual connections.
        settings: The settings of the measure.
        domain: The domain on which the network is evaluated; for trainability, the domain of the task's inputs.
        task: The training task, for trainability.
    """
    path = QUANTITIES[quantity].theory
    if path is None or not network.plain:
        return None
    found: Theory | None = load(path)(network, settings, domain, task)
    return found


def is_compared_by_z(theory: Theory, network: Network) -> bool:
    """Return whether a z-score is meaningful: the theory is exact, or the network is ten times wider than deep."""
    return theory.exact or min(network.widths[1:-1]) >= _WIDE * network.depth


def dead_probability(network: Network, domain: Domain, task: Task | None) -> float | None:
    """Return the probability that a first-layer ReLU neuron is dead on the domain; None without a closed form."""
    scheme, inputs = network.initialization, network.widths[0]
    if not network.activation.rectifies or not isinstance(domain, Region):
        return None
    if isinstance(scheme, DataDependent):
        return 0.0 if _contains_task(domain, task) else None  # each is active at a training point
    if not (scheme.is_gaussian or scheme.distribution is Distribution.SPHERE):
        return None
    weight_variance, bias_variance = network.variances[0]
    spread = sqrt(weight_variance / inputs)
    ratio = spread / sqrt(bias_variance) if bias_variance > 0 else np.inf
    if isinstance(domain, Ball):
        return dead_probability_on_ball(inputs, domain.radius * ratio)
    return dead_probability_on_box(*domain.bounds(inputs), ratio) if inputs <= _RECTANGLE else None


def _contains_task(domain: Domain, task: Task | None) -> bool:
    """Return whether the domain is a box that contains all points of a task."""
    if not isinstance(domain, Box) or task is None or task.half_width is None:
        return False
    low, high = domain.bounds(task.inputs)
    return max(low) <= -task.half_width * (1 - _ROUNDING) and min(high) >= task.half_width * (1 - _ROUNDING)


def dead_fraction(network: Network, settings: Settings, domain: Domain, task: Task | None) -> Theory | None:
    """Return the expected share of dead neurons in the first layer."""
    dead = dead_probability(network, domain, task)
    return None if dead is None else _first_layer(network, dead, 1 / network.widths[1])


def dead_permanent(network: Network, settings: Settings, domain: Domain, task: Task | None) -> Theory | None:
    """Return the expected number of dead neurons in the first layer; all of these are permanently dead."""
    dead = dead_probability(network, domain, task)
    return None if dead is None else _first_layer(network, dead, 1.0)


def active(network: Network, settings: Settings, domain: Domain, task: Task | None) -> Theory | None:
    """Return the expected number of neurons in the first layer that are not dead."""
    dead = dead_probability(network, domain, task)
    return None if dead is None else _first_layer(network, 1 - dead, 1.0)


def _first_layer(network: Network, share: float, unit: float) -> Theory:
    """Return the theory of a count of first-layer neurons that are independent of each other.

    Args:
        network: The network whose first layer is counted.
        share: The probability that a neuron counts.
        unit: The amount that one neuron adds.
    """
    neurons = network.widths[1]
    values, spread = np.full((2, network.depth), nan)
    values[0], spread[0] = neurons * unit * share, unit * sqrt(neurons * share * (1 - share))
    return Theory(values, exact=True, spread=spread)


def born_dead(network: Network, settings: Settings, domain: Domain, task: Task | None) -> Theory | None:
    """Return the probability that every neuron of a single hidden layer is dead."""
    dead = dead_probability(network, domain, task) if network.depth == 1 else None
    return None if dead is None else _event(dead ** network.widths[1])


def trainability(network: Network, settings: Settings, domain: Domain, task: Task | None) -> Theory | None:
    """Return the probability that a single hidden layer has as many live neurons as the task needs."""
    if network.depth > 1 or task is None or not task.half_width:
        return None
    dead = dead_probability(network, domain, task)
    return None if dead is None else _event(at_least(task.neurons, network.widths[1], dead))


def _event(probability: float) -> Theory:
    return Theory(np.array([probability]), exact=True, spread=np.sqrt([probability * (1 - probability)]))


def correlation(network: Network, settings: CorrelationSettings, domain: Domain, task: Task | None) -> Theory | None:
    """Return the iterates of the correlation map, which holds in the limit of infinite width."""
    scheme = network.initialization
    if isinstance(scheme, DataDependent) or not (scheme.mean_field and scheme.is_uncorrelated):
        return None
    q = input_variance(network, settings)
    return Theory(np.array(correlation_by_layer(network.activation, network.variances, q, settings.cosine)))


def jacobian_mean(network: Network, settings: JacobianSettings, domain: Domain, task: Task | None) -> Theory | None:
    """Return E m_1 of the Jacobian by layer."""
    return _jacobian(network, settings, 0)


def jacobian_ratio(network: Network, settings: JacobianSettings, domain: Domain, task: Task | None) -> Theory | None:
    """Return E m_2 / (E m_1)^2 of the Jacobian by layer."""
    return _jacobian(network, settings, 1)


def _jacobian(network: Network, settings: JacobianSettings, place: int) -> Theory | None:
    given = (network.activation, network.variances, input_variance(network, settings))
    scheme, hidden = network.initialization, network.widths[1:-1]
    gaussian = scheme.is_gaussian
    orthogonal = scheme.distribution is Distribution.ORTHOGONAL
    if isinstance(scheme, DataDependent) or (not gaussian and len(set(hidden)) > 1):
        return None  # the theory of other than Gaussian weights assumes equal widths
    if not (scheme.mean_field and scheme.is_uncorrelated) or (scheme.shaped is not None and place):
        return None  # the second moment depends on how the weights depend on each other
    known = gaussian or orthogonal
    moments = finite_jacobian_by_layer(*given, hidden, orthogonal) if known else jacobian_by_layer(*given, orthogonal)
    values = np.array([moment[place] for moment in moments], dtype=np.float64)
    return Theory(values, exact=known and network.activation.homogeneous)
