"""This module divides a study into cells.

A cell has the settings, the task and a block of draws of one measure of a member.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product

from suite.catalog.domain import Domain, TrainingPoints
from suite.catalog.initializations import DataDependent
from suite.catalog.measures import MEASURES, TRAINING, first_draws, measure_named
from suite.catalog.measures.training import AccuracySettings
from suite.catalog.optimizers import Optimizer
from suite.catalog.settings import Settings
from suite.catalog.task import Task
from suite.spec.members import Member

Measures = Mapping[str, Settings]
"""The settings of each measure of a spec, by the measure's name."""


@dataclass(frozen=True)
class Portion:
    """A measure of one member whose draws are cut into cells.

    Attributes:
        name: The measure's name in the catalog.
        settings: The measure's settings. Those of training have one task, and optimizers that differ only in the
            learning rate.
        task: The training problem that the measure, or the member's initialization, is evaluated on, if any.
    """

    name: str
    settings: Settings
    task: Task | None

    @property
    def cells(self) -> int:
        """The number of cells; with a precision target, the number in the first sampling round.

        It is computed without a list of the cells, of which there may be too many.
        """
        return len(first_draws(MEASURES[self.name], self.settings))

    @property
    def blocks(self) -> Iterator[tuple[int, int]]:
        """The first draw of each cell, and the end of its range (exclusive)."""
        starts = first_draws(MEASURES[self.name], self.settings)
        return ((start, min(start + starts.step, starts.stop)) for start in starts)


def divide(measures: Measures, member: Member, domain: Domain) -> Iterator[Portion]:
    """Yield the portions of a member, in the catalog's order of measures."""
    for name, settings in measures.items():
        if isinstance(settings, AccuracySettings):
            for task, optimizers in product(settings.task, _group_by_learning_rate(settings.optimizer)):
                yield Portion(name, settings.model_copy(update={"task": (task,), "optimizer": optimizers}), task)
        elif MEASURES[name].inputs != "training":
            yield from (Portion(name, settings, task) for task in tasks_of(name, member, measures, domain))


def count_cells(measures: Measures, members: Sequence[Member], domain: Domain) -> dict[str, int]:
    """Return the number of cells of each measure, without landscapes, of which a member has at most one."""
    found: Counter[str] = Counter()
    alike = Counter(isinstance(member.initialization, DataDependent) for member in members)
    first = {isinstance(member.initialization, DataDependent): member for member in reversed(members)}
    for kind, number in alike.items():  # all members with, and all without, data-dependent initialization divide alike
        for portion in divide(measures, first[kind], domain):
            found[portion.name] += number * portion.cells
    return dict(found)


def tasks_of(name: str, member: Member, measures: Measures, domain: Domain) -> tuple[Task | None, ...]:
    """Return the tasks on each of which a measure of a member is evaluated; (None,) without tasks."""
    training = measures.get(TRAINING)
    tasks = training.task if isinstance(training, AccuracySettings) else ()
    inputs = measure_named(name).inputs
    on_data = name in MEASURES and inputs == "domain" and isinstance(domain, TrainingPoints)
    needs = on_data or inputs in ("loss", "task", "training")
    return tasks if tasks and (needs or isinstance(member.initialization, DataDependent)) else (None,)


def _group_by_learning_rate(optimizers: tuple[Optimizer, ...]) -> list[tuple[Optimizer, ...]]:
    """Return groups of optimizers that differ only in their learning rate."""

    def rest(optimizer: Optimizer) -> str:
        return json.dumps(optimizer.model_dump(exclude={"learning_rate"}), sort_keys=True)

    order = {key: place for place, key in reversed(list(enumerate(map(rest, optimizers))))}
    ranked = sorted(optimizers, key=lambda optimizer: (order[rest(optimizer)], optimizer.learning_rate))
    return [tuple(group) for _, group in groupby(ranked, key=rest)]
