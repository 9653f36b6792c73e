"""The cells of a study: pure pieces of work, each of which becomes one stored file."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, product
from typing import Any

from suite.catalog.domain import GRID_INPUTS, INTERVALS, Box, Domain
from suite.catalog.initializations import DataDependent
from suite.catalog.measure import Measure, Shape
from suite.catalog.measures import LANDSCAPES, MEASURES, TRAINING, first_draws, measure_named
from suite.catalog.measures.settings import OnTheDomain
from suite.catalog.measures.training import AccuracySettings
from suite.catalog.measures.variability import LandscapeSettings
from suite.catalog.optimizers import Optimizer
from suite.catalog.precision import Precise
from suite.catalog.settings import Settings
from suite.catalog.tasks import Task
from suite.spec.current import check_current
from suite.spec.load import Study
from suite.spec.members import Member

NETWORKS_VERSION = 2
"""Raised whenever networks, samples, data or the trainer change their numbers: all results are then computed anew."""

Observers = tuple[tuple[str, Settings], ...]
"""What looks at training besides accuracy: names in the catalog with their settings."""


@dataclass(frozen=True)
class Cell:
    """One measure of some draws of one member.

    Attributes:
        seed: the study's.
        member: the networks.
        name: the measure's name in the catalog.
        settings: the measure's; of training, with one task, and optimisers alike but for the learning rate.
        task: the training problem that the measure, or the member's initialisation, looks at, if any.
        domain: where the networks are looked at.
        start: first draw.
        stop: one past the last.
        observers: of training, what else looks at it.
    """

    seed: int
    member: Member
    name: str
    settings: Settings
    task: Task | None
    domain: Domain
    start: int
    stop: int
    observers: Observers = field(default=())

    @property
    def measure(self) -> Measure:
        """The catalog's entry."""
        return measure_named(self.name)

    @property
    def training(self) -> AccuracySettings | None:
        """Return how the networks are trained; None if they are not."""
        return self.settings if isinstance(self.settings, AccuracySettings) else None

    @property
    def trains(self) -> bool:
        """Return whether the networks are trained."""
        return self.training is not None

    @property
    def taken(self) -> Observers:
        """Every measure that the cell's numbers belong to, with its settings."""
        return ((self.name, self.settings), *self.observers)

    @property
    def sampled(self) -> bool:
        """Whether the networks are looked at on the domain's sample."""
        if not isinstance(self.settings, OnTheDomain):
            return False
        if self.task is None:
            return True
        return self.measure.inputs != "loss" and (self.measure.inputs != "task" or self.task.half_width is not None)

    @property
    def points(self) -> int:
        """Return how many points of the domain's sample or of the task it is evaluated on; 1 if on neither."""
        settings: Any = self.settings
        if self.sampled and settings.step:
            points = self.domain.points(self.member.widths[0], settings.step, settings.lines)
        elif self.measure.inputs in ("loss", "task") and self.task:
            points = self.task.train
        else:
            return 1
        return min(points, settings.points) if self.measure.batch else points

    @property
    def version(self) -> str:
        """Of the code that its numbers come from: of the networks, then of each measure."""
        measures = [measure_named(name) for name, _ in self.taken]
        return ".".join(str(version) for version in (NETWORKS_VERSION, *(measure.version for measure in measures)))

    @cached_property
    def key(self) -> str:
        """A hash of all that the cell's numbers depend on but for rounding, and of nothing else."""
        beside_the_point = {"draws", "replicates", *Precise.model_fields}
        if not self.sampled:
            beside_the_point |= {"step", "lines"}
        elif self.domain.on_grid(self.member.widths[0]):
            beside_the_point |= {"lines"}
        content: dict[str, Any] = {
            "seed": self.seed,
            "member": self.member.content,
            "variances": self.member.variances,
            "networks": NETWORKS_VERSION,
            "measures": [
                [
                    name,
                    measure_named(name).version,
                    settings.model_dump(exclude=beside_the_point, mode="json"),
                ]
                for name, settings in self.taken
            ],
            "task": self.task.model_dump(mode="json") if self.task else None,
            "domain": self.domain.model_dump(mode="json") if self.sampled else None,
            "draws": [self.start, self.stop],
        }
        if origins := self.origins:
            content["plugins"] = origins
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def origins(self) -> dict[str, str]:
        """The digests of the plug-ins that the numbers come from; few have any, and the others keep their names.

        Raises:
            ValueError: one was taken up anew since the spec was loaded, which has its older settings.
        """
        member, task = self.member, self.task
        used = {
            f"activation {member.activation.label}": member.activation.origin,
            f"initialization {member.initialization.label}": member.initialization.origin,
        }
        if task is not None:
            used[f"task {task.label}"] = task.origin
        for name, settings in self.taken:
            used[f"measure {name}"] = settings.origin
            if name in MEASURES and MEASURES[name].origin != settings.origin:
                raise ValueError(f"the plug-in of {name} has changed since the spec was loaded; load it again")
        return {name: origin for name, origin in used.items() if origin}

    @property
    def shape(self) -> Shape:
        """Return the sizes that the cost and the memory follow from."""
        member = self.member
        points = sum(self.task.points) if self.task else 0
        return Shape(member.widths, member.parameters, self.points, points, member.normalization, member.plain)

    @cached_property
    def cost(self) -> float:
        """Roughly how many multiplications it takes, to start the longest first."""
        return (self.stop - self.start) * self.measure.cost(self.shape, self.settings)


