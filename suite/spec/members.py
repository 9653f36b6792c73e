"""The members of a study: its families' axes multiplied out, with widths and variances worked out."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from suite.catalog.activations import Activation
from suite.catalog.initializations import Critical, Initialization, NoVariancesError, Orthogonal
from suite.catalog.limits import LARGEST, MOST_MEMBERS
from suite.spec.budget import UnreachableBudgetError, count_parameters, fit_widths
from suite.spec.model import Family, Normalization
from suite.theory.mean_field import CriticalPoint, NoCriticalPointError, edge_of_chaos, growth_above
from suite.theory.scaling import LayerVariances, layer_variances


@dataclass(frozen=True)
class Member:
    """One architecture with its initialization: the networks drawn from it are its draws.

    Attributes:
        widths: n_0 .. n_{L+1}, inputs and outputs at the ends.
        activation: of the hidden layers.
        initialization: the scheme its weights are drawn by.
        variances: (sigma_w^2, sigma_b^2) of each layer, the readout last.
        axes: the family's settings that led here, by column of the tables.
        normalization: of the hidden layers' pre-activations: none, or over the batch or the layer.
        residual: whether each hidden layer but the first adds the one below to its activations.
    """

    widths: tuple[int, ...]
    activation: Activation
    initialization: Initialization
    variances: LayerVariances
    axes: dict[str, Any] = field(compare=False)
    normalization: Normalization = "none"
    residual: bool = False

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.widths) - 2

    @cached_property
    def parameters(self) -> int:
        """Exact number of weights and biases, and of normalization's gains and shifts."""
        return count_parameters(self.widths, self.normalized)

    @property
    def normalized(self) -> bool:
        """Whether hidden layers are normalized, over whatever it be."""
        return self.normalization != "none"

    @property
    def plain(self) -> bool:
        """Whether hidden layers are affine maps and activations alone: neither normalized nor residual."""
        return not (self.normalized or self.residual)

    @property
    def content(self) -> dict[str, Any]:
        """What makes this member: its seed and the names of its results follow from this alone.

        Options of the architecture are said only where they are taken, so that members without them keep
        their names.
        """
        content: dict[str, Any] = {
            "widths": list(self.widths),
            "activation": self.activation.model_dump(),
            "initialization": self.initialization.model_dump(),
        }
        if self.normalized:
            content["normalization"] = self.normalization
        if self.residual:
            content["residual"] = True
        return content

    @cached_property
    def name(self) -> str:
        """A readable name with a few digits of the content's hash, such as `relu-d8-3f21c95b07`."""
        digest = hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()
        return f"{self.activation.name}-d{self.depth}-{digest[:10]}"


@dataclass(frozen=True)
class Finding:
    """A fault, or something to know, at a place of a spec.

    Attributes:
        location: keys and list places that lead to it, as in the validated model.
        message: what is wrong; what to do.
        fatal: whether the study cannot run with it.
    """

    location: tuple[str | int, ...]
    message: str
    fatal: bool = True


def resolve(families: Sequence[Family]) -> tuple[list[Member], list[Finding]]:
    """All members of a study, each once, and what is wrong with those that cannot be built.

    Args:
        families: in the order of the spec; their members are united.
    """
    members: dict[str, Member] = {}
    findings: list[Finding] = []
    if (number := sum(map(_combinations, families))) > MOST_MEMBERS:
        message = f"the lists multiply out to {number:,} members, more than {MOST_MEMBERS:,}; take values out of them"
        return [], [Finding(("family",), message)]
    for place, family in enumerate(families):
        for outcome in _resolve_family(("family", place), family):
            if isinstance(outcome, Finding):
                findings.append(outcome)
            else:
                members.setdefault(outcome.name, outcome)
    return list(members.values()), list(dict.fromkeys(findings))


def _combinations(family: Family) -> int:
    sizes = family.width or family.parameters or ()
    shape = (sizes, family.inputs, family.outputs, family.depth, family.normalization, family.residual)
    return prod(map(len, (*shape, family.activation, family.initialization)))


