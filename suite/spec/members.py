"""This module expands the families of a study into members, and computes their widths and variances."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from suite.catalog.activations import Activation
from suite.catalog.initializations import (
    Critical,
    Initialization,
    NoVariancesError,
    Orthogonal,
    VariancePreserving,
)
from suite.catalog.limits import LARGEST, MOST_MEMBERS, SMALLEST
from suite.spec.budget import UnreachableBudgetError, count_parameters, fit_widths
from suite.spec.model import Family, Normalization
from suite.theory.mean_field import NoCriticalPointError, edge_of_chaos, growth_above, is_stable
from suite.theory.scaling import LayerVariances, layer_variances, resolve_scheme


@dataclass(frozen=True)
class Member:
    """One architecture with its initialization. Networks that are sampled from it are its draws.

    Attributes:
        widths: n_0 .. n_{L+1}, with inputs and outputs at the ends.
        activation: The activation of the hidden layers.
        initialization: The scheme that draws the weights and biases.
        variances: (sigma_w^2, sigma_b^2) of each layer, with the readout last.
        axes: The settings of the family that give this member, by column of the tables.
        normalization: The normalization of the hidden layers' preactivations: none, over the batch or over the layer.
        residual: Whether each hidden layer but the first adds the activations of the one below to its own.
        readout_std: sigma_w of the readout if the family sets it and the initialization has another, else None.
    """

    widths: tuple[int, ...]
    activation: Activation
    initialization: Initialization
    variances: LayerVariances
    axes: dict[str, Any] = field(compare=False)
    normalization: Normalization = "none"
    residual: bool = False
    readout_std: float | None = None

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.widths) - 2

    @cached_property
    def parameters(self) -> int:
        """The number of parameters: weights, biases, and the gains and shifts of normalization."""
        return count_parameters(self.widths, self.normalized)

    @property
    def normalized(self) -> bool:
        """Whether hidden layers are normalized, over the batch or over the layer."""
        return self.normalization != "none"

    @property
    def plain(self) -> bool:
        """Whether this is an MLP without normalization or residual connections."""
        return not (self.normalized or self.residual)

    @property
    def content(self) -> dict[str, Any]:
        """The content that defines this member, from which alone its seed and the names of its results follow.

        Normalization, residual connections and a readout's own standard deviation are included only if the member has
        them, so that the names of members without them do not depend on these options.
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
        if self.readout_std is not None:
            content["readout_std"] = self.readout_std
        return content

    @cached_property
    def name(self) -> str:
        """A readable name with 10 digits of the content's hash, such as `relu-d8-3f21c95b07`."""
        digest = hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()
        return f"{self.activation.name}-d{self.depth}-{digest[:10]}"


@dataclass(frozen=True)
class Finding:
    """An error or a warning at a location of a spec.

    Attributes:
        location: The keys and list positions that lead to it in the validated model.
        message: What is wrong, and a hint.
        fatal: Whether it is an error, with which the study cannot run.
    """

    location: tuple[str | int, ...]
    message: str
    fatal: bool = True


def resolve(families: Sequence[Family]) -> tuple[list[Member], list[Finding]]:
    """Return all members of a study, and findings on combinations of settings.

    Args:
        families: The families in the order of the spec.

    Returns:
        The union of the families' members, each once, and the findings: errors for combinations that cannot be
        built, and warnings for critical points above which variances grow. With too many members there is one error
        and no member.
    """
    members: dict[str, Member] = {}
    findings: list[Finding] = []
    if (number := sum(map(_combinations, families))) > MOST_MEMBERS:
        message = f"the lists give {number:,} members, more than {MOST_MEMBERS:,}; remove values from them"
        return [], [Finding(("family",), message)]
    for place, family in enumerate(families):
        for outcome in _resolve_family(("family", place), family):
            if isinstance(outcome, Finding):
                findings.append(outcome)
            else:
                members.setdefault(outcome.name, outcome)
    return list(members.values()), list(dict.fromkeys(findings))


def _combinations(family: Family) -> int:
    """Return the number of combinations of a family's settings."""
    sizes = family.width or family.parameters or ()
    shape = (sizes, family.inputs or (), family.outputs or (1,), family.depth, family.normalization, family.residual)
    drawn = (family.activation, family.initialization, family.readout_std or (None,))
    return prod(map(len, (*shape, *drawn)))