def cells_of(study: Study) -> list[Cell]:
    """All cells of a study, member by member, in the catalog's order of measures.

    Where a precision is asked for, those of the first look.

    Raises:
        ValueError: a plug-in that the study names has changed since it was loaded.
    """
    check_current(study)
    spec, measures = study.spec, study.spec.measures
    tasks = spec.training.task if spec.training else ()
    observers = tuple((name, settings) for name, settings in measures.items() if _observes(name))
    cells = []
    for member in study.members:
        if member.widths[0] == GRID_INPUTS:
            extent = spec.domain.extent
            plane = LandscapeSettings(step=2 * extent / INTERVALS)
            for task in _tasks_seen(LANDSCAPES, member, tasks)[:1]:
                cells.append(Cell(spec.seed, member, LANDSCAPES, plane, task, Box(half_width=extent), 0, plane.draws))
        for name, settings in measures.items():
            if _observes(name):
                continue
            for chosen, task in _variants(settings, _tasks_seen(name, member, tasks)):
                single, domain = _on_the_task(name, chosen, task, spec.domain)
                starts = first_draws(MEASURES[name], single)
                for start in starts:
                    stop = min(start + starts.step, starts.stop)
                    seen = observers if name == TRAINING else ()
                    cells.append(Cell(spec.seed, member, name, single, task, domain, start, stop, seen))
    return cells


def _observes(name: str) -> bool:
    """Return whether a measure observes networks that another trains."""
    return name != TRAINING and MEASURES[name].inputs == "training"


def _tasks_seen(name: str, member: Member, tasks: tuple[Task, ...]) -> tuple[Task | None, ...]:
    """The tasks that a measure of a member is taken for, one after the other; None where it looks at none."""
    needs = measure_named(name).inputs in ("loss", "task", "training")
    return tasks if tasks and (needs or isinstance(member.initialization, DataDependent)) else (None,)


def _variants(settings: Settings, tasks: tuple[Task | None, ...]) -> Iterator[tuple[Settings, Task | None]]:
    """A measure's settings with its own axes multiplied out, but for the learning rates."""
    if isinstance(settings, AccuracySettings):
        for task, optimizers in product(settings.task, _alike(settings.optimizer)):
            yield settings.model_copy(update={"task": (task,), "optimizer": optimizers}), task
    else:
        yield from ((settings, task) for task in tasks)


def _on_the_task(name: str, settings: Settings, task: Task | None, domain: Domain) -> tuple[Settings, Domain]:
    """The box that a task's points are drawn from, for a measure that looks at the task, at the spec's resolution."""
    if MEASURES[name].inputs != "task" or task is None or task.half_width is None:
        return settings, domain
    assert isinstance(settings, OnTheDomain)
    assert settings.step is not None
    box = Box(half_width=task.half_width)
    step = 2 * box.extent / domain.intervals(settings.step)
    return settings.model_copy(update={"step": step}), box


def _alike(optimizers: tuple[Optimizer, ...]) -> list[tuple[Optimizer, ...]]:
    """Optimisers grouped by all but their learning rate."""

    def rest(optimizer: Optimizer) -> str:
        return json.dumps(optimizer.model_dump(exclude={"learning_rate"}), sort_keys=True)

    order = {key: place for place, key in reversed(list(enumerate(map(rest, optimizers))))}
    ranked = sorted(optimizers, key=lambda optimizer: (order[rest(optimizer)], optimizer.learning_rate))
    return [tuple(group) for _, group in groupby(ranked, key=rest)]
