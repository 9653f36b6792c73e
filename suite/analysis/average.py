"""Averages over members: of each the mean over its trainings first, since they are one member and no sample of many."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from suite.analysis.evidence import NOTHING, Evidence, above
from suite.statistics.contrasts import Estimate, mean_of, over_members

Name = TypeVar("Name", bound=Hashable)


def of_each(found: Iterable[tuple[Name, Estimate]]) -> Mapping[Name, Estimate]:
    """The mean of what is known of each member, or pair of members, over its tasks and optimisers.

    Args:
        found: by the member's name, or a pair's; once a training. What is nan is left out.
    """
    trainings: dict[Name, list[Estimate]] = {}
    for name, value in found:
        if not np.isnan(value.value):
            trainings.setdefault(name, []).append(value)
    return {name: mean_of(values) for name, values in trainings.items()}


def on_average(found: Iterable[tuple[tuple[str, ...], Estimate]], bound: float) -> Evidence:
    """Of the claim that the average over members, or over pairs of them, lies above a bound.

    Members are what is resampled in thought. A single one has no spread: its statement rests on its draws.

    Args:
        found: by the names of the members that it is of; once a training.
        bound: which.
    """
    members = of_each(found)
    if not members:
        return NOTHING
    names = {name for each in members for name in each}
    if len(members) == 1:
        return above(next(iter(members.values())), bound, names)
    mean = over_members(np.array([each.value for each in members.values()]))
    draws = min(each.draws for each in members.values())
    return replace(above(replace(mean, draws=draws), bound, names), unit="members")
