"""The cells of a study. Each measures or trains some draws of a member and becomes one cached file."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from suite.catalog.domain import Domain, Region, TrainingPoints
from suite.catalog.initializations import DataDependent
from suite.catalog.measure import Measure, Shape
from suite.catalog.measures import MEASURES, measure_named
from suite.catalog.measures.settings import OnTheDomain
from suite.catalog.measures.training import AccuracySettings, fine_steps, pictured_steps, recorded_steps
from suite.catalog.optimizers import Optimizer
from suite.catalog.precision import Precise
from suite.catalog.settings import Settings
from suite.catalog.task import Task
from suite.spec.members import Member

NETWORKS_VERSION = 2
"""Version of networks, samples, data and trainer; raising it invalidates all cached results."""

_Observers = tuple[tuple[str, Settings], ...]
"""Names of measures in the catalog with their settings."""


_LEARNED_DRAWS = 1
"""Number of trained networks of each member, task and learning rate whose landscapes are shown."""

_DRAWING = 32.0
"""Number of multiplications that take as long as drawing a parameter."""


@dataclass(frozen=True)
class Failure:
    """The reason why a cell failed.

    Attributes:
        reason: A message of one line.
        trace: The traceback; empty if the process died.
    """

    reason: str
    trace: str = ""


class Board(NamedTuple):
    """A landscape to show.

    Attributes:
        draw: The number of the draw, counted from the cell's first.
        optimizer: The optimizer that trained the network; None for a random network.
        step: The training step; None for a random network.
        values: The outputs on the grid, by rows.
    """

    draw: int
    optimizer: Optimizer | None
    step: int | None
    values: NDArray[np.floating]


@dataclass(frozen=True)
class Cell(ABC):
    """Some draws of one member, measured or trained.

    Attributes:
        seed: The seed of the study.
        member: The member whose networks are drawn.
        name: The name of the measure in the catalog.
        settings: The settings of the measure.
        task: The training task that the measure, or the member's initialization, uses, if any.
        domain: The domain on which the networks are evaluated.
        start: The first draw.
        stop: One past the last draw.
    """

    trains: ClassVar[bool]
    """Whether the networks are trained."""

    seed: int
    member: Member
    name: str
    settings: Settings
    task: Task | None
    domain: Domain
    start: int
    stop: int

    @property
    def draws(self) -> int:
        """The number of draws."""
        return self.stop - self.start

    @property
    def in_tables(self) -> bool:
        """Whether its numbers are in the tables of measurements; those of landscapes have a separate table."""
        return self.name in MEASURES

    @property
    def measure(self) -> Measure:
        """The declaration of the measure in the catalog."""
        return measure_named(self.name)

    @property
    @abstractmethod
    def taken(self) -> _Observers:
        """Every measure whose values the cell contains, with its settings."""

    @property
    @abstractmethod
    def sampled(self) -> bool:
        """Whether the networks are evaluated on the domain's sample."""

    @property
    def uses_replicates(self) -> bool:
        """Whether each draw uses data of its own: those of the replicate with its number."""
        of_measure = self.trains or self.measure.inputs in ("loss", "task")
        return self.task is not None and (of_measure or isinstance(self.member.initialization, DataDependent))

    @property
    @abstractmethod
    def points(self) -> int:
        """The number of points of the domain's sample or the task that the measure is evaluated on.

        It is 1 if the measure is evaluated on neither.
        """

    @property
    @abstractmethod
    def dtype(self) -> str:
        """The floating-point precision, by torch's name."""

    @property
    @abstractmethod
    def optimizers(self) -> tuple[Optimizer | None, ...]:
        """The optimizer of each block of its arrays; a single None if nothing is trained."""

    @property
    @abstractmethod
    def steps(self) -> Sequence[int]:
        """The recorded steps of training; empty if nothing is trained."""

    @property
    def observations(self) -> int:
        """The approximate number of steps at which networks are observed in training."""
        return len(self.steps)

    @abstractmethod
    def block_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one optimizer's block of an array: (draws, ...)."""

    @abstractmethod
    def block(self, values: NDArray[Any], place: int) -> NDArray[Any]:
        """Return the block of an array that belongs to the optimizer at index `place`."""

    @abstractmethod
    def in_file_order(self, values: NDArray[Any]) -> NDArray[Any]:
        """Convert an array between the order of axes in code and that in the cell's file.

        The conversion is its own inverse.
        """

    @abstractmethod
    def boards(self, found: NDArray[Any]) -> Iterator[Board]:
        """Yield the landscapes to show from an array of outputs."""

    @abstractmethod
    def trials(self, steps: Sequence[int]) -> list["Cell"]:
        """Return shorter cells whose computing times predict that of this cell.

        For training, there is one for each number of steps.
        """

    @property
    def version(self) -> str:
        """The version of the code that computes its numbers: that of the networks, then that of each measure."""
        measures = [measure_named(name) for name, _ in self.taken]
        return ".".join(str(version) for version in (NETWORKS_VERSION, *(measure.version for measure in measures)))

    @cached_property
    def key(self) -> str:
        """A hash of everything that determines the cell's numbers up to rounding, and of nothing else."""
        excluded = {"draws", "replicates", *Precise.model_fields}
        if not self.sampled:
            excluded |= {"step", "lines"}
        elif not self.domain.uses_lines(self.member.widths[0]):
            excluded |= {"lines"}
        content: dict[str, Any] = {
            "seed": self.seed,
            "member": self.member.content,
            "variances": self.member.variances,
            "networks": NETWORKS_VERSION,
            "measures": [
                [name, measure_named(name).version, _content_of(settings, excluded)] for name, settings in self.taken
            ],
            "task": self.task.content if self.task else None,
            "domain": self.domain.model_dump(mode="json") if self.sampled else None,
            "draws": [self.start, self.stop],
        }
        if origins := self.origins:
            content["plugins"] = origins
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def origins(self) -> dict[str, str]:
        """The digests of the plug-ins that the cell uses; usually empty, which leaves the key unchanged.

        Raises:
            ValueError: If a plug-in was loaded again after the spec, which has its older settings.
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
                raise ValueError(f"the plug-in of {name} has changed since the spec was loaded; load the spec again")
        return {name: origin for name, origin in used.items() if origin}

    @property
    def shape(self) -> Shape:
        """The sizes that determine the cost and the memory."""
        member = self.member
        points = sum(self.task.points) if self.task else 0
        return Shape(member.widths, member.parameters, self.points, points, member.normalization, member.plain)

    @cached_property
    def cost(self) -> float:
        """The approximate number of multiplications, by which the costliest cells start first."""
        return self.draws * self.measure.cost(self.shape, self.settings)

    @property
    def is_mostly_drawing(self) -> bool:
        """Whether drawing the networks takes longer than measuring them."""
        return not self.trains and self.cost < _DRAWING * self.draws * self.member.parameters


def _content_of(settings: Settings, excluded: set[str]) -> dict[str, Any]:
    """Return the settings on which numbers depend, with the content of tasks in place of the names of files."""
    content = settings.model_dump(exclude=excluded, mode="json")
    if isinstance(settings, AccuracySettings):
        content["task"] = [task.content for task in settings.task]
    return content


@dataclass(frozen=True)
class MeasuringCell(Cell):
    """A cell that evaluates one measure on some draws of one member."""

    trains = False

    @property
    def taken(self) -> _Observers:
        """The single measure."""
        return ((self.name, self.settings),)

    @property
    def sampled(self) -> bool:
        """Whether the networks are evaluated on the domain's sample."""
        if not isinstance(self.settings, OnTheDomain):
            return False
        if self.task is None:
            return True
        return self.measure.inputs != "loss" and (self.measure.inputs != "task" or self.task.half_width is not None)

    @property
    def points(self) -> int:
        """The number of points of the domain's sample or the task that the measure is evaluated on.

        It is 1 if the measure is evaluated on neither.
        """
        settings: Any = self.settings
        inputs, domain = self.member.widths[0], self.domain
        if self.sampled and isinstance(domain, TrainingPoints):
            assert self.task is not None
            points, _, _ = self.task.points
            points = domain.evaluations(inputs, points) if self.measure.along_lines else points
        elif self.sampled:
            assert isinstance(domain, Region)
            points = domain.points(inputs, settings.step, settings.lines)
        elif self.measure.inputs in ("loss", "task") and self.task:
            points, _, _ = self.task.points
        else:
            return 1
        return min(points, settings.points) if self.measure.batch else points

    @property
    def dtype(self) -> str:
        """The precision that the spec requests; float64 if the measure has no such setting."""
        dtype: str = getattr(self.settings, "dtype", "float64")
        return dtype

    @property
    def optimizers(self) -> tuple[None]:
        """A single None, since nothing is trained."""
        return (None,)

    @property
    def steps(self) -> Sequence[int]:
        """An empty sequence, since nothing is trained."""
        return ()

    def block_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape unchanged."""
        return shape

    def block(self, values: NDArray[Any], place: int) -> NDArray[Any]:
        """Return the values unchanged."""
        return values

    def in_file_order(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values unchanged, with draws first."""
        return values

    def boards(self, found: NDArray[Any]) -> Iterator[Board]:
        """Yield the landscape of every draw, (draws, points)."""
        return (Board(draw, None, None, board) for draw, board in enumerate(found))

    def trials(self, steps: Sequence[int]) -> list[Cell]:
        """Return the cell itself."""
        return [self]


