"""This module checks that claims can be judged.

A claim needs a test that suits its quantity, axis and layer, and enough members.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from suite.catalog.claims import (
    QUANTITY_KEYS,
    THEORY,
    AgreesWith,
    BoundedBy,
    Claim,
    Level,
    Monotone,
    PairClaim,
    PeaksInside,
    SurvivalShorter,
)
from suite.catalog.measures import MEASURES
from suite.catalog.predict import FEWEST
from suite.catalog.quantities import QUANTITIES
from suite.catalog.shown import shown
from suite.catalog.training import training_settings
from suite.formatting import format_count
from suite.spec.claims import Location, as_in_tables, asked_for, values_of_axes
from suite.spec.division import tasks_of
from suite.spec.members import Finding, Member
from suite.spec.model import Spec


def check_claims(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Yield findings on claims that would always be undecided or always be true.

    The names in claims are checked by `check_names_in_claims`.
    """
    study = _Study(spec, members)
    for place, claim in enumerate(spec.claim):
        here = ("claim", place)
        about = asked_for(members, claim.where)
        names = {key: name for key in QUANTITY_KEYS if (name := getattr(claim, key, None))}
        yield from _check_kind(here, claim, study)
        yield from _check_distinct_quantities(here, names)
        yield from _check_values(here, claim)
        yield from _check_trend(here, claim, study, about)
        yield from _check_training_axes(here, claim, study, about)
        known = {key: name for key, name in names.items() if name in study.measured}
        yield from _check_layer(here, claim, spec, known, about)
        if "first" in names and members and len(about) < FEWEST:
            number = format_count(len(about), "member")
            message = f"the claim is about {number}, too few for a rank correlation; use {FEWEST} or more"
            yield Finding((*here, "where") if claim.where else here, message)


@dataclass(frozen=True)
class _Study:
    """A study that claims are checked against."""

    spec: Spec
    members: Sequence[Member]

    @property
    def measured(self) -> set[str]:
        return {quantity for name in self.spec.measures for quantity in MEASURES[name].quantities}

    def values(self) -> dict[str, list[Any]]:
        return values_of_axes(self.spec, self.members)

    def training_axes(self) -> dict[str, bool]:
        """Return the axes that only training has, and whether each is a setting of the task."""
        training = self.spec.training
        if not training:
            return {}
        tasks = {axis for task in training.task for axis in training_settings(task, None)}
        optimizers = {axis for each in training.optimizer for axis in training_settings(None, each)}
        found = dict.fromkeys(optimizers, False) | dict.fromkeys(tasks, True)
        architecture = {axis for member in self.members for axis in member.axes}
        return {axis: of_task for axis, of_task in found.items() if axis not in architecture | {"learning_rate"}}

    def varies_along(self, measure: str, axis: str, about: Sequence[Member]) -> bool:
        """Return whether a measure has values for each value of an axis of training, for any of these members.

        All measures of training have. Other measures have if they are evaluated once per task, and for axes of the
        task only.
        """
        if MEASURES[measure].inputs == "training":
            return True
        measures, domain = self.spec.measures, self.spec.domain
        on_tasks = (None not in tasks_of(measure, member, measures, domain) for member in about)
        return self.training_axes()[axis] and any(on_tasks)


def _check_kind(here: Location, claim: Claim, study: _Study) -> Iterator[Finding]:
    """Yield a finding if the quantity lacks what the test of a claim needs.

    A test can need a time to event, a value for each single draw, or a theoretical value.
    """
    name = getattr(claim, "quantity", None)
    if name not in QUANTITIES:
        return
    if isinstance(claim, SurvivalShorter) and QUANTITIES[name].kind != "time":
        times = [each for each in QUANTITIES if each in study.measured and QUANTITIES[each].kind == "time"]
        instead = f"use one of {', '.join(times)}, or " if times else ""
        message = (
            f'{shown(name)} is not a time to event, which survival_shorter requires; {instead}use test = "greater"'
        )
        yield Finding((*here, "quantity"), message)
    if isinstance(claim, Level) and claim.of == "draw" and QUANTITIES[name].kind == "ratio":
        message = f'{shown(name)} is a ratio of means over draws, without a value per draw; use of = "every"'
        yield Finding((*here, "of"), message)
    by_theory = isinstance(claim, AgreesWith) or (isinstance(claim, BoundedBy) and claim.bound == THEORY)
    if by_theory and QUANTITIES[name].theory is None:
        known = sorted(each for each, quantity in QUANTITIES.items() if quantity.theory)
        message = f"{shown(name)} has no theoretical value; use one of {', '.join(known)}"
        yield Finding((*here, "quantity"), message)