def _resolve_family(here: tuple[str | int, ...], family: Family) -> Iterator[Member | Finding]:
    """Yield the members of a family at a location, and a finding for each combination that has a problem."""
    size, sizes = ("width", family.width) if family.width else ("parameters", family.parameters or ())
    for normalization, units_in, units_out, amount, (place, depth) in product(
        family.normalization, family.inputs or (), family.outputs or (1,), sizes, enumerate(family.depth)
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
            if refusal := _out_of_range(activation, initialization, variances[0][0]):
                yield Finding((*here, "activation", kind), refusal)
                continue
            plain = normalization == "none" and not residual  # other networks do not iterate the variance map
            if plain and (found := _instability(activation, initialization, (*here, "activation", kind))):
                yield found
                if found.fatal:
                    continue
            axes: dict[str, Any] = {
                "depth": depth,
                "activation": activation.label,
                "initialization": initialization.label,
                "inputs": units_in,
                "outputs": units_out,
                "normalization": normalization,
                "residual": "yes" if residual else "no",
                "width" if size == "width" else "budget": amount,
            }
            for std in family.readout_std or (None,):
                readout = variances[-1] if std is None else (std**2, 0.0)
                own = None if readout == variances[-1] else std
                stated = {} if std is None else {"readout_std": std}
                yield Member(
                    widths,
                    activation,
                    initialization,
                    (*variances[:-1], readout),
                    axes | stated,
                    normalization,
                    residual,
                    own,
                )


def _unreachable(error: UnreachableBudgetError, budget: int, tolerance: float, normalization: Normalization) -> str:
    nearest = " and ".join(f"{count:,}" for count in (error.below, error.above) if count is not None)
    option = "" if normalization == "none" else f" with {normalization} normalization"
    return (
        f"no widths of depth {error.depth}{option} give a parameter count within {100 * tolerance:.3g}% of {budget:,} "
        f"(nearest: {nearest}); change depth or parameters, or increase family.tolerance"
    )


def _no_critical_point(activation: Activation, initialization: Initialization) -> str:
    return (
        f"{activation.label} has no edge of chaos under {initialization.label}; use {_INSTEAD}, or choose another "
        "activation or another bias_std"
    )


def _out_of_range(activation: Activation, initialization: Initialization, variance: float) -> str | None:
    """Return a message if a scheme that adapts to the activation gives a weight variance beyond the limits."""
    scheme = resolve_scheme(initialization, activation)
    if not isinstance(scheme, Critical | Orthogonal | VariancePreserving) or SMALLEST**2 <= variance <= LARGEST:
        return None
    limit = f"more than {LARGEST:,.0f}" if variance > LARGEST else f"less than {SMALLEST**2:g}"
    bias = "" if isinstance(scheme, VariancePreserving) else "raise bias_std, or "
    return (
        f"{initialization.label} gives {activation.label} weights of variance {variance:.2g}, {limit}; "
        f"{bias}use another activation, or a scheme such as he or variance"
    )


_INSTEAD = '"variance_preserving"'
"""The scheme that hints name in place of an edge of chaos that does not exist or is unstable."""

_SLOW = 1.01
"""The largest growth of the variance per layer that gives no warning."""


def _instability(
    activation: Activation, initialization: Initialization, location: tuple[str | int, ...]
) -> Finding | None:
    """Return an error if the critical point q* repels variances, and a warning if only variances above it grow."""
    scheme = resolve_scheme(initialization, activation)
    if not isinstance(scheme, Critical | Orthogonal):
        return None
    bias_variance = scheme.bias_std**2
    point = edge_of_chaos(activation, bias_variance)
    of = f"{initialization.label} with {activation.label}"
    if not is_stable(activation, bias_variance):
        slope = "1, and V' > 1 above it" if point.fixed_point == 0 else f"{point.stability:.3f}"
        message = (
            f"{of}: the critical point q* = {point.fixed_point:.3g} is unstable (V'(q*) = {slope}), so variances move "
            f"away from it with depth; use {_INSTEAD}, or change bias_std or the activation"
        )
        return Finding(location, message)
    if (growth := growth_above(activation, bias_variance)) <= _SLOW:
        return None
    weights, q = point.weight_variance, point.fixed_point
    message = (
        f"{of}: weight variance {weights:{',.0f' if weights >= 1000 else '.4g'}}, and the critical point q* = {q:.3g} "
        f"is unstable from above: {'twice the variance' if q > 0 else 'a variance of 1'} grows by {growth:.2g} per "
        f"layer; set bias_std or use {_INSTEAD}"
    )
    return Finding(location, message, fatal=False)


def member_axes(members: Sequence[Member]) -> list[str]:
    """Return the axes that tables show: depth, activation, initialization, and all others that vary."""
    keys = dict.fromkeys(key for member in members for key in member.axes)
    varied = [key for key in keys if len({member.axes.get(key) for member in members}) > 1]
    return [*_ALWAYS_SHOWN, *(key for key in varied if key not in _ALWAYS_SHOWN)]


_ALWAYS_SHOWN = ("depth", "activation", "initialization")
