"""Whether a study has what its claims are about."""

from collections.abc import Iterator, Sequence
from typing import Any

from suite.catalog.claims import Claim
from suite.catalog.measure_settings import AccuracySettings
from suite.catalog.measures import MEASURES
from suite.catalog.quantities import QUANTITIES
from suite.catalog.shown import shown
from suite.catalog.training import training_settings
from suite.spec.members import Finding, Member
from suite.spec.model import Spec
from suite.spec.problems import nearest

_THEORY = "theory"


def unfounded(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Claims about quantities that the study does not measure, or about settings that it does not have."""
    measured = {quantity: None for name in spec.measures for quantity in MEASURES[name].quantities}
    values = _axes(spec, members)
    for place, claim in enumerate(spec.claim):
        here = ("claim", place)
        for key in ("quantity", "first", "second", "bound"):
            name = getattr(claim, key, None)
            if name is None or (key == "bound" and name == _THEORY) or name in measured:
                continue
            why = "not measured here" if name in QUANTITIES else "no quantity"
            yield Finding((*here, key), f"{shown(name)} is {why}; {nearest(name, measured)}")
        for key in ("along", "axis"):
            axis = getattr(claim, key, None)
            if axis is not None and axis not in values:
                yield Finding((*here, key), f"{shown(axis)} is no axis of this study; {nearest(axis, values)}")
        yield from _settings(here, claim, values)


def _settings(here: tuple[str | int, ...], claim: Claim, values: dict[str, list[Any]]) -> Iterator[Finding]:
    """Values of axes that no member has."""
    asked: list[tuple[tuple[str | int, ...], str, Any]] = []
    for axis, wanted in claim.where.items():
        if axis not in values:
            yield Finding((*here, "where", axis), f"{shown(axis)} is no axis of this study; {nearest(axis, values)}")
        else:
            asked += [((*here, "where", axis), axis, value) for value in wanted]
    compared = getattr(claim, "axis", None)
    if compared in values:
        asked += [((*here, key), compared, getattr(claim, key)) for key in ("value", "than")]
    for location, name, value in asked:
        written = ("yes" if value else "no") if isinstance(value, bool) else value
        if written not in values[name]:
            known = ", ".join(shown(found) for found in values[name][:_SHOWN])
            yield Finding(location, f"no member has {name} = {shown(value)}; they have {known}")


_SHOWN = 12


def _axes(spec: Spec, members: Sequence[Member]) -> dict[str, list[Any]]:
    """Every axis with its values, members' and the training's."""
    settings = [member.axes for member in members]
    accuracy = spec.measures.get("accuracy")
    if isinstance(accuracy, AccuracySettings):
        settings += [training_settings(task, None) for task in accuracy.task]
        settings += [training_settings(None, optimizer) for optimizer in accuracy.optimizer]
    found: dict[str, dict[Any, None]] = {}
    for one in settings:
        for axis, value in one.items():
            found.setdefault(axis, {})[value] = None
    found.pop("learning_rate", None)  # selected over, so that tables keep one a member
    return {axis: list(values) for axis, values in found.items()}