@dataclass(frozen=True)
class TrainingCell(Cell):
    """A cell that trains some draws of one member under every learning rate, with its observers.

    Its arrays are (draws, learning rates, ...).

    Attributes:
        settings: Settings with one task, and with optimizers that differ only in the learning rate.
        observers: The measures that observe the training besides accuracy.
    """

    trains = True

    settings: AccuracySettings
    observers: _Observers = ()

    @property
    def taken(self) -> _Observers:
        """Accuracy and the observers."""
        return ((self.name, self.settings), *self.observers)

    @property
    def sampled(self) -> bool:
        """False, since training uses the task's points."""
        return False

    @property
    def points(self) -> int:
        """1, since the sizes of the task's sets are counted separately."""
        return 1

    @property
    def dtype(self) -> str:
        """float32, the precision of training."""
        return "float32"

    @property
    def optimizers(self) -> tuple[Optimizer, ...]:
        """One optimizer for each learning rate."""
        return self.settings.optimizer

    @property
    def steps(self) -> Sequence[int]:
        """The recorded steps."""
        return recorded_steps(self.settings.steps)

    @property
    def observations(self) -> int:
        """The number of steps at which networks are observed, as finely as an observer may ask for."""
        return len(fine_steps(self.settings.steps) if self.observers else self.steps)

    def block_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape without the learning rates."""
        draws, _, *rest = shape
        return draws, *rest

    def block(self, values: NDArray[Any], place: int) -> NDArray[Any]:
        """Return the values under one learning rate."""
        return values[:, place]

    def in_file_order(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values with the axes of draws and learning rates swapped.

        In files of all versions, the learning rates come first.
        """
        return values.swapaxes(0, 1)

    def boards(self, found: NDArray[Any]) -> Iterator[Board]:
        """Yield landscapes of the first draws at each step that is shown.

        The array is (draws, learning rates, points, steps).
        """
        for place, optimizer in enumerate(self.optimizers):
            for draw, looks in enumerate(found[:_LEARNED_DRAWS, place]):
                for look, step in enumerate(pictured_steps(self.settings.steps)):
                    yield Board(draw, optimizer, step, looks[:, look])

    def trials(self, steps: Sequence[int]) -> list[Cell]:
        """Return cells of fewer steps, from whose computing times that of all steps can be extrapolated."""
        fewer = (self.settings.model_copy(update={"steps": min(self.settings.steps, number)}) for number in steps)
        return [replace(self, settings=settings) for settings in fewer]
