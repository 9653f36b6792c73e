"""The cells of a study: pure pieces of work, each of which becomes one stored file."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, product
from typing import Any

from suite.catalog.measures import (
    GRID_INPUTS,
    LANDSCAPE,
    MEASURES,
    AccuracySettings,
    LandscapeSettings,
    Measure,
    OnTheDomain,
)
from suite.catalog.optimizers import Optimizer
from suite.catalog.settings import Settings
from suite.catalog.tasks import Task
from suite.spec.load import Study
from suite.spec.members import Member

NETWORKS_VERSION = 1
"""Raised whenever networks, samples, data or the trainer change their numbers: all results are then computed anew."""

DRAWS_A_CELL = 256
REPLICATES_A_CELL = 64


@dataclass(frozen=True)
class Cell:
    """One measure of some draws of one member.

    Attributes:
        seed: the study's.
        member: the networks.
        name: the measure's name in the catalog.
        settings: the measure's; of training, with one task, and optimisers alike but for the learning rate.
        task: the training problem that the measure looks at, if any.
        start: first draw.
        stop: one past the last.
    """

    seed: int
    member: Member
    name: str
    settings: Settings
    task: Task | None
    start: int
    stop: int

    @property
    def measure(self) -> Measure:
        """The catalog's entry."""
        return LANDSCAPE if self.name == "landscape" else MEASURES[self.name]

    @cached_property
    def key(self) -> str:
        """A hash of all that the cell's numbers depend on, and of nothing else."""
        beside_the_point = {"draws", "replicates"}
        if self.task is not None and self.measure.sees == "loss":
            beside_the_point |= {"step", "lines"}
        elif self.member.widths[0] <= GRID_INPUTS:
            beside_the_point |= {"lines"}
        content: dict[str, Any] = {
            "seed": self.seed,
            "member": self.member.content,
            "variances": self.member.variances,
            "networks": NETWORKS_VERSION,
            "measure": self.name,
            "version": self.measure.version,
            "settings": self.settings.model_dump(exclude=beside_the_point, mode="json"),
            "task": self.task.model_dump(mode="json") if self.task else None,
            "draws": [self.start, self.stop],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def cost(self) -> float:
        """Roughly how many multiplications it takes, to start the longest first."""
        work: float = float(self.stop - self.start) * self.member.parameters
        if isinstance(self.settings, AccuracySettings):
            first = self.settings.optimizer[0]
            return 3 * work * len(self.settings.optimizer) * self.settings.steps * first.batch
        if isinstance(self.settings, OnTheDomain) and self.settings.step:
            lines = 10 * self.member.depth if self.name == "v3" else 1
            return float(work * lines * (2 / self.settings.step) ** min(2, self.member.widths[0]))
        return work


def cells_of(study: Study) -> list[Cell]:
    """All cells of a study, member by member, in the catalog's order of measures."""
    measures = study.spec.measures
    accuracy = measures.get("accuracy")
    tasks = accuracy.task if isinstance(accuracy, AccuracySettings) else ()
    cells = []
    for member in study.members:
        if member.widths[0] == GRID_INPUTS:
            cells.append(
                Cell(
                    study.spec.seed,
                    member,
                    "landscape",
                    LandscapeSettings(),
                    None,
                    0,
                    LandscapeSettings().draws,
                )
            )
        for name, settings in measures.items():
            for single, task in _variants(name, settings, tasks):
                draws = getattr(single, "draws", 1)
                size = REPLICATES_A_CELL if name == "accuracy" else DRAWS_A_CELL
                for start in range(0, draws, size):
                    cells.append(Cell(study.spec.seed, member, name, single, task, start, min(start + size, draws)))
    return cells


def _variants(name: str, settings: Settings, tasks: tuple[Task, ...]) -> Iterator[tuple[Settings, Task | None]]:
    """A measure's settings with its own axes multiplied out, but for the learning rates."""
    if isinstance(settings, AccuracySettings):
        for task, optimizers in product(settings.task, _alike(settings.optimizer)):
            yield settings.model_copy(update={"task": (task,), "optimizer": optimizers}), task
    elif MEASURES[name].sees == "loss" and tasks:
        yield from ((settings, task) for task in tasks)
    else:
        yield settings, None


def _alike(optimizers: tuple[Optimizer, ...]) -> list[tuple[Optimizer, ...]]:
    """Optimisers grouped by all but their learning rate."""

    def rest(optimizer: Optimizer) -> str:
        return json.dumps(optimizer.model_dump(exclude={"learning_rate"}), sort_keys=True)

    order = {key: place for place, key in reversed(list(enumerate(map(rest, optimizers))))}
    ranked = sorted(optimizers, key=lambda optimizer: (order[rest(optimizer)], optimizer.learning_rate))
    return [tuple(group) for _, group in groupby(ranked, key=rest)]