def _check_distinct_quantities(here: Location, names: dict[str, str]) -> Iterator[Finding]:
    """Yield a finding if a claim compares a quantity with itself."""
    for one, other in (("first", "second"), ("quantity", "bound")):
        if one in names and names[one] == names.get(other):
            yield Finding((*here, other), f"{shown(names[one])} is compared with itself; use two different quantities")


def _check_values(here: Location, claim: Claim) -> Iterator[Finding]:
    """Yield findings if the two compared values are equal, or if the claim's own `where` excludes one."""
    if not isinstance(claim, PairClaim):
        return
    if as_in_tables(claim.value) == as_in_tables(claim.than):
        yield Finding(
            (*here, "than"), f"{shown(claim.value)} is compared with itself; use two different values of {claim.axis}"
        )
    if claim.axis in claim.where:
        left = [as_in_tables(value) for value in claim.where[claim.axis]]
        for key in ("value", "than"):
            if as_in_tables(found := getattr(claim, key)) not in left:
                message = f"`where` excludes {claim.axis} = {shown(found)}; remove {claim.axis} from `where`"
                yield Finding((*here, key), message)


def _check_trend(here: Location, claim: Claim, study: _Study, about: Sequence[Member]) -> Iterator[Finding]:
    """Yield a finding if a claim is about a trend along an axis without order, or with too few values."""
    if not isinstance(claim, PeaksInside | Monotone) or claim.along not in (values := study.values()):
        return
    along = claim.along
    if not _are_numbers(values[along]):
        others = ", ".join(axis for axis, found in values.items() if _are_numbers(found))
        yield Finding((*here, "along"), f"{shown(along)} is not a numeric axis; use one of {others}")
        return
    wanted = [as_in_tables(value) for value in claim.where.get(along, values[along])]
    there: Iterable[Any] = values[along]
    if along not in study.training_axes():
        there = {member.axes[along] for member in about if along in member.axes}
    fewest = 3 if isinstance(claim, PeaksInside) else 2
    if (number := sum(value in wanted for value in there)) < fewest:
        message = f"{claim.test} requires {fewest} or more values of {along}, got {number}; add values"
        yield Finding((*here, "along"), message)


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _check_training_axes(here: Location, claim: Claim, study: _Study, about: Sequence[Member]) -> Iterator[Finding]:
    """Yield a finding if a claim compares settings of training by a quantity that does not depend on them."""
    name = getattr(claim, "quantity", None)
    measure = next((measure for measure, entry in MEASURES.items() if name in entry.quantities), None)
    if measure is None or not about:  # these are errors of their own
        return
    for key in ("along", "axis"):
        axis = getattr(claim, key, "")
        if axis in study.training_axes() and not study.varies_along(measure, axis, about):
            message = f"{shown(name)} does not depend on {axis}, a setting of training; use another axis or quantity"
            yield Finding((*here, key), message)


def _check_layer(
    here: Location, claim: Claim, spec: Spec, names: dict[str, str], about: Sequence[Member]
) -> Iterator[Finding]:
    """Yield findings if a claim names a layer that its quantities or members do not have."""
    if claim.layer is None:
        return
    layered = [name for name in names.values() if "layer" in QUANTITIES[name].index]
    if names and not layered:
        verb = "has" if len(names) == 1 else "have"
        yield Finding((*here, "layer"), f"{' and '.join(map(shown, names.values()))} {verb} no layers; remove the key")
    for name in layered:
        settings = next(each for measure, each in spec.measures.items() if name in MEASURES[measure].quantities)
        there = {layer for member in about for layer in QUANTITIES[name].layers(member.depth, settings)}
        if about and claim.layer not in there:
            known = ", ".join(map(str, sorted(there)[:_SHOWN])) + (", ..." if len(there) > _SHOWN else "")
            hint = f"use one of {known}" if there else "remove the key"
            message = f"no member has {shown(name)} for layer {claim.layer}; {hint}"
            yield Finding((*here, "layer"), message)


_SHOWN = 12
"""The maximum number of layers that a hint lists."""
