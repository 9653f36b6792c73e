"""Whether a study has what its claims are about."""

from collections.abc import Iterator, Sequence
from typing import Any

from suite.catalog.claims import Where
from suite.catalog.measures import MEASURES
from suite.catalog.quantities import QUANTITIES
from suite.catalog.shown import shown
from suite.catalog.training import training_settings
from suite.spec.members import Finding, Member
from suite.spec.model import Spec
from suite.spec.problems import nearest

Location = tuple[str | int, ...]
Values = dict[str, list[Any]]
"""Of every axis."""

THEORY = "theory"
"""A bound that is no quantity but the closed form."""

_SHOWN = 12


def check_names_in_claims(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Claims about quantities that the study does not measure, or about settings that it does not have."""
    measured = {quantity: None for name in spec.measures for quantity in MEASURES[name].quantities}
    values = values_of_axes(spec, members)
    said: set[str] = set()
    for place, claim in enumerate(spec.claim):
        here = ("claim", place)
        if claim.says in said:
            yield Finding((*here, "says"), "another claim says the same, by which verdicts are told apart; reword one")
        said.add(claim.says)
        for key in ("quantity", "first", "second", "bound"):
            name = getattr(claim, key, None)
            if name is None or (key == "bound" and name == THEORY) or name in measured:
                continue
            givers = [measure for measure, entry in MEASURES.items() if name in entry.quantities]
            why = "not measured here" if name in QUANTITIES else "no quantity"
            hint = f"add [measure.{givers[0]}]" if givers else nearest(name, measured)
            yield Finding((*here, key), f"{shown(name)} is {why}; {hint}")
        if not members:  # which is told by itself, and leaves no axis that a claim could name
            continue
        for key in ("along", "axis"):
            axis = getattr(claim, key, None)
            if axis is not None and axis not in values:
                yield Finding((*here, key), f"{shown(axis)} is no axis of this study; {nearest(axis, values)}")
        yield from check_where((*here, "where"), claim.where, values)
        compared = getattr(claim, "axis", None)
        if compared in values:
            for key, other in (("value", "than"), ("than", "value")):
                but = as_in_tables(getattr(claim, other))
                yield from _missing((*here, key), compared, getattr(claim, key), values[compared], but)


def check_where(here: Location, where: Where, values: Values) -> Iterator[Finding]:
    """What a `where` asks for that no member has."""
    for axis, wanted in where.items():
        if axis not in values:
            yield Finding((*here, axis), f"{shown(axis)} is no axis of this study; {nearest(axis, values)}")
            continue
        for value in wanted:
            yield from _missing((*here, axis), axis, value, values[axis])


def _missing(location: Location, axis: str, value: Any, there: Sequence[Any], but: Any = None) -> Iterator[Finding]:
    """A value that no member has.

    Args:
        location: of the value.
        axis: of which it should be one.
        value: as the spec has it.
        there: the axis's values.
        but: what it is compared with, which is no hint; nothing where it is compared with none.
    """
    if as_in_tables(value) in there:
        return
    left = [found for found in there if found != but]
    known = ", ".join(map(shown, left[:_SHOWN])) + (", ..." if len(left) > _SHOWN else "")
    hint = f"take one of {known}" if len(left) > 1 else f"take {known}"
    if but is not None and len(there) == 1:
        hint = f"{shown(there[0])} alone is there, and compares with nothing; leave the claim out"
    yield Finding(location, f"no member has {axis} = {shown(value)}; {hint}")


def asked_for(members: Sequence[Member], where: Where) -> list[Member]:
    """The members that a `where` leaves in; settings of the training are no axes of members."""
    of_members = {axis: wanted for axis, wanted in where.items() if any(axis in member.axes for member in members)}
    return [
        member
        for member in members
        if all(member.axes.get(axis) in map(as_in_tables, wanted) for axis, wanted in of_members.items())
    ]


def as_in_tables(value: Any) -> Any:
    """A value of an axis as tables and members have it."""
    return ("yes" if value else "no") if isinstance(value, bool) else value


def values_of_axes(spec: Spec, members: Sequence[Member]) -> Values:
    """Every axis with its values, members' and the training's."""
    settings = [member.axes for member in members]
    if spec.training:
        settings += [training_settings(task, None) for task in spec.training.task]
        settings += [training_settings(None, optimizer) for optimizer in spec.training.optimizer]
    found: dict[str, dict[Any, None]] = {}
    for one in settings:
        for axis, value in one.items():
            found.setdefault(axis, {})[value] = None
    found.pop("learning_rate", None)  # selected over, so that tables keep one a member
    return {axis: list(values) for axis, values in found.items()}
