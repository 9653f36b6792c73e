"""The laws that measured quantities follow in theory: which a member's quantity has, and how to compare the two."""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

from suite.catalog.activations import Relu
from suite.catalog.domain import Box, Domain
from suite.catalog.initializations import Critical, DataDependent, Distribution, Orthogonal
from suite.catalog.measures.signal import CorrelationSettings, JacobianSettings
from suite.catalog.settings import Settings
from suite.catalog.tasks import Task
from suite.spec.members import Member
from suite.theory.correlation_map import correlation_by_layer, depth_scales
from suite.theory.jacobian import finite_jacobian_by_layer, jacobian_by_layer
from suite.theory.mean_field import NoCriticalPointError, edge_of_chaos, fixed_point, variance_map_slope
from suite.theory.relu_death import at_least, dead_probability_on_ball, dead_probability_on_square

Array = NDArray[np.float64]

WIDE = 10
"""Networks this many times wider than deep are compared with infinitely wide ones by a z-score."""


@dataclass(frozen=True)
class Law:
    """What theory says of a quantity.

    Attributes:
        values: one a column of the quantity's index, nan where there is none.
        exact: whether it holds at finite width; else it is the limit of infinite width.
        spread: standard deviation of a draw, likewise; None where theory does not say.
    """

    values: Array
    exact: bool = False
    spread: Array | None = None


def law_of(quantity: str, member: Member, settings: Settings, domain: Domain, task: Task | None) -> Law | None:
    """The law of a member's quantity; None where theory is silent.

    Args:
        quantity: its name in the catalog.
        member: plain networks.
        settings: of the measure.
        domain: where networks are looked at; of trainability, where the task's inputs lie.
        task: of trainability, what is to be learnt.
    """
    find = _LAWS.get(quantity)
    if find is None or not member.plain:
        return None
    return find(member, settings, domain, task)


def tells_by_z(law: Law, member: Member) -> bool:
    """Whether a z-score means something: the law is exact, or the network at least ten times wider than deep."""
    return law.exact or min(member.widths[1:-1]) >= WIDE * member.depth


def hidden_variances(member: Member) -> tuple[float, float] | None:
    """(sigma_w^2, sigma_b^2) of the hidden layers, where these are alike."""
    hidden = set(member.variances[:-1])
    return next(iter(hidden)) if len(hidden) == 1 else None


def stationary_variance(member: Member) -> float:
    """q*, the fixed point of the member's variance map; nan where there is none."""
    if isinstance(member.initialization, Critical | Orthogonal) and not member.activation.homogeneous:
        try:
            return edge_of_chaos(member.activation, member.initialization.bias_std**2).fixed_point
        except NoCriticalPointError:
            return nan
    variances = hidden_variances(member)
    return nan if variances is None else fixed_point(member.activation, *variances)


def input_variance(member: Member, settings: CorrelationSettings | JacobianSettings) -> float:
    """|x|^2 / n_0 of the inputs of a pair: as the spec says, or q*, or 1 where q* is 0 or there is none."""
    if settings.input_variance is not None:
        return settings.input_variance
    q = stationary_variance(member)
    return q if q > 0 else 1.0


def dead_probability(member: Member, domain: Domain, task: Task | None) -> float | None:
    """Probability that a first-layer ReLU neuron is dead on the domain, where there is a closed form."""
    scheme, inputs = member.initialization, member.widths[0]
    if not isinstance(member.activation, Relu):
        return None
    if isinstance(scheme, DataDependent):
        inside = isinstance(domain, Box) and task and task.half_width and task.half_width <= domain.extent * (1 + 1e-9)
        return 0.0 if inside else None  # each is active at a training point
    if scheme.distribution not in (Distribution.GAUSSIAN, Distribution.SPHERE):
        return None
    weight_variance, bias_variance = member.variances[0]
    spread = sqrt(weight_variance / inputs)
    ratio = domain.extent * spread / sqrt(bias_variance) if bias_variance > 0 else np.inf
    if not isinstance(domain, Box):
        return dead_probability_on_ball(inputs, ratio)
    return dead_probability_on_square(inputs, ratio) if inputs <= _SQUARE else None