def _resolve_family(here: tuple[str | int, ...], family: Family) -> Iterator[Member | Finding]:
    size, sizes = ("width", family.width) if family.width else ("parameters", family.parameters or ())
    for normalization, units_in, units_out, amount, (place, depth) in product(
        family.normalization, family.inputs, family.outputs, sizes, enumerate(family.depth)
    ):
        try:
            hidden = (
                (amount,) * depth
                if size == "width"
                else fit_widths(amount, depth, units_in, units_out, family.tolerance, normalization != "none")
            )
        except UnreachableBudgetError as error:
            yield Finding((*here, "depth", place), _unreachable(error, amount, family.tolerance, normalization))
            continue
        widths = (units_in, *hidden, units_out)
        for residual, (scheme, initialization), (kind, activation) in product(
            family.residual, enumerate(family.initialization), enumerate(family.activation)
        ):
            try:
                variances = layer_variances(initialization, activation, widths)
            except NoCriticalPointError:
                yield Finding((*here, "activation", kind), _no_critical_point(activation, initialization))
                continue
            except NoVariancesError as error:
                for fault in error.faults:
                    yield Finding((*here, "initialization", scheme), f"{initialization.label} {fault}")
                continue
            if refusal := _too_large(activation, initialization):
                yield Finding((*here, "activation", kind), refusal)
                continue
            if normalization == "none" and not residual and (warning := _unstable(activation, initialization)):
                yield Finding((*here, "activation", kind), warning, fatal=False)
            axes = {
                "depth": depth,
                "activation": activation.label,
                "initialization": initialization.label,
                "inputs": units_in,
                "outputs": units_out,
                "normalization": normalization,
                "residual": "yes" if residual else "no",
                "width" if size == "width" else "budget": amount,
            }
            yield Member(widths, activation, initialization, variances, axes, normalization, residual)


def _unreachable(error: UnreachableBudgetError, budget: int, tolerance: float, normalization: Normalization) -> str:
    nearest = " and ".join(f"{count:,}" for count in (error.below, error.above) if count is not None)
    told = "the nearest counts are" if " and " in nearest else "the nearest count is"
    option = "" if normalization == "none" else f" with {normalization} normalization"
    return (
        f"no widths of depth {error.depth}{option} bring the parameters within {100 * tolerance:.3g}% of {budget:,}, "
        f"{told} {nearest}; change depth or parameters, or loosen family.tolerance"
    )


def _no_critical_point(activation: Activation, initialization: Initialization) -> str:
    return (
        f"{activation.label} has no edge of chaos under {initialization.label}; choose another activation, "
        "another bias_std, or a scheme such as he or variance"
    )


def _too_large(activation: Activation, initialization: Initialization) -> str | None:
    if not isinstance(initialization, Critical | Orthogonal):
        return None
    variance = edge_of_chaos(activation, initialization.bias_std**2).weight_variance
    if variance <= LARGEST:
        return None
    return (
        f"{initialization.label} gives {activation.label} weights of variance {variance:.2g}, more than "
        f"{LARGEST:,.0f}; raise bias_std, or take another activation, or a scheme such as he or variance"
    )


_MARGIN = 1e-6
"""By which V'(q*) is taken to differ from 1."""

_SLOW = 1.01
"""A growth, from layer to layer, that is not worth telling."""


def _unstable(activation: Activation, initialization: Initialization) -> str | None:
    if not isinstance(initialization, Critical | Orthogonal):
        return None
    bias_variance = initialization.bias_std**2
    point = edge_of_chaos(activation, bias_variance)
    if point.stability < 1 - _MARGIN:
        return None
    if point.stability <= 1 + _MARGIN:
        growth = growth_above(activation, bias_variance)
        return _half_stable(activation, initialization, point, growth) if growth > _SLOW else None
    return (
        f"{initialization.label} with {activation.label}: the critical point q* = {point.fixed_point:.3g} is unstable "
        f"(V'(q*) = {point.stability:.3f}): variances move away from it with depth; change bias_std or the activation"
    )


def _half_stable(activation: Activation, initialization: Initialization, point: CriticalPoint, growth: float) -> str:
    weights, q = point.weight_variance, point.fixed_point
    above = "is unstable from above: twice the variance grows" if q > 0 else "is unstable: variances grow"
    return (
        f"{initialization.label} with {activation.label}: weight variance "
        f"{weights:{',.0f' if weights >= 1000 else '.4g'}}, and the critical point q* = {q:.3g} {above} by "
        f'{growth:.2g} per layer; set bias_std or use "he"'
    )


def member_axes(members: Sequence[Member]) -> list[str]:
    """Return the axes that tables show: depth, activation, initialization, and others that vary."""
    keys = dict.fromkeys(key for member in members for key in member.axes)
    varied = [key for key in keys if len({member.axes.get(key) for member in members}) > 1]
    return [*_ALWAYS_SHOWN, *(key for key in varied if key not in _ALWAYS_SHOWN)]


_ALWAYS_SHOWN = ("depth", "activation", "initialization")
