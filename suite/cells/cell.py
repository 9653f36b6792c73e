"""The cells of a study: units of work that measure or train, each of which becomes one cached file."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from suite.catalog.domain import Domain
from suite.catalog.measure import Measure, Shape
from suite.catalog.measures import MEASURES, measure_named
from suite.catalog.measures.settings import OnTheDomain
from suite.catalog.measures.training import AccuracySettings, pictured_steps, recorded_steps
from suite.catalog.optimizers import Optimizer
from suite.catalog.precision import Precise
from suite.catalog.settings import Settings
from suite.catalog.tasks import Task
from suite.spec.members import Member

NETWORKS_VERSION = 2
"""Raised whenever networks, samples, data or the trainer change their numbers: all results are then computed anew."""

_Observers = tuple[tuple[str, Settings], ...]
"""Names of measures in the catalog with their settings."""


_LEARNED_DRAWS = 1
"""Trained networks of each member, task and learning rate whose landscapes are shown."""


@dataclass(frozen=True)
class Failure:
    """The reason why a cell failed.

    Attributes:
        reason: One line.
        trace: The traceback; empty if the process died.
    """

    reason: str
    trace: str = ""


class Board(NamedTuple):
    """A landscape to show.

    Attributes:
        draw: of the member, counted from the cell's first.
        optimizer: that trained the network; None of a random one.
        step: of training; None of a random network.
        values: outputs on the grid, by rows.
    """

    draw: int
    optimizer: Optimizer | None
    step: int | None
    values: NDArray[np.floating]


@dataclass(frozen=True)
class Cell(ABC):
    """Some draws of one member, measured or trained.

    Attributes:
        seed: the study's.
        member: the networks.
        name: the measure's name in the catalog.
        settings: the measure's.
        task: the training problem that the measure, or the member's initialization, is evaluated on, if any.
        domain: where the networks are evaluated.
        start: first draw.
        stop: one past the last.
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
        """Whether its numbers are in the tables of measurements; those of landscapes have a table of their own."""
        return self.name in MEASURES

    @property
    def measure(self) -> Measure:
        """The catalog's entry."""
        return measure_named(self.name)

    @property
    @abstractmethod
    def taken(self) -> _Observers:
        """Every measure that the cell's numbers belong to, with its settings."""

    @property
    @abstractmethod
    def sampled(self) -> bool:
        """Whether the networks are evaluated on the domain's sample."""

    @property
    @abstractmethod
    def points(self) -> int:
        """Points of the domain's sample or of the task that the measure is evaluated on; 1 if on neither."""

    @property
    @abstractmethod
    def dtype(self) -> str:
        """The precision of computing, by torch's name."""

    @property
    @abstractmethod
    def optimizers(self) -> tuple[Optimizer | None, ...]:
        """The optimizer of each block of its arrays; one None where nothing is trained."""

    @property
    @abstractmethod
    def steps(self) -> Sequence[int]:
        """The recorded steps of training; none where nothing is trained."""

    @abstractmethod
    def block_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one optimizer's block of an array: (draws, ...)."""

    @abstractmethod
    def block(self, values: NDArray[Any], place: int) -> NDArray[Any]:
        """Return the block of an array that belongs to the optimizer at a place."""

    @abstractmethod
    def in_file_order(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return an array with its axes as the cell's file has them, or one from the file as code has them."""

    @abstractmethod
    def boards(self, found: NDArray[Any]) -> Iterator[Board]:
        """Yield the landscapes to show of an array of them."""

    @abstractmethod
    def trials(self, steps: Sequence[int]) -> list["Cell"]:
        """Return shorter cells whose times tell how long this one takes: of training, one for each number of steps."""

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
            ValueError: one was loaded again since the spec was, which has its older settings.
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
        return self.draws * self.measure.cost(self.shape, self.settings)


@dataclass(frozen=True)
class MeasuringCell(Cell):
    """One measure of some draws of one member."""

    trains = False

    @property
    def taken(self) -> _Observers:
        """The one measure."""
        return ((self.name, self.settings),)

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
        """Points of the domain's sample or of the task that it is evaluated on; 1 if on neither."""
        settings: Any = self.settings
        if self.sampled and settings.step:
            points = self.domain.points(self.member.widths[0], settings.step, settings.lines)
        elif self.measure.inputs in ("loss", "task") and self.task:
            points = self.task.train
        else:
            return 1
        return min(points, settings.points) if self.measure.batch else points

    @property
    def dtype(self) -> str:
        """The precision that the spec asks for; float64 where it cannot ask."""
        dtype: str = getattr(self.settings, "dtype", "float64")
        return dtype

    @property
    def optimizers(self) -> tuple[None]:
        """None: nothing is trained."""
        return (None,)

    @property
    def steps(self) -> Sequence[int]:
        """None: nothing is trained."""
        return ()

    def block_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape as it is."""
        return shape

    def block(self, values: NDArray[Any], place: int) -> NDArray[Any]:
        """Return the values as they are."""
        return values

    def in_file_order(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values as they are: draws come first."""
        return values

    def boards(self, found: NDArray[Any]) -> Iterator[Board]:
        """Yield the landscape of every draw, (draws, points)."""
        return (Board(draw, None, None, board) for draw, board in enumerate(found))

    def trials(self, steps: Sequence[int]) -> list[Cell]:
        """Return the cell itself."""
        return [self]


@dataclass(frozen=True)
class TrainingCell(Cell):
    """The training of some draws of one member under every learning rate, with the measures that observe it.

    Its arrays are (draws, learning rates, ...).

    Attributes:
        settings: with one task, and optimizers alike but for the learning rate.
        observers: what observes the training besides accuracy.
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
        """No: training takes the task's points."""
        return False

    @property
    def points(self) -> int:
        """1: the sizes of the task's sets count by themselves."""
        return 1

    @property
    def dtype(self) -> str:
        """Training is in float32."""
        return "float32"

    @property
    def optimizers(self) -> tuple[Optimizer, ...]:
        """One for each learning rate."""
        return self.settings.optimizer

    @property
    def steps(self) -> Sequence[int]:
        """The recorded steps."""
        return recorded_steps(self.settings.steps)

    def block_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape without the learning rates."""
        draws, _, *rest = shape
        return draws, *rest

    def block(self, values: NDArray[Any], place: int) -> NDArray[Any]:
        """Return the values under one learning rate."""
        return values[:, place]

    def in_file_order(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values with draws and learning rates swapped: in files, of any version, the rates come first."""
        return values.swapaxes(0, 1)

    def boards(self, found: NDArray[Any]) -> Iterator[Board]:
        """Yield landscapes of the first draws, (draws, learning rates, points, steps), at each step that is shown."""
        for place, optimizer in enumerate(self.optimizers):
            for draw, looks in enumerate(found[:_LEARNED_DRAWS, place]):
                for look, step in enumerate(pictured_steps(self.settings.steps)):
                    yield Board(draw, optimizer, step, looks[:, look])

    def trials(self, steps: Sequence[int]) -> list[Cell]:
        """Return cells of fewer steps, since what is done once weighs little in the whole."""
        fewer = (self.settings.model_copy(update={"steps": min(self.settings.steps, number)}) for number in steps)
        return [replace(self, settings=settings) for settings in fewer]