_SQUARE = 2
"""Inputs, at most, for which the box has a closed form."""


Find = Callable[[Member, Settings, Domain, Task | None], Law | None]


def _first_layer(count: Callable[[float, int], tuple[float, float]]) -> Find:
    """The law of a count of the first layer's neurons, each dead by itself.

    Args:
        count: (probability of death, neurons) -> probability that counts, and what one neuron adds.
    """

    def find(member: Member, settings: Settings, domain: Domain, task: Task | None) -> Law | None:
        dead, neurons = dead_probability(member, domain, task), member.widths[1]
        if dead is None:
            return None
        share, unit = count(dead, neurons)
        values, spread = np.full((2, member.depth), nan)
        values[0], spread[0] = neurons * unit * share, unit * sqrt(neurons * share * (1 - share))
        return Law(values, exact=True, spread=spread)

    return find


def _event(probability: float) -> Law:
    return Law(np.array([probability]), exact=True, spread=np.sqrt([probability * (1 - probability)]))


def _born_dead(member: Member, settings: Settings, domain: Domain, task: Task | None) -> Law | None:
    dead = dead_probability(member, domain, task) if member.depth == 1 else None
    return None if dead is None else _event(dead ** member.widths[1])


def _trainability(member: Member, settings: Settings, domain: Domain, task: Task | None) -> Law | None:
    dead = dead_probability(member, domain, task) if member.depth == 1 and task and task.half_width else None
    return None if dead is None or task is None else _event(at_least(task.neurons, member.widths[1], dead))


def _correlation(member: Member, settings: Settings, domain: Domain, task: Task | None) -> Law | None:
    assert isinstance(settings, CorrelationSettings)
    if isinstance(member.initialization, DataDependent):
        return None
    q = input_variance(member, settings)
    return Law(np.array(correlation_by_layer(member.activation, member.variances, q, settings.cosine)))


def _jacobian(place: int) -> Find:
    def find(member: Member, settings: Settings, domain: Domain, task: Task | None) -> Law | None:
        assert isinstance(settings, JacobianSettings)
        given = (member.activation, member.variances, input_variance(member, settings))
        scheme, hidden = member.initialization, member.widths[1:-1]
        gaussian = scheme.distribution is Distribution.GAUSSIAN
        orthogonal = scheme.distribution is Distribution.ORTHOGONAL
        if isinstance(scheme, DataDependent) or (not gaussian and len(set(hidden)) > 1):
            return None  # the laws of other than Gaussian weights are of equal widths
        known = gaussian or orthogonal
        moments = (
            finite_jacobian_by_layer(*given, hidden, orthogonal) if known else jacobian_by_layer(*given, orthogonal)
        )
        values = np.array([moment[place] for moment in moments], dtype=np.float64)
        return Law(values, exact=known and member.activation.homogeneous)

    return find


_LAWS: dict[str, Find] = {
    "dead_fraction": _first_layer(lambda dead, neurons: (dead, 1 / neurons)),
    "dead_permanent": _first_layer(lambda dead, neurons: (dead, 1.0)),
    "active": _first_layer(lambda dead, neurons: (1 - dead, 1.0)),
    "born_dead": _born_dead,
    "trainability": _trainability,
    "correlation": _correlation,
    "jacobian_mean": _jacobian(0),
    "jacobian_ratio": _jacobian(1),
}


def mean_field_facts(member: Member) -> dict[str, float | None]:
    """What mean-field theory says of a member: q*, V'(q*), chi_1, c* and the depth scales, None where undefined."""
    variances = hidden_variances(member)
    q = stationary_variance(member) if member.plain else nan
    names = ("fixed_point", "stability", "chi", "correlation_fixed_point", "xi_q", "xi_c")
    if variances is None or np.isnan(q):
        return dict.fromkeys(names)
    stability = variance_map_slope(member.activation, q, variances[0])
    scales = depth_scales(member.activation, *variances, q)
    values = (q, stability, scales.chi, scales.correlation, scales.xi_q, scales.xi_c)
    return {name: value if np.isfinite(value) else None for name, value in zip(names, values, strict=True)}
