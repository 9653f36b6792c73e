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
from suite.catalog.measures import LANDSCAPE, MEASURES, Measure
from suite.catalog.measures.scores import ScoreSettings
from suite.catalog.measures.settings import OnTheDomain
from suite.catalog.measures.training import REPLICATES_A_CELL, AccuracySettings
from suite.catalog.measures.variability import LandscapeSettings
from suite.catalog.optimizers import Optimizer
from suite.catalog.precision import DRAWS_A_CELL, Precise, precision_asked
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
        return LANDSCAPE if self.name == "landscape" else MEASURES[self.name]

    @property
    def trains(self) -> bool:
        """Whether the networks are trained."""
        return isinstance(self.settings, AccuracySettings)

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
        """Points of the domain's sample or of the task that the measure looks at; 1 where it looks at neither."""
        settings = self.settings
        if self.sampled and isinstance(settings, OnTheDomain) and settings.step:
            points = self.domain.points(self.member.widths[0], settings.step, settings.lines)
        elif self.measure.inputs == "loss" and self.task:
            points = self.task.train
        else:
            return 1
        return min(points, settings.points) if isinstance(settings, ScoreSettings) else points

    @property
    def version(self) -> str:
        """Of the code that its numbers come from: of the networks, then of each measure."""
        measures = [LANDSCAPE if name == "landscape" else MEASURES[name] for name, _ in self.taken]
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
                    LANDSCAPE.version if name == "landscape" else MEASURES[name].version,
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

    @cached_property
    def cost(self) -> float:
        """Roughly how many multiplications it takes, to start the longest first."""
        work: float = float(self.stop - self.start) * self.member.parameters
        if isinstance(self.settings, AccuracySettings):
            first = self.settings.optimizer[0]
            return 3 * work * len(self.settings.optimizer) * self.settings.steps * first.batch
        if isinstance(self.settings, ScoreSettings):
            return work * self.points * self._passes_of_a_score
        if isinstance(self.settings, OnTheDomain) and self.settings.step:
            passes = 10 * self.member.depth if self.name == "v3_limit" else 1
            return work * passes * self.domain.points(self.member.widths[0], self.settings.step, self.settings.lines)
        # A Jacobian carries as many columns as the layers are wide, and its singular values cost some more.
        return work * 20 * max(self.member.widths) if self.name == "jacobian" else work

    @property
    def _passes_of_a_score(self) -> int:
        """How often a zero-cost score goes through the networks, forward or back: a pass of weights counts as two."""
        outputs = self.member.widths[-1]
        if self.name == "ntk":
            return 1 + 2 * outputs * (self.points if self.member.normalization == "batch" else 1)
        return {"naswot": 1, "grasp": 9}.get(self.name, 3)


def cells_of(study: Study) -> list[Cell]:
    """All cells of a study, member by member, in the catalog's order of measures.

    Where a precision is asked for, those of the first look.

    Raises:
        ValueError: a plug-in that the study names has changed since it was loaded.
    """
    check_current(study)
    spec, measures = study.spec, study.spec.measures
    accuracy = measures.get("accuracy")
    tasks = accuracy.task if isinstance(accuracy, AccuracySettings) else ()
    observers = tuple(
        (name, settings) for name, settings in measures.items() if name != "accuracy" and _looks_at_training(name)
    )
    cells = []
    for member in study.members:
        if member.widths[0] == GRID_INPUTS:
            extent = spec.domain.extent
            plane = LandscapeSettings(step=2 * extent / INTERVALS)
            for task in _tasks_seen("landscape", member, tasks)[:1]:
                cells.append(Cell(spec.seed, member, "landscape", plane, task, Box(half_width=extent), 0, plane.draws))
        for name, settings in measures.items():
            if name != "accuracy" and _looks_at_training(name):
                continue
            for chosen, task in _variants(settings, _tasks_seen(name, member, tasks)):
                single, domain = _on_the_task(name, chosen, task, spec.domain)
                draws = DRAWS_A_CELL if precision_asked(single) else getattr(single, "draws", 1)
                size = REPLICATES_A_CELL if name == "accuracy" else DRAWS_A_CELL
                for start in range(0, draws, size):
                    stop = min(start + size, draws)
                    seen = observers if name == "accuracy" else ()
                    cells.append(Cell(spec.seed, member, name, single, task, domain, start, stop, seen))
    return cells


def _looks_at_training(name: str) -> bool:
    return MEASURES[name].inputs == "training"


def _tasks_seen(name: str, member: Member, tasks: tuple[Task, ...]) -> tuple[Task | None, ...]:
    """The tasks that a measure of a member is taken for, one after the other; None where it looks at none."""
    needs = name in MEASURES and MEASURES[name].inputs in ("loss", "task", "training")
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
