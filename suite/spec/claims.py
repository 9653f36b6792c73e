"""This module checks that a study has the quantities, axes and values that its claims name."""

from collections.abc import Iterator, Sequence
from typing import Any

from suite.catalog.claims import QUANTITY_KEYS, THEORY
from suite.catalog.measures import MEASURES
from suite.catalog.quantities import QUANTITIES
from suite.catalog.shown import shown
from suite.catalog.training import training_settings
from suite.catalog.where import Where
from suite.spec.members import Finding, Member
from suite.spec.model import Spec
from suite.spec.problems import nearest

Location = tuple[str | int, ...]
Values = dict[str, list[Any]]
"""The values of each axis, by its name."""

_SHOWN = 12
"""The maximum number of values that a hint lists."""


def check_names_in_claims(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Yield findings on claims that name quantities, axes or values that the study does not have.

    Two claims with the same sentence are a finding as well, and so are two that answer the study's question.
    """
    measured = {quantity: None for name in spec.measures for quantity in MEASURES[name].quantities}
    values = values_of_axes(spec, members)
    said: set[str] = set()
    answering = [place for place, claim in enumerate(spec.claim) if claim.answers]
    for place in answering[1:]:
        message = "another claim has answers = true, and one claim answers the question; remove one of them"
        yield Finding(("claim", place, "answers"), message)
    for place, claim in enumerate(spec.claim):
        here = ("claim", place)
        if claim.says in said:
            message = "another claim has the same sentence, and verdicts are identified by it; reword one"
            yield Finding((*here, "says"), message)
        said.add(claim.says)
        for key in QUANTITY_KEYS:
            name = getattr(claim, key, None)
            if name is None or (key == "bound" and name == THEORY) or name in measured:
                continue
            givers = [measure for measure, entry in MEASURES.items() if name in entry.quantities]
            why = "not measured in this study" if name in QUANTITIES else "not a quantity"
            hint = f"add [measure.{givers[0]}]" if givers else nearest(name, measured)
            yield Finding((*here, key), f"{shown(name)} is {why}; {hint}")
        if not members:  # a study without members has an error of its own, and has no axes
            continue
        for key in ("along", "axis"):
            axis = getattr(claim, key, None)
            if axis is not None and axis not in values:
                yield Finding((*here, key), f"{shown(axis)} is not an axis of this study; {nearest(axis, values)}")
        yield from check_where((*here, "where"), claim.where, values)
        compared = getattr(claim, "axis", None)
        if compared in values:
            for key, other in (("value", "than"), ("than", "value")):
                but = as_in_tables(getattr(claim, other))
                yield from _check_value((*here, key), compared, getattr(claim, key), values[compared], but)


def check_where(here: Location, where: Where, values: Values) -> Iterator[Finding]:
    """Yield findings on axes and values in a `where` that the study does not have.

    Args:
        here: The location of the `where`.
        where: The wanted values, by axis.
        values: The values that the study has, by axis.
    """
    for axis, wanted in where.items():
        if axis not in values:
            yield Finding((*here, axis), f"{shown(axis)} is not an axis of this study; {nearest(axis, values)}")
            continue
        for value in wanted:
            yield from _check_value((*here, axis), axis, value, values[axis])


def _check_value(location: Location, axis: str, value: Any, there: Sequence[Any], but: Any = None) -> Iterator[Finding]:
    """Yield a finding if no member has a value.

    Args:
        location: The location of the value.
        axis: The axis that should have the value.
        value: The value, as the spec gives it.
        there: The values that the axis has.
        but: The value that it is compared with, which the hint leaves out; None without a comparison.
    """
    if as_in_tables(value) in there:
        return
    left = [found for found in there if found != but]
    known = ", ".join(map(shown, left[:_SHOWN])) + (", ..." if len(left) > _SHOWN else "")
    hint = f"use one of {known}" if len(left) > 1 else f"use {known}"
    if but is not None and len(there) == 1:
        hint = f"{shown(there[0])} is the only value, so there is nothing to compare; remove the claim"
    yield Finding(location, f"no member has {axis} = {shown(value)}; {hint}")


def asked_for(members: Sequence[Member], where: Where) -> list[Member]:
    """Return the members that a `where` selects.

    Settings of the training are ignored, because they are not axes of members.
    """
    of_members = {axis: wanted for axis, wanted in where.items() if any(axis in member.axes for member in members)}
    return [
        member
        for member in members
        if all(member.axes.get(axis) in map(as_in_tables, wanted) for axis, wanted in of_members.items())
    ]


def as_in_tables(value: Any) -> Any:
    """Return the value of an axis as tables and members store it: a boolean becomes "yes" or "no"."""
    return ("yes" if value else "no") if isinstance(value, bool) else value


def values_of_axes(spec: Spec, members: Sequence[Member]) -> Values:
    """Return the distinct values of each axis of members and training, except for the learning rate."""
    settings = [member.axes for member in members]
    if spec.training:
        settings += [training_settings(task, None) for task in spec.training.task]
        settings += [training_settings(None, optimizer) for optimizer in spec.training.optimizer]
    found: dict[str, dict[Any, None]] = {}
    for one in settings:
        for axis, value in one.items():
            found.setdefault(axis, {})[value] = None
    found.pop("learning_rate", None)  # the best one is selected by validation, so tables have no such axis
    return {axis: list(values) for axis, values in found.items()}
